//! What links in mails are for: to confirm an address, to reset a password, to change an address, to approve an account.
//!
//! A link leads to a page of the application, which sends the token by POST. Opening the link uses nothing up, since scanners
//! of mails open it first.

use crate::{
    accounts::Accounts,
    client::Client,
    email::EmailAddress,
    equal_time::in_equal_time,
    error::Error,
    event::Event,
    factor::FactorChange,
    id::UserId,
    mailer::{Mail, MailKind},
    one_time::Purpose,
    sign_up::address,
    store::UserKey,
    user::{User, UserChange},
};
use portcullis_core::{Principal, PrincipalId, PrincipalKind};
use serde_json::{Map, Value};

/// Shows that the caller who confirms an address is the one who signed up with it.
///
/// A stranger may have signed up with the address of somebody else. Without a proof, the click of the owner would open the
/// stranger's account for the stranger.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Proof<'a> {
    /// The caller is signed in, by the session of the sign-up. A principal of another user is no proof.
    Session(&'a Principal),
    /// The password. If it is another one than that of the sign-up, it replaces it, and what was set before goes as without a
    /// proof: the link proves as much as the link of a reset.
    Password(&'a str),
    /// None. The address is confirmed, and what was set before goes: the password, all sessions, API keys and the second factor.
    Nothing,
}

impl Accounts {
    /// Confirms an address by the token of a link. See [`Proof`].
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::PasswordRejected`], [`Error::Busy`], [`Error::Store`]. A password that is rejected and
    /// a full queue leave the token valid.
    pub async fn confirm_email(&self, token: &str, proof: Proof<'_>) -> Result<User, Error> {
        let inner = &*self.0;
        let slots = match proof {
            Proof::Password(password) => {
                inner.passwords.check(password)?;
                Some((inner.hasher.reserve()?, inner.hasher.reserve()?))
            }
            _ => None,
        };
        let one_time = self.take(Purpose::Confirm, token).await?;
        let user = self.user_of(&one_time).await?;
        let mut change = UserChange { if_stamp: Some(user.stamp), ..self.confirmation(&user, &one_time.payload)? };
        let is_proven = match (proof, slots) {
            (Proof::Password(password), Some((verify, hash))) => {
                if !inner.hasher.verify(verify, password, user.password_hash.as_deref()).await?.fits {
                    change.password_hash = Some(Some(inner.hasher.hash(hash, password).await?));
                    change.new_stamp = true;
                    if user.email_confirmed_at.is_none() {
                        self.remove_keys_and_factor(&user.id).await?;
                    }
                }
                true
            }
            (Proof::Session(who), _) => self.user_id(who).is_ok_and(|id| id == user.id),
            _ => inner.options.confirm_with_link_alone,
        };
        if !is_proven && user.email_confirmed_at.is_none() {
            self.remove_keys_and_factor(&user.id).await?;
            (change.password_hash, change.new_stamp) = (user.password_hash.is_some().then_some(None), true);
        }
        let user = self.changed(&user, change).await?;
        tracing::info!(target: "portcullis", user = %user.id, "address confirmed");
        Ok(user)
    }

    /// Sends the link that confirms an address again. The answer is the same whether the address has an account.
    ///
    /// # Errors
    /// [`Error::NotEnabled`] if addresses are not confirmed, [`Error::InvalidEmail`], [`Error::RateLimited`],
    /// [`Error::Store`].
    pub async fn resend_confirmation(&self, email: &str, client: &Client) -> Result<(), Error> {
        if !self.0.options.confirmation {
            return Err(Error::NotEnabled("confirmation of addresses"));
        }
        let is_meant = |user: &User| user.disabled_at.is_none() && user.email_confirmed_at.is_none();
        self.send_link(email, client, Purpose::Confirm, MailKind::Confirm, is_meant).await
    }

    /// Sends a link to reset the password. The answer is the same whether the address has an account.
    ///
    /// # Errors
    /// [`Error::NotEnabled`] without a mailer, [`Error::InvalidEmail`], [`Error::RateLimited`], [`Error::Store`].
    pub async fn request_reset(&self, email: &str, client: &Client) -> Result<(), Error> {
        if self.0.mailer.is_none() {
            return Err(Error::NotEnabled("mail"));
        }
        self.send_link(email, client, Purpose::Reset, MailKind::Reset, |user| user.disabled_at.is_none()).await
    }

    /// The same work and the same time for every address: without a user, the store keeps a token that nobody gets.
    async fn send_link(
        &self,
        email: &str,
        client: &Client,
        purpose: Purpose,
        kind: MailKind,
        is_meant: impl Fn(&User) -> bool,
    ) -> Result<(), Error> {
        let email: EmailAddress = email.parse()?;
        self.count_mail(&email, client).await?;
        in_equal_time(async {
            let user = self.0.stores.users.find(UserKey::Email(&email)).await?.filter(is_meant);
            let token = self.issue(purpose, user.as_ref(), address(&email)).await?;
            let link = self.link(kind, &token);
            if user.is_some() {
                self.mail(Mail::new(email, kind, link));
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn count_mail(&self, email: &EmailAddress, client: &Client) -> Result<(), Error> {
        self.count_network("mail", client, self.0.limits.mails_per_network).await?;
        self.count("mail", email.as_str(), self.0.limits.mails_per_address).await
    }

    /// Sets a new password by the token of a link. It confirms the address and ends all sessions. Where the address was not
    /// confirmed before, API keys and the second factor go too.
    ///
    /// # Errors
    /// [`Error::PasswordRejected`] and [`Error::Busy`], which leave the token valid. [`Error::InvalidToken`],
    /// [`Error::Store`].
    pub async fn reset_password(&self, token: &str, password: &str) -> Result<User, Error> {
        let inner = &*self.0;
        inner.passwords.check(password)?;
        let slot = inner.hasher.reserve()?;
        let one_time = self.take(Purpose::Reset, token).await?;
        let user = self.user_of(&one_time).await?;
        if user.email_confirmed_at.is_none() {
            self.remove_keys_and_factor(&user.id).await?;
        }
        let change = UserChange {
            password_hash: Some(Some(inner.hasher.hash(slot, password).await?)),
            new_stamp: true,
            if_stamp: Some(user.stamp),
            ..self.confirmation(&user, &one_time.payload)?
        };
        let user = self.changed(&user, change).await?;
        self.mail(Mail::new(user.email.clone(), MailKind::PasswordChanged, None));
        tracing::info!(target: "portcullis", user = %user.id, "password reset");
        Ok(user)
    }

    /// Sends a link to a new address of a signed-in user. Whether another account has the address is not told.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] if the password is wrong, [`Error::NotEnabled`] without a mailer,
    /// [`Error::InvalidEmail`], [`Error::NotFound`], [`Error::RateLimited`], [`Error::Busy`], [`Error::Store`].
    pub async fn request_email_change(
        &self,
        who: &Principal,
        password: &str,
        email: &str,
        client: &Client,
    ) -> Result<(), Error> {
        if self.0.mailer.is_none() {
            return Err(Error::NotEnabled("mail"));
        }
        let email: EmailAddress = email.parse()?;
        let user = self.user(who).await?;
        self.verify_password(&user, password).await?;
        self.count_mail(&email, client).await?;
        let token = self.issue(Purpose::EmailChange, Some(&user), address(&email)).await?;
        let link = self.link(MailKind::EmailChange, &token);
        self.mail(Mail::new(email, MailKind::EmailChange, link));
        Ok(())
    }

    /// Changes the address by the token of such a link. The old address gets a note.
    ///
    /// # Errors
    /// [`Error::EmailTaken`], [`Error::InvalidToken`], [`Error::Store`].
    pub async fn confirm_email_change(&self, token: &str) -> Result<User, Error> {
        let one_time = self.take(Purpose::EmailChange, token).await?;
        let user = self.user_of(&one_time).await?;
        let email = proven(&one_time.payload)?;
        let change =
            UserChange { email: Some((email, self.now())), if_stamp: Some(user.stamp), ..UserChange::default() };
        let changed = self.changed(&user, change).await?;
        self.mail(Mail::new(user.email, MailKind::EmailChanged, None));
        tracing::info!(target: "portcullis", user = %changed.id, "address changed");
        Ok(changed)
    }

    /// Sends a link that approves an account to an administrator.
    ///
    /// # Errors
    /// [`Error::NotEnabled`] without a mailer, [`Error::NotFound`], [`Error::Store`].
    pub async fn request_approval(&self, user: &UserId, administrator: &EmailAddress) -> Result<(), Error> {
        if self.0.mailer.is_none() {
            return Err(Error::NotEnabled("mail"));
        }
        let user = self.0.stores.users.find(UserKey::Id(user)).await?.ok_or(Error::NotFound)?;
        let token = self.issue(Purpose::Approve, Some(&user), Map::new()).await?;
        let link = self.link(MailKind::Approve, &token);
        self.mail(Mail::new(administrator.clone(), MailKind::Approve, link));
        Ok(())
    }

    /// Approves an account by the token of such a link.
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::Store`].
    pub async fn approve_with_link(&self, token: &str) -> Result<User, Error> {
        let one_time = self.take(Purpose::Approve, token).await?;
        let user = self.user_of(&one_time).await?;
        let change = UserChange { approved_at: Some(Some(self.now())), ..UserChange::default() };
        let user = self.changed(&user, change).await?;
        tracing::info!(target: "portcullis", user = %user.id, "account approved");
        self.event(Event::Administered { actor: "link".to_owned(), what: "approve", whom: user.id.clone() });
        Ok(user)
    }

    /// Confirms the address of a user who signs in by a link. What was set before by a caller who had not proved the address
    /// is removed: the password, all sessions, API keys and the second factor.
    pub(crate) async fn prove_address(&self, user: User, payload: &Map<String, Value>) -> Result<User, Error> {
        let change = self.confirmation(&user, payload)?;
        if user.email_confirmed_at.is_some() {
            return Ok(user);
        }
        self.remove_keys_and_factor(&user.id).await?;
        let change = UserChange {
            password_hash: user.password_hash.is_some().then_some(None),
            new_stamp: true,
            if_stamp: Some(user.stamp),
            ..change
        };
        self.changed(&user, change).await
    }

    /// Removes what outlives the end of all sessions: API keys, which would go on, and the second factor, which would lock an
    /// owner out. A stranger may have set them who signed up with the address: then it is done before the address is confirmed, so
    /// that it is done again if it fails.
    pub(crate) async fn remove_keys_and_factor(&self, user: &UserId) -> Result<(), Error> {
        if let Some(keys) = &self.0.keys {
            let owner = PrincipalId::new(PrincipalKind::User, user.as_str()).with_issuer(self.0.issuer.clone());
            keys.of_owner(owner).withdraw_all().await?;
        }
        self.0.stores.sessions.change_factor(user, FactorChange::Remove).await?;
        Ok(())
    }

    /// The change that confirms the address of a user, if the token was sent to the address that the user has.
    fn confirmation(&self, user: &User, payload: &Map<String, Value>) -> Result<UserChange, Error> {
        if proven(payload)? != user.email {
            return Err(Error::InvalidToken);
        }
        Ok(UserChange { confirmed_at: Some(self.now()), ..UserChange::default() })
    }

    /// A change whose user may have changed since the token was used.
    async fn changed(&self, before: &User, change: UserChange) -> Result<User, Error> {
        let confirms = change.confirmed_at.is_some() && before.email_confirmed_at.is_none();
        let user = self.change(&before.id, change).await.map_err(|error| match error {
            Error::NotFound => Error::InvalidToken,
            error => error,
        })?;
        if confirms {
            self.event(Event::EmailConfirmed { user: user.id.clone() });
        }
        Ok(user)
    }
}

fn proven(payload: &Map<String, Value>) -> Result<EmailAddress, Error> {
    let email = payload.get("email").and_then(Value::as_str).ok_or(Error::InvalidToken)?;
    email.parse().map_err(|_| Error::InvalidToken)
}
