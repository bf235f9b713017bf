//! What the caller presented, and where it was read.
//!
//! `source.rs` has the places where a credential can be, and reads them by the rules of `value.rs` (syntax of headers) and
//! `cookie.rs`. `origin.rs` decides whether a cookie counts in this request. `scrub.rs` knows what has to stay out of logs.
//! Nothing here verifies anything.

mod cookie;
mod origin;
mod scrub;
mod source;
mod value;

pub use cookie::Cookies;
pub(crate) use origin::Origins;
pub use scrub::Scrubber;
pub use source::CredentialSource;
pub(crate) use source::{Carriers, FoundCredential, agreed, find};

use std::{borrow::Cow, fmt, time::Duration};
use zeroize::Zeroize;

/// What a request presents to prove who the caller is: a token, an API key, a shared secret.
///
/// It is not verified yet. It is never shown: `Debug` is redacted, there is no `Display`, and an owned copy is wiped when
/// dropped.
///
/// An [`Authenticator`](crate::Authenticator) gets it from the gate. Tests make one, and so does a service whose credentials
/// do not come in the head of a request, such as in the first message of a connection:
///
/// ```
/// use portcullis_core::{
///     Credential, CredentialSource, ErrorKind, Gate, Scheme, testing::TestIssuer,
/// };
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// let issuer = TestIssuer::new();
/// let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
///
/// let credential = Credential::new(issuer.token("alice").sign(), CredentialSource::bearer());
/// assert_eq!(format!("{credential:?}"), "Credential(.. from bearer header)");
/// assert_eq!(gate.authenticate(credential).await.principal()?.id().subject(), "alice");
///
/// // No scheme of this gate reads that header, so none is asked.
/// let elsewhere =
///     Credential::new(issuer.token("alice").sign(), CredentialSource::header("x-token"));
/// let refused = gate.authenticate(elsewhere).await;
/// assert!(refused.principal().is_err_and(|error| error.kind() == ErrorKind::Unrecognized));
/// # Ok(()) }
/// ```
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
    ///
    /// ```
    /// # use portcullis_core::{Authenticator, Credential, Error, Principal};
    /// # use std::time::Duration;
    /// # #[derive(Debug)] struct Cached { hour: Duration }
    /// # impl Cached { async fn no_older_than(&self, _: Duration, _: &str) -> Result<Principal, Error> { unimplemented!() } }
    /// impl Authenticator for Cached {
    ///     async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
    ///         let max_age = credential.max_age().unwrap_or(self.hour).min(self.hour);
    ///         self.no_older_than(max_age, credential.expose()).await
    ///     }
    ///
    ///     fn asks_anew(&self) -> bool {
    ///         true
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// The same credential with another maximum age, as a gate sets it. For tests of an authenticator with a cache:
    ///
    /// ```
    /// use portcullis_core::{Credential, CredentialSource};
    /// use std::time::Duration;
    ///
    /// let minute = Duration::from_secs(60);
    /// let credential = Credential::new("abc", CredentialSource::bearer());
    /// assert_eq!(credential.max_age(), None);
    /// assert_eq!(credential.with_max_age(Some(minute)).max_age(), Some(minute));
    /// ```
    #[must_use]
    pub fn with_max_age(mut self, max_age: Option<Duration>) -> Self {
        self.max_age = max_age;
        self
    }

    /// A copy that borrows nothing from the request, for a future that outlives it. The copy is wiped when dropped.
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
