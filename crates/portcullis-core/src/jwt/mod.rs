//! JSON Web Tokens (RFC 7519), verified here.

mod algorithm;
pub(crate) mod base64url;
mod header;
mod issuer;
mod jwk;
mod key;
mod mistaken;
mod remote;
mod shape;
mod source;

pub use algorithm::Algorithm;
#[cfg(feature = "testing")]
pub(crate) use algorithm::Family;
pub(crate) use issuer::Known;
pub use issuer::{Audience, Issuer};
pub use jwk::{KeySet, RejectedKey};
pub use key::Key;
#[cfg(feature = "testing")]
pub(crate) use key::Material;
pub use remote::{RemoteKeys, RemoteKeysBuilder};
pub(crate) use shape::{Unproven, is_token};
pub use source::KeySource;

use crate::{
    answer::Answer,
    claims::{Claims, Registered},
    clock::{Clock, Time, seconds},
    credential::Credential,
    error::{Error, ErrorKind, quote},
    json::{Object, Value},
    principal::Principal,
};
use header::KnownHeaders;
use remote::{Generation, Landing, Look};
use shape::{Compact, claims};
use std::{ops::Range, sync::Arc, time::SystemTime};
use zeroize::Zeroizing;

/// Verifies signed tokens of one or several issuers, without asking anybody but for [`RemoteKeys`].
///
/// A credential that is no JWT (three parts, of which the first is a JSON object in base64url with `alg`), or one of an issuer
/// that is not listed, is left to the next scheme; any other failure is final. The order of the checks: size and shape,
/// header, issuer, the types of the registered claims, key, signature, and then what the claims say.
///
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Jwt(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    issuers: Vec<Issuer>,
    time: Time,
    /// Of the issuer with the longest tokens: longer ones are refused before anything of them is decoded.
    max_bytes: usize,
    headers: KnownHeaders,
}

impl Jwt {
    /// A verifier that trusts this issuer.
    #[must_use]
    pub fn new(issuer: Issuer) -> Self {
        Self(Arc::new(Inner {
            time: Time::default(),
            max_bytes: issuer.max_bytes,
            headers: KnownHeaders::default(),
            issuers: vec![issuer],
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        // Keys that have another clock keep it, which a gate refuses.
        if !self.0.time.is_system() {
            self.0.issuers.iter().for_each(|issuer| _ = issuer.settle(&self.0.time));
        }
        self
    }

    /// One more issuer beside the others; each token is checked with the keys and rules of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if there is one of this name or one that is unnamed too, or either accepts any name.
    pub fn issuer(self, issuer: Issuer) -> Result<Self, Error> {
        if self.0.issuers.iter().any(|other| other.name == issuer.name) {
            return Err(Error::misconfigured(format!("two issuers are called `{}`", issuer.name)));
        }
        if issuer.is_unnamed() && self.0.issuers.iter().any(Issuer::is_unnamed) {
            return Err(Error::misconfigured("two issuers are unnamed, and nothing tells their tokens apart"));
        }
        let both = self.with(|inner| {
            inner.max_bytes = inner.max_bytes.max(issuer.max_bytes);
            inner.issuers.push(issuer);
        });
        if both.0.issuers.iter().any(Issuer::has_any_name) {
            return Err(Error::misconfigured("an issuer that accepts any name has to be the only one"));
        }
        Ok(both)
    }

    pub(crate) fn issuers(&self) -> &[Issuer] {
        &self.0.issuers
    }

    /// Tells the time by another clock than the system's, where this is used without a gate, and so do [`RemoteKeys`] that
    /// nothing has used yet. In a gate, the [clock of the gate](crate::GateBuilder::clock) counts.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        self.by(Time::by(clock))
    }

    pub(crate) fn by(self, time: Time) -> Self {
        self.with(|inner| inner.time = time)
    }

    pub(crate) fn time(&self) -> &Time {
        &self.0.time
    }

    /// The same in a gate.
    ///
    /// # Errors
    /// If keys go by another clock.
    pub(crate) fn in_gate(&self, time: &Time) -> Result<Self, Error> {
        self.0.issuers.iter().try_for_each(|issuer| issuer.settle(time))?;
        Ok(if self.0.time.is_same(time) { self.clone() } else { self.clone().by(time.clone()) })
    }

    /// Verifies a token and returns what it says.
    ///
    /// # Errors
    /// [`ErrorKind::Unrecognized`] if it is no JWT or of no issuer that is known here, [`ErrorKind::Expired`] if it was
    /// good once, [`ErrorKind::Unavailable`] if its keys are not at hand (this does not wait for
    /// [`RemoteKeys`]), [`ErrorKind::Invalid`] for everything else.
    pub fn verify(&self, token: &str) -> Result<Claims, Error> {
        let checked = self.check(token, Patience::None, KeyState::default());
        checked.map(|(claims, ..)| claims).map_err(Unverified::into_error)
    }

    /// With `patience`, the error may be something to wait for.
    fn check(
        &self,
        token: &str,
        patience: Patience,
        state: KeyState,
    ) -> Result<(Claims, &Issuer, Generation), Unverified> {
        if token.len() > self.0.max_bytes {
            // An opaque credential is for another verifier, however long.
            return Err(if is_token(token) { shape::too_long(self.0.max_bytes) } else { shape::opaque() }.into());
        }
        let compact = Compact::split(token)?;
        let known = self.0.headers.get(compact.header);
        let header = match known {
            Some(header) => header,
            None => &compact.read_header()?,
        };
        // Read, and believed by nobody before the signature has held.
        let claims = claims(compact.claims)?;
        let issuer = self.issuer_of(&claims)?;
        let verify = || {
            issuer.check_length(token)?;
            let registered = Registered::read(&claims)?;
            let keys = issuer.with_key(header, patience, state, |key| compact.check_signature(key))?;
            issuer.check(header, &registered, &claims, seconds(self.0.time.now()))?;
            Ok((registered, keys))
        };
        let (registered, keys) = verify().map_err(|unverified: Unverified| unverified.of(issuer))?;
        if known.is_none() {
            self.0.headers.add(compact.header, header);
        }
        Ok((Claims::verified(claims, registered), issuer, keys))
    }

    /// The one issuer that `iss` names, byte for byte (RFC 8725, section 3.8), or the one that is unnamed if there is no `iss`.
    fn issuer_of(&self, claims: &Object) -> Result<&Issuer, Error> {
        if let [only] = &*self.0.issuers
            && only.has_any_name()
        {
            return Ok(only);
        }
        let named = claims.member("iss");
        let name = named.and_then(Value::as_str);
        let mut issuers = self.0.issuers.iter();
        let known = match (&name, named) {
            (Some(name), _) => issuers.find(|issuer| issuer.is_called(name)),
            (None, Some(_)) => None,
            (None, None) => issuers.find(|issuer| issuer.is_unnamed()),
        };
        known.ok_or_else(|| {
            let accepted =
                |issuer: &Issuer| if issuer.is_unnamed() { "none".into() } else { format!("`{}`", issuer.name) };
            let ours: Vec<String> = self.0.issuers.iter().map(accepted).collect();
            let theirs = match (name, named) {
                (Some(name), _) => format!("the `iss` {}", quote(&name)),
                (None, Some(_)) => "an `iss` that is not a string".to_owned(),
                (None, None) => "no `iss`".to_owned(),
            };
            let detail = format!("the token has {theirs}; accepted are {}", ours.join(", "));
            Error::new(ErrorKind::Unrecognized, detail)
        })
    }
}

/// What a token says of itself, verified by nobody: to be used against it only.
pub(crate) fn unverified_claims(token: &str) -> Option<(Object, Registered)> {
    let claims = claims(Compact::split(token).ok()?.claims).ok()?;
    let registered = Registered::read(&claims).ok()?;
    Some((claims, registered))
}

/// What a look at an issuer's keys has brought, if somebody has looked: a look may begin a request.
#[derive(Default)]
pub(crate) struct KeyState(Option<Look>);

/// A principal, and what that depended on beside the token, the time and the verifier.
pub(crate) struct Verified {
    pub(crate) principal: Principal,
    keys: Generation,
}

impl Jwt {
    /// The principal of a token; waits for [`RemoteKeys`] where it has to. For an [`Authenticator`](crate::Authenticator)
    /// around this one.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.ask(credential).await
    }

    pub(crate) fn ask(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
        match self.verify_now(credential.expose(), KeyState::default()) {
            Ok(verified) => Answer::now(Ok(verified.principal)),
            Err(answer) => answer,
        }
    }

    /// Who a token is about, or else what to answer.
    pub(crate) fn verify_now(
        &self,
        token: &str,
        state: KeyState,
    ) -> Result<Verified, Answer<'static, Result<Principal, Error>>> {
        self.verified(token, Patience::Some, state).map_err(|unverified| match unverified {
            Unverified::Refused(error) => Answer::now(Err(error)),
            Unverified::Waits(landing) => {
                let (this, token) = (self.clone(), Zeroizing::new(token.to_owned()));
                Answer::later(async move {
                    // Whether anything came of it shows when the token is checked again.
                    let patience = if landing.wait().await { Patience::Over } else { Patience::None };
                    let verified = this.verified(&token, patience, KeyState::default());
                    Ok(verified.map_err(Unverified::into_error)?.principal)
                })
            }
        })
    }

    fn verified(&self, token: &str, patience: Patience, state: KeyState) -> Result<Verified, Unverified> {
        let (claims, issuer, keys) = self.check(token, patience, state)?;
        let principal = issuer.principal(&claims);
        let principal = principal.map_err(|error| error.with_issuer(issuer.name.clone()))?;
        Ok(Verified { principal, keys })
    }

    /// Whether verifying the token again would come to the same: its keys are those of then, and its times hold. Everything
    /// else is the token's and the verifier's own, which do not change. If not, its keys have been looked at once already.
    pub(crate) fn still_holds(&self, verified: &Verified, surely: &Range<SystemTime>) -> Result<(), KeyState> {
        let now = self.0.time.now();
        let Some((issuer, times)) = self.issuer_and_times(verified) else { return Err(KeyState::default()) };
        let state = issuer.look();
        if !issuer.still_has(&verified.keys, &state) {
            return Err(state);
        }
        match surely.contains(&now) || issuer.check_own_time(times, seconds(now)).is_ok() {
            true => Ok(()),
            false => Err(state),
        }
    }

    /// From when until when its times hold surely: a quick answer to nearly every time.
    pub(crate) fn surely(&self, verified: &Verified) -> Range<SystemTime> {
        let nowhere = SystemTime::UNIX_EPOCH..SystemTime::UNIX_EPOCH;
        self.issuer_and_times(verified).and_then(|(issuer, times)| issuer.surely(times)).unwrap_or(nowhere)
    }

    fn issuer_and_times<'a>(&'a self, verified: &'a Verified) -> Option<(&'a Issuer, &'a Registered)> {
        let issuer = match &*self.0.issuers {
            [only] => Some(only),
            several => several.iter().find(|issuer| Some(&*issuer.name) == verified.principal.issuer()),
        };
        issuer.zip(verified.principal.token_claims().map(Claims::registered))
    }
}

/// Whether there is time to wait for keys, which is once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Some,
    Over,
    None,
}

/// Why a token is not verified: it does not hold, or its keys have to be waited for.
enum Unverified {
    Refused(Error),
    Waits(Landing),
}

impl Unverified {
    fn of(self, issuer: &Issuer) -> Self {
        match self {
            Self::Refused(error) => Self::Refused(error.with_issuer(issuer.name.clone())),
            waits @ Self::Waits(_) => waits,
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Waits(_) => Error::new(ErrorKind::Unavailable, "the issuer's keys are not there yet"),
        }
    }
}

impl From<Error> for Unverified {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
