//! Sign-up.

use crate::{
    accounts::{Accounts, SignIn},
    client::Client,
    email::EmailAddress,
    error::Error,
    event::Event,
    id::UserId,
    mailer::{Mail, MailKind},
    one_time::Purpose,
    store::AddOutcome,
    user::{NewUser, User},
};
use serde_json::{Map, Value};
use std::fmt;

/// What a new user signs up with.
#[derive(Clone, Default)]
#[allow(clippy::exhaustive_structs, reason = "callers write it as a literal")]
pub struct SignUp<'a> {
    /// The address.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
    /// Fields of the application, which has checked them.
    pub extra: Map<String, Value>,
}

impl fmt::Debug for SignUp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignUp(..)")
    }
}

impl Accounts {
    /// Creates an account.
    ///
    /// Returns `None` if the user has to confirm the address before they sign in. The result is the same if another account
    /// has the address: then a mail tells its owner. So nobody learns which addresses have accounts.
    ///
    /// # Errors
    /// [`Error::SignUpDisabled`], [`Error::InvalidEmail`], [`Error::PasswordRejected`], [`Error::RateLimited`],
    /// [`Error::Busy`], [`Error::Store`]. [`Error::EmailTaken`] only if addresses are not confirmed.
    pub async fn sign_up(&self, form: SignUp<'_>, client: &Client) -> Result<Option<SignIn>, Error> {
        let (inner, options) = (&*self.0, &self.0.options);
        if !options.sign_up {
            return Err(Error::SignUpDisabled);
        }
        let email: EmailAddress = form.email.parse()?;
        inner.passwords.check(form.password)?;
        self.count_network("sign_up", client, inner.limits.sign_ups_per_network).await?;
        // Hashed also if the address is taken, so that both take the same time.
        let hash = inner.hasher.hash(inner.hasher.reserve()?, form.password).await?;
        let user = match inner.stores.users.add(self.new_user(&email, Some(hash), form.extra)?).await? {
            AddOutcome::Added(user) => Some(user),
            AddOutcome::Taken if options.confirmation => None,
            AddOutcome::Taken => return Err(Error::EmailTaken),
        };
        if let Some(user) = &user {
            self.event(Event::SignedUp { user: user.id.clone(), client: client.without_device() });
        }
        if options.confirmation {
            self.send_confirmation(&email, user.as_ref()).await?;
        }
        match user {
            Some(user) if (!options.confirmation || options.sign_in_unconfirmed) && self.is_approved(&user) => {
                self.open(user, vec!["pwd".to_owned()], client).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    pub(crate) fn new_user(
        &self,
        email: &EmailAddress,
        password_hash: Option<String>,
        extra: Map<String, Value>,
    ) -> Result<NewUser, Error> {
        let (now, options) = (self.now(), &self.0.options);
        Ok(NewUser {
            id: UserId::fresh(now)?,
            email: email.clone(),
            email_confirmed_at: (!options.confirmation).then_some(now),
            password_hash,
            role: options.default_role.clone(),
            approved_at: (!options.approval).then_some(now),
            extra,
            created_at: now,
        })
    }

    /// Mails a link to a new user, and a note if the address has an account. An address gets a limited number of mails; that
    /// one more is not sent is not an error, since the caller may be a stranger.
    async fn send_confirmation(&self, email: &EmailAddress, new: Option<&User>) -> Result<(), Error> {
        let token = self.issue(Purpose::Confirm, new, address(email)).await?;
        let (kind, link) = match new {
            Some(_) => (MailKind::Confirm, self.link(MailKind::Confirm, &token)),
            None => (MailKind::SignedUpAgain, None),
        };
        match self.count("mail", email.as_str(), self.0.limits.mails_per_address).await {
            Ok(()) => self.mail(Mail::new(email.clone(), kind, link)),
            Err(Error::RateLimited { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The payload of tokens that prove an address.
pub(crate) fn address(email: &EmailAddress) -> Map<String, Value> {
    Map::from_iter([("email".to_owned(), email.as_str().into())])
}
