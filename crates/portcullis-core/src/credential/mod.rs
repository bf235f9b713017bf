//! What the caller presented, and where it was read.

mod cookie;
mod origin;
mod scrub;
mod source;
mod value;

pub use cookie::Cookies;
pub(crate) use origin::Origins;
pub use scrub::Scrubber;
pub use source::CredentialSource;
pub(crate) use source::{Carriers, agreed, find};

use std::{borrow::Cow, fmt, time::Duration};
use zeroize::Zeroize;

/// What a request presents to prove who the caller is: a token, an API key, a shared secret.
///
/// It is not verified yet. It is never shown: `Debug` is redacted, there is no `Display`, and an owned copy is wiped when
/// dropped.
#[derive(Clone)]
pub struct Credential<'a> {
    text: Cow<'a, str>,
    source: CredentialSource,
    max_age: Option<Duration>,
}

impl<'a> Credential<'a> {
    /// A credential, as if it had been read from this source.
    pub fn new(text: impl Into<Cow<'a, str>>, source: CredentialSource) -> Self {
        Self { text: text.into(), source, max_age: None }
    }

    /// The text itself. Keep it out of logs and errors.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Where it was read from.
    #[must_use]
    pub fn source(&self) -> &CredentialSource {
        &self.source
    }

    /// The maximum age of remembered results about it, where the route requires a [`fresh`](crate::policy::fresh) identity.
    /// `None`: the authenticator decides.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// The same credential with another maximum age.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Option<Duration>) -> Self {
        self.max_age = max_age;
        self
    }

    /// A copy that borrows nothing from the request.
    #[must_use]
    pub fn to_owned(&self) -> Credential<'static> {
        let text = Cow::Owned(self.text.as_ref().to_owned());
        Credential { text, source: self.source.clone(), max_age: self.max_age }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential(.. from {})", self.source)
    }
}

impl Drop for Credential<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.text {
            text.zeroize();
        }
    }
}
