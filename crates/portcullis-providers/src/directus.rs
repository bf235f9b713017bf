//! Tokens of [Directus](https://directus.io), verified with the secret of the instance or by asking the instance.

use portcullis_core::{
    Algorithm, Audience, ClaimMap, Claims, Clock, Error, ErrorKind, HttpClient, Issuer, Jwt, Key, KeySet, KeySource,
    Rules, Scheme, Verifier, WhoAmI,
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
/// # fn main() -> Result<(), portcullis_core::Error> {
/// use portcullis_core::Gate;
/// use portcullis_providers::directus::Directus;
///
/// let secret = "the SECRET of the Directus instance";
/// let gate = Gate::builder().scheme(Directus::new(secret)?).build()?; // its session cookie, or a bearer token
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
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret has less than 32 bytes.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::with_keys([Algorithm::Hs256], Key::secret(Algorithm::Hs256, secret)?)
    }

    /// Creates a verifier for an instance whose `SECRET` is shorter, but not empty. A short secret can be guessed from any
    /// one token.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret is empty.
    pub fn dangerous_short_secret(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::with_keys([Algorithm::Hs256], Key::dangerous_short_secret(Algorithm::Hs256, secret)?)
    }

    /// Creates a verifier for the instance with this `SECRET`, which also accepts tokens signed with HS384 and HS512.
    /// Directus accepts such tokens and never issues them: they are signed with its secret by something else.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret has less than 64 bytes, as HS512 needs.
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
    /// `status`, as every user with access to the app may. Directus 10 has no `/policies/me/globals`: requests are answered
    /// with 503.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if `url` is no HTTP address.
    pub fn introspect(url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
        asking(with_rules(Issuer::without_keys(NAME, Audience::absent())?)?, url, client)
    }

    /// Verifies tokens here, with these settings, and asks the instance at this address about tokens that could have ended
    /// since. These are tokens of a session, and static ones, which only the instance knows. Where a route requires a
    /// [`fresh`](portcullis_core::policy::fresh) identity, it asks about every token. The answer then counts, not the token:
    /// see [`introspect`](Self::introspect).
    ///
    /// ```
    /// # use portcullis_core::{Error, Gate, HttpClient, Scheme};
    /// # use portcullis_providers::directus::{Directus, SESSION_COOKIE};
    /// # fn gate(secret: &str, client: impl HttpClient + 'static) -> Result<Gate, Error> {
    /// let directus = Directus::new(secret)?.hybrid("https://directus.example.com", client)?;
    /// Gate::builder().scheme(Scheme::new(directus).cookie(SESSION_COOKIE).bearer()).build()
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if `url` is no HTTP address.
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
    /// # Errors
    /// [`ErrorKind::Misconfigured`] above five minutes.
    pub fn leeway(self, leeway: Duration) -> Result<Self, Error> {
        let issuer = self.issuer.clone().leeway(leeway)?;
        Ok(self.with_issuer(issuer))
    }

    /// Accepts tokens with any `iss`, and without one. Then everything that was ever signed with the secret is a token,
    /// whoever signed it.
    #[must_use]
    pub fn dangerous_any_issuer(self) -> Self {
        let issuer = self.issuer.clone().dangerous_any_name();
        self.with_issuer(issuer)
    }

    /// Accepts tokens without `exp`. They are valid for as long as the secret is in use.
    #[must_use]
    pub fn dangerous_without_expiry(self) -> Self {
        let issuer = self.issuer.clone().dangerous_without_expiry();
        self.with_issuer(issuer)
    }

    /// Accepts tokens that have an `aud`, which Directus never checks. Among them are its OAuth tokens for other services.
    ///
    /// # Errors
    /// None today. The audience is checked like any other.
    pub fn dangerous_any_audience(self) -> Result<Self, Error> {
        let issuer = self.issuer.clone().for_audience(Audience::dangerous_anybody())?;
        Ok(self.with_issuer(issuer))
    }

    /// Accepts tokens whose time of issue is in the future.
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
    let base = url.strip_suffix('/').unwrap_or(url);
    // What is added to it must not end up in another host, nor in a query.
    let host = base.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    if host.is_none_or(str::is_empty) || base.contains(['?', '#']) {
        return Err(Error::new(ErrorKind::Misconfigured, "the address of a Directus instance has a host and no query"));
    }
    let me = WhoAmI::new(issuer, format!("{base}/users/me?fields=id,role,status"), client)?;
    let me = me.and(format!("{base}/policies/me/globals"))?.within("data")?;
    let me = me.rules(Rules::new().forbid("share")?.if_present("status", ["active"])?);
    // An instance has no clients: what it takes for a token of its own, without an `aud`, is for itself.
    Ok(me.dangerous_any_client())
}
