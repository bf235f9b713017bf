//! The issuers that a verifier trusts: settings, the choice of the key, and the rules for claims.

mod choose;
mod rules;

pub(crate) use rules::Evidence;

use super::{Algorithm, KeySource, header::is_media_type, source::Source};
use crate::{
    claims::{ClaimMap, OtherKind, Rules},
    clock::Time,
    error::Error,
};
use choose::{IssuerKeys, prepare_keys};
use std::{sync::Arc, time::Duration};

/// The maximum leeway.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// The default for the maximum length of a token in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How far `iat` and `nbf` may be ahead by default: the first token of a new login is used at once.
const AHEAD: Duration = Duration::from_secs(60);

/// The audience that a token has to be meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(AudienceRule);

#[derive(Debug, Clone, PartialEq, Eq)]
enum AudienceRule {
    AnyOf(Vec<String>),
    ClientIds(Vec<String>),
    Absent,
    Anybody,
}

impl Audience {
    /// `aud` is this, or an array that contains this (RFC 7519, section 4.1.3).
    #[must_use]
    pub fn is(audience: impl Into<String>) -> Self {
        Self(AudienceRule::AnyOf(vec![audience.into()]))
    }

    /// `aud` is one of these, or an array that contains one of these.
    #[must_use]
    pub fn any_of<S: Into<String>>(audiences: impl IntoIterator<Item = S>) -> Self {
        Self(AudienceRule::AnyOf(audiences.into_iter().map(Into::into).collect()))
    }

    /// `client_id` is this and there is no `aud`, as in the access tokens of Amazon Cognito.
    #[must_use]
    pub fn client_id(id: impl Into<String>) -> Self {
        Self::client_ids([id])
    }

    /// `client_id` is one of these and there is no `aud`.
    #[must_use]
    pub fn client_ids<S: Into<String>>(ids: impl IntoIterator<Item = S>) -> Self {
        Self(AudienceRule::ClientIds(ids.into_iter().map(Into::into).collect()))
    }

    /// There is no `aud`, as in the tokens of Directus. A token that has one is meant for another service. If the issuer is
    /// asked about opaque tokens, its answers do not name the audience either, which has to be
    /// [allowed](crate::WhoAmI::dangerous_any_client).
    #[must_use]
    pub fn absent() -> Self {
        Self(AudienceRule::Absent)
    }

    /// Any `aud`, or none. Then every service that trusts the issuer can use its callers' tokens here.
    #[must_use]
    pub fn dangerous_anybody() -> Self {
        Self(AudienceRule::Anybody)
    }

    fn is_sound(&self) -> bool {
        match &self.0 {
            AudienceRule::AnyOf(names) | AudienceRule::ClientIds(names) => {
                !names.is_empty() && !names.iter().any(String::is_empty)
            }
            AudienceRule::Absent | AudienceRule::Anybody => true,
        }
    }
}

/// What `iss` has to be in an issuer's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// Its name.
    Named,
    /// There has to be none.
    Unnamed,
    Any,
}

/// An issuer that a [`Jwt`](super::Jwt) verifier trusts: a name, an audience, algorithms, and the keys for them.
///
/// ```
/// # fn main() -> Result<(), portcullis_core::Error> {
/// use portcullis_core::{Algorithm, Audience, Issuer, Jwt, Key};
///
/// let key = Key::secret(Algorithm::Hs256, "a secret of at least thirty-two bytes")?;
/// let issuer = Issuer::new("https://id.example.com", Audience::is("orders"), [Algorithm::Hs256], key)?;
/// let verifier = Jwt::new(issuer);
/// # let _ = verifier; Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Issuer {
    pub(crate) name: Arc<str>,
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
    pub(crate) map: ClaimMap,
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
            map: ClaimMap::default(),
            naming: Naming::Named,
            expiry_optional: false,
            issued_unchecked: false,
        })
    }

    /// The same issuer, for tokens with another audience.
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
    #[must_use]
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Refuses tokens that were issued longer ago than this, and tokens without `iat`.
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
    #[must_use]
    pub fn dangerous_any_token_type(mut self) -> Self {
        self.any_type = true;
        self
    }

    /// What tokens have to say in addition to their audience and their times. If an issuer is asked about a token that was
    /// verified here, its answer is checked against other rules: see [`WhoAmI::rules`](crate::WhoAmI::rules).
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// How this issuer's claims become a principal.
    #[must_use]
    pub fn claim_map(mut self, map: ClaimMap) -> Self {
        self.map = map;
        self
    }

    /// Accepts only tokens without `iss`, such as a service issues for itself. The name of the issuer is then not compared.
    /// It is used for principals and in the log.
    ///
    /// ```
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// use portcullis_core::{Algorithm, Audience, Issuer, Key, Rules};
    ///
    /// let key = Key::secret(Algorithm::Hs256, "a secret of at least thirty-two bytes")?;
    /// let ours = Issuer::new("shop", Audience::absent(), [Algorithm::Hs256], key)?
    ///     .unnamed()
    ///     .rules(Rules::new().require("type", "access")?);
    /// # let _ = ours; Ok(()) }
    /// ```
    #[must_use]
    pub fn unnamed(mut self) -> Self {
        self.naming = Naming::Unnamed;
        self
    }

    /// Accepts tokens with any `iss`, and without one, as long as a key of this issuer signed them. Such an issuer has to be
    /// the only one of its verifier.
    #[must_use]
    pub fn dangerous_any_name(mut self) -> Self {
        self.naming = Naming::Any;
        self
    }

    /// Accepts tokens without `exp`. They are valid for as long as the key is in use.
    #[must_use]
    pub fn dangerous_without_expiry(mut self) -> Self {
        self.expiry_optional = true;
        self
    }

    /// Accepts tokens whose time of issue is in the future.
    #[must_use]
    pub fn dangerous_issued_in_future(mut self) -> Self {
        self.issued_unchecked = true;
        self
    }

    /// The name that `iss` has to be by default.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `iss` may have this value.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        match self.naming {
            Naming::Named => *self.name == *name,
            Naming::Unnamed => false,
            Naming::Any => true,
        }
    }

    pub(crate) fn is_unnamed(&self) -> bool {
        self.naming == Naming::Unnamed
    }

    pub(crate) fn has_any_name(&self) -> bool {
        self.naming == Naming::Any
    }

    /// Whether this issuer also accepts the tokens of the other one.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self.naming, other.naming) {
            (Naming::Any, _) | (Naming::Unnamed, Naming::Unnamed) => true,
            (Naming::Named, Naming::Named) => self.name == other.name,
            _ => false,
        }
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

    /// Whether there is anything to verify a signature with.
    pub(crate) fn has_keys(&self) -> bool {
        !matches!(&self.keys, IssuerKeys::AtHand(keys) if keys.is_empty())
    }
}
