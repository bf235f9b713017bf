//! Who knows the current version of an organization.

use crate::{answer::Answer, error::Error, principal::Principal};
use std::{fmt, future::Future, sync::Arc};

/// Knows the current version of each organization: see [`OrganizationContext`](crate::OrganizationContext).
///
/// Written with plain `async fn`. Asked for each request with a context.
///
/// ```
/// use portcullis_core::{Error, OrganizationVersions, Principal, testing::acting_as};
/// # #[derive(Debug)] struct Store;
/// # impl Store {
/// #     async fn version(&self, organization: &str, member: &str) -> Result<Option<u64>, Error> {
/// #         Ok((organization == "acme" && member == "user||alice").then_some(7))
/// #     }
/// # }
///
/// #[derive(Debug)]
/// struct Organizations(Store);
///
/// impl OrganizationVersions for Organizations {
///     async fn version(&self, who: &Principal, id: &str) -> Result<Option<u64>, Error> {
///         // SELECT version FROM organizations JOIN members … WHERE id = $1 AND member = $2
///         self.0.version(id, &who.id().to_string()).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let organizations = Organizations(Store);
/// assert_eq!(organizations.version(&acting_as("alice"), "acme").await?, Some(7));
/// assert_eq!(organizations.version(&acting_as("bob"), "acme").await?, None);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know versions of organizations",
    note = "write `impl OrganizationVersions for {Self}`, or use `OrganizationContext::offline`"
)]
pub trait OrganizationVersions: fmt::Debug + Send + Sync + 'static {
    /// The current version of the organization; `None` if there is no such organization, or the principal is no member.
    ///
    /// A context with a smaller version is refused, and so is every context where this is `None`.
    ///
    /// # Errors
    /// If it could not be read. The request is then refused with 503, or with 500 if the error is of the kind
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured).
    fn version(&self, who: &Principal, organization: &str) -> impl Future<Output = Result<Option<u64>, Error>> + Send;
}

impl<V: OrganizationVersions> OrganizationVersions for Arc<V> {
    fn version(&self, who: &Principal, organization: &str) -> impl Future<Output = Result<Option<u64>, Error>> + Send {
        (**self).version(who, organization)
    }
}

/// [`OrganizationVersions`] as a context stores them. Their futures own what they need.
pub(super) trait AnyOrganizationVersions: fmt::Debug + Send + Sync {
    fn version(self: Arc<Self>, who: Principal, organization: String) -> Answer<'static, Result<Option<u64>, Error>>;
}

impl<V: OrganizationVersions> AnyOrganizationVersions for V {
    fn version(self: Arc<Self>, who: Principal, organization: String) -> Answer<'static, Result<Option<u64>, Error>> {
        Answer::begin(async move { OrganizationVersions::version(&*self, &who, &organization).await })
    }
}
