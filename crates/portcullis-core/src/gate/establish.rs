//! Authenticates the caller of a request.
//!
//! The steps are: read the credential, ask the verifiers of its source in order, ask for revocations, find the account. Each
//! answers at once where it can. The first one that has to wait turns the rest into a future, which `Pending` describes.

use super::{
    Authentication, Gate,
    proof::{Before, prove},
};
use crate::{
    answer::Answer,
    clock::Moment,
    credential::{self, Credential, FoundCredential},
    error::{Error, ErrorKind},
    head::RequestHead,
    jwt::KeyState,
    policy::Plan,
    principal::Principal,
    revocation::AnyRevocations,
    scheme::{Scheme, Sources},
    verifier::Kind,
};
use std::{mem, sync::Arc, time::Duration};

type Outcome = Result<Principal, Error>;

impl Gate {
    /// Authenticates the caller, by the schemes without a name.
    ///
    /// The returned future borrows nothing from the request.
    ///
    /// Always resolves to an [`Authentication`]: a missing or invalid credential is an error only for what needs a principal. See
    /// the example of [`Gate`].
    pub fn establish(&self, head: &dyn RequestHead) -> Answer<'static, Authentication> {
        self.establish_by(&self.0.unnamed, None, head)
    }

    /// The same for a route with this policy: by the schemes that it accepts, and as [fresh](crate::policy::fresh) as it
    /// requires.
    pub fn establish_for(&self, plan: &Plan, head: &dyn RequestHead) -> Answer<'static, Authentication> {
        self.establish_by(plan.sources(), plan.max_age(), head)
    }

    fn establish_by(
        &self,
        sources: &Arc<Sources>,
        max_age: Option<Duration>,
        head: &dyn RequestHead,
    ) -> Answer<'static, Authentication> {
        match self.0.has_more {
            false => self.find_caller(sources, max_age, head),
            true => self.establish_with_more(sources, max_age, head, Answer::now(None)),
        }
    }

    /// The same for a request whose caller this gate has established before, where that is not
    /// [enough](Authentication::is_enough_for) for this policy.
    ///
    /// So a proof ([`Dpop`](crate::Dpop)) counts once for a request, however many guards it passes. Everything else about the
    /// proof is checked again.
    ///
    /// `before` has to be of the same request, or a proof could be used twice. The guards of the adapters see to that.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let issuer = TestIssuer::new();
    /// let scheme = Scheme::new(issuer.verifier()).dpop(Dpop::new("https://api.example.com")?);
    /// let gate = Gate::builder().scheme(scheme).build()?;
    /// let plan = gate.plan(authenticated())?;
    ///
    /// let key = SigningKey::embedded(Algorithm::Es256);
    /// let bound_to = serde_json::json!({ "jkt": key.key().thumbprint() });
    /// let token = issuer.token("alice").claim("cnf", bound_to).sign();
    /// let proof = key.dpop_proof("GET", "https://api.example.com/", &token, &issuer.clock());
    /// let request =
    ///     get("/").header("authorization", &format!("DPoP {token}")).header("dpop", &proof);
    ///
    /// let outer = now(gate.establish(&request));
    /// let inner = now(gate.establish_again(Answer::now(outer), &plan, &request));
    /// assert!(inner.principal().is_ok());
    /// // Another request with this proof:
    /// assert!(now(gate.establish_for(&plan, &request)).principal().is_err());
    /// # Ok(()) }
    /// ```
    pub fn establish_again(
        &self,
        before: Answer<'static, Authentication>,
        plan: &Plan,
        head: &dyn RequestHead,
    ) -> Answer<'static, Authentication> {
        match self.0.has_proofs {
            false => self.establish_for(plan, head),
            true => self.establish_with_more(plan.sources(), plan.max_age(), head, before.map(Some)),
        }
    }

    fn establish_with_more(
        &self,
        sources: &Arc<Sources>,
        max_age: Option<Duration>,
        head: &dyn RequestHead,
        before: Before,
    ) -> Answer<'static, Authentication> {
        let certificate = match self.0.certificates.as_ref().map_or(Ok(None), |certificates| certificates.read(head)) {
            Ok(certificate) => certificate,
            Err(error) => return Answer::now(Authentication::new(self, sources, None, Err(error))),
        };
        let found = self.find_caller(sources, max_age, head);
        let proven = if self.0.has_proofs { prove(found, Some(head), certificate, before) } else { found };
        match &self.0.context {
            None => proven,
            Some(context) => context.enter(proven, head),
        }
    }

    fn find_caller(
        &self,
        sources: &Arc<Sources>,
        max_age: Option<Duration>,
        head: &dyn RequestHead,
    ) -> Answer<'static, Authentication> {
        #[cfg(feature = "testing")]
        if let Some(acting) = &self.0.acting_as {
            return Answer::now(acting.establish(self, sources, head));
        }
        let recalled = if max_age.is_none() { self.recall(sources, head) } else { None };
        let mut missed = None;
        match recalled {
            Some(Ok(recalled)) => {
                if let Some(known) = self.known(sources, recalled) {
                    return known;
                }
            }
            Some(Err(there)) => missed = Some(there),
            None => {}
        }
        self.establish_anew(sources, max_age, head, missed)
    }

    /// The caller alone, if it is [found again](Authentication::is_found_again). For extractors that need nothing else.
    ///
    /// # Errors
    /// The answer of [`establish`](Self::establish) if it is not.
    pub fn recall_or_establish(&self, head: &dyn RequestHead) -> Result<Principal, Answer<'static, Authentication>> {
        if !self.0.finds_again {
            return Err(self.establish(head));
        }
        let sources = &self.0.unnamed;
        let missed = match self.recall(sources, head) {
            Some(Ok(recalled)) => return Ok(recalled.principal),
            Some(Err(missed)) => Some(missed),
            None => None,
        };
        Err(self.establish_anew(sources, None, head, missed))
    }

    /// The caller by the credential in this head, whatever the cache was asked before.
    #[inline(always)]
    fn establish_anew(
        &self,
        sources: &Arc<Sources>,
        max_age: Option<Duration>,
        head: &dyn RequestHead,
        missed: Option<Missed>,
    ) -> Answer<'static, Authentication> {
        match self.read_from(sources, head) {
            Ok(Some((credential, source))) => {
                let credential = &credential.with_max_age(max_age);
                let attempt = Attempt { gate: self, sources, credential, source: Some(source) };
                attempt.end(attempt.ask_from(0, None, missed))
            }
            Ok(None) => Answer::now(Authentication::nobody(self, sources, head)),
            Err(error) => Answer::now(Authentication::new(self, sources, None, Err(error))),
        }
    }

    /// The caller, if it is in the cache. The token was checked when it was cached. The error: it is not there. `None`: the
    /// cache was not asked.
    #[inline(always)]
    fn recall<'h, 's>(
        &'s self,
        sources: &'s Sources,
        head: &'h dyn RequestHead,
    ) -> Option<Result<Recalled<'h, 's>, Missed>> {
        let cache = self.0.cache.as_ref().filter(|_| !self.0.reject_conflicts)?;
        let found = credential::find(sources, head).ok()??;
        self.admit(found.source, head).ok()?;
        let mut missed: Option<Missed> = None;
        for place in sources.recalled(found.place).iter().copied() {
            match cache.recall(place, self.0.schemes.get(place)?.verifier.jwt()?, found.bytes()) {
                Ok(principal) => return Some(Ok(Recalled { found, place, principal })),
                Err(state) if missed.is_none() || state.has_looked() => missed = Some(Missed { place, state }),
                Err(_) => {}
            }
        }
        missed.map(Err)
    }

    /// The caller that the cache knows.
    #[inline(always)]
    fn known(&self, sources: &Arc<Sources>, recalled: Recalled<'_, '_>) -> Option<Answer<'static, Authentication>> {
        let Recalled { found, place, principal } = recalled;
        if self.0.revocations.is_none() && self.0.directory.is_none() {
            let (source, scheme) = (u16::try_from(found.place).ok(), u16::try_from(place).ok()?);
            return Some(Answer::now(Authentication::known(self, sources, source, scheme, principal)));
        }
        let source = Some(found.place);
        let attempt = Attempt { gate: self, sources, credential: &found.check().ok()?, source };
        Some(attempt.end(attempt.accept(principal, place)))
    }

    /// Authenticates with this credential, by the schemes without a name that read its source.
    ///
    /// The first that recognizes it decides.
    ///
    /// For credentials that are not in a request's head, such as the first message of a WebSocket. The check of a cookie's
    /// [origin](crate::GateBuilder::allow_origin) is not made here. Without a request there is no proof either, so a token that
    /// needs one is refused.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = builder()?.build()?;
    /// let first_message = TestIssuer::new().token("alice").sign();
    /// let who =
    ///     now(gate.authenticate(Credential::new(&*first_message, CredentialSource::bearer())));
    /// assert_eq!(who.principal()?.id().subject(), "alice");
    ///
    /// let who = now(gate.authenticate(Credential::new("forged", CredentialSource::bearer())));
    /// assert!(who.principal().is_err());
    /// # Ok(()) }
    /// ```
    pub fn authenticate(&self, credential: Credential<'_>) -> Answer<'static, Authentication> {
        let found = self.authenticate_by(&self.0.unnamed, &credential);
        if self.0.has_proofs { prove(found, None, None, Answer::now(None)) } else { found }
    }

    pub(super) fn authenticate_by(
        &self,
        sources: &Arc<Sources>,
        credential: &Credential<'_>,
    ) -> Answer<'static, Authentication> {
        let attempt = Attempt { gate: self, sources, credential, source: sources.place(credential.source()) };
        attempt.end(attempt.ask_from(0, None, None))
    }
}

/// What the cache knows of a token: whose it is, and the place of its scheme.
struct Recalled<'h, 's> {
    found: FoundCredential<'h, 's>,
    place: usize,
    principal: Principal,
}

/// The cache knows the token at none of the [recalled](Sources::recalled) places.
struct Missed {
    /// Where it was known, and does not hold any more, the state of the keys. It is read once for a request.
    place: usize,
    state: KeyState,
}

/// A credential, and the schemes that may see it.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    gate: &'a Gate,
    sources: &'a Arc<Sources>,
    credential: &'a Credential<'a>,
    /// The place of its source; `None` if none of the schemes reads it.
    source: Option<usize>,
}

impl<'a> Attempt<'a> {
    /// The schemes that read the credential's source, from this one on, with their places in the gate.
    fn schemes(&self, from: usize) -> impl Iterator<Item = (usize, &'a Scheme)> {
        let readers = self.source.map_or(&[][..], |source| self.sources.readers(source)).iter().copied();
        readers
            .skip_while(move |place| *place < from)
            .filter_map(|place| Some((place, self.gate.0.schemes.get(place)?)))
    }

    fn recalled(&self) -> &'a [usize] {
        self.source.map_or(&[], |source| self.sources.recalled(source))
    }

    /// What was found, or the future that finds it.
    fn end(&self, found: Result<(Outcome, Option<usize>), Pending>) -> Answer<'static, Authentication> {
        let (source, max_age) = (self.source, self.credential.max_age());
        let from = move |scheme| Some((source, max_age, scheme));
        let mut pending = match found {
            Ok((outcome, scheme)) => {
                let from = from(scheme);
                return Answer::now(Authentication::new(self.gate, self.sources, from, outcome.map(Some)));
            }
            Err(pending) => pending,
        };
        let (gate, sources, credential) = (self.gate.clone(), self.sources.clone(), self.credential.to_owned());
        Answer::later(async move {
            let attempt = Attempt { gate: &gate, sources: &sources, credential: &credential, source };
            let (outcome, scheme) = loop {
                match pending.step(attempt).await {
                    Ok(found) => break found,
                    Err(further) => pending = further,
                }
            };
            Authentication::new(&gate, &sources, from(scheme), outcome.map(Some))
        })
    }

    /// Asks the schemes from this place on, up to the first that recognizes the credential or has to wait.
    fn ask_from(
        &self,
        from: usize,
        mut unknown: Option<Error>,
        mut missed: Option<Missed>,
    ) -> Result<(Outcome, Option<usize>), Pending> {
        for (place, Scheme { verifier, .. }) in self.schemes(from) {
            let answer = match (&self.gate.0.cache, verifier.jwt()) {
                (Some(cache), Some(jwt)) => {
                    let token = self.credential.expose();
                    let known = match &mut missed {
                        Some(missed) if missed.place == place => Err(mem::take(&mut missed.state)),
                        Some(_) if self.recalled().contains(&place) => Err(KeyState::default()),
                        _ => cache.recall(place, jwt, token.as_bytes()),
                    };
                    match known {
                        Ok(principal) => Answer::now(Ok(principal)),
                        Err(state) => cache.verify(place, jwt, token, state),
                    }
                }
                (Some(cache), None) => cache.ask(place, verifier, self.credential),
                (None, _) => verifier.ask(self.credential),
            };
            match answer.ready() {
                Ok(Err(error)) if error.kind() == ErrorKind::Unrecognized => unknown = Some(error.after(unknown)),
                Ok(Err(error)) => return Ok((Err(error.after(unknown)), Some(place))),
                Ok(Ok(principal)) => return self.accept(principal, place),
                Err(asked) => return Err(Pending::Verifier { asked, place, unknown }),
            }
        }
        let nobody = || Error::new(ErrorKind::Unrecognized, "no scheme knows this credential");
        Ok((Err(unknown.unwrap_or_else(nobody)), None))
    }

    /// A principal that a scheme accepted may still be revoked, or not fresh enough for the route.
    fn accept(&self, principal: Principal, place: usize) -> Result<(Outcome, Option<usize>), Pending> {
        let asks_anew = || self.gate.0.schemes.get(place).is_some_and(|scheme| scheme.verifier.asks_anew());
        if self.credential.max_age().is_some() && !asks_anew() {
            let detail = "the route requires a fresh identity, and the verifier of this credential cannot ask again";
            return Ok((Err(Error::misconfigured(detail)), Some(place)));
        }
        let Some(revocations) = &self.gate.0.revocations else { return self.find(principal, place) };
        match is_revoked(revocations, &principal).ready() {
            Ok(revoked) => self.find_unless(revoked, principal, place),
            Err(revoked) => Err(Pending::Revocations { revoked, principal, place }),
        }
    }

    fn find_unless(
        &self,
        revoked: Result<bool, Error>,
        principal: Principal,
        place: usize,
    ) -> Result<(Outcome, Option<usize>), Pending> {
        match unless_revoked(principal, revoked) {
            Ok(principal) => self.find(principal, place),
            Err(error) => Ok((Err(error), Some(place))),
        }
    }

    /// Finds the account. A principal that the gate itself names needs none.
    fn find(&self, principal: Principal, place: usize) -> Result<(Outcome, Option<usize>), Pending> {
        let is_named_here =
            || self.gate.0.schemes.get(place).is_some_and(|scheme| matches!(scheme.verifier.kind(), Kind::Secret(_)));
        let Some(directory) = self.gate.0.directory.as_ref().filter(|_| !is_named_here()) else {
            return Ok((Ok(principal), Some(place)));
        };
        let moment = Moment::new(self.gate.now(), self.credential.max_age());
        match directory.clone().find(principal, moment).ready() {
            Ok(outcome) => Ok((outcome, Some(place))),
            Err(asked) => Err(Pending::Directory { asked, place }),
        }
    }
}

/// What a gate waits for while it authenticates.
enum Pending {
    Verifier { asked: Answer<'static, Outcome>, place: usize, unknown: Option<Error> },
    Revocations { revoked: Answer<'static, Result<bool, Error>>, principal: Principal, place: usize },
    Directory { asked: Answer<'static, Outcome>, place: usize },
}

impl Pending {
    /// Waits, and continues from there.
    async fn step(self, attempt: Attempt<'_>) -> Result<(Outcome, Option<usize>), Self> {
        match self {
            Self::Directory { asked, place } => Ok((asked.await, Some(place))),
            Self::Revocations { revoked, principal, place } => attempt.find_unless(revoked.await, principal, place),
            Self::Verifier { asked, place, unknown } => match asked.await {
                Ok(principal) => attempt.accept(principal, place),
                Err(error) if error.kind() == ErrorKind::Unrecognized => {
                    attempt.ask_from(place.saturating_add(1), Some(error.after(unknown)), None)
                }
                Err(error) => Ok((Err(error.after(unknown)), Some(place))),
            },
        }
    }
}

/// Asks about the principal as its issuer describes it, and as its token does, where both are known.
pub(super) fn is_revoked(
    revocations: &Arc<dyn AnyRevocations>,
    principal: &Principal,
) -> Answer<'static, Result<bool, Error>> {
    let ask = |principal: &Principal| revocations.clone().is_revoked(principal.clone());
    let said = ask(principal);
    let Some(own) = principal.by_token() else { return said };
    match (said.ready(), ask(own).ready()) {
        (Ok(said), Ok(own)) => Answer::now(said.and_then(|said| Ok(said | own?))),
        (said, own) => {
            let [said, own] = [said, own].map(|answer| answer.map_or_else(|later| later, Answer::now));
            Answer::later(async move { Ok(said.await? | own.await?) })
        }
    }
}

/// If revocations cannot be read, no caller is allowed.
fn unless_revoked(principal: Principal, revoked: Result<bool, Error>) -> Outcome {
    match revoked {
        Ok(false) => Ok(principal),
        Ok(true) => Err(Error::invalid("the credential was revoked")),
        Err(error) if error.status() >= 500 => Err(error),
        Err(error) => Err(Error::new(ErrorKind::Unavailable, "revocations could not be read").with_cause(error)),
    }
}
