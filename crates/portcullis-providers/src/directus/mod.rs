//! [Directus](https://directus.io): [`Directus`] verifies the tokens of an instance, with its secret or by asking it.
//! [`DirectusClient`] signs people in there, keeps their tokens, and creates users.

mod answer;
mod client;
mod cookies;
mod pair;
mod sign_up;

pub use client::DirectusClient;
pub use cookies::{CookieMode, CookieSession, REFRESH_COOKIE};
pub use pair::{KeptPair, Login, TokenPair};
pub use sign_up::SignUp;

use crate::parts::{claims, misconfigured};
use portcullis_core::{
    Algorithm, Audience, ClaimMap, Claims, Clock, Error, HttpClient, Issuer, Jwt, Key, KeySet, KeySource, Rules,
    Scheme, Verifier, WhoAmI,
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

    /// Asks the instance at this address about every token, static ones too: who the user is, and whether they are an
    /// administrator now. For services that do not have the instance's `SECRET`.
    ///
    /// Answers are remembered for some seconds: see [`WhoAmI::remember`]. If a token does not belong to a session, Directus
    /// 11 still answers for a deleted user until the token expires. A suspended user is refused if they may read their own
    /// `status`, as every user with access to the app may. For Directus 10 use
    /// [`introspect_v10`](Self::introspect_v10): here its requests are answered with 503.
    ///
    /// ```
    /// use portcullis_core::{Credential, CredentialSource, ErrorKind};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// use portcullis_providers::directus::Directus;
    /// # #[derive(Debug)] struct Client;
    /// # impl HttpClient for Client {
    /// #     fn send(&self, request: HttpRequest, reply: Reply) {
    /// #         let is_known = request.headers().any(|header| header == ("authorization", "Bearer static-token"));
    /// #         reply.give(Ok(match request.url() {
    /// #             _ if !is_known => HttpResponse::new(401, ""),
    /// #             url if url.contains("/users/me") => HttpResponse::new(200, r#"{"data":{"id":"u1","status":"active"}}"#),
    /// #             _ => HttpResponse::new(200, r#"{"data":{"admin_access":true}}"#),
    /// #         }));
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = Client;
    /// let verifier = Directus::introspect("https://directus.example.com", client)?;
    /// let ask = async |token: &str| {
    ///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    /// assert!(ask("static-token").await?.is_staff());
    /// // the instance refuses it
    /// assert!(ask("other-token").await.is_err_and(|error| error.kind() == ErrorKind::Invalid));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn introspect(url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
        asking(with_rules(Issuer::without_keys(NAME, Audience::absent())?)?, url, client)
    }

    /// As [`introspect`](Self::introspect), for Directus 10, which has no `/policies/me/globals`: an administrator is who has a
    /// role with `admin_access`. The role of the principal is the identifier of that row.
    ///
    /// Do not use it with later versions. There the field does not exist, and nobody is an administrator.
    ///
    /// ```
    /// use portcullis_core::{Credential, CredentialSource};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// use portcullis_providers::directus::Directus;
    /// # #[derive(Debug)] struct Client;
    /// # impl HttpClient for Client {
    /// #     fn send(&self, request: HttpRequest, reply: Reply) {
    /// #         let is_admin = request.headers().any(|header| header == ("authorization", "Bearer of-admin"));
    /// #         let role = format!(r#"{{"data":{{"id":"u1","role":{{"id":"r1","admin_access":{is_admin}}}}}}}"#);
    /// #         reply.give(Ok(HttpResponse::new(200, role)));
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = Client;
    /// let verifier = Directus::introspect_v10("https://directus.example.com", client)?;
    /// let ask = async |token: &str| {
    ///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    /// assert!(ask("of-admin").await?.is_staff());
    /// assert!(!ask("of-member").await?.is_staff());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn introspect_v10(url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
        let map = ClaimMap::new().subject("id")?.roles("/role/id")?.staff("/role/admin_access")?;
        let issuer = Issuer::without_keys(NAME, Audience::absent())?.claim_map(map);
        user(issuer, url, "id,role.id,role.admin_access,status", client)
    }

    /// Asks the instance about every token, and makes staff of the users whose role has this name. **Whoever may create or
    /// rename roles can make himself an administrator here**, and the name may be translated. For services that decided so
    /// before, until they ask for what Directus says: see [`introspect`](Self::introspect).
    ///
    /// ```
    /// use portcullis_core::{Credential, CredentialSource};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// use portcullis_providers::directus::Directus;
    /// # #[derive(Debug)] struct Client;
    /// # impl HttpClient for Client {
    /// #     fn send(&self, request: HttpRequest, reply: Reply) {
    /// #         let is_admin = request.headers().any(|header| header == ("authorization", "Bearer of-admin"));
    /// #         let name = if is_admin { "Administrator" } else { "Editor" };
    /// #         let role = format!(r#"{{"data":{{"id":"u1","role":{{"name":"{name}"}}}}}}"#);
    /// #         reply.give(Ok(HttpResponse::new(200, role)));
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = Client;
    /// let url = "https://directus.example.com";
    /// let verifier = Directus::dangerous_staff_by_role_name(url, "Administrator", client)?;
    /// let ask = async |token: &str| {
    ///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    /// assert!(ask("of-admin").await?.is_staff());
    /// assert!(!ask("of-editor").await?.is_staff());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `url` is no HTTP address, or the name is empty.
    pub fn dangerous_staff_by_role_name(
        url: &str,
        name: &str,
        client: impl HttpClient + 'static,
    ) -> Result<WhoAmI, Error> {
        if name.is_empty() {
            return Err(misconfigured("the name of the role of administrators is empty"));
        }
        let name = name.to_owned();
        let issuer = Issuer::without_keys(NAME, Audience::absent())?.claim_map(ClaimMap::new().subject("id")?);
        let issuer = issuer.finish(move |principal| {
            let role: Option<String> = claims(&principal)?.get("/role/name")?;
            Ok(principal.with_staff(role.as_deref() == Some(&*name)))
        });
        user(issuer, url, "id,role.name,status", client)
    }

    /// Verifies tokens here, with these settings, and asks the instance at this address about tokens that could have ended
    /// since. These are tokens of a session, and static ones, which only the instance knows. Where a route requires a
    /// [`fresh`](portcullis_core::policy::fresh) identity, it asks about every token. The answer then counts, not the token:
    /// see [`introspect`](Self::introspect).
    ///
    /// ```
    /// use portcullis_core::{Credential, CredentialSource, Gate, Scheme};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// use portcullis_providers::directus::{Directus, SESSION_COOKIE};
    /// # use portcullis_core::{Algorithm, testing::{FixedClock, SigningKey}};
    /// # const NOW: u64 = 1_767_268_800;
    /// # const SECRET: &str = "the SECRET of the Directus instance";
    /// # /// As Directus signs it.
    /// # fn token(secret: &str, more: &str) -> Result<String, portcullis_core::Error> {
    /// #     let claims = format!(r#"{{"id":"u1","role":"r1","admin_access":false,"iat":{NOW},"exp":{}{more}}}"#, NOW + 900);
    /// #     Ok(SigningKey::secret(Algorithm::Hs256, secret)?.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims))
    /// # }
    /// # #[derive(Debug)] struct SignedOut;
    /// # impl HttpClient for SignedOut {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(401, ""))); }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let (client, clock) = (SignedOut, FixedClock::at(NOW));
    /// let directus = Directus::new(SECRET)?
    ///     .clock(clock.clone())
    ///     .hybrid("https://directus.example.com", client)?;
    ///
    /// // The instance refuses every token. It is asked about the one that belongs to a session.
    /// let ask = async |token: &str| {
    ///     directus.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    /// assert!(ask(&token(SECRET, r#","iss":"directus""#)?).await.is_ok());
    /// assert!(ask(&token(SECRET, r#","iss":"directus","session":"s1""#)?).await.is_err());
    ///
    /// let scheme = Scheme::new(directus).cookie(SESSION_COOKIE).bearer();
    /// let gate = Gate::builder().clock(clock).scheme(scheme).build()?;
    /// # let _ = gate; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn hybrid(self, url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
        let asking = asking(self.issuer, url, client)?.sessions_only();
        Ok(match self.clock {
            Some(clock) => asking.clock(clock),
            None => asking,
        })
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

/// Of the ways to ask whether a user is an administrator, only `globals` counts policies of parent roles and of the user.
fn asking(issuer: Issuer, url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
    let globals = format!("{}/policies/me/globals", base(url)?);
    user(issuer, url, "id,role,status", client)?.and(globals)
}

/// Asks for these fields of the user.
fn user(issuer: Issuer, url: &str, fields: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
    let me = WhoAmI::new(issuer, format!("{}/users/me?fields={fields}", base(url)?), client)?.within("data")?;
    let me = me.rules(Rules::new().forbid("share")?.if_present("status", ["active"])?);
    // An instance has no clients: what it takes for a token of its own, without an `aud`, is for itself.
    Ok(me.dangerous_any_client())
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
