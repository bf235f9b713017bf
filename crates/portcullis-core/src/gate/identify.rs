//! Finding out who makes a request.

use super::{Established, Gate};
use crate::{
    answer::Answer,
    credential::{self, Credential},
    error::{Error, ErrorKind},
    head::RequestHead,
    jwt::KeyState,
    policy::{Policy, max_age},
    principal::Principal,
    revocation::AnyRevocations,
};
use std::{sync::Arc, time::Duration};

type Outcome = Result<Principal, Error>;

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
        let state = match recalled {
            Some(Ok(known)) => return known,
            Some(Err(state)) => Some(state),
            None => None,
        };
        match self.read(head) {
            Ok(Some(credential)) => {
                let credential = credential.with_max_age(max_age);
                self.end(self.ask_from(0, &credential, None, state), credential)
            }
            Ok(None) => Answer::now(Established::nobody(self, head)),
            Err(error) => Answer::now(Established::new(self, None, Err(error))),
        }
    }

    /// Who makes a request, if the cache knows. The bytes of a token that is in there have been looked at before. The error
    /// is that it does not; `None`, that it was not asked.
    fn recall(&self, head: &dyn RequestHead) -> Option<Result<Answer<'static, Established>, KeyState>> {
        let cache = self.0.cache.as_ref().filter(|_| !self.0.reject_conflicts)?;
        let verifier = self.0.verifiers.first()?.jwt()?;
        let found = credential::find(&self.0.sources, head).ok()??;
        self.admit(found.source, head).ok()?;
        let principal = match cache.recall(0, verifier, found.bytes()) {
            Ok(principal) => principal,
            Err(state) => return Some(Err(state)),
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
    fn end(&self, found: Result<Outcome, Pending>, credential: Credential<'_>) -> Answer<'static, Established> {
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
        mut recalled: Option<KeyState>,
    ) -> Result<Outcome, Pending> {
        for (place, verifier) in self.0.verifiers.iter().enumerate().skip(from) {
            let answer = match (&self.0.cache, verifier.jwt()) {
                (Some(cache), Some(jwt)) => {
                    let token = credential.expose();
                    match recalled.take().map_or_else(|| cache.recall(place, jwt, token.as_bytes()), Err) {
                        Ok(principal) => Answer::now(Ok(principal)),
                        Err(state) => cache.verify(place, jwt, token, state),
                    }
                }
                _ => verifier.ask(credential),
            };
            match answer.ready() {
                Ok(Err(error)) if error.kind() == ErrorKind::Unrecognized => unknown = Some(error.after(unknown)),
                Ok(Err(error)) => return Ok(Err(error.after(unknown))),
                Ok(Ok(principal)) => return self.accept(principal, place, credential),
                Err(asked) => return Err(Pending::Verifier { asked, place, unknown }),
            }
        }
        let nobody = || Error::new(ErrorKind::Unrecognized, "nobody knows this credential");
        Ok(Err(unknown.unwrap_or_else(nobody)))
    }

    /// What an authenticator accepts may still not be fresh enough for the route, or revoked.
    fn accept(&self, principal: Principal, place: usize, credential: &Credential<'_>) -> Result<Outcome, Pending> {
        let is_only_verified = || self.0.verifiers.get(place).is_some_and(|verifier| !verifier.asks_anew());
        if credential.max_age().is_some() && is_only_verified() {
            let detail = "the route asks for a fresh identity, and what verifies this credential asks nobody anew";
            return Ok(Err(Error::misconfigured(detail)));
        }
        match &self.0.revocations {
            None => Ok(Ok(principal)),
            Some(revocations) => match is_revoked(revocations, &principal).ready() {
                Ok(revoked) => Ok(unless_revoked(principal, revoked)),
                Err(revoked) => Err(Pending::Revocations { revoked, principal }),
            },
        }
    }
}

/// What a gate waits for while it finds out who presents a credential.
enum Pending {
    Verifier { asked: Answer<'static, Outcome>, place: usize, unknown: Option<Error> },
    Revocations { revoked: Answer<'static, Result<bool, Error>>, principal: Principal },
}

impl Pending {
    /// Waits, and goes on from there.
    async fn step(self, gate: &Gate, credential: &Credential<'_>) -> Result<Outcome, Self> {
        match self {
            Self::Revocations { revoked, principal } => Ok(unless_revoked(principal, revoked.await)),
            Self::Verifier { asked, place, unknown } => match asked.await {
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

/// Where it is not known what was revoked, nobody passes.
fn unless_revoked(principal: Principal, revoked: Result<bool, Error>) -> Outcome {
    match revoked {
        Ok(false) => Ok(principal),
        Ok(true) => Err(Error::invalid("the credential was revoked")),
        Err(error) if error.status() >= 500 => Err(error),
        Err(error) => Err(Error::new(ErrorKind::Unavailable, "what was revoked is not known").with_cause(error)),
    }
}
