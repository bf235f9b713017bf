//! What opaque tokens look like.

use crate::error::Error;
use std::{
    borrow::Cow,
    ops::{Bound, RangeBounds},
};

/// What an issuer's opaque tokens look like, checked before the issuer is asked.
///
/// Many issuers give their tokens a prefix and a fixed length. A credential that looks different is
/// [`Unrecognized`](crate::ErrorKind::Unrecognized): the issuer is not asked, and the next scheme may take it. What you do
/// not set is not checked. JWTs are not opaque and are not checked against this.
///
/// ```
/// use portcullis_core::{
///     Audience, Credential, CredentialSource, ErrorKind, Introspection, Issuer, OpaqueTokens,
/// };
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
/// # #[derive(Debug)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, _: HttpRequest, reply: Reply) {
/// #         let alice = r#"{"active":true,"token_type":"Bearer","sub":"alice","aud":"orders"}"#;
/// #         reply.give(Ok(HttpResponse::new(200, alice)));
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let client = Client;
/// let opaque = OpaqueTokens::new()
///     .prefix("ory_at_")?
///     .length(20..=200)?
///     .characters(|character| character.is_ascii_alphanumeric() || "_-.".contains(character))?;
/// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
/// let verifier = Introspection::new(issuer, "https://id.example.com/introspect", client)?
///     .opaque_tokens(opaque);
///
/// let ask = async |token: &str| {
///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
/// };
/// assert!(ask("ory_at_5fH2-kQ0.9xw").await.is_err()); // too short
/// assert!(ask("ory_at_5fH2-kQ0.9xwPz81").await.is_ok());
/// // Not asked about, and left to the next scheme.
/// assert!(
///     ask("ghp_5fH2-kQ0.9xwPz81mmm")
///         .await
///         .is_err_and(|error| error.kind() == ErrorKind::Unrecognized)
/// );
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct OpaqueTokens {
    prefixes: Vec<Cow<'static, str>>,
    min: usize,
    max: usize,
    /// The allowed ASCII characters, a bit for each. All by default.
    characters: Option<u128>,
}

impl OpaqueTokens {
    /// Matches every opaque credential.
    #[must_use]
    pub fn new() -> Self {
        Self { prefixes: Vec::new(), min: 0, max: usize::MAX, characters: None }
    }

    /// Matches no opaque credential: the issuer is asked about JWTs only. Static tokens of users and services are then not
    /// accepted here.
    ///
    /// ```
    /// # use portcullis_core::{Audience, Credential, CredentialSource, ErrorKind, Introspection, Issuer, OpaqueTokens};
    /// # use portcullis_core::testing::TestIssuer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = TestIssuer::new();
    /// let issuer = Issuer::without_keys("https://id.example.com", Audience::is("orders"))?;
    /// let verifier = Introspection::new(issuer, "https://id.example.com/introspect", client)?;
    /// let verifier = verifier.opaque_tokens(OpaqueTokens::none());
    /// let asked =
    ///     verifier.authenticate(&Credential::new("ory_at_alice", CredentialSource::bearer())).await;
    /// assert!(asked.is_err_and(|error| error.kind() == ErrorKind::Unrecognized));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn none() -> Self {
        Self { min: 1, max: 0, ..Self::new() }
    }

    /// The prefix of a token. Call again for more prefixes: a token has one of them.
    ///
    /// ```
    /// # use portcullis_core::OpaqueTokens;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// // sessions, and personal tokens
    /// let tokens = OpaqueTokens::new().prefix("ory_at_")?.prefix("ory_pat_")?;
    /// assert!(tokens.length(..7).is_err()); // `ory_pat_` alone is longer
    /// assert!(OpaqueTokens::new().prefix("").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the prefix is empty, or if no token can look like
    /// that.
    pub fn prefix(mut self, prefix: impl Into<Cow<'static, str>>) -> Result<Self, Error> {
        let prefix = prefix.into();
        if prefix.is_empty() {
            return Err(Error::misconfigured("every token begins with an empty prefix; leave it out"));
        }
        self.prefixes.push(prefix);
        self.checked()
    }

    /// The length of a token in bytes, with its prefix.
    ///
    /// ```
    /// # use portcullis_core::OpaqueTokens;
    /// assert!(OpaqueTokens::new().length(40..=40).is_ok());
    /// assert!(OpaqueTokens::new().length(40..40).is_err()); // no length at all
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if no token can look like that.
    pub fn length(mut self, length: impl RangeBounds<usize>) -> Result<Self, Error> {
        self.min = match length.start_bound() {
            Bound::Included(min) => *min,
            Bound::Excluded(below) => below.saturating_add(1),
            Bound::Unbounded => 0,
        };
        self.max = match length.end_bound() {
            Bound::Included(max) => *max,
            Bound::Excluded(above) => above.saturating_sub(1),
            Bound::Unbounded => usize::MAX,
        };
        self.checked()
    }

    /// The ASCII characters of a token, with its prefix. It has no others.
    ///
    /// ```
    /// # use portcullis_core::OpaqueTokens;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let hex = OpaqueTokens::new().characters(|character| character.is_ascii_hexdigit())?;
    /// assert!(hex.prefix("key-").is_err()); // no token begins like that
    /// assert!(OpaqueTokens::new().characters(|_| false).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if no token can look like that.
    pub fn characters(mut self, is_one: impl Fn(char) -> bool) -> Result<Self, Error> {
        let bits = (0..128_u8).filter(|byte| is_one(char::from(*byte))).map(|byte| 1 << byte);
        self.characters = Some(bits.fold(0, |all, bit: u128| all | bit));
        self.checked()
    }

    /// Whether every opaque token matches.
    pub(super) fn are_any(&self) -> bool {
        self.prefixes.is_empty() && (self.min, self.max) == (0, usize::MAX) && self.characters.is_none()
    }

    /// Whether a token looks like this.
    pub(super) fn fit(&self, token: &str) -> bool {
        (self.min..=self.max).contains(&token.len())
            && (self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| token.starts_with(&**prefix)))
            && self.has_characters_of(token)
    }

    fn has_characters_of(&self, text: &str) -> bool {
        let is_one = |known: u128| text.bytes().all(|byte| byte.is_ascii() && known >> byte & 1 == 1);
        self.characters.is_none_or(is_one)
    }

    /// A prefix that no token can have is a mistake, even if other prefixes are possible.
    fn checked(self) -> Result<Self, Error> {
        if self.min > self.max || self.max == 0 {
            return Err(Error::misconfigured("no token is that long"));
        }
        if let Some(prefix) = self.prefixes.iter().find(|prefix| prefix.len() > self.max) {
            return Err(Error::misconfigured(format!("the prefix `{prefix}` is longer than a token may be")));
        }
        if let Some(prefix) = self.prefixes.iter().find(|prefix| !self.has_characters_of(prefix)) {
            return Err(Error::misconfigured(format!("the prefix `{prefix}` has characters that no token has")));
        }
        match self.characters {
            Some(0) => Err(Error::misconfigured("no ASCII character is one of a token")),
            _ => Ok(self),
        }
    }
}

impl Default for OpaqueTokens {
    fn default() -> Self {
        Self::new()
    }
}
