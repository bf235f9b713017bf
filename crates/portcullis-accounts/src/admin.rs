//! What administrators do.

use crate::{
    accounts::Accounts,
    email::EmailAddress,
    error::Error,
    event::Event,
    id::UserId,
    mailer::{Mail, MailKind},
    one_time::Purpose,
    sign_up::address,
    store::{AddOutcome, Page, UserKey},
    user::{NewUser, User, UserChange},
};
use portcullis_core::{Error as CoreError, Principal};
use serde_json::Map;

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
    /// A user, also a disabled one.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn user(&self, user: &UserId) -> Result<User, Error> {
        self.accounts.0.stores.users.find(UserKey::Id(user)).await?.ok_or(Error::NotFound)
    }

    /// A page of users, newest first, also disabled ones.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn users(&self, page: Page) -> Result<Vec<User>, Error> {
        Ok(self.accounts.0.stores.users.list(page).await?)
    }

    /// The number of users.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn count(&self) -> Result<u64, Error> {
        Ok(self.accounts.0.stores.users.count().await?)
    }

    /// Creates an account, also where [sign-up](crate::AccountsBuilder::without_sign_up) is off. It is approved.
    ///
    /// With a password, the address counts as confirmed: the administrator vouches for it. Without one, the user gets the link of
    /// a reset, which sets the password and confirms the address. Say by
    /// [`valid_for`](crate::AccountsBuilder::valid_for) how long it is valid.
    ///
    /// ```
    /// # use portcullis_accounts::{Accounts, Client, Error, Links, Secret, store::MemoryStore};
    /// # use portcullis_accounts::testing::Mailbox;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
    /// let accounts = Accounts::builder("https://shop.example.com", secret, MemoryStore::new())
    ///     .without_sign_up()
    ///     # .mailer(Mailbox::new(), Links::below("https://shop.example.com"))
    ///     .build()?;
    /// let admin = accounts.admin_as("import");
    /// let (email, password) = ("alice@example.com", "correct horse battery");
    /// admin.create(email, Some(password)).await?;
    /// assert!(accounts.sign_in(email, password, &Client::unknown()).await.is_ok());
    /// assert!(matches!(admin.create(email, None).await, Err(Error::EmailTaken)));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::EmailTaken`], [`Error::InvalidEmail`], [`Error::PasswordRejected`], [`Error::Busy`], [`Error::Store`].
    /// [`Error::NotEnabled`] without a password and without a mailer.
    pub async fn create(&self, email: &str, password: Option<&str>) -> Result<User, Error> {
        let (accounts, inner) = (self.accounts, &*self.accounts.0);
        let email: EmailAddress = email.parse()?;
        if password.is_none() && inner.mailer.is_none() {
            return Err(Error::NotEnabled("mail"));
        }
        let hash = match password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };
        let new = accounts.new_user(&email, hash, Map::new())?;
        let confirmed = password.is_some().then_some(new.created_at);
        let new = NewUser { email_confirmed_at: confirmed, approved_at: Some(new.created_at), ..new };
        let AddOutcome::Added(user) = inner.stores.users.add(new).await? else { return Err(Error::EmailTaken) };
        self.done("create", &user.id);
        if password.is_none() {
            let token = accounts.issue(Purpose::Reset, Some(&user), address(&email)).await?;
            accounts.mail(Mail::new(email, MailKind::Reset, accounts.link(MailKind::Reset, &token)));
        }
        Ok(user)
    }

    /// Sets a password and ends the sessions of the user, who gets a mail about it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PasswordRejected`], [`Error::Busy`], [`Error::Store`].
    pub async fn set_password(&self, user: &UserId, password: &str) -> Result<User, Error> {
        let hash = self.hash(password).await?;
        let change = UserChange { password_hash: Some(Some(hash)), new_stamp: true, ..UserChange::default() };
        let user = self.change("set_password", user, change).await?;
        self.accounts.mail(Mail::new(user.email.clone(), MailKind::PasswordChanged, None));
        Ok(user)
    }

    /// Ends all sessions of a user, and makes the links that were mailed invalid. Returns the user.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn end_sessions(&self, user: &UserId) -> Result<User, Error> {
        self.change("end_sessions", user, UserChange { new_stamp: true, ..UserChange::default() }).await
    }

    /// Makes a user staff or not, and ends their sessions, since tokens contain it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn set_staff(&self, user: &UserId, is_staff: bool) -> Result<User, Error> {
        let change = UserChange { is_staff: Some(is_staff), new_stamp: true, ..UserChange::default() };
        self.change("set_staff", user, change).await
    }

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

    /// Deletes an account: its sessions end, its API keys are withdrawn, its second factor is removed, and it leaves its
    /// organizations.
    ///
    /// The address is free then. What the application has kept of the user stays, under an identifier that nobody gets again.
    ///
    /// # Errors
    /// [`Error::LastOwner`], and nothing was changed, while the user is the last owner of an organization: name another owner, or
    /// remove the organization. [`Error::NotFound`], [`Error::Store`], and those of the store of keys.
    pub async fn delete(&self, user: &UserId) -> Result<(), Error> {
        let (accounts, inner) = (self.accounts, &*self.accounts.0);
        self.user(user).await?;
        if let Some(organizations) = &inner.organizations
            && organizations.is_last_owner(user).await?
        {
            return Err(Error::LastOwner);
        }
        // First, so that nobody signs in meanwhile, and if it is not finished it can be called again.
        let at = Some(Some(accounts.now()));
        accounts.change(user, UserChange { disabled_at: at, new_stamp: true, ..UserChange::default() }).await?;
        accounts.remove_keys_and_factor(user).await?;
        if let Some(organizations) = &inner.organizations
            && !organizations.remove_everywhere(user).await?.is_empty()
        {
            return Err(Error::LastOwner);
        }
        inner.stores.users.remove(user).await?;
        self.done("delete", user);
        Ok(())
    }

    /// Gives a user another role and ends their sessions, since tokens contain the role.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn set_role(&self, user: &UserId, role: &str) -> Result<User, Error> {
        let change = UserChange { role: Some(role.to_owned()), new_stamp: true, ..UserChange::default() };
        self.change("set_role", user, change).await
    }

    /// Removes the second factor of a user who has lost it. The user gets a mail.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such user, or no second factor. [`Error::Store`].
    pub async fn remove_factor(&self, user: &UserId) -> Result<(), Error> {
        self.accounts.delete_factor(self.user(user).await?).await?;
        self.done("remove_factor", user);
        Ok(())
    }

    async fn change(&self, what: &'static str, user: &UserId, change: UserChange) -> Result<User, Error> {
        let changed = self.accounts.change(user, change).await?;
        self.done(what, user);
        Ok(changed)
    }

    async fn hash(&self, password: &str) -> Result<String, Error> {
        let inner = &*self.accounts.0;
        inner.passwords.check(password)?;
        inner.hasher.hash(inner.hasher.reserve()?, password).await
    }

    fn done(&self, what: &'static str, user: &UserId) {
        tracing::info!(target: "portcullis", actor = self.actor, what, user = %user, "an account was administered");
        self.accounts.event(Event::Administered { actor: self.actor.clone(), what, whom: user.clone() });
    }
}
