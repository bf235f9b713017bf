//! The accounts of verified principals in this service.

mod cached;

pub use cached::CachedDirectory;

use crate::{
    answer::Answer,
    clock::Moment,
    error::{Error, ErrorKind},
    principal::{Account, Principal},
};
use std::{fmt, future::Future, sync::Arc};

/// Finds the account of a verified principal in this service, in a table of users for example.
///
/// Written with plain `async fn`. Asked once for a request, after the credential was verified and before any policy. It returns
/// an [`Account`], not a principal: identity, claims, session and expiry stay as verified. It is not asked about the principals
/// of [shared secrets](crate::SharedSecret), which the gate names itself.
///
/// ```
/// use portcullis_core::{
///     Account, Credential, CredentialSource, Directory, Error, ErrorKind, Gate, Principal,
///     Scheme, testing::TestIssuer,
/// };
///
/// # #[derive(Debug)] struct Store;
/// # struct User { name: &'static str, is_banned: bool }
/// # impl Store {
/// #     async fn user(&self, id: &str) -> Result<Option<User>, Error> {
/// #         let name = id.rsplit('|').next().unwrap_or_default();
/// #         let known = ["alice", "mallory"].into_iter().find(|known| *known == name);
/// #         Ok(known.map(|name| User { name, is_banned: name == "mallory" }))
/// #     }
/// # }
/// #[derive(Debug)]
/// struct Users(Store);
///
/// impl Directory for Users {
///     async fn account(&self, who: &Principal) -> Result<Account, Error> {
///         let user = self.0.user(&who.id().to_string()).await?.ok_or_else(Error::no_account)?;
///         if user.is_banned {
///             return Err(Error::denied("banned"));
///         }
///         Ok(Account::new(user))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let issuer = TestIssuer::new();
/// let gate = Gate::builder()
///     .scheme(Scheme::new(issuer.verifier()).bearer())
///     .directory(Users(Store))
///     .build()?;
/// let by = |subject: &str| {
///     gate.authenticate(Credential::new(
///         issuer.token(subject).sign(),
///         CredentialSource::bearer(),
///     ))
/// };
///
/// assert_eq!(by("alice").await.principal()?.account::<User>()?.name, "alice");
/// assert!(
///     by("mallory")
///         .await
///         .principal()
///         .is_err_and(|error| (error.status(), error.code()) == (403, "banned"))
/// );
/// assert!(
///     by("nobody").await.principal().is_err_and(|error| error.kind() == ErrorKind::NoAccount)
/// ); // 401
/// # Ok(()) }
/// ```
///
/// Asked for every request of a caller, so wrap one that asks a database in a [`CachedDirectory`].
#[diagnostic::on_unimplemented(message = "`{Self}` does not know accounts", note = "write `impl Directory for {Self}`")]
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// The account of a principal; [`Account::none`] if people register after they sign in.
    ///
    /// # Errors
    /// [`Error::no_account`] (401, `user_not_found`) or [`Error::denied`] (403) to refuse the request. Other errors are
    /// answered with 503, or with 500 for [`ErrorKind::Misconfigured`].
    fn account(&self, who: &Principal) -> impl Future<Output = Result<Account, Error>> + Send;

    /// The same, for directories with a cache.
    #[doc(hidden)]
    fn account_at(&self, who: &Principal, moment: Moment) -> impl Future<Output = Result<Account, Error>> + Send {
        let _ = moment;
        self.account(who)
    }
}

impl<D: Directory> Directory for Arc<D> {
    fn account(&self, who: &Principal) -> impl Future<Output = Result<Account, Error>> + Send {
        (**self).account(who)
    }

    fn account_at(&self, who: &Principal, moment: Moment) -> impl Future<Output = Result<Account, Error>> + Send {
        (**self).account_at(who, moment)
    }
}

/// [`Directory`] as a gate stores it. Its futures own what they need.
pub(crate) trait AnyDirectory: fmt::Debug + Send + Sync {
    fn find(self: Arc<Self>, who: Principal, moment: Moment) -> Answer<'static, Result<Principal, Error>>;
}

impl<D: Directory> AnyDirectory for D {
    fn find(self: Arc<Self>, who: Principal, moment: Moment) -> Answer<'static, Result<Principal, Error>> {
        Answer::begin(async move {
            match self.account_at(&who, moment).await {
                Ok(account) => Ok(who.with_account(account)),
                Err(error) => Err(match error.kind() {
                    ErrorKind::NoAccount
                    | ErrorKind::Invalid
                    | ErrorKind::Denied
                    | ErrorKind::Unavailable
                    | ErrorKind::Misconfigured => error,
                    _ => Error::new(ErrorKind::Unavailable, "the directory failed").with_cause(error),
                }),
            }
        })
    }
}
