//! The issuers that a verifier trusts: settings, names, the choice of the key, and the rules for claims.

mod audience;
mod choose;
mod naming;
mod rules;

pub use audience::Audience;
pub(crate) use choose::KeyState;
pub(crate) use rules::Evidence;

use super::{Algorithm, KeySource, header::is_media_type, source::Source};
use crate::{
    claims::{ClaimMap, OtherKind, Rules},
    clock::Time,
    error::Error,
    principal::Principal,
};
use audience::AudienceRule;
use choose::{IssuerKeys, prepare_keys};
use naming::Naming;
use std::{fmt, sync::Arc, time::Duration};

/// The maximum leeway.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// The default for the maximum length of a token in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How far `iat` and `nbf` may be ahead by default: the first token of a new login is used at once.
const AHEAD: Duration = Duration::from_secs(60);

/// What changes or refuses the principals of an issuer.
#[derive(Clone)]
struct Finish(Arc<dyn Fn(Principal) -> Result<Principal, Error> + Send + Sync>);

impl fmt::Debug for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finish(..)")
    }
}

/// An issuer that a [`Jwt`](super::Jwt) verifier trusts: a name, an audience, algorithms, and the keys for them.
///
/// ```
/// # fn main() -> Result<(), portcullis_core::Error> {
/// use portcullis_core::{Algorithm, Audience, Issuer, Jwt, Key};
///
/// let name = "https://id.example.com";
/// let key = Key::secret(Algorithm::Hs256, "a secret of at least thirty-two bytes")?;
/// let issuer = Issuer::new(name, Audience::is("orders"), [Algorithm::Hs256], key.clone())?;
/// assert_eq!(issuer.name(), name);
/// let verifier = Jwt::new(issuer);
/// assert!(verifier.verify("not.a.token").is_err());
///
/// // What cannot work is an error at start: no key for an algorithm, no audience.
/// assert!(Issuer::new(name, Audience::is("orders"), [Algorithm::Rs256], key.clone()).is_err());
/// assert!(Issuer::new(name, Audience::is(""), [Algorithm::Hs256], key).is_err());
/// # Ok(()) }
/// ```
///
/// # Defaults
/// | what | default | set by |
/// |---|---|---|
/// | `iss` | the name, byte for byte | [`also_called`](Self::also_called), [`unnamed`](Self::unnamed) |
/// | `exp` | required, exact | [`leeway`](Self::leeway), up to five minutes |
/// | `nbf`, `iat` | may be 60 s ahead | [`leeway`](Self::leeway) |
/// | age | not limited | [`max_token_age`](Self::max_token_age) |
/// | length | 8192 bytes | [`max_token_bytes`](Self::max_token_bytes) |
/// | `typ` of the header | `JWT`, `at+jwt` or none | [`token_type`](Self::token_type) |
/// | other claims | not checked | [`rules`](Self::rules) |
/// | principal | `sub` is the subject, and there are no roles | [`claim_map`](Self::claim_map), [`finish`](Self::finish) |
#[derive(Debug, Clone)]
pub struct Issuer {
    pub(crate) name: Arc<str>,
    other_names: Vec<Arc<str>>,
    audience: AudienceRule,
    keys: IssuerKeys,
    leeway: Duration,
    pub(super) max_bytes: usize,
    /// The same for `iat` and `nbf`.
    ahead: Duration,
    max_age: Option<Duration>,
    token_types: Vec<String>,
    any_type: bool,
    other_kinds: OtherKind,
    rules: Rules,
    header_rules: Rules,
    pub(crate) map: ClaimMap,
    finish: Vec<Finish>,
    naming: Naming,
    expiry_optional: bool,
    issued_unchecked: bool,
}

impl Issuer {
    /// Creates an issuer that signs with these keys. `name` is compared with `iss` byte for byte.
    ///
    /// Every algorithm needs a key that can use it, and a key is only used with the algorithms listed here.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if a name is empty, there is no algorithm or one
    /// without a key, secrets and public keys are mixed, or two keys could not be told apart.
    pub fn new(
        name: impl Into<Arc<str>>,
        audience: Audience,
        algorithms: impl IntoIterator<Item = Algorithm>,
        keys: impl Into<KeySource>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let wrong = |what: &str| Error::misconfigured(format!("issuer `{name}`: {what}"));
        let mut algorithms: Vec<Algorithm> = algorithms.into_iter().collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        if algorithms.iter().any(|a| a.hmac().is_some()) && algorithms.iter().any(|a| a.hmac().is_none()) {
            return Err(wrong("secrets and public keys do not belong to one issuer (RFC 8725, section 2.1)"));
        }
        if algorithms.is_empty() {
            return Err(wrong("no algorithm"));
        }
        let keys = match keys.into().0 {
            Source::AtHand(keys) => IssuerKeys::AtHand(prepare_keys(&keys, &algorithms).map_err(|what| wrong(&what))?),
            Source::Remote(_) if algorithms.iter().any(|algorithm| algorithm.hmac().is_some()) => {
                return Err(wrong("a secret is not fetched over the network"));
            }
            Source::Remote(keys) => {
                keys.check_name(&name)?;
                IssuerKeys::Remote(keys, algorithms)
            }
        };
        Self::with_keys(name, audience, keys)
    }

    /// Creates an issuer that is asked about its tokens: see [`Introspection`](crate::Introspection). A [`Jwt`](super::Jwt)
    /// accepts none of its tokens.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Introspection, Issuer, Jwt, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # let (tester, client) = (TestIssuer::new(), TestIssuer::new());
    /// let issuer = Issuer::without_keys("https://issuer.test", Audience::is("test"))?;
    /// assert!(Jwt::new(issuer.clone()).verify(&tester.token("alice").sign()).is_err());
    /// let verifier = Introspection::new(issuer, "https://issuer.test/introspect", client)?;
    /// assert!(Issuer::without_keys("", Audience::is("test")).is_err());
    /// # let _ = verifier; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if its name or its audience is empty.
    pub fn without_keys(name: impl Into<Arc<str>>, audience: Audience) -> Result<Self, Error> {
        Self::with_keys(name.into(), audience, IssuerKeys::AtHand(Vec::new()))
    }

    fn with_keys(name: Arc<str>, audience: Audience, keys: IssuerKeys) -> Result<Self, Error> {
        if name.is_empty() || !audience.is_sound() {
            let detail = format!("issuer `{name}`: its name and its audience may not be empty");
            return Err(Error::misconfigured(detail));
        }
        Ok(Self {
            name,
            other_names: Vec::new(),
            audience: audience.0,
            keys,
            leeway: Duration::ZERO,
            max_bytes: MAX_TOKEN_BYTES,
            ahead: AHEAD,
            max_age: None,
            token_types: Vec::new(),
            any_type: false,
            other_kinds: OtherKind::NONE,
            rules: Rules::new(),
            header_rules: Rules::new(),
            map: ClaimMap::default(),
            finish: Vec::new(),
            naming: Naming::Named,
            expiry_optional: false,
            issued_unchecked: false,
        })
    }

    /// The same issuer, for tokens with another audience.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Jwt, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new().for_audience("orders"); // one issuer, two services
    /// let orders = Jwt::new(tester.issuer()).clock(tester.clock());
    /// let billing =
    ///     Jwt::new(tester.issuer().for_audience(Audience::is("billing"))?).clock(tester.clock());
    /// let token = tester.token("alice").sign();
    /// assert!(orders.verify(&token).is_ok() && billing.verify(&token).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the audience is empty.
    pub fn for_audience(mut self, audience: Audience) -> Result<Self, Error> {
        if !audience.is_sound() {
            return Err(Error::misconfigured(format!("issuer `{}`: its audience may not be empty", self.name)));
        }
        self.audience = audience.0;
        Ok(self)
    }

    /// How far the issuer's clock may differ, for all times in a token. By default `iat` and `nbf` may be 60 s ahead, and
    /// tokens expire exactly at `exp`. [`Duration::ZERO`] makes all times exact.
    ///
    /// ```
    /// # use portcullis_core::{Issuer, Jwt, testing::TestIssuer};
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new();
    /// let accepts = |issuer: Issuer, token: &str| {
    ///     Jwt::new(issuer).clock(tester.clock()).verify(token).is_ok()
    /// };
    /// let token = tester.token("alice").expired_for(Duration::from_secs(20)).sign();
    /// assert!(!accepts(tester.issuer(), &token));
    /// assert!(accepts(tester.issuer().leeway(Duration::from_secs(30))?, &token));
    /// assert!(tester.issuer().leeway(Duration::from_secs(600)).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) above five minutes.
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, Error> {
        if leeway > MAX_LEEWAY {
            return Err(Error::misconfigured(format!("a leeway of {leeway:?}; at most {MAX_LEEWAY:?}")));
        }
        (self.leeway, self.ahead) = (leeway, leeway);
        Ok(self)
    }

    /// The maximum length of a token of this issuer in bytes, verified here or asked about. 8192 by default. The tokens of
    /// users with many roles or groups can be longer. The server's own limit for headers has to allow them as well.
    ///
    /// ```
    /// # use portcullis_core::{Jwt, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new();
    /// let groups: Vec<String> = (0..1000).map(|number| format!("group-{number}")).collect();
    /// let token = tester.token("alice").claim("groups", groups).sign(); // about 16 KB
    /// assert!(Jwt::new(tester.issuer()).clock(tester.clock()).verify(&token).is_err());
    /// let issuer = tester.issuer().max_token_bytes(32 * 1024);
    /// assert!(Jwt::new(issuer).clock(tester.clock()).verify(&token).is_ok());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Refuses tokens that were issued longer ago than this, and tokens without `iat`.
    ///
    /// ```
    /// # use portcullis_core::{ErrorKind, Jwt, testing::TestIssuer};
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new();
    /// let verifier =
    ///     Jwt::new(tester.issuer().max_token_age(Duration::from_secs(3600))).clock(tester.clock());
    /// let token = tester.token("alice").expires_in(Duration::from_secs(24 * 3600)).sign();
    /// assert!(verifier.verify(&token).is_ok());
    /// tester.clock().advance(Duration::from_secs(3600));
    /// assert!(verifier.verify(&token).is_err_and(|error| error.kind() == ErrorKind::Expired));
    /// assert!(verifier.verify(&tester.token("alice").without("iat").sign()).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn max_token_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Accepts only tokens of this type, by the `typ` of their header, such as `at+jwt` (RFC 9068). Set it for an OpenID
    /// provider, so that its ID tokens are not accepted. Call again for more types. By default `JWT`, `at+jwt` and tokens
    /// without a type are accepted.
    ///
    /// Tokens whose claims say that they are not access tokens are refused with any type. These are tokens with `events`
    /// (RFC 8417), unless `logout+jwt` or `secevent+jwt` is accepted here, and ID, refresh and logout tokens by the name that
    /// Keycloak writes in `typ`, Amazon Cognito in `token_use`, and others in `token_type` or `type`. If a
    /// [rule](Self::rules) asks for a value of such a claim, the rule decides instead:
    /// `Rules::new().require("token_use", "id")?` accepts the ID tokens of Cognito.
    ///
    /// ```
    /// # use portcullis_core::{Jwt, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new();
    /// let verifier = Jwt::new(tester.issuer().token_type("at+jwt")).clock(tester.clock());
    /// assert!(verifier.verify(&tester.token("alice").header("typ", "at+jwt").sign()).is_ok());
    /// // an ID token, for example
    /// assert!(verifier.verify(&tester.token("alice").header("typ", "JWT").sign()).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn token_type(mut self, media_type: &str) -> Self {
        if ["logout+jwt", "secevent+jwt"].iter().any(|event| is_media_type(media_type, event)) {
            self.other_kinds = self.other_kinds.or(OtherKind::EVENT);
        }
        self.token_types.push(media_type.to_owned());
        self
    }

    /// Accepts tokens of any kind: whatever the header says, if no [type](Self::token_type) is required, and whatever the
    /// claims say. That includes ID, refresh and logout tokens, unless the audience or a [rule](Self::rules) refuses them.
    ///
    /// ```
    /// # use portcullis_core::{Jwt, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// // The only route of this gate ends a session. Clients send it their refresh token.
    /// let tester = TestIssuer::new().for_audience("sign-out");
    /// let refresh = tester.token("alice").claim("typ", "Refresh").sign();
    /// let verifier = Jwt::new(tester.issuer().dangerous_any_token_type()).clock(tester.clock());
    /// assert!(verifier.verify(&refresh).is_ok());
    /// assert!(tester.verifier().verify(&refresh).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_any_token_type(mut self) -> Self {
        self.any_type = true;
        self
    }

    /// What tokens have to say in addition to their audience and their times. Call again for more rules. If an issuer is asked about a token that was
    /// verified here, its answer is checked against other rules: see [`WhoAmI::rules`](crate::WhoAmI::rules).
    ///
    /// ```
    /// # use portcullis_core::{Jwt, Rules, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new();
    /// let rules =
    ///     Rules::new().require("token_use", "access")?.if_present("email_verified", ["true"])?;
    /// let verifier = Jwt::new(tester.issuer().rules(rules)).clock(tester.clock());
    /// let token = tester.token("alice").claim("token_use", "access");
    /// assert!(verifier.verify(&token.clone().sign()).is_ok());
    /// assert!(verifier.verify(&token.claim("email_verified", "false").sign()).is_err());
    /// // it does not say what it is for
    /// assert!(verifier.verify(&tester.token("alice").sign()).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = self.rules.and(rules);
        self
    }

    /// What the header of a token has to say, in addition to its algorithm, its key and its [type](Self::token_type). Call
    /// again for more rules.
    ///
    /// ```
    /// # use portcullis_core::{Jwt, Rules, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new();
    /// let issuer = tester.issuer().header_rules(Rules::new().require("env", "production")?);
    /// let verifier = Jwt::new(issuer).clock(tester.clock());
    /// let from = |env: &str| tester.token("alice").header("env", env).sign();
    /// assert!(verifier.verify(&from("production")).is_ok());
    /// assert!(verifier.verify(&from("staging")).is_err());
    /// assert!(verifier.verify(&tester.token("alice").sign()).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn header_rules(mut self, rules: Rules) -> Self {
        self.header_rules = self.header_rules.and(rules);
        self
    }

    /// How this issuer's claims become a principal.
    ///
    /// ```
    /// # use portcullis_core::{ClaimMap, Credential, CredentialSource, Jwt, testing::TestIssuer};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new();
    /// let map = ClaimMap::new().roles("/realm_access/roles")?; // where Keycloak has them
    /// let verifier = Jwt::new(tester.issuer().claim_map(map)).clock(tester.clock());
    /// let roles = serde_json::json!({ "roles": ["editor"] });
    /// let token = tester.token("alice").claim("realm_access", roles).role("admin").sign();
    /// let principal =
    ///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await?;
    /// assert!(principal.roles().iter().any(|role| role.as_str() == "editor"));
    /// // it is in another claim
    /// assert!(!principal.roles().iter().any(|role| role.as_str() == "admin"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn claim_map(mut self, map: ClaimMap) -> Self {
        self.map = map;
        self
    }

    /// A function that changes the principal of a verified token, or refuses the token. For what a [`ClaimMap`] and
    /// [`Rules`] cannot express. Call again for another function, which gets the result of the one before.
    ///
    /// If the function gives the principal an earlier [end](Principal::with_times), the token is valid until then. The result may be
    /// [remembered](crate::GateBuilder::cache) with the token, so it has to depend on the claims only.
    ///
    /// ```
    /// # use portcullis_core::{Credential, CredentialSource, Error, ErrorKind, Jwt, testing::TestIssuer};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// let tester = TestIssuer::new();
    /// let issuer = tester.issuer().finish(|principal| {
    ///     let level: Option<u8> = match principal.token_claims() {
    ///         Some(claims) => claims.get("level")?,
    ///         None => None,
    ///     };
    ///     match level {
    ///         Some(0) | None => Err(Error::new(ErrorKind::Invalid, "the token of a guest")),
    ///         Some(1..=3) => Ok(principal.with_role("member")),
    ///         Some(_) => Ok(principal.with_role("admin")),
    ///     }
    /// });
    /// let verifier = Jwt::new(issuer).clock(tester.clock());
    /// let by = |level: u8| {
    ///     let token = tester.token("alice").claim("level", level).sign();
    ///     Credential::new(token, CredentialSource::bearer())
    /// };
    /// assert_eq!(verifier.authenticate(&by(7)).await?.roles(), ["admin".into()]);
    /// assert!(verifier.authenticate(&by(0)).await.is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn finish(mut self, finish: impl Fn(Principal) -> Result<Principal, Error> + Send + Sync + 'static) -> Self {
        self.finish.push(Finish(Arc::new(finish)));
        self
    }

    /// Accepts tokens without `exp`. They are valid for as long as the key is in use.
    ///
    /// ```
    /// # use portcullis_core::{Jwt, testing::TestIssuer};
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// // A job has had the same token for years. `Revocations` are a way to end it before the key
    /// // changes.
    /// let tester = TestIssuer::new();
    /// let verifier = Jwt::new(tester.issuer().dangerous_without_expiry()).clock(tester.clock());
    /// let token = tester.token("backup").without("exp").sign();
    /// assert!(verifier.verify(&token).is_ok() && tester.verifier().verify(&token).is_err());
    /// // An expiry that is there still counts.
    /// assert!(
    ///     verifier
    ///         .verify(&tester.token("backup").expired_for(Duration::from_secs(60)).sign())
    ///         .is_err()
    /// );
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_without_expiry(mut self) -> Self {
        self.expiry_optional = true;
        self
    }

    /// Accepts tokens whose time of issue is in the future, however far. [`leeway`](Self::leeway) allows for clocks that differ by
    /// up to five minutes. A sign-out compares this time, so such tokens may survive it.
    ///
    /// ```
    /// # use portcullis_core::{Jwt, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// // The issuer writes its local time into `iat`, and UTC into `exp`.
    /// let tester = TestIssuer::new();
    /// let token = tester.token("alice").claim("iat", tester.clock().seconds() + 7200).sign();
    /// let verifier = Jwt::new(tester.issuer().dangerous_issued_in_future()).clock(tester.clock());
    /// assert!(verifier.verify(&token).is_ok() && tester.verifier().verify(&token).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_issued_in_future(mut self) -> Self {
        self.issued_unchecked = true;
        self
    }

    /// Whether functions change its principals, or refuse its tokens.
    pub(super) fn has_finish(&self) -> bool {
        !self.finish.is_empty()
    }

    /// Waits for keys that are fetched.
    ///
    /// # Errors
    /// If the issuer did not answer with keys.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        match &self.keys {
            IssuerKeys::Remote(keys, _) => keys.ready().await.map_err(|error| error.with_issuer(self.name.clone())),
            IssuerKeys::AtHand(_) => Ok(()),
        }
    }

    /// Makes fetched keys use this clock.
    ///
    /// # Errors
    /// If they use another one.
    pub(crate) fn settle(&self, time: &Time) -> Result<(), Error> {
        match &self.keys {
            IssuerKeys::Remote(keys, _) if !keys.settle(time) => Err(Error::misconfigured(format!(
                "the keys of `{}` go by another clock than the gate: one of another gate, or the system's because they were \
                 used before; share one clock, and build the gate first",
                self.name
            ))),
            _ => Ok(()),
        }
    }

    /// Whether its keys are fetched.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(&self.keys, IssuerKeys::Remote(..))
    }

    /// Whether there is anything to verify a signature with.
    pub(crate) fn has_keys(&self) -> bool {
        !matches!(&self.keys, IssuerKeys::AtHand(keys) if keys.is_empty())
    }
}
