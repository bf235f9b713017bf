//! What administrators do.

use crate::{
    accounts::Accounts,
    error::Error,
    event::Event,
    id::UserId,
    user::{User, UserChange},
};
use portcullis_core::{Error as CoreError, Principal};

/// What administrators do to accounts. Made by [`Accounts::admin`] or [`Accounts::admin_as`].
///
/// It is a type of its own, so that no handler does it by mistake. Each change is logged with who made it, and has an
/// [event](Event::Administered).
#[derive(Debug)]
pub struct Admin<'a> {
    accounts: &'a Accounts,
    actor: String,
}

impl Accounts {
    /// For a principal that is staff.
    ///
    /// # Errors
    /// A denial, `staff_required`, if it is not.
    pub fn admin(&self, who: &Principal) -> Result<Admin<'_>, Error> {
        if !who.is_staff() {
            return Err(CoreError::denied("staff_required").into());
        }
        Ok(Admin { accounts: self, actor: who.id().to_string() })
    }

    /// For a program of your own. The name is that of the log.
    #[must_use]
    pub fn admin_as(&self, program: &str) -> Admin<'_> {
        Admin { accounts: self, actor: program.to_owned() }
    }
}

impl Admin<'_> {
    /// Approves an account, where the builder requires it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn approve(&self, user: &UserId) -> Result<User, Error> {
        let change = UserChange { approved_at: Some(Some(self.accounts.now())), ..UserChange::default() };
        self.change("approve", user, change).await
    }

    /// Disables an account and ends its sessions, or enables it again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn disable(&self, user: &UserId, disabled: bool) -> Result<User, Error> {
        let at = disabled.then(|| self.accounts.now());
        let change = UserChange { disabled_at: Some(at), new_stamp: disabled, ..UserChange::default() };
        self.change("disable", user, change).await
    }

    /// Gives a user another role and ends their sessions, since tokens contain the role.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn set_role(&self, user: &UserId, role: &str) -> Result<User, Error> {
        let change = UserChange { role: Some(role.to_owned()), new_stamp: true, ..UserChange::default() };
        self.change("set_role", user, change).await
    }

    async fn change(&self, what: &'static str, user: &UserId, change: UserChange) -> Result<User, Error> {
        let changed = self.accounts.change(user, change).await?;
        tracing::info!(target: "portcullis", actor = self.actor, what, user = %user, "an account was administered");
        self.accounts.event(Event::Administered { actor: self.actor.clone(), what, whom: user.clone() });
        Ok(changed)
    }
}
