//! What a service adds to a verified principal.

use super::{Principal, PrincipalKind, append};
use crate::{claims::Text, error::Error, rights::Role};
use std::{
    any::{Any, type_name},
    fmt,
    sync::Arc,
};

/// What a service knows of a principal, as a [`Directory`](crate::Directory) returns it.
///
/// It adds a row, roles, a staff flag or an organization. It cannot change the identity or the expiry.
///
/// ```
/// use portcullis_core::{Account, testing::acting_as};
///
/// struct User {
///     plan: &'static str,
/// }
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let account = Account::new(User { plan: "pro" }).role("member").staff(false).organization(7);
/// // as a gate does
/// let alice = acting_as("alice").with_role("beta").with_staff(true).with_account(account);
///
/// assert_eq!(alice.account::<User>()?.plan, "pro");
/// assert_eq!(alice.roles(), ["beta".into(), "member".into()]);
/// assert_eq!((alice.is_staff(), alice.organization()), (false, Some("7")));
/// assert!(alice.account::<String>().is_err()); // no row of this type
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Account {
    row: Option<Arc<dyn Any + Send + Sync>>,
    /// `None`: as the token says.
    staff: Option<bool>,
    /// Whether the roles of the token do not count.
    only_roles: bool,
    roles: Vec<Role>,
    organization: Option<String>,
}

impl Account {
    /// An account with this row, which policies and handlers read with [`Principal::account`].
    #[must_use]
    pub fn new<T: Any + Send + Sync>(row: T) -> Self {
        Self { row: Some(Arc::new(row)), ..Self::default() }
    }

    /// No account yet: the principal stays as verified. For services in which people register after they sign in. A policy
    /// that asks for the [`account`](crate::policy::account) then finds none, which is an error and not a denial.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// With or without the staff flag. By default, the token's counts. A service that has such a flag of its own sets it for
    /// every account, so that no issuer makes anyone staff.
    #[must_use]
    pub fn staff(mut self, staff: bool) -> Self {
        self.staff = Some(staff);
        self
    }

    /// With one more role everywhere, beside those of the token.
    #[must_use]
    pub fn role(mut self, role: impl Into<Role>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// With these roles instead of those of the token, and instead of those named before.
    ///
    /// ```
    /// use portcullis_core::{Account, testing::acting_as};
    ///
    /// // at the issuer, where the word means something else
    /// let alice = acting_as("alice").with_role("admin");
    /// let here = alice.with_account(Account::new(7).only_roles(["viewer"]));
    /// assert_eq!(here.roles(), ["viewer".into()]);
    /// ```
    #[must_use]
    pub fn only_roles<R: Into<Role>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        self.only_roles = true;
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// In this organization. By default, the token's counts; that of an API key always does.
    #[must_use]
    pub fn organization(mut self, id: impl ToString) -> Self {
        self.organization = Some(id.to_string());
        self
    }
}

/// Shows nothing of the row.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(..)")
    }
}

impl Principal {
    /// With this account, as a directory would add it. The identity does not change.
    #[must_use]
    pub fn with_account(self, account: Account) -> Self {
        self.with(|inner| {
            if account.only_roles {
                inner.roles = [].into();
            }
            let first = inner.roles.len();
            append(&mut inner.roles, account.roles);
            let roles_of_account = first..inner.roles.len();
            inner.staff = account.staff.or(inner.staff);
            let (own, named) = (inner.organization.take(), account.organization.map(Text::from));
            inner.organization = match inner.id.kind() {
                // A key for one organization is worth nothing in another.
                PrincipalKind::Key => own.or(named),
                _ => named.or(own),
            };
            let more = inner.more_mut();
            more.roles_of_account = roles_of_account;
            more.account = account.row.or(more.account.take());
        })
    }

    pub(crate) fn has_account(&self) -> bool {
        self.0.more().account.is_some()
    }

    /// What gave it the role at this place of its [roles](Self::roles).
    pub(crate) fn origin_of_role(&self, place: usize) -> &'static str {
        if self.0.more().roles_of_account.contains(&place) { "account" } else { "credential" }
    }

    /// The row of the account that the gate's [`Directory`](crate::Directory) found. In a test without a directory, add one by
    /// [`with_account`](Self::with_account).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if there is none of this type.
    pub fn account<T: Any + Send + Sync>(&self) -> Result<&T, Error> {
        let row = self.0.more().account.as_deref().and_then(|row| row.downcast_ref());
        row.ok_or_else(|| {
            let detail = format!("a {:?} has no account of the type `{}`", self.kind(), type_name::<T>());
            Error::misconfigured(detail)
        })
    }
}
