//! [Directus](https://directus.io): [`Directus`] verifies the tokens of an instance, with its secret or by asking it.
//! [`DirectusClient`] signs people in there, keeps their tokens, and creates users.

mod answer;
mod asking;
mod client;
mod cookies;
mod pair;
mod sign_up;

pub use client::DirectusClient;
pub use cookies::{CookieMode, CookieSession, REFRESH_COOKIE};
pub use pair::{KeptPair, Login, TokenPair};
pub use sign_up::SignUp;

use crate::parts::misconfigured;
use portcullis_core::{
    Algorithm, Audience, ClaimMap, Claims, Clock, Error, Issuer, Jwt, Key, KeySet, KeySource, Rules, Scheme, Verifier,
};
use std::{sync::Arc, time::Duration};

/// The cookie in which Directus keeps session tokens by default.
pub const SESSION_COOKIE: &str = "directus_session_token";

/// The `iss` of every instance.
const NAME: &str = "directus";

/// Verifies the tokens that one Directus instance issues, with its `SECRET` and without asking it.
///
/// The principal's subject is the token's `id`. Its role is `role`, which is the identifier of a row, not a name. It is staff
/// if `admin_access` is JSON `true` or `1`: Directus 10 writes the number, later versions the boolean. Everything else stays
/// readable in the claims, including `app_access` and `session`.
///
/// A token is accepted if it is signed with HS256, its `iss` is `directus`, and it has `exp` and neither `aud` nor `share`.
/// So tokens of shares are refused. So are the tokens that Directus makes for invitations and password resets, which name no
/// user.
///
/// Without asking Directus, some changes are not seen before the token expires: a session that was logged out, a user who was
/// suspended or deleted, and rights that were taken away. [`hybrid`](Self::hybrid) asks where that may matter, and
/// [`introspect`](Self::introspect) always asks.
///
/// ```
/// use portcullis_core::{ErrorKind, Gate};
/// use portcullis_providers::directus::Directus;
/// # use portcullis_core::{Algorithm, testing::{FixedClock, SigningKey}};
/// # const NOW: u64 = 1_767_268_800;
/// # const SECRET: &str = "the SECRET of the Directus instance";
/// # /// As Directus signs it.
/// # fn token(secret: &str, more: &str) -> Result<String, portcullis_core::Error> {
/// #     let claims = format!(r#"{{"id":"u1","role":"r1","admin_access":false,"iat":{NOW},"exp":{}{more}}}"#, NOW + 900);
/// #     Ok(SigningKey::secret(Algorithm::Hs256, secret)?.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims))
/// # }
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let clock = FixedClock::at(NOW);
/// let directus = Directus::new(SECRET)?.clock(clock.clone());
/// let claims = directus.verify(&token(SECRET, r#","iss":"directus""#)?)?;
/// assert_eq!(claims.get::<String>("id")?.as_deref(), Some("u1"));
///
/// let refused =
///     |token: &str, kind| directus.verify(token).is_err_and(|error| error.kind() == kind);
/// assert!(refused(&token(SECRET, r#","iss":"directus","share":"s1""#)?, ErrorKind::Invalid));
/// assert!(refused(
///     &token("the SECRET of some other instance", r#","iss":"directus""#)?,
///     ErrorKind::Invalid
/// ));
/// assert!(refused(&token(SECRET, r#","iss":"shop""#)?, ErrorKind::Unrecognized));
///
/// // its session cookie, or a bearer token
/// let gate = Gate::builder().clock(clock).scheme(directus).build()?;
/// # let _ = gate; Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Directus {
    issuer: Issuer,
    clock: Option<Arc<dyn Clock>>,
    jwt: Jwt,
}

impl Directus {
    /// Creates a verifier for the instance with this `SECRET`.
    ///
    /// ```
    /// # use portcullis_providers::directus::Directus;
    /// assert!(Directus::new("the SECRET of the Directus instance").is_ok());
    /// assert!(Directus::new("changeme").is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if the secret has less than 32 bytes.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::with_keys([Algorithm::Hs256], Key::secret(Algorithm::Hs256, secret)?)
    }

    /// Creates a verifier for an instance whose `SECRET` is shorter, but not empty. A short secret can be guessed from any
    /// one token.
    ///
    /// ```
    /// # use portcullis_providers::directus::Directus;
    /// // Another service of the instance cannot change its secret yet.
    /// assert!(Directus::dangerous_short_secret("changeme").is_ok());
    /// assert!(Directus::dangerous_short_secret("").is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if the secret is empty.
    pub fn dangerous_short_secret(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::with_keys([Algorithm::Hs256], Key::dangerous_short_secret(Algorithm::Hs256, secret)?)
    }

    /// Creates a verifier for the instance with this `SECRET`, which also accepts tokens signed with HS384 and HS512.
    /// Directus accepts such tokens and never issues them: they are signed with its secret by something else.
    ///
    /// ```
    /// # use portcullis_providers::directus::Directus;
    /// // A job signs tokens of its own with the secret, with HS512.
    /// let secret = "a SECRET of 64 bytes, which is what HS512 needs, and not any less";
    /// assert!(Directus::dangerous_any_hmac(secret).is_ok());
    /// assert!(Directus::dangerous_any_hmac(&secret[..63]).is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if the secret has less than 64 bytes, as HS512 needs.
    pub fn dangerous_any_hmac(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let algorithms = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];
        let keys: Result<KeySet, Error> = algorithms.into_iter().map(|alg| Key::secret(alg, secret.as_ref())).collect();
        Self::with_keys(algorithms, keys?)
    }

    fn with_keys<const N: usize>(algorithms: [Algorithm; N], keys: impl Into<KeySource>) -> Result<Self, Error> {
        let issuer = with_rules(Issuer::new(NAME, Audience::absent(), algorithms, keys)?)?;
        Ok(Self { jwt: Jwt::new(issuer.clone()), issuer, clock: None })
    }

    /// The same with another issuer.
    fn with_issuer(self, issuer: Issuer) -> Self {
        let jwt = Jwt::new(issuer.clone());
        let jwt = match &self.clock {
            Some(clock) => jwt.clock(clock.clone()),
            None => jwt,
        };
        Self { issuer, jwt, ..self }
    }

    /// How far the instance's clock may differ. See [`Issuer::leeway`] for the default.
    ///
    /// ```
    /// # use portcullis_providers::directus::Directus;
    /// # use portcullis_core::{Algorithm, testing::{FixedClock, SigningKey}};
    /// # const NOW: u64 = 1_767_268_800;
    /// # const SECRET: &str = "the SECRET of the Directus instance";
    /// # /// As Directus signs it.
    /// # fn token(secret: &str, more: &str) -> Result<String, portcullis_core::Error> {
    /// #     let claims = format!(r#"{{"id":"u1","role":"r1","admin_access":false,"iat":{NOW},"exp":{}{more}}}"#, NOW + 900);
    /// #     Ok(SigningKey::secret(Algorithm::Hs256, secret)?.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims))
    /// # }
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # let clock = FixedClock::at(NOW);
    /// # let token = token(SECRET, r#","iss":"directus""#)?;
    /// let directus = Directus::new(SECRET)?.clock(clock.clone());
    /// clock.advance(std::time::Duration::from_secs(920)); // the token expired 20 s ago
    /// assert!(directus.verify(&token).is_err());
    /// assert!(directus.clone().leeway(std::time::Duration::from_secs(30))?.verify(&token).is_ok());
    /// assert!(directus.leeway(std::time::Duration::from_secs(600)).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) above five minutes.
    pub fn leeway(self, leeway: Duration) -> Result<Self, Error> {
        let issuer = self.issuer.clone().leeway(leeway)?;
        Ok(self.with_issuer(issuer))
    }

    /// Accepts tokens with any `iss`, and without one. Then everything that was ever signed with the secret is a token.
    ///
    /// ```
    /// # use portcullis_providers::directus::Directus;
    /// # use portcullis_core::{Algorithm, testing::{FixedClock, SigningKey}};
    /// # const NOW: u64 = 1_767_268_800;
    /// # const SECRET: &str = "the SECRET of the Directus instance";
    /// # /// As Directus signs it.
    /// # fn token(secret: &str, more: &str) -> Result<String, portcullis_core::Error> {
    /// #     let claims = format!(r#"{{"id":"u1","role":"r1","admin_access":false,"iat":{NOW},"exp":{}{more}}}"#, NOW + 900);
    /// #     Ok(SigningKey::secret(Algorithm::Hs256, secret)?.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims))
    /// # }
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # let clock = FixedClock::at(NOW);
    /// // The secret is used for nothing else, and an extension of the instance signs tokens without
    /// // `iss`.
    /// # let token = token(SECRET, "")?;
    /// let directus = Directus::new(SECRET)?.clock(clock);
    /// assert!(directus.verify(&token).is_err());
    /// assert!(directus.dangerous_any_issuer().verify(&token).is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_any_issuer(self) -> Self {
        let issuer = self.issuer.clone().dangerous_any_name();
        self.with_issuer(issuer)
    }

    /// Accepts tokens without `exp`. They are valid for as long as the secret is in use.
    ///
    /// ```
    /// # use portcullis_providers::directus::Directus;
    /// # use portcullis_core::{Algorithm, testing::{FixedClock, SigningKey}};
    /// # const NOW: u64 = 1_767_268_800;
    /// # const SECRET: &str = "the SECRET of the Directus instance";
    /// # /// As Directus signs it.
    /// # fn token(secret: &str, more: &str) -> Result<String, portcullis_core::Error> {
    /// #     let claims = format!(r#"{{"id":"u1","role":"r1","admin_access":false,"iat":{NOW},"exp":{}{more}}}"#, NOW + 900);
    /// #     Ok(SigningKey::secret(Algorithm::Hs256, secret)?.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims))
    /// # }
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # let clock = FixedClock::at(NOW);
    /// // An extension signs tokens for displays in the hall, without `exp`.
    /// # let claims = r#"{"id":"u1","iss":"directus"}"#;
    /// # let token = SigningKey::secret(Algorithm::Hs256, SECRET)?.sign(r#"{"alg":"HS256"}"#, claims);
    /// let directus = Directus::new(SECRET)?.clock(clock);
    /// assert!(directus.verify(&token).is_err());
    /// assert!(directus.dangerous_without_expiry().verify(&token).is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_without_expiry(self) -> Self {
        let issuer = self.issuer.clone().dangerous_without_expiry();
        self.with_issuer(issuer)
    }

    /// Accepts tokens that have an `aud`, which Directus never checks. Among them are its OAuth tokens for other services.
    ///
    /// ```
    /// # use portcullis_providers::directus::Directus;
    /// # use portcullis_core::{Algorithm, testing::{FixedClock, SigningKey}};
    /// # const NOW: u64 = 1_767_268_800;
    /// # const SECRET: &str = "the SECRET of the Directus instance";
    /// # /// As Directus signs it.
    /// # fn token(secret: &str, more: &str) -> Result<String, portcullis_core::Error> {
    /// #     let claims = format!(r#"{{"id":"u1","role":"r1","admin_access":false,"iat":{NOW},"exp":{}{more}}}"#, NOW + 900);
    /// #     Ok(SigningKey::secret(Algorithm::Hs256, secret)?.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims))
    /// # }
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # let clock = FixedClock::at(NOW);
    /// // An extension signs tokens with the name of the front end in `aud`.
    /// # let token = token(SECRET, r#","iss":"directus","aud":"web""#)?;
    /// let directus = Directus::new(SECRET)?.clock(clock);
    /// assert!(directus.verify(&token).is_err());
    /// assert!(directus.dangerous_any_audience()?.verify(&token).is_ok());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None today. The audience is checked like any other.
    pub fn dangerous_any_audience(self) -> Result<Self, Error> {
        let issuer = self.issuer.clone().for_audience(Audience::dangerous_anybody())?;
        Ok(self.with_issuer(issuer))
    }

    /// Accepts tokens whose time of issue is in the future.
    ///
    /// ```
    /// # use portcullis_providers::directus::Directus;
    /// # use portcullis_core::{Algorithm, testing::{FixedClock, SigningKey}};
    /// # const NOW: u64 = 1_767_268_800;
    /// # const SECRET: &str = "the SECRET of the Directus instance";
    /// # /// As Directus signs it.
    /// # fn token(secret: &str, more: &str) -> Result<String, portcullis_core::Error> {
    /// #     let claims = format!(r#"{{"id":"u1","role":"r1","admin_access":false,"iat":{NOW},"exp":{}{more}}}"#, NOW + 900);
    /// #     Ok(SigningKey::secret(Algorithm::Hs256, secret)?.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims))
    /// # }
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # let clock = FixedClock::at(NOW);
    /// // The clock of the instance is ten minutes ahead, and cannot be set.
    /// # let token = token(SECRET, r#","iss":"directus""#)?;
    /// # let clock = FixedClock::at(NOW - 600);
    /// let directus = Directus::new(SECRET)?.clock(clock);
    /// assert!(directus.verify(&token).is_err());
    /// assert!(directus.dangerous_issued_in_future().verify(&token).is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_issued_in_future(self) -> Self {
        let issuer = self.issuer.clone().dangerous_issued_in_future();
        self.with_issuer(issuer)
    }

    /// Uses another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        let issuer = self.issuer.clone();
        self.with_issuer(issuer)
    }

    /// Verifies a token and returns its claims.
    ///
    /// # Errors
    /// As [`Jwt::verify`].
    pub fn verify(&self, token: &str) -> Result<Claims, Error> {
        self.jwt.verify(token)
    }
}

/// Reads the instance's session cookie, then a bearer token. `Scheme::new(directus)` reads the sources that you add to it.
impl From<Directus> for Scheme {
    fn from(directus: Directus) -> Self {
        Self::new(directus).cookie(SESSION_COOKIE).bearer()
    }
}

impl From<Directus> for Verifier {
    fn from(directus: Directus) -> Self {
        directus.jwt.into()
    }
}

/// The claims of a token and the answers of the instance have the same names.
fn with_rules(issuer: Issuer) -> Result<Issuer, Error> {
    let map = ClaimMap::new().subject("id")?.roles("role")?.staff("admin_access")?.session("session")?;
    Ok(issuer.claim_map(map).rules(Rules::new().forbid("share")?))
}

/// The address of an instance, to which paths are added.
fn base(url: &str) -> Result<&str, Error> {
    let base = url.strip_suffix('/').unwrap_or(url);
    // What is added to it must not end up in another host, nor in a query.
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    if host.is_none_or(str::is_empty) || !base.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@".contains(&byte)) {
        return Err(misconfigured("the address of a Directus instance has a host and no query"));
    }
    Ok(base)
}
