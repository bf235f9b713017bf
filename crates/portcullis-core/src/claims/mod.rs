//! The claims of a verified token.
//!
//! [`RegisteredClaims`] are what a verifier compares, read in one pass over the parsed object (`json/`). [`Claims`] exist only
//! after that. [`Rules`] say what else the claims have to be, `kind.rs` whether they are of another kind of token, and
//! [`ClaimMap`] makes a principal of them, whose names are parts of their text (`text.rs`). `typed` and `views.rs` read them as
//! types of the application.

mod kind;
mod map;
mod path;
mod rules;
mod text;
mod typed;
mod views;

pub(crate) use kind::OtherKind;
pub use map::ClaimMap;
pub(crate) use map::flag;
pub use path::ClaimPath;
pub(crate) use path::checked as checked_path;
pub use rules::Rules;
pub(crate) use text::Text;

use crate::{
    error::Error,
    json::{Object, Value, bit, mark},
};
use serde::de::DeserializeOwned;
use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};
use views::Views;

/// 9999-12-31T23:59:59Z: no token lives longer.
pub(crate) const LAST_SECOND: f64 = 253_402_300_799.0;

/// The claims of a token whose signature, issuer, audience and times were verified (RFC 7519, section 4).
///
/// Only a verifier can create one. Cheap to clone. `Debug` shows the names of the claims and no values, because these are
/// about people.
///
/// ```
/// use portcullis_core::{ErrorKind, testing::TestIssuer};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let issuer = TestIssuer::new();
/// let token = issuer
///     .token("alice")
///     .claim("jti", "t1")
///     .claim("email", "alice@example.com")
///     .without("iat");
/// let claims = issuer.verifier().verify(&token.sign())?;
///
/// assert_eq!(claims.subject().as_deref(), Some("alice"));
/// assert_eq!(claims.issuer().as_deref(), Some("https://issuer.test"));
/// assert_eq!(claims.audience(), ["test"]);
/// assert_eq!(claims.token_id().as_deref(), Some("t1"));
/// assert!(
///     claims.expires_at().is_some()
///         && claims.not_before().is_none()
///         && claims.issued_at().is_none()
/// );
/// assert!(!format!("{claims:?}").contains("alice@example.com"));
///
/// let expired = issuer.token("alice").expired_for(Duration::from_secs(3600)).sign();
/// assert!(
///     issuer.verifier().verify(&expired).is_err_and(|error| error.kind() == ErrorKind::Expired)
/// );
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Claims(Arc<Inner>);

struct Inner {
    object: Object,
    registered: RegisteredClaims,
    views: Views,
}

/// The registered claims that are compared, read once and checked for their types.
#[derive(Debug, Clone, Default)]
pub(crate) struct RegisteredClaims {
    pub(crate) expires_at: NumericDate,
    pub(crate) not_before: NumericDate,
    pub(crate) issued_at: NumericDate,
    pub(crate) has_integer_subject: bool,
    pub(crate) other_kind: OtherKind,
}

/// A time in seconds (RFC 7519, section 2), if there is one: no number if not, as caches hold many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NumericDate(pub(crate) f64);

impl Default for NumericDate {
    fn default() -> Self {
        Self(f64::NAN)
    }
}

impl NumericDate {
    #[inline]
    pub(crate) fn seconds(self) -> Option<f64> {
        Some(self.0).filter(|seconds| !seconds.is_nan())
    }

    pub(crate) fn time(self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(self.0).ok()?)
    }
}

/// The bits of the names that [`RegisteredClaims::read`] looks for: most other names are skipped at once.
const SOUGHT: u64 = {
    const fn of(name: &str) -> u64 {
        bit(mark(name.as_bytes()))
    }
    of("exp")
        | of("nbf")
        | of("iat")
        | of("sub")
        | of("iss")
        | of("jti")
        | of("aud")
        | of("typ")
        | of("type")
        | of("events")
        | of("token_use")
        | of("token_type")
};

impl RegisteredClaims {
    /// Reads the registered claims. One that is present and not as RFC 7519 requires makes the token invalid.
    pub(crate) fn read(claims: &Object) -> Result<Self, Error> {
        let mut found = Self::default();
        for (name, value) in claims.members_among(SOUGHT) {
            let time = || match value.as_number() {
                Some(time) if (0.0..=LAST_SECOND).contains(&time) => Ok(NumericDate(time)),
                _ => Err(Error::invalid(format!("`{name}` is not a time between 1970 and the year 9999 in seconds"))),
            };
            match &*name {
                "exp" => found.expires_at = time()?,
                "nbf" => found.not_before = time()?,
                "iat" => found.issued_at = time()?,
                "sub" if value.as_integer().is_some() => found.has_integer_subject = true,
                "iss" | "sub" | "jti" if !value.is_string() => {
                    return Err(Error::invalid(format!("`{name}` is not a string")));
                }
                "aud" if !is_audience(value) => {
                    return Err(Error::invalid("`aud` is neither a string nor an array of strings"));
                }
                "typ" | "type" | "events" | "token_use" | "token_type" => found.other_kind.read(&name, value),
                _ => {}
            }
        }
        Ok(found)
    }
}

fn is_audience(value: Value<'_>) -> bool {
    value.is_string() || value.elements().is_some_and(|mut names| names.all(Value::is_string))
}

impl Claims {
    /// Only for a verifier that has checked everything.
    pub(crate) fn verified(object: Object, registered: RegisteredClaims) -> Self {
        Self(Arc::new(Inner { object, registered, views: Views::default() }))
    }

    /// The length of the text that the claims were read from.
    pub(crate) fn bytes(&self) -> usize {
        self.0.object.text().len()
    }

    /// The registered claims, as they were compared.
    pub(crate) fn registered(&self) -> &RegisteredClaims {
        &self.0.registered
    }

    fn member(&self, name: &str) -> Option<Value<'_>> {
        self.0.object.member(name)
    }

    /// The value at a [`ClaimPath`].
    pub(crate) fn at(&self, path: &str) -> Option<Value<'_>> {
        self.0.object.at(path)
    }

    /// A claim as a type of yours, by its [place](ClaimPath): `email`, or `/realm_access/roles`. `None` if the token has no
    /// such claim. For one claim; for several that belong together use [`view`](Self::view), which is parsed once.
    ///
    /// ```
    /// use portcullis_core::{ErrorKind, testing::TestIssuer};
    /// use serde_json::json;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let issuer = TestIssuer::new();
    /// let token = issuer
    ///     .token("alice")
    ///     .claim("email", "alice@example.com")
    ///     .claim("address", json!({ "country": "NL" }));
    /// let claims = issuer.verifier().verify(&token.sign())?;
    ///
    /// assert_eq!(claims.get::<String>("email")?.as_deref(), Some("alice@example.com"));
    /// assert_eq!(claims.get::<String>("/address/country")?.as_deref(), Some("NL"));
    /// assert_eq!(claims.get::<String>("phone_number")?, None);
    /// assert!(claims.get::<u64>("email").is_err_and(|error| error.kind() == ErrorKind::Invalid));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the claim does not fit the type, and
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn get<T: DeserializeOwned>(&self, path: impl AsRef<str>) -> Result<Option<T>, Error> {
        let path = path.as_ref();
        path::check(path)?;
        let Some(value) = self.at(path) else { return Ok(None) };
        typed::value(path, value).map(Some)
    }

    /// All claims as a type of yours. They are parsed on first use, and all clones of these claims share the result.
    ///
    /// A field that is not an `Option` is required: a token without it is an error here, not at verification. If every token
    /// has to have the claim, say so with [`Rules`].
    ///
    /// ```
    /// use portcullis_core::testing::TestIssuer;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Profile {
    ///     email: String,
    ///     locale: Option<String>,
    /// }
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let issuer = TestIssuer::new();
    /// let claims = issuer
    ///     .verifier()
    ///     .verify(&issuer.token("alice").claim("email", "alice@example.com").sign())?;
    /// let profile = claims.view::<Profile>()?;
    /// assert_eq!((&*profile.email, &profile.locale), ("alice@example.com", &None));
    ///
    /// let without = issuer.verifier().verify(&issuer.token("alice").sign())?;
    /// assert!(without.view::<Profile>().is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the claims do not fit the type.
    pub fn view<T: DeserializeOwned + Send + Sync + 'static>(&self) -> Result<&T, Error> {
        self.0.views.get_or_try_insert(|| typed::object(&self.0.object))
    }

    /// `iss`: who issued the token.
    #[must_use]
    pub fn issuer(&self) -> Option<Cow<'_, str>> {
        self.member("iss")?.as_str()
    }

    /// `sub`: the subject of the token.
    #[must_use]
    pub fn subject(&self) -> Option<Cow<'_, str>> {
        let subject = self.member("sub")?;
        subject.as_str().or_else(|| subject.as_integer().map(Cow::Borrowed))
    }

    /// `aud`: the audience of the token.
    #[must_use]
    pub fn audience(&self) -> Vec<Cow<'_, str>> {
        let Some(value) = self.member("aud") else { return Vec::new() };
        match value.elements() {
            Some(names) => names.filter_map(Value::as_str).collect(),
            None => value.as_str().into_iter().collect(),
        }
    }

    /// `jti`: the token's own identifier.
    #[must_use]
    pub fn token_id(&self) -> Option<Cow<'_, str>> {
        self.member("jti")?.as_str()
    }

    /// `exp`: the time from which the token is refused. The leeway of the issuer comes on top.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.registered.expires_at.time()
    }

    /// `nbf`: the time before which the token is refused. The leeway of the issuer is subtracted.
    #[must_use]
    pub fn not_before(&self) -> Option<SystemTime> {
        self.0.registered.not_before.time()
    }

    /// `iat`: when the token was issued.
    #[must_use]
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.0.registered.issued_at.time()
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.object.members().map(|(name, _)| name);
        f.write_str("Claims")?;
        f.debug_set().entries(names).finish()
    }
}
