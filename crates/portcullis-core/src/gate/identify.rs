//! Finding out who makes a request.

use super::{Established, Gate};
use crate::{
    answer::Answer,
    authenticator::Authenticator,
    credential::{self, Credential},
    error::{Error, ErrorKind},
    head::RequestHead,
    jwt::Looked,
    policy::{Policy, max_age},
    principal::Principal,
    revocation::Revocations,
};
use std::time::Duration;

type Found = Result<Principal, Error>;

impl Gate {
    /// Finds out who makes a request. What is waited for holds on to nothing of it but the credential.
    pub fn establish(&self, head: &dyn RequestHead) -> Answer<'static, Established> {
        self.establish_within(None, head)
    }

    /// The same for a route with this policy, which may ask for a [`fresh`](crate::policy::fresh) identity: see
    /// [`Established::is_enough_for`].
    pub fn establish_for(&self, policy: &dyn Policy, head: &dyn RequestHead) -> Answer<'static, Established> {
        self.establish_within(max_age(policy), head)
    }

    fn establish_within(&self, max_age: Option<Duration>, head: &dyn RequestHead) -> Answer<'static, Established> {
        #[cfg(feature = "testing")]
        if let Some(principal) = &self.0.acting_as {
            return Answer::now(Established::new(self, None, Ok(Some(principal.clone()))));
        }
        let recalled = if max_age.is_none() { self.recall(head) } else { None };
        let looked = match recalled {
            Some(Ok(known)) => return known,
            Some(Err(looked)) => Some(looked),
            None => None,
        };
        match self.read(head) {
            Ok(Some(credential)) => {
                let credential = credential.with_max_age(max_age);
                self.end(self.ask_from(0, &credential, None, looked), credential)
            }
            Ok(None) => Answer::now(Established::nobody(self, head)),
            Err(error) => Answer::now(Established::new(self, None, Err(error))),
        }
    }

    /// Who makes a request, if the cache knows. The bytes of a token that is in there have been looked at before. The error
    /// is that it does not; `None`, that it was not asked.
    fn recall(&self, head: &dyn RequestHead) -> Option<Result<Answer<'static, Established>, Looked>> {
        let cache = self.0.cache.as_ref().filter(|_| !self.0.reject_conflicts)?;
        let verifier = (**self.0.authenticators.first()?).verifier()?;
        let found = credential::find(&self.0.sources, head).ok()??;
        self.admit(found.source, head).ok()?;
        let principal = match cache.recall(0, verifier, found.bytes()) {
            Ok(principal) => principal,
            Err(looked) => return Some(Err(looked)),
        };
        if self.0.revocations.is_none() {
            let source = Some((found.source.clone(), None));
            return Some(Ok(Answer::now(Established::new(self, source, Ok(Some(principal))))));
        }
        let credential = found.check().ok()?;
        Some(Ok(self.end(self.accept(principal, 0, &credential), credential)))
    }

    /// Finds out who presents this credential: the first authenticator that recognizes it decides.
    pub fn authenticate(&self, credential: Credential<'_>) -> Answer<'static, Established> {
        self.end(self.ask_from(0, &credential, None, None), credential)
    }

    /// What was found, or what is found when it was waited for.
    fn end(&self, found: Result<Found, Waiting>, credential: Credential<'_>) -> Answer<'static, Established> {
        let from = |credential: &Credential<'_>| Some((credential.source().clone(), credential.max_age()));
        let mut waiting = match found {
            Ok(found) => return Answer::now(Established::new(self, from(&credential), found.map(Some))),
            Err(waiting) => waiting,
        };
        let (gate, credential) = (self.clone(), credential.to_owned());
        Answer::later(async move {
            let found = loop {
                match waiting.step(&gate, &credential).await {
                    Ok(found) => break found,
                    Err(further) => waiting = further,
                }
            };
            Established::new(&gate, from(&credential), found.map(Some))
        })
    }

    /// Asks the authenticators from this place on, up to the first that recognizes the credential or has to wait.
    fn ask_from(
        &self,
        from: usize,
        credential: &Credential<'_>,
        mut unknown: Option<Error>,
        mut recalled: Option<Looked>,
    ) -> Result<Found, Waiting> {
        for (place, authenticator) in self.0.authenticators.iter().enumerate().skip(from) {
            let answer = match (&self.0.cache, authenticator.verifier()) {
                (Some(cache), Some(verifier)) => {
                    let token = credential.expose();
                    match recalled.take().map_or_else(|| cache.recall(place, verifier, token.as_bytes()), Err) {
                        Ok(principal) => Answer::now(Ok(principal)),
                        Err(looked) => cache.verify(place, verifier, token, looked),
                    }
                }
                _ => authenticator.authenticate(credential),
            };
            match answer.ready() {
                Ok(Err(error)) if error.kind() == ErrorKind::Unrecognized => unknown = Some(error.after(unknown)),
                Ok(Err(error)) => return Ok(Err(error.after(unknown))),
                Ok(Ok(principal)) => return self.accept(principal, place, credential),
                Err(asked) => return Err(Waiting::Asked { asked, place, unknown }),
            }
        }
        let nobody = || Error::new(ErrorKind::Unrecognized, "nobody knows this credential");
        Ok(Err(unknown.unwrap_or_else(nobody)))
    }

    /// What an authenticator accepts may still not be fresh enough for the route, or revoked.
    fn accept(&self, principal: Principal, place: usize, credential: &Credential<'_>) -> Result<Found, Waiting> {
        let is_only_verified = self.0.authenticators.get(place).is_some_and(|asked| asked.verifier().is_some());
        match &self.0.revocations {
            None if is_only_verified && credential.max_age().is_some() => Ok(Err(Error::misconfigured(
                "the route asks for a fresh identity, and nobody is asked whether the token was withdrawn",
            ))),
            None => Ok(Ok(principal)),
            Some(revocations) => match is_revoked(&**revocations, &principal).ready() {
                Ok(revoked) => Ok(unless_revoked(principal, revoked)),
                Err(revoked) => Err(Waiting::Looked { revoked, principal }),
            },
        }
    }
}

/// What a gate waits for while it finds out who presents a credential.
enum Waiting {
    Asked { asked: Answer<'static, Found>, place: usize, unknown: Option<Error> },
    Looked { revoked: Answer<'static, Result<bool, Error>>, principal: Principal },
}

impl Waiting {
    /// Waits, and goes on from there.
    async fn step(self, gate: &Gate, credential: &Credential<'_>) -> Result<Found, Self> {
        match self {
            Self::Looked { revoked, principal } => Ok(unless_revoked(principal, revoked.await)),
            Self::Asked { asked, place, unknown } => match asked.await {
                Ok(principal) => gate.accept(principal, place, credential),
                Err(error) if error.kind() == ErrorKind::Unrecognized => {
                    gate.ask_from(place.saturating_add(1), credential, Some(error.after(unknown)), None)
                }
                Err(error) => Ok(Err(error.after(unknown))),
            },
        }
    }
}

/// By what its issuer says, and by what its token says of itself where both are known.
pub(super) fn is_revoked(revocations: &dyn Revocations, principal: &Principal) -> Answer<'static, Result<bool, Error>> {
    let said = revocations.is_revoked(principal);
    let Some(own) = principal.by_token() else { return said };
    match (said.ready(), revocations.is_revoked(own).ready()) {
        (Ok(said), Ok(own)) => Answer::now(said.and_then(|said| Ok(said | own?))),
        (said, own) => {
            let [said, own] = [said, own].map(|answer| answer.map_or_else(|later| later, Answer::now));
            Answer::later(async move { Ok(said.await? | own.await?) })
        }
    }
}

/// Where it is not known what was revoked, nobody passes.
fn unless_revoked(principal: Principal, revoked: Result<bool, Error>) -> Found {
    match revoked {
        Ok(false) => Ok(principal),
        Ok(true) => Err(Error::invalid("the credential was revoked")),
        Err(error) if error.status() >= 500 => Err(error),
        Err(error) => Err(Error::new(ErrorKind::Unavailable, "what was revoked is not known").with_cause(error)),
    }
}
