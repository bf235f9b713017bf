//! The issuer of tests, which signs real tokens.

#![expect(clippy::expect_used, reason = "what this puts together is sound, and a test with something else should stop")]

use super::{FixedClock, SigningKey};
use crate::{
    claims::ClaimMap,
    clock::{Clock, SystemClock, seconds},
    http::{HttpClient, HttpRequest, HttpResponse, Reply},
    jwt::{Algorithm, Audience, Issuer, Jwt},
};
use serde_json::{Map, Value, json};
use std::{fmt, sync::Arc, time::Duration};

/// Issues tokens in tests: real keys, real signatures, and a clock that stands still.
///
/// Its tokens have the claims `sub`, `roles`, `scope`, `permissions`, `staff` and `organization`, and its
/// [`verifier`](Self::verifier) reads them.
///
/// ```
/// use portcullis_core::{Algorithm, Audience, ErrorKind, Issuer, Jwt, testing::TestIssuer};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let name = "https://id.example.com";
/// let issuer = TestIssuer::with_algorithm(Algorithm::Rs256).named(name).for_audience("orders");
///
/// // What a service sets up, with the key of the test issuer.
/// let trusted = Issuer::new(
///     name,
///     Audience::is("orders"),
///     [Algorithm::Rs256],
///     issuer.signing_key().key(),
/// )?;
/// let service = Jwt::new(trusted).clock(issuer.clock());
/// assert!(service.verify(&issuer.token("alice").sign()).is_ok());
///
/// let other_audience = issuer.clone().for_audience("invoices");
/// assert!(
///     service
///         .verify(&other_audience.token("alice").sign())
///         .is_err_and(|error| error.kind() == ErrorKind::Invalid)
/// );
/// let other_issuer = issuer.named("https://id.example.org");
/// assert!(service.verify(&other_issuer.token("alice").sign()).is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct TestIssuer {
    name: String,
    audience: String,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    fixed: FixedClock,
}

impl Default for TestIssuer {
    fn default() -> Self {
        Self::new()
    }
}

impl TestIssuer {
    /// An issuer that signs with ES256. Its time is noon of 1 January 2026.
    #[must_use]
    pub fn new() -> Self {
        Self::with_key(SigningKey::embedded(Algorithm::Es256))
    }

    /// An issuer that signs with the embedded key of this algorithm.
    #[must_use]
    pub fn with_algorithm(algorithm: Algorithm) -> Self {
        Self::with_key(SigningKey::embedded(algorithm))
    }

    /// An issuer that signs with this key, such as a forger with a secret that it guessed.
    ///
    /// ```
    /// use portcullis_core::{Algorithm, testing::{SigningKey, TestIssuer}};
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let forger = TestIssuer::with_key(SigningKey::secret(Algorithm::Hs256, "guessed")?);
    /// let forged = forger.token("alice").sign();
    /// assert!(TestIssuer::new().verifier().verify(&forged).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_key(key: SigningKey) -> Self {
        let fixed = FixedClock::at(1_767_268_800);
        let (name, audience) = ("https://issuer.test".to_owned(), "test".to_owned());
        Self { name, audience, key, clock: Arc::new(fixed.clone()), fixed }
    }

    /// With another name than `https://issuer.test`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// With another audience than `test`.
    #[must_use]
    pub fn for_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// With the system's time, for tests of a running program.
    #[must_use]
    pub fn on_system_time(mut self) -> Self {
        self.clock = Arc::new(SystemClock);
        self
    }

    /// The clock that the issuer and its verifier use. Tests can move it.
    #[must_use]
    pub fn clock(&self) -> FixedClock {
        self.fixed.clone()
    }

    /// The key that the issuer signs with.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.key
    }

    /// The issuer, for a verifier that should trust it. Change its settings for a test of yours:
    ///
    /// ```
    /// use portcullis_core::{Jwt, testing::TestIssuer};
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let issuer = TestIssuer::new();
    /// let strict = Jwt::new(issuer.issuer().token_type("at+jwt")).clock(issuer.clock());
    /// assert!(strict.verify(&issuer.token("alice").header("typ", "at+jwt").sign()).is_ok());
    /// assert!(strict.verify(&issuer.token("alice").sign()).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn issuer(&self) -> Issuer {
        let map = ClaimMap::new()
            .roles("roles")
            .expect("sound")
            .scopes("scope")
            .expect("sound")
            .permissions("permissions")
            .expect("sound");
        let map = map.staff("staff").expect("sound").organization("organization").expect("sound");
        let audience = Audience::is(self.audience.clone());
        Issuer::new(self.name.clone(), audience, [self.key.algorithm()], self.key.key())
            .expect("a name, an audience and a key for the algorithm")
            .claim_map(map)
    }

    /// A verifier of its tokens that uses its clock.
    #[must_use]
    pub fn verifier(&self) -> Jwt {
        Jwt::new(self.issuer()).clock(self.clock.clone())
    }

    /// The public key, as the issuer publishes it.
    fn key_set(&self) -> String {
        format!(r#"{{"keys":[{}]}}"#, self.key.public_jwk("test").unwrap_or_default())
    }

    /// A token about this subject, valid for five minutes, to be signed.
    pub fn token(&self, subject: impl Into<String>) -> TestToken<'_> {
        let now = seconds(self.clock.now()) as u64;
        let claims = json!({
            "iss": self.name,
            "aud": self.audience,
            "sub": subject.into(),
            "iat": now,
            "exp": now.saturating_add(300),
        });
        let header = json!({ "alg": self.key.algorithm().name(), "typ": "JWT" });
        let members = |value: Value| if let Value::Object(map) = value { map } else { Map::new() };
        TestToken { key: &self.key, now, header: members(header), claims: members(claims) }
    }
}

/// Answers with what the issuer publishes, without a network: its discovery document, and its public key at `/jwks` below its
/// name.
///
/// ```
/// use portcullis_core::{
///     Algorithm, Audience, Credential, CredentialSource, Error, Gate, HttpClient, Issuer, Jwt,
///     RemoteKeys, Scheme, testing::TestIssuer,
/// };
///
/// fn gate(name: &str, client: impl HttpClient + 'static) -> Result<Gate, Error> {
///     let keys = RemoteKeys::discover(name, client)?;
///     let issuer = Issuer::new(name, Audience::is("test"), [Algorithm::Es256], keys)?;
///     Gate::builder().scheme(Scheme::new(Jwt::new(issuer)).bearer()).build()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let issuer = TestIssuer::new().on_system_time();
/// let gate = gate("https://issuer.test", issuer.clone())?;
/// let token = Credential::new(issuer.token("alice").sign(), CredentialSource::bearer());
/// assert_eq!(gate.authenticate(token).await.principal()?.id().subject(), "alice");
/// # Ok(()) }
/// ```
impl HttpClient for TestIssuer {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let keys_at = format!("{}/jwks", self.name);
        let document = || json!({ "issuer": self.name, "jwks_uri": keys_at }).to_string();
        let discovery = format!("{}/.well-known/openid-configuration", self.name);
        reply.give(Ok(match request.url() {
            url if url == discovery => HttpResponse::new(200, document()),
            url if url == keys_at => HttpResponse::new(200, self.key_set()),
            _ => HttpResponse::new(404, ""),
        }));
    }

    /// It connects to nothing.
    fn is_public_only(&self) -> bool {
        true
    }
}

/// A token that is being built, with the claims of a usual access token to begin with.
///
/// `Debug` shows the names of its claims.
///
/// ```
/// use portcullis_core::{ErrorKind, testing::TestIssuer};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let issuer = TestIssuer::new();
/// let token = issuer
///     .token("alice")
///     .role("editor")
///     .permission("report:read")
///     .scope("read write")
///     .staff()
///     .organization("acme")
///     .claim("email", "alice@example.com")
///     .header("kid", "test")
///     .expires_in(Duration::from_secs(60));
/// assert!(issuer.verifier().verify(&token.clone().sign()).is_ok());
///
/// let hour = Duration::from_secs(3600);
/// let kind = |token: &str| issuer.verifier().verify(token).err().map(|error| error.kind());
/// assert_eq!(kind(&token.clone().expired_for(hour).sign()), Some(ErrorKind::Expired));
/// assert_eq!(kind(&token.without("exp").sign()), Some(ErrorKind::Invalid));
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a token is made by `sign`"]
pub struct TestToken<'i> {
    key: &'i SigningKey,
    now: u64,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl fmt::Debug for TestToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |says: &Map<String, Value>| says.keys().cloned().collect::<Vec<_>>();
        let (header, claims) = (names(&self.header), names(&self.claims));
        f.debug_struct("TestToken").field("header", &header).field("claims", &claims).finish_non_exhaustive()
    }
}

impl TestToken<'_> {
    fn push(mut self, claim: &str, value: String) -> Self {
        if let Value::Array(values) = self.claims.entry(claim).or_insert_with(|| json!([])) {
            values.push(value.into());
        }
        self
    }

    /// With one more role.
    pub fn role(self, role: impl Into<String>) -> Self {
        self.push("roles", role.into())
    }

    /// With one more permission.
    pub fn permission(self, permission: impl Into<String>) -> Self {
        self.push("permissions", permission.into())
    }

    /// With these scopes, separated by spaces.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.claim("scope", scope.into())
    }

    /// With the staff flag.
    pub fn staff(self) -> Self {
        self.claim("staff", true)
    }

    /// In this organization.
    pub fn organization(self, organization: impl Into<String>) -> Self {
        self.claim("organization", organization.into())
    }

    /// Valid for this long.
    pub fn expires_in(self, time: Duration) -> Self {
        let expiry = self.now.saturating_add(time.as_secs());
        self.claim("exp", expiry)
    }

    /// Expired this long ago. Choose more than the leeway of the issuer.
    pub fn expired_for(self, time: Duration) -> Self {
        let expiry = self.now.saturating_sub(time.as_secs());
        self.claim("exp", expiry)
    }

    /// With this claim, of any JSON type. Replaces an earlier value.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Without a claim, also one that every token has, such as `sub`, `aud` or `exp`.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// With this header parameter. Replaces an earlier value.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// The signed token.
    #[must_use]
    pub fn sign(self) -> String {
        self.key.sign(&Value::Object(self.header).to_string(), &Value::Object(self.claims).to_string())
    }
}
