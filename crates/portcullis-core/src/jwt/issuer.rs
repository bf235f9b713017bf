use super::{
    Algorithm, KeySet, KeySource, Looked, Patience, RemoteKeys, Unverified,
    header::{Header, is_media_type},
    key::PreparedKey,
    remote::{Generation, Look},
    source::Source,
};
use crate::{
    claims::{ClaimMap, Claims, LAST_SECOND, Registered},
    error::{Error, ErrorKind, quote},
    json::{Object, Value},
    principal::Principal,
};
use std::{
    borrow::Cow,
    ops::Range,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// More than seconds are rounded by when they are compared.
const ROUNDED: f64 = 0.001;

/// The most that clocks may be allowed to differ.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// For whom a token has to be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(pub(super) AudienceRule);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AudienceRule {
    AnyOf(Vec<String>),
    ClientId(String),
    Absent,
    Anybody,
}

impl Audience {
    /// `aud` is this, or an array with this in it (RFC 7519, section 4.1.3).
    #[must_use]
    pub fn is(audience: impl Into<String>) -> Self {
        Self(AudienceRule::AnyOf(vec![audience.into()]))
    }

    /// `aud` is one of these, or an array with one of these in it.
    #[must_use]
    pub fn any_of<S: Into<String>>(audiences: impl IntoIterator<Item = S>) -> Self {
        Self(AudienceRule::AnyOf(audiences.into_iter().map(Into::into).collect()))
    }

    /// `client_id` is this and there is no `aud`, as in the access tokens of Amazon Cognito.
    #[must_use]
    pub fn client_id(id: impl Into<String>) -> Self {
        Self(AudienceRule::ClientId(id.into()))
    }

    /// There is no `aud`, as in the tokens of Directus; a token that has one is meant for somebody else.
    #[must_use]
    pub fn absent() -> Self {
        Self(AudienceRule::Absent)
    }

    /// Whatever `aud` says. Then every service that trusts the issuer can use its callers' tokens here.
    #[must_use]
    pub fn dangerous_anybody() -> Self {
        Self(AudienceRule::Anybody)
    }

    fn is_sound(&self) -> bool {
        match &self.0 {
            AudienceRule::AnyOf(names) => !names.is_empty() && !names.iter().any(String::is_empty),
            AudienceRule::ClientId(id) => !id.is_empty(),
            AudienceRule::Absent | AudienceRule::Anybody => true,
        }
    }
}

/// Whom a [`Jwt`](super::Jwt) verifier trusts: a name, an audience, algorithms, and the keys that belong to it.
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
    max_age: Option<Duration>,
    token_type: Option<String>,
    required: Vec<(String, String)>,
    required_if_present: Vec<(String, String)>,
    forbidden: Vec<String>,
    pub(crate) map: ClaimMap,
    pub(super) any_name: bool,
    expiry_optional: bool,
    issued_unchecked: bool,
}

impl Issuer {
    /// An issuer that signs with these keys. `name` is compared with `iss` byte for byte.
    ///
    /// Every algorithm needs a key that can do it, and a key serves only the algorithms named here.
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
            Source::AtHand(keys) => IssuerKeys::AtHand(prepared(&keys, &algorithms).map_err(|what| wrong(&what))?),
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

    /// An issuer that is asked about its tokens: see [`Introspection`](crate::Introspection). As the issuer of a
    /// [`Jwt`](super::Jwt), it is one of which no token holds.
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
            max_age: None,
            token_type: None,
            required: Vec::new(),
            required_if_present: Vec::new(),
            forbidden: Vec::new(),
            map: ClaimMap::default(),
            any_name: false,
            expiry_optional: false,
            issued_unchecked: false,
        })
    }

    /// The same issuer, for tokens that are meant for somebody else.
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

    /// How far the issuer's clock may differ; by default not at all.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) above five minutes.
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, Error> {
        if leeway > MAX_LEEWAY {
            return Err(Error::misconfigured(format!("a leeway of {leeway:?}; at most {MAX_LEEWAY:?}")));
        }
        self.leeway = leeway;
        Ok(self)
    }

    /// Refuses tokens that were issued longer ago than this, and those that do not say when (`iat`).
    #[must_use]
    pub fn max_token_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Accepts tokens of this type only (`typ`, such as `at+jwt` of RFC 9068). By default `JWT`, `at+jwt` and tokens
    /// without a type are accepted.
    #[must_use]
    pub fn token_type(mut self, media_type: &str) -> Self {
        self.token_type = Some(media_type.to_owned());
        self
    }

    /// Refuses tokens in which this claim is not this text, such as `token_use` and `access`.
    #[must_use]
    pub fn require_claim(mut self, claim: impl Into<String>, value: impl Into<String>) -> Self {
        self.required.push((claim.into(), value.into()));
        self
    }

    /// Refuses tokens in which this claim is there and is not this text, such as `status` and `active` where not everybody
    /// may read it.
    #[must_use]
    pub fn require_claim_if_present(mut self, claim: impl Into<String>, value: impl Into<String>) -> Self {
        self.required_if_present.push((claim.into(), value.into()));
        self
    }

    /// Refuses tokens that have this claim, whatever its value.
    #[must_use]
    pub fn forbid_claim(mut self, claim: impl Into<String>) -> Self {
        self.forbidden.push(claim.into());
        self
    }

    /// How this issuer's claims become a principal.
    #[must_use]
    pub fn claim_map(mut self, map: ClaimMap) -> Self {
        self.map = map;
        self
    }

    /// Accepts tokens whatever their `iss` says, and without one, as long as a key of this issuer signed them. Such an
    /// issuer has to be the only one of its verifier.
    #[must_use]
    pub fn dangerous_any_name(mut self) -> Self {
        self.any_name = true;
        self
    }

    /// Accepts tokens without `exp`, which are good for as long as the key is.
    #[must_use]
    pub fn dangerous_without_expiry(mut self) -> Self {
        self.expiry_optional = true;
        self
    }

    /// Accepts tokens that say they will be issued in the future.
    #[must_use]
    pub fn dangerous_issued_in_future(mut self) -> Self {
        self.issued_unchecked = true;
        self
    }

    /// The name that `iss` has to be.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Verifies with the one key that this header can mean, and tells of which keys it is.
    pub(super) fn with_key(
        &self,
        header: &Header,
        patience: Patience,
        looked: Looked,
        verify: impl FnOnce(&PreparedKey) -> Result<(), Error>,
    ) -> Result<Generation, Unverified> {
        let (remote, algorithms) = match &self.keys {
            IssuerKeys::AtHand(keys) => {
                verify(meant(keys, header).map_err(Unmeant::into_error)?)?;
                return Ok(None);
            }
            IssuerKeys::Remote(remote, algorithms) => (remote, algorithms),
        };
        if !algorithms.contains(&header.algorithm) {
            return Err(
                Error::invalid(format!("the algorithm {} is not accepted of this issuer", header.algorithm)).into()
            );
        }
        let look = || looked.0.unwrap_or_else(|| remote.look());
        let mut keys = match (patience, (patience != Patience::Over).then(look)) {
            (_, Some(Look::Ready(keys))) => keys,
            (Patience::Some, Some(Look::Wait(landing))) => return Err(Unverified::Waits(landing)),
            (_, Some(Look::Nothing(error))) => return Err(error.into()),
            _ => remote.at_hand(patience == Patience::Over)?,
        };
        // Others may fetch keys between any two of these steps, and a key that is there by then is known.
        for _ in 0..2 {
            let unknown = match meant(&keys, header) {
                Ok(key) => {
                    verify(key)?;
                    return Ok(keys.generation());
                }
                Err(Unmeant::Ambiguous(error)) => return Err(error.into()),
                Err(Unmeant::Unknown(error)) => error,
            };
            match remote.look_beside(&keys, patience != Patience::Over) {
                Some(Look::Ready(newer)) => keys = newer,
                Some(Look::Wait(landing)) if patience == Patience::Some => return Err(Unverified::Waits(landing)),
                _ => return Err(unknown.into()),
            }
        }
        verify(meant(&keys, header).map_err(Unmeant::into_error)?)?;
        Ok(keys.generation())
    }

    /// A look at the keys, if they are fetched.
    pub(super) fn look(&self) -> Looked {
        match &self.keys {
            IssuerKeys::AtHand(_) => Looked::default(),
            IssuerKeys::Remote(remote, _) => Looked(Some(remote.look())),
        }
    }

    /// Whether these are the keys to verify with by this look, without waiting for any.
    pub(super) fn still_has(&self, generation: &Generation, looked: &Looked) -> bool {
        match &looked.0 {
            Some(Look::Ready(keys)) => keys.are_of(generation),
            Some(_) => false,
            None => generation.is_none(),
        }
    }

    /// When a token that held stops to hold, whatever is remembered of it.
    pub(crate) fn ends(&self, principal: &Principal) -> Option<SystemTime> {
        let issued = principal.token_claims().and_then(Claims::issued_at);
        let too_old =
            self.max_age.zip(issued).and_then(|(age, issued)| issued.checked_add(age)?.checked_add(self.leeway));
        principal.expires_at().into_iter().chain(too_old).min()
    }

    /// Whether `iss` may say this.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.any_name || *self.name == *name
    }

    /// Whether there is anything to verify a signature with.
    pub(crate) fn has_keys(&self) -> bool {
        !matches!(&self.keys, IssuerKeys::AtHand(keys) if keys.is_empty())
    }

    /// Everything that is said of a token in an answer of the issuer's own, which has the last word on when it expires.
    pub(crate) fn check_answer(&self, registered: &Registered, claims: &Object, now: f64) -> Result<(), Error> {
        if let Some(name) = claims.member("iss").and_then(Value::as_str).filter(|name| !self.is_called(name)) {
            return Err(Error::invalid(format!("the token is of {}, not of `{}`", quote(&name), self.name)));
        }
        self.check_audience(claims)?;
        self.check_claims(claims)?;
        self.check_time(registered, now, false)
    }

    /// Everything that is said of a token beside its signature and its `iss`.
    pub(super) fn check(
        &self,
        header: &Header,
        registered: &Registered,
        claims: &Object,
        now: f64,
    ) -> Result<(), Error> {
        self.check_type(header)?;
        self.check_audience(claims)?;
        self.check_claims(claims)?;
        self.check_own_time(registered, now)
    }

    /// What a token's own times say.
    pub(super) fn check_own_time(&self, registered: &Registered, now: f64) -> Result<(), Error> {
        self.check_time(registered, now, !self.expiry_optional)
    }

    /// From when until when these times hold, whatever the leeway, and with room for how seconds are rounded.
    pub(super) fn surely(&self, times: &Registered) -> Option<Range<SystemTime>> {
        let issued = times.issued_at.filter(|_| !self.issued_unchecked);
        let from = [times.not_before, issued].into_iter().flatten().fold(0.0, f64::max);
        let too_old = self.max_age.zip(times.issued_at).map(|(age, issued)| issued + age.as_secs_f64());
        let until = [times.expires_at, too_old].into_iter().flatten().fold(LAST_SECOND, f64::min);
        let at = |seconds: f64| SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?);
        Some(at(from + ROUNDED)?..at(until - ROUNDED)?)
    }

    fn check_claims(&self, claims: &Object) -> Result<(), Error> {
        for claim in &self.forbidden {
            if claims.member(claim).is_some() {
                return Err(Error::invalid(format!("a token with the claim `{claim}` is not accepted here")));
            }
        }
        let present = self.required_if_present.iter().filter(|(claim, _)| claims.member(claim).is_some());
        for (claim, value) in self.required.iter().chain(present) {
            if claims.member(claim).and_then(Value::as_str).is_none_or(|found| found != *value) {
                return Err(Error::invalid(format!("the claim `{claim}` is not `{value}`")));
            }
        }
        Ok(())
    }

    fn check_type(&self, header: &Header) -> Result<(), Error> {
        let fits = match (&self.token_type, header.token_type.as_deref()) {
            (Some(only), found) => found.is_some_and(|found| is_media_type(found, only)),
            (None, Some(found)) => ["jwt", "at+jwt"].iter().any(|usual| is_media_type(found, usual)),
            (None, None) => true,
        };
        if fits {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "the token's `typ` {} is not accepted",
            quote(header.token_type.as_deref().unwrap_or(""))
        )))
    }

    fn check_audience(&self, claims: &Object) -> Result<(), Error> {
        let audience = claims.member("aud");
        let names = || audience.into_iter().flat_map(audience_names);
        let problem = match &self.audience {
            AudienceRule::Anybody => return Ok(()),
            AudienceRule::AnyOf(ours) if names().any(|name| ours.iter().any(|our| *our == name)) => return Ok(()),
            AudienceRule::AnyOf(ours) if audience.is_none() => {
                format!("the token has no `aud`; expected `{}`", ours.join("` or `"))
            }
            AudienceRule::AnyOf(ours) => {
                let theirs: Vec<_> = names().take(4).collect();
                format!("the token is for {}, not for `{}`", quote(&theirs.join(", ")), ours.join("` or `"))
            }
            AudienceRule::Absent | AudienceRule::ClientId(_) if audience.is_some() => {
                "the token has an `aud`, so it is meant for somebody else; see Audience::is".to_owned()
            }
            AudienceRule::Absent => return Ok(()),
            AudienceRule::ClientId(ours) => match claims.member("client_id").and_then(Value::as_str) {
                Some(theirs) if theirs == *ours => return Ok(()),
                theirs => format!("the token's `client_id` is {}, not `{ours}`", quote(&theirs.unwrap_or_default())),
            },
        };
        Err(Error::invalid(problem))
    }

    /// RFC 7519, sections 4.1.4 to 4.1.6: expired from `exp` on, good from `nbf` on, never issued in the future.
    fn check_time(&self, times: &Registered, now: f64, needs_expiry: bool) -> Result<(), Error> {
        let leeway = self.leeway.as_secs_f64();
        let ahead = |name: &str, time: f64| {
            format!(
                "the token's `{name}` is {:.1} s ahead of this clock; Issuer::leeway allows for clocks that differ",
                time - now
            )
        };
        match times.expires_at {
            Some(expiry) if now >= expiry + leeway => {
                let detail = format!("the token expired {:.0} s ago", now - expiry);
                return Err(Error::new(ErrorKind::Expired, detail));
            }
            None if needs_expiry => return Err(Error::invalid("the token has no `exp`")),
            _ => {}
        }
        if let Some(start) = times.not_before.filter(|start| *start > now + leeway) {
            return Err(Error::invalid(ahead("nbf", start)));
        }
        if let Some(issued) = times.issued_at.filter(|issued| !self.issued_unchecked && *issued > now + leeway) {
            return Err(Error::invalid(ahead("iat", issued)));
        }
        match (self.max_age, times.issued_at) {
            (Some(max), Some(issued)) if now - issued >= max.as_secs_f64() + leeway => {
                Err(Error::new(ErrorKind::Expired, "the token was issued too long ago"))
            }
            (Some(_), None) => Err(Error::invalid("the token does not say when it was issued (`iat`)")),
            _ => Ok(()),
        }
    }
}

/// Keys for the algorithms of an issuer: at hand, or fetched.
#[derive(Debug, Clone)]
enum IssuerKeys {
    AtHand(Vec<PreparedKey>),
    Remote(RemoteKeys, Vec<Algorithm>),
}

/// Every algorithm has a key, and no two keys could be taken for each other. The error is what is wrong.
fn prepared(keys: &KeySet, algorithms: &[Algorithm]) -> Result<Vec<PreparedKey>, String> {
    let mut prepared: Vec<PreparedKey> = Vec::new();
    for key in keys.keys() {
        for algorithm in algorithms.iter().copied().filter(|algorithm| key.can(*algorithm)) {
            let id = key.id();
            if prepared.iter().any(|other| other.algorithm == algorithm && other.id.as_deref() == id) {
                let named = id.map_or("without `kid`".to_owned(), |id| format!("with the `kid` `{id}`"));
                return Err(format!("two keys {named} for {algorithm}; which one is meant could not be told"));
            }
            prepared.push(key.prepare(algorithm).map_err(|error| error.to_string())?);
        }
    }
    match algorithms.iter().find(|algorithm| prepared.iter().all(|key| key.algorithm != **algorithm)) {
        Some(algorithm) => Err(format!("no key for {algorithm}")),
        None => Ok(prepared),
    }
}

/// Why no key is meant by a header.
enum Unmeant {
    /// It may be one that is not known yet.
    Unknown(Error),
    Ambiguous(Error),
}

impl Unmeant {
    fn into_error(self) -> Error {
        match self {
            Self::Unknown(error) | Self::Ambiguous(error) => error,
        }
    }
}

/// The one of these keys that a header can mean.
fn meant<'k>(keys: &'k [PreparedKey], header: &Header) -> Result<&'k PreparedKey, Unmeant> {
    let asked = header.key_id.as_deref();
    let fitting = || keys.iter().filter(|key| key.algorithm == header.algorithm);
    let mut named = fitting().filter(|key| asked.is_none() || key.id.as_deref() == asked);
    let (mut found, mut another) = (named.next(), named.next());
    if found.is_none() {
        // A key that was imported without `kid` may be meant by any.
        let mut unnamed = fitting().filter(|key| key.id.is_none());
        (found, another) = (unnamed.next(), unnamed.next());
    }
    match (found, another) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => {
            let detail = format!("the token names no key, and there are several for {}", header.algorithm);
            Err(Unmeant::Ambiguous(Error::invalid(detail)))
        }
        (None, _) => {
            let id = header.key_id.as_deref().map_or("without `kid`".to_owned(), quote);
            let detail = format!("no key of the issuer for {} is meant by the token's `kid` ({id})", header.algorithm);
            Err(Unmeant::Unknown(Error::invalid(detail)))
        }
    }
}

/// The names in a checked `aud`: one string or an array of strings.
fn audience_names(value: Value<'_>) -> impl Iterator<Item = Cow<'_, str>> {
    let one = value.as_str();
    value.elements().into_iter().flatten().filter_map(Value::as_str).chain(one)
}
