//! Asks for the proofs that bound tokens need, and names them in the challenge.

use super::{Authentication, Gate, GateBuilder, Parts};
use crate::{
    answer::Answer,
    credential::CredentialSource,
    error::Error,
    head::RequestHead,
    proof::{Binding, ClientCertificates, Dpop, INVALID_PROOF, Presented, USE_NONCE},
    refusal::Refusal,
};
use std::convert::identity;

impl GateBuilder {
    /// Reads certificates of clients, for tokens that are bound to one: see [`ClientCertificates`].
    #[must_use]
    pub fn client_certificates(mut self, certificates: ClientCertificates) -> Self {
        self.once(".client_certificates(…)", self.parts.certificates.is_none());
        self.parts.certificates = Some(certificates);
        self
    }
}

/// Checks the header with certificates.
pub(super) fn check(parts: &Parts) -> Result<(), Error> {
    let Some(certificates) = &parts.certificates else { return Ok(()) };
    let header = CredentialSource::header(certificates.header());
    let wrong = |error| Error::misconfigured(format!("certificates of clients cannot be read: {error}"));
    header.check().map_err(wrong)?;
    if parts.all.sources.iter().any(|source| source.header_name() == header.header_name()) {
        return Err(Error::misconfigured(
            "certificates of clients are in a header in which a scheme reads its credential; name another one",
        ));
    }
    Ok(())
}

/// What the same request has proven before, if anything.
pub(super) type Before = Answer<'static, Option<Authentication>>;

/// What was found out, if the request proves what the token is bound to. `None`: the token did not come with a request.
pub(super) fn prove(
    found: Answer<'static, Authentication>,
    head: Option<&dyn RequestHead>,
    certificate: Option<String>,
    before: Before,
) -> Answer<'static, Authentication> {
    let (found, before) = match (found.ready(), before.ready()) {
        (Ok(who), Ok(before)) => {
            let Some(binding) = needed(&who) else { return Answer::now(who) };
            return verify(who, &binding, &Presented::read(head, certificate), before.as_ref());
        }
        (found, before) => (found.map_or_else(identity, Answer::now), before.map_or_else(identity, Answer::now)),
    };
    let presented = Presented::read(head, certificate);
    Answer::later(async move {
        let who = found.await;
        let Some(binding) = needed(&who) else { return who };
        verify(who, &binding, &presented, before.await.as_ref()).await
    })
}

impl Gate {
    /// The challenges of the answer to this error (RFC 9449, sections 7.1 and 9), and a nonce where they are required.
    pub(super) fn challenge(&self, error: &Error, answer: Refusal) -> Refusal {
        let dpop = self.0.schemes.iter().find_map(|scheme| scheme.dpop.as_deref());
        let own = self.0.challenge.clone();
        let (Some(dpop), Some(bearer)) = (dpop, error.challenge_with(own.as_deref())) else { return answer };
        let algorithms = Some(format!("algs=\"{}\"", dpop.algorithm_names()));
        let join =
            |parts: [Option<String>; 3]| format!("DPoP {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
        let is_read = |is: fn(&CredentialSource) -> bool| self.sources().any(is);
        let is_of_proof = matches!(error.code(), INVALID_PROOF | USE_NONCE);
        let challenge = if is_of_proof {
            join([own, Some(format!("error=\"{}\"", error.code())), algorithms])
        } else if error.credential_source().is_some_and(CredentialSource::is_dpop)
            || !is_read(CredentialSource::is_bearer)
        {
            let parameters = bearer.strip_prefix("Bearer ").map(str::to_owned);
            join([parameters, algorithms, None])
        } else {
            format!("{bearer}, {}", join([own, algorithms, None]))
        };
        let answer = answer.with_header("www-authenticate", challenge);
        match dpop.new_nonce(self.now()) {
            Some(nonce) if error.status() == 401 => answer.with_header("dpop-nonce", nonce),
            _ => answer,
        }
    }
}

/// What the caller has to prove. `None`: nothing, or there is no caller to prove it.
fn needed(who: &Authentication) -> Option<Binding> {
    let (source, principal) = (who.source()?, who.visitor().ok()??);
    let binding = Binding::of(principal);
    (!binding.is_none() || source.is_dpop()).then_some(binding)
}

fn verify(
    who: Authentication,
    binding: &Binding,
    presented: &Presented,
    before: Option<&Authentication>,
) -> Answer<'static, Authentication> {
    if let Some(thumbprint) = &binding.certificate
        && presented.certificate.as_ref() != Some(thumbprint)
    {
        let detail = match presented.certificate {
            None => "the token is bound to a certificate (`cnf.x5t#S256`), and the request came with none",
            Some(_) => "the token is bound to another certificate (`cnf.x5t#S256`) than the client has",
        };
        return Answer::now(who.refused_with(Error::invalid(detail)));
    }
    let now = who.gate.now();
    let proven = match (&binding.key, dpop(&who)) {
        (None, None) => Answer::now(Ok(())),
        (Some(thumbprint), Some(dpop)) => {
            let counted = before.is_some_and(|before| has_counted(before, dpop));
            dpop.verify(presented, thumbprint, now, counted)
        }
        (Some(_), None) => Answer::now(Err(Error::invalid(
            "the token is bound to a key (`cnf.jkt`), and was sent without a proof; it is sent as `Authorization: DPoP`",
        ))),
        (None, Some(_)) => Answer::now(Err(Error::invalid(
            "the token was sent as `Authorization: DPoP`, and is bound to no key (`cnf.jkt`)",
        ))),
    };
    proven.map(|proven| match proven {
        Ok(()) => who,
        Err(error) => who.refused_with(error),
    })
}

/// Whether the memory of these proofs has counted the proof of this caller. Without that nobody is known by a proof.
fn has_counted(who: &Authentication, dpop: &Dpop) -> bool {
    matches!(who.visitor(), Ok(Some(_))) && self::dpop(who).is_some_and(|own| own.shares_memory_with(dpop))
}

/// How the proof beside a credential is checked, if it came as one that has a proof.
fn dpop(who: &Authentication) -> Option<&Dpop> {
    who.source().filter(|source| source.is_dpop())?;
    who.gate.0.schemes.get(who.scheme_place()?)?.dpop.as_deref()
}
