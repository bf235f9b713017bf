//! Access tokens: what they contain, how they are signed, and how the gate verifies them.

use crate::{
    error::Error,
    id::{UserId, uuid_v7},
    organization::Member,
    secret::{Secret, Token},
    session::{RefreshFormat, Session},
    user::User,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header, crypto::aws_lc};
use portcullis_core::{Algorithm, Audience, ClaimMap, Clock, ErrorKind, Issuer, Jwt, Key, KeySet, Rules};
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime};

/// What access tokens contain, and how long they are valid.
///
/// By default 15 minutes, with `iss`, `aud`, `sub`, `sid`, `jti`, `iat`, `exp`, `auth_time`, `amr`, `role`, `org_id` and
/// `org_role`, and the header `typ` is `at+jwt` (RFC 9068). They are signed with HS256.
///
/// ```
/// use portcullis_accounts::AccessTokens;
/// use std::time::Duration;
///
/// let tokens = AccessTokens::new()
///     .life(Duration::from_secs(300))
///     .audience("https://api.example.com")
///     .extra(["plan"]); // a claim for the field `plan` of `User::extra`
/// # let _ = tokens;
/// ```
#[derive(Debug, Clone)]
pub struct AccessTokens {
    pub(crate) life: Duration,
    audience: Option<String>,
    session_claim: String,
    organization_claims: [String; 2],
    extra: Vec<String>,
    bare: Option<String>,
}

/// Claims that fields of the application cannot set: those of tokens here, and those that are registered for JWTs.
const RESERVED: [&str; 13] =
    ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "nbf", "auth_time", "amr", "role", "type", "typ"];

impl Default for AccessTokens {
    fn default() -> Self {
        let (audience, extra, bare) = (None, Vec::new(), None);
        Self {
            life: Duration::from_secs(900),
            audience,
            session_claim: "sid".to_owned(),
            organization_claims: ["org_id", "org_role"].map(str::to_owned),
            extra,
            bare,
        }
    }
}

impl AccessTokens {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a token is valid. By default 15 minutes.
    #[must_use]
    pub fn life(self, life: Duration) -> Self {
        Self { life, ..self }
    }

    /// The audience. By default the issuer itself.
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> Self {
        Self { audience: Some(audience.into()), ..self }
    }

    /// The claim with the identifier of the session. By default `sid`.
    #[must_use]
    pub fn session_claim(self, name: impl Into<String>) -> Self {
        Self { session_claim: name.into(), ..self }
    }

    /// The claims with the active organization of the session, and the role in it. By default `org_id` and `org_role`.
    ///
    /// The role is for clients. Policies ask the [`Membership`](portcullis_core::Membership).
    #[must_use]
    pub fn organization_claims(self, id: impl Into<String>, role: impl Into<String>) -> Self {
        Self { organization_claims: [id.into(), role.into()], ..self }
    }

    /// Fields of [`User::extra`] that become claims. The names of other claims are an error of
    /// [`build`](crate::AccountsBuilder::build).
    #[must_use]
    pub fn extra<S: Into<String>>(self, fields: impl IntoIterator<Item = S>) -> Self {
        Self { extra: fields.into_iter().map(Into::into).collect(), ..self }
    }

    /// Only `sub`, `exp` and a claim `type` with this value, for clients of an older service.
    ///
    /// Such a token names neither its issuer nor its session: it is valid wherever the secret is, and stays valid after a
    /// sign-out until it expires, unless the gate has the [directory](crate::Accounts::directory) and the account is disabled.
    #[must_use]
    pub fn dangerous_bare(self, kind: impl Into<String>) -> Self {
        Self { bare: Some(kind.into()), ..self }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_reserved = |name: &&String| {
            RESERVED.contains(&name.as_str()) || **name == self.session_claim || self.organization_claims.contains(name)
        };
        match self.extra.iter().find(is_reserved) {
            Some(name) => {
                Err(Error::misconfigured(format!("a field of the application cannot set the claim `{name}`")))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn claims(
        &self,
        issuer: &str,
        user: &User,
        session: &Session,
        active: Option<&Member>,
        now: SystemTime,
    ) -> Result<Map<String, Value>, Error> {
        let expires = seconds(now.checked_add(self.life).unwrap_or(now));
        let mut claims = Map::new();
        for name in &self.extra {
            if let Some(value) = user.extra.get(name) {
                claims.insert(name.clone(), value.clone());
            }
        }
        let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        set("sub", user.id.as_str().into());
        set("exp", expires.into());
        if let Some(kind) = &self.bare {
            set("type", kind.as_str().into());
            return Ok(claims);
        }
        set("iss", issuer.into());
        set("aud", self.audience_or(issuer).into());
        set("iat", seconds(now).into());
        set("auth_time", seconds(session.created_at).into());
        set("jti", uuid_v7(now)?.into());
        set("amr", json!(session.methods));
        set(&self.session_claim, session.id.as_str().into());
        if let Some(member) = active {
            let [id, role] = &self.organization_claims;
            set(id, member.organization.as_str().into());
            set(role, member.role.as_str().into());
        }
        if !user.role.is_empty() {
            set("role", user.role.as_str().into());
        }
        Ok(claims)
    }

    pub(crate) fn sign(&self, secret: &Secret, claims: &Map<String, Value>) -> Result<Token, Error> {
        sign(secret, if self.bare.is_some() { "JWT" } else { "at+jwt" }, claims)
    }

    /// How a gate verifies them: the same settings, read from the other side.
    pub(crate) fn verifier(&self, issuer: &str, secret: &Secret) -> Result<Jwt, Error> {
        let keys = keys(secret)?;
        let [organization, _] = &self.organization_claims;
        let issuer = match &self.bare {
            Some(kind) => Issuer::new(issuer, Audience::absent(), [Algorithm::Hs256], keys)?
                .unnamed()
                .rules(Rules::new().require("type", kind)?),
            None => Issuer::new(issuer, Audience::is(self.audience_or(issuer)), [Algorithm::Hs256], keys)?
                .token_type("at+jwt")
                .claim_map(ClaimMap::new().roles("role")?.session(&self.session_claim)?.organization(organization)?),
        };
        Ok(Jwt::new(issuer))
    }

    fn audience_or<'a>(&'a self, issuer: &'a str) -> &'a str {
        self.audience.as_deref().unwrap_or(issuer)
    }
}

/// How refresh tokens are written and read. The store knows what is in them.
#[derive(Debug, Clone)]
pub(crate) enum RefreshTokens {
    Opaque,
    /// Verified whatever their `exp` is: the store decides about that, and a sign-out accepts an old one.
    Jwt(Jwt),
}

/// A clock by which nothing has expired.
#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

impl RefreshTokens {
    pub(crate) fn new(format: RefreshFormat, secret: &Secret) -> Result<Self, Error> {
        if format == RefreshFormat::Opaque {
            return Ok(Self::Opaque);
        }
        let issuer = Issuer::new("refresh tokens", Audience::absent(), [Algorithm::Hs256], keys(secret)?)?
            .unnamed()
            .rules(Rules::new().require("type", "refresh")?)
            // By the clock above, every token was issued in the future.
            .dangerous_issued_in_future();
        Ok(Self::Jwt(Jwt::new(issuer).clock(Epoch)))
    }

    pub(crate) fn read(&self, text: &str) -> Result<Token, Error> {
        match self {
            Self::Opaque => Ok(Token::new(text)),
            Self::Jwt(jwt) => {
                let claims = jwt.verify(text).map_err(|_| Error::InvalidRefreshToken)?;
                claims.token_id().map(Token::new).ok_or(Error::InvalidRefreshToken)
            }
        }
    }

    pub(crate) fn write(
        &self,
        secret: &Secret,
        token: Token,
        user: &UserId,
        now: SystemTime,
        expires_at: SystemTime,
    ) -> Result<Token, Error> {
        if matches!(self, Self::Opaque) {
            return Ok(token);
        }
        let claims = [
            ("sub", Value::from(user.as_str())),
            ("jti", token.expose().into()),
            ("iat", seconds(now).into()),
            ("exp", seconds(expires_at).into()),
            ("type", "refresh".into()),
        ];
        sign(secret, "JWT", &claims.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
    }
}

fn keys(secret: &Secret) -> Result<KeySet, Error> {
    let named = secret.all().zip(secret.key_ids());
    let keys: Result<KeySet, _> =
        named.map(|(secret, id)| Ok::<_, Error>(Key::secret(Algorithm::Hs256, secret)?.with_id(id))).collect();
    keys
}

/// Not by `jsonwebtoken::encode`, which asks for the provider of the process: it panics if a crate of the program switches on
/// a second one. Here the provider is named.
fn sign(secret: &Secret, kind: &str, claims: &Map<String, Value>) -> Result<Token, Error> {
    let failed = |error: &dyn std::fmt::Display| {
        let detail = format!("a token cannot be signed: {error}");
        portcullis_core::Error::new(ErrorKind::Misconfigured, detail)
    };
    let mut header = Header::new(jsonwebtoken::Algorithm::HS256);
    header.typ = Some(kind.to_owned());
    header.kid = secret.key_ids().next();
    let part = |json: serde_json::Result<Vec<u8>>| {
        json.map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|error| failed(&error))
    };
    let message = format!("{}.{}", part(serde_json::to_vec(&header))?, part(serde_json::to_vec(claims))?);
    let key = EncodingKey::from_secret(secret.first());
    let signer = (aws_lc::DEFAULT_PROVIDER.signer_factory)(&header.alg, &key).map_err(|error| failed(&error))?;
    let signature = signer.try_sign(message.as_bytes()).map_err(|error| failed(&error))?;
    Ok(Token::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
