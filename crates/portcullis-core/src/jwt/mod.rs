//! JSON Web Tokens (RFC 7519), verified here.
//!
//! [`Jwt`] takes a token apart (`shape.rs`, `header.rs`), finds the [`Issuer`] that it names, has a key of that issuer verify the
//! signature (`issuer/choose.rs`), and checks what the token says (`issuer/rules.rs`). Keys are local ([`Key`], [`KeySet`]), or
//! they are fetched ([`RemoteKeys`], in `remote/`). Issuers that are known at run time only are in `trusted/`. Before the signature is verified, a token only selects its issuer and its key.

mod algorithm;
pub(crate) mod base64url;
mod header;
mod issuer;
mod jwk;
mod key;
mod mistaken;
mod remote;
mod self_signed;
mod shape;
mod source;
mod thumbprint;
mod trusted;
mod verified;

pub use algorithm::Algorithm;
#[cfg(feature = "testing")]
pub(crate) use algorithm::Family;
pub use issuer::{Audience, Issuer};
pub(crate) use issuer::{Evidence, KeyState};
pub use jwk::{KeySet, RejectedKey};
pub use key::Key;
#[cfg(feature = "testing")]
pub(crate) use key::Material;
pub use remote::{RemoteKeys, RemoteKeysBuilder};
pub(crate) use self_signed::SelfSigned;
pub(crate) use shape::{UnverifiedToken, is_token, too_long};
pub use source::KeySource;
pub use trusted::{IssuerLookup, TrustedIssuers};
pub(crate) use verified::VerifiedToken;

use crate::{
    answer::Answer,
    claims::{Claims, RegisteredClaims},
    clock::{Clock, Time, seconds},
    credential::Credential,
    error::{Error, ErrorKind, quote},
    json::{Object, Value},
    principal::Principal,
};
use header::KnownHeaders;
use remote::{FetchEnd, Generation};
use shape::{Compact, claims};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Verifies signed tokens of one or several issuers, without asking them. Only [`RemoteKeys`] are fetched.
///
/// A credential is left to the next scheme if it is not a JWT (three parts, of which the first is a JSON object in base64url
/// with `alg`), or if its issuer is not listed. Any other failure is final. The order of the checks: size and shape, header,
/// issuer, the types of the registered claims, key, signature, and then the values of the claims.
///
/// Cheap to clone.
///
/// ```
/// use portcullis_core::{Algorithm, Audience, ErrorKind, Issuer, Jwt, testing::TestIssuer};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let tester = TestIssuer::new().named("https://id.example.com").for_audience("orders");
/// # let (clock, key) = (tester.clock(), tester.signing_key().key());
/// let issuer =
///     Issuer::new("https://id.example.com", Audience::is("orders"), [Algorithm::Es256], key)?;
/// let verifier = Jwt::new(issuer).clock(clock);
/// let claims = verifier.verify(&tester.token("alice").sign())?;
/// assert_eq!(claims.subject().as_deref(), Some("alice"));
///
/// let refused =
///     |token: &str, kind| verifier.verify(token).is_err_and(|error| error.kind() == kind);
/// assert!(refused(
///     &tester.token("alice").expired_for(Duration::from_secs(60)).sign(),
///     ErrorKind::Expired
/// ));
/// assert!(refused(&tester.token("alice").claim("aud", "billing").sign(), ErrorKind::Invalid));
/// // These are left to the next scheme.
/// assert!(refused(
///     &TestIssuer::new().named("https://other.example.com").token("alice").sign(),
///     ErrorKind::Unrecognized
/// ));
/// assert!(refused("ory_at_3c1d8f", ErrorKind::Unrecognized));
/// # Ok(()) }
/// ```
///
/// A token that was withdrawn stays valid here until it expires. [`Introspection`](crate::Introspection) and
/// [`WhoAmI`](crate::WhoAmI) verify a JWT in the same way, and then ask its issuer.
#[derive(Debug, Clone)]
pub struct Jwt(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    issuers: Vec<Issuer>,
    time: Time,
    /// The maximum of all issuers: longer tokens are refused before anything is decoded.
    max_bytes: usize,
    /// Whether parts may have the padding of base64.
    padded: bool,
    headers: KnownHeaders,
}

impl Jwt {
    /// Creates a verifier that trusts this issuer.
    #[must_use]
    pub fn new(issuer: Issuer) -> Self {
        Self(Arc::new(Inner {
            time: Time::default(),
            max_bytes: issuer.max_bytes,
            padded: false,
            headers: KnownHeaders::default(),
            issuers: vec![issuer],
        }))
    }

    /// Changes a copy, and gives its clock to fetched keys that have none yet.
    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        // Keys that have another clock keep it, which a gate refuses.
        if !self.0.time.is_system() {
            self.0.issuers.iter().for_each(|issuer| _ = issuer.settle(&self.0.time));
        }
        self
    }

    /// Adds an issuer. Each token is checked with the keys and rules of its own issuer.
    ///
    /// ```
    /// # use portcullis_core::{Algorithm, ErrorKind, Jwt, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let people = TestIssuer::new().named("https://people.example.com");
    /// let machines =
    ///     TestIssuer::with_algorithm(Algorithm::EdDsa).named("https://machines.example.com");
    /// let verifier = Jwt::new(people.issuer()).issuer(machines.issuer())?.clock(people.clock());
    /// assert!(verifier.verify(&people.token("alice").sign()).is_ok());
    /// assert!(verifier.verify(&machines.token("backup").sign()).is_ok());
    ///
    /// // A token of one issuer that names the other is verified with the keys of the other.
    /// let forged = machines.clone().named("https://people.example.com").token("alice").sign();
    /// assert!(verifier.verify(&forged).is_err_and(|error| error.kind() == ErrorKind::Invalid));
    /// assert!(verifier.issuer(people.issuer()).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if another issuer has the same name, if it is unnamed and another one is too, or if
    /// either accepts any name.
    pub fn issuer(self, issuer: Issuer) -> Result<Self, Error> {
        if let Some(name) = self.0.issuers.iter().find_map(|other| other.shares_name(&issuer)) {
            return Err(Error::misconfigured(format!("two issuers are called `{name}`")));
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

    /// Accepts tokens whose parts end with the padding of base64 (`=`) too, which RFC 7515, section 2, leaves out. AWS's load
    /// balancers write it.
    ///
    /// ```
    /// # use portcullis_core::{Jwt, testing::{SigningKey, TestIssuer}};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # use base64::{Engine, engine::general_purpose::URL_SAFE};
    /// let tester = TestIssuer::new();
    /// # let claims = format!(
    /// #     r#"{{"iss":"https://issuer.test","aud":"test","sub":"alice","exp":{}}}"#,
    /// #     tester.clock().seconds() + 60
    /// # );
    /// let parts = [r#"{"alg":"ES256","typ":"JWT"}"#, &claims];
    /// let text = parts.map(|part| URL_SAFE.encode(part)).join("."); // base64 with padding
    /// let signature = tester.signing_key().sign_bytes(text.as_bytes());
    /// let token = format!("{text}.{}", URL_SAFE.encode(signature));
    /// let verifier = Jwt::new(tester.issuer()).padded().clock(tester.clock());
    /// assert!(verifier.verify(&token).is_ok());
    /// assert!(verifier.verify(&token.replace('=', "")).is_err()); // it was signed with the padding
    /// assert!(tester.verifier().verify(&token).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn padded(self) -> Self {
        self.with(|inner| inner.padded = true)
    }

    pub(crate) fn issuers(&self) -> &[Issuer] {
        &self.0.issuers
    }

    /// Whether it does not recognize any token that this other one accepts.
    pub(crate) fn leaves(&self, other: &Self) -> bool {
        let reads_alike = self.0.padded == other.0.padded && self.0.max_bytes >= other.0.max_bytes;
        reads_alike && self.0.issuers.iter().all(|ours| other.0.issuers.iter().all(|theirs| ours.is_apart(theirs)))
    }

    /// Uses another clock than the system's, if there is no gate. [`RemoteKeys`] that nothing has used yet use it too. In a
    /// gate, the [clock of the gate](crate::GateBuilder::clock) counts.
    ///
    /// ```
    /// # use portcullis_core::{ErrorKind, Jwt, testing::TestIssuer};
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new();
    /// let verifier = Jwt::new(tester.issuer()).clock(tester.clock());
    /// let token = tester.token("alice").expires_in(Duration::from_secs(300)).sign();
    /// assert!(verifier.verify(&token).is_ok());
    /// tester.clock().advance(Duration::from_secs(300));
    /// assert!(verifier.verify(&token).is_err_and(|error| error.kind() == ErrorKind::Expired));
    /// # Ok(()) }
    /// ```
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
    /// If its keys use another clock.
    pub(crate) fn in_gate(&self, time: &Time) -> Result<Self, Error> {
        self.0.issuers.iter().try_for_each(|issuer| issuer.settle(time))?;
        Ok(if self.0.time.is_same(time) { self.clone() } else { self.clone().by(time.clone()) })
    }

    /// Verifies a token and returns its claims.
    ///
    /// For a token that comes from somewhere else than a request, such as a queue. In a gate, the principal of a request has its
    /// [claims](Principal::token_claims).
    ///
    /// # Errors
    /// [`ErrorKind::Unrecognized`] if it is not a JWT or its issuer is not known here, [`ErrorKind::Expired`] if it was valid
    /// once, [`ErrorKind::Unavailable`] if its keys are not available (this does not wait for [`RemoteKeys`]),
    /// [`ErrorKind::Invalid`] for everything else.
    pub fn verify(&self, token: &str) -> Result<Claims, Error> {
        let (claims, issuer, _) =
            self.check(token, Patience::None, KeyState::default()).map_err(CheckError::into_error)?;
        // The functions of the application may refuse the token.
        if issuer.has_finish() {
            issuer.principal(&claims, &self.0.time).map_err(|error| error.with_issuer(issuer.name.clone()))?;
        }
        Ok(claims)
    }

    /// How many bytes a token may have.
    pub(crate) fn longest(&self) -> usize {
        self.0.max_bytes
    }

    /// Verifies a token with the keys at hand. With [`Patience::Some`], the error may be a fetch to wait for. `state` is a look at
    /// the keys that the caller has taken already.
    fn check(
        &self,
        token: &str,
        patience: Patience,
        state: KeyState,
    ) -> Result<(Claims, &Issuer, Generation), CheckError> {
        if token.len() > self.0.max_bytes {
            // An opaque credential is for another verifier, however long.
            return Err(if is_token(token) { too_long(self.0.max_bytes) } else { shape::opaque() }.into());
        }
        let compact = Compact::split(token)?;
        let compact = if self.0.padded { compact.without_padding() } else { compact };
        let known = self.0.headers.get(compact.header);
        let header = match known {
            Some(header) => header,
            None => &compact.read_header()?,
        };
        // Not trusted before the signature is verified.
        let claims = claims(compact.claims)?;
        let issuer = self.issuer_of(&claims)?;
        let verify = || {
            issuer.check_length(token)?;
            let registered = RegisteredClaims::read(&claims)?;
            let keys = issuer.with_key(header, patience, state, |key| compact.check_signature(key))?;
            issuer.check_header(compact.header)?;
            issuer.check(header, &registered, &claims, seconds(self.0.time.now()))?;
            Ok((registered, keys))
        };
        let (registered, keys) = verify().map_err(|unverified: CheckError| unverified.of(issuer))?;
        if known.is_none() {
            self.0.headers.add(compact.header, header);
        }
        Ok((Claims::verified(claims, registered), issuer, keys))
    }

    /// The issuer that `iss` names, byte for byte (RFC 8725, section 3.8), or the unnamed one if there is no `iss`.
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

/// What an unverified token says about itself. To be used against it only.
pub(crate) fn unverified_claims(token: &str) -> Option<(Object, RegisteredClaims)> {
    let claims = claims(Compact::split(token).ok()?.claims).ok()?;
    let registered = RegisteredClaims::read(&claims).ok()?;
    Some((claims, registered))
}

impl Jwt {
    /// Returns the principal of a token. Waits for [`RemoteKeys`] if necessary. For writing an
    /// [`Authenticator`](crate::Authenticator) around this one.
    ///
    /// ```
    /// use portcullis_core::{
    ///     Authenticator, Credential, CredentialSource, Error, ErrorKind, Jwt, Principal,
    /// };
    /// # use portcullis_core::testing::TestIssuer;
    ///
    /// /// Accepts the tokens of members, and not those of guests.
    /// #[derive(Debug)]
    /// struct Members(Jwt);
    ///
    /// impl Authenticator for Members {
    ///     async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
    ///         let principal = self.0.authenticate(credential).await?;
    ///         match principal.roles().iter().any(|role| role.as_str() == "guest") {
    ///             true => Err(Error::new(ErrorKind::Invalid, "the token is that of a guest")),
    ///             false => Ok(principal),
    ///         }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new();
    /// let members = Members(tester.verifier());
    /// let credential = |token| Credential::new(token, CredentialSource::bearer());
    /// assert!(
    ///     members
    ///         .authenticate(&credential(tester.token("alice").role("member").sign()))
    ///         .await
    ///         .is_ok()
    /// );
    /// assert!(
    ///     members
    ///         .authenticate(&credential(tester.token("bob").role("guest").sign()))
    ///         .await
    ///         .is_err()
    /// );
    /// # Ok(()) }
    /// ```
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

    /// The principal of a token, or the answer instead.
    pub(crate) fn verify_now(
        &self,
        token: &str,
        state: KeyState,
    ) -> Result<VerifiedToken, Answer<'static, Result<Principal, Error>>> {
        self.verified(token, Patience::Some, state).map_err(|unverified| match unverified {
            CheckError::Refused(error) => Answer::now(Err(error)),
            CheckError::Waits(end) => {
                let (this, token) = (self.clone(), Zeroizing::new(token.to_owned()));
                Answer::later(async move {
                    // Whether the fetch brought the key shows when the token is checked again.
                    let patience = if end.wait().await { Patience::Over } else { Patience::None };
                    let verified = this.verified(&token, patience, KeyState::default());
                    Ok(verified.map_err(CheckError::into_error)?.principal)
                })
            }
        })
    }

    /// Verifies a token and makes a principal of its claims.
    fn verified(&self, token: &str, patience: Patience, state: KeyState) -> Result<VerifiedToken, CheckError> {
        let (claims, issuer, keys) = self.check(token, patience, state)?;
        let principal = issuer.principal(&claims, &self.0.time);
        let principal = principal.map_err(|error| error.with_issuer(issuer.name.clone()))?;
        Ok(VerifiedToken { principal, keys })
    }
}

/// Whether verification may still wait for keys. It waits once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Some,
    /// It has waited, and keys that came meanwhile count however old they are.
    Over,
    /// It may not wait, or has waited in vain.
    None,
}

/// Why a token is not verified: it is not valid, or its keys have to be waited for.
enum CheckError {
    Refused(Error),
    Waits(FetchEnd),
}

impl CheckError {
    fn of(self, issuer: &Issuer) -> Self {
        match self {
            Self::Refused(error) => Self::Refused(error.with_issuer(issuer.name.clone())),
            waits @ Self::Waits(_) => waits,
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Waits(_) => Error::new(ErrorKind::Unavailable, "the issuer's keys are not available yet"),
        }
    }
}

impl From<Error> for CheckError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
