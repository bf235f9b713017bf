//! Who knows whether an issuer is trusted.

use crate::{answer::Answer, error::Error};
use std::{fmt, future::Future, sync::Arc};

/// Knows which issuers are trusted, from a table of tenants for example; implement it for
/// [`TrustedIssuers::trust_with`](crate::TrustedIssuers::trust_with).
///
/// Written with plain `async fn`. It is asked once for an issuer, however many callers wait, and again when the answer is no longer
/// remembered. The name is a plain HTTPS address. It comes from a token that **is not verified**: bind it as a parameter, and
/// compare the whole of it.
///
/// ```
/// use portcullis_core::{
///     Algorithm, Audience, Error, ErrorKind, IssuerLookup, TrustedIssuers, Verifier,
/// };
/// # use portcullis_core::{Credential, CredentialSource, testing::TestIssuer};
///
/// # #[derive(Debug)] struct Store;
/// # impl Store {
/// #     async fn has_tenant(&self, name: &str) -> Result<bool, Error> {
/// #         Ok(name == "https://acme.example.com")
/// #     }
/// # }
/// #[derive(Debug)]
/// struct Tenants(Store);
///
/// impl IssuerLookup for Tenants {
///     async fn is_trusted(&self, issuer: &str) -> Result<bool, Error> {
///         self.0.has_tenant(issuer).await // `select exists (… where issuer = $1)`
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let issuer = TestIssuer::new().named("https://acme.example.com").on_system_time();
/// # let other = TestIssuer::new().named("https://other.example.com").on_system_time();
/// # let client = issuer.clone();
/// # let by = |token| Credential::new(token, CredentialSource::bearer());
/// let issuers = TrustedIssuers::new(Audience::is("test"), [Algorithm::Es256], client)?
///     .trust_with(Tenants(Store));
/// assert!(issuers.authenticate(&by(issuer.token("alice").sign())).await.is_ok());
///
/// let refused = issuers.authenticate(&by(other.token("alice").sign())).await;
/// assert!(refused.is_err_and(|error| error.kind() == ErrorKind::Unrecognized));
/// # Ok(()) }
/// ```
pub trait IssuerLookup: fmt::Debug + Send + Sync + 'static {
    /// Whether tokens of this issuer are accepted.
    ///
    /// # Errors
    /// Any error, if that cannot be found out. The request is answered with 503.
    fn is_trusted(&self, issuer: &str) -> impl Future<Output = Result<bool, Error>> + Send;
}

/// [`IssuerLookup`] as it is stored.
pub(super) trait AnyLookup: fmt::Debug + Send + Sync {
    fn is_trusted(self: Arc<Self>, issuer: Arc<str>) -> Answer<'static, Result<bool, Error>>;
}

impl<L: IssuerLookup> AnyLookup for L {
    fn is_trusted(self: Arc<Self>, issuer: Arc<str>) -> Answer<'static, Result<bool, Error>> {
        Answer::later(async move { IssuerLookup::is_trusted(&*self, &issuer).await })
    }
}
