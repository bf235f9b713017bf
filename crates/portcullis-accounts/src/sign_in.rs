//! Sign-in by password, and by a link in a mail.

use crate::{
    accounts::{Accounts, Tokens},
    client::Client,
    email::EmailAddress,
    equal_time::in_equal_time,
    error::Error,
    event::Event,
    id::SessionId,
    mailer::{Mail, MailKind},
    one_time::Purpose,
    second_factor::SignInOutcome,
    secret::{self, Label},
    sign_up::address,
    store::{AddOutcome, UserKey},
    user::{User, UserChange},
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_core::Principal;
use serde_json::{Map, Value};

impl Accounts {
    /// Signs a user in with their password. Users with a second factor are asked for it:
    ///
    /// ```
    /// # use portcullis_accounts::{Accounts, Client, Error, SignIn, SignInOutcome};
    /// # async fn sign_in(accounts: &Accounts, ask: impl Fn() -> String) -> Result<SignIn, Error> {
    /// let (email, password, client) = ("alice@example.com", "correct horse", Client::unknown());
    /// match accounts.sign_in(email, password, &client).await? {
    ///     SignInOutcome::SignedIn(sign_in) => Ok(*sign_in),
    ///     SignInOutcome::SecondFactor(token) => {
    ///         accounts.second_factor(token.expose(), &ask(), &client).await
    ///     }
    ///     _ => Err(Error::SecondFactorRequired),
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] for an unknown address and for a wrong password alike. Only for callers that know the
    /// password: [`Error::Disabled`], [`Error::EmailUnconfirmed`], [`Error::Unapproved`]. [`Error::RateLimited`],
    /// [`Error::Busy`], [`Error::Store`].
    pub async fn sign_in(&self, email: &str, password: &str, client: &Client) -> Result<SignInOutcome, Error> {
        let inner = &*self.0;
        self.count_network("sign_in", client, inner.limits.sign_ins_per_network).await?;
        let parsed = email.parse::<EmailAddress>().ok();
        let address = parsed.as_ref().map_or("", EmailAddress::as_str);
        let whose =
            self.known_device(address, client).map_or(address.to_owned(), |device| format!("{address} {device}"));
        self.count("sign_in", &whose, inner.limits.sign_ins_per_account).await?;
        let slot = inner.hasher.reserve()?;
        let user = match &parsed {
            Some(email) => inner.stores.users.find(UserKey::Email(email)).await?,
            None => None,
        };
        let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
        let found = inner.hasher.verify(slot, password, hash).await?;
        let id = user.as_ref().map(|user| user.id.clone());
        let Some(user) = user.filter(|_| found.fits) else {
            return Err(self.sign_in_failed(Error::InvalidCredentials, id.as_ref(), client));
        };
        self.refund("sign_in", &whose, inner.limits.sign_ins_per_account).await;
        self.may_sign_in(&user).map_err(|error| self.sign_in_failed(error, Some(&user.id), client))?;
        if found.is_outdated
            && let Err(error) = self.rehash(&user, password).await
        {
            // The old hash is still good.
            tracing::warn!(target: "portcullis", code = error.code(), user = %user.id, "a password was not hashed again");
        }
        self.complete(user, vec!["pwd".to_owned()], client).await
    }

    /// Replaces a hash with other costs. A password that was set meanwhile stays.
    async fn rehash(&self, user: &User, password: &str) -> Result<(), Error> {
        let hash = self.0.hasher.hash(self.0.hasher.reserve()?, password).await?;
        let change =
            UserChange { password_hash: Some(Some(hash)), if_stamp: Some(user.stamp), ..UserChange::default() };
        self.0.stores.users.change(&user.id, change).await?;
        Ok(())
    }

    /// Replaces the password of a signed-in user. All sessions of the user end, and a new one begins. It has the methods of the one
    /// before, so a second factor is not asked for again.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] if the old password is wrong, [`Error::PasswordRejected`], [`Error::NotFound`],
    /// [`Error::Disabled`], [`Error::RateLimited`], [`Error::Busy`], [`Error::Store`].
    pub async fn change_password(
        &self,
        who: &Principal,
        old: &str,
        new: &str,
        client: &Client,
    ) -> Result<Tokens, Error> {
        let inner = &*self.0;
        inner.passwords.check(new)?;
        let user = self.user(who).await?;
        self.verify_password(&user, old).await?;
        let hash = inner.hasher.hash(inner.hasher.reserve()?, new).await?;
        let change = UserChange {
            password_hash: Some(Some(hash)),
            new_stamp: true,
            if_stamp: Some(user.stamp),
            ..UserChange::default()
        };
        let methods = self.methods_of(who, &user).await?;
        let user = self.change(&user.id, change).await.map_err(|error| match error {
            // Another change was faster, and it has ended this session.
            Error::NotFound => Error::SessionEnded,
            error => error,
        })?;
        self.mail(Mail::new(user.email.clone(), MailKind::PasswordChanged, None));
        tracing::info!(target: "portcullis", user = %user.id, "password changed");
        Ok(self.open(user, methods, client).await?.tokens)
    }

    /// How the user signed in to the session of this principal.
    async fn methods_of(&self, who: &Principal, user: &User) -> Result<Vec<String>, Error> {
        let session = match who.session() {
            Some(id) => self.0.stores.sessions.session(&SessionId::new(id.id())).await?,
            None => None,
        };
        let session = session.filter(|session| session.user == user.id);
        Ok(session.map_or_else(|| vec!["pwd".to_owned()], |session| session.methods))
    }

    /// Whether this is the user's password. Attempts are counted like those of a sign-in.
    pub(crate) async fn verify_password(&self, user: &User, password: &str) -> Result<(), Error> {
        let inner = &*self.0;
        self.count("password", user.id.as_str(), inner.limits.sign_ins_per_account).await?;
        let found = inner.hasher.verify(inner.hasher.reserve()?, password, user.password_hash.as_deref()).await?;
        if !found.fits {
            return Err(Error::InvalidCredentials);
        }
        self.refund("password", user.id.as_str(), inner.limits.sign_ins_per_account).await;
        Ok(())
    }

    pub(crate) fn may_sign_in(&self, user: &User) -> Result<(), Error> {
        if user.disabled_at.is_some() {
            return Err(Error::Disabled);
        }
        if self.0.options.confirmation && user.email_confirmed_at.is_none() {
            return Err(Error::EmailUnconfirmed);
        }
        if self.is_approved(user) { Ok(()) } else { Err(Error::Unapproved) }
    }

    pub(crate) fn is_approved(&self, user: &User) -> bool {
        !self.0.options.approval || user.approved_at.is_some()
    }

    /// Sends a link that signs in. The answer is the same whether the address has an account.
    ///
    /// # Errors
    /// [`Error::NotEnabled`] without `magic_links` of the builder, [`Error::InvalidEmail`], [`Error::RateLimited`],
    /// [`Error::Store`].
    pub async fn send_magic_link(&self, email: &str, client: &Client) -> Result<(), Error> {
        if !self.0.options.magic_links {
            return Err(Error::NotEnabled("sign-in by mail"));
        }
        let email: EmailAddress = email.parse()?;
        self.count_mail(&email, client).await?;
        in_equal_time(async {
            let user = self.0.stores.users.find(UserKey::Email(&email)).await?;
            let is_welcome = match &user {
                Some(user) => user.disabled_at.is_none(),
                None => self.0.options.sign_up,
            };
            let mut payload = address(&email);
            if user.is_none() {
                payload.insert("new".to_owned(), Value::Bool(true));
            }
            let token = self.issue(Purpose::MagicLink, user.as_ref().filter(|_| is_welcome), payload).await?;
            if is_welcome {
                let link = self.link(MailKind::MagicLink, &token);
                self.mail(Mail::new(email, MailKind::MagicLink, link));
            }
            Ok(())
        })
        .await
    }

    /// Signs in by the token of such a link. It confirms the address, and creates the account if there is none and sign-up is
    /// open.
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::Disabled`], [`Error::Unapproved`], [`Error::Store`].
    pub async fn sign_in_with_link(&self, token: &str, client: &Client) -> Result<SignInOutcome, Error> {
        if !self.0.options.magic_links {
            return Err(Error::NotEnabled("sign-in by mail"));
        }
        let user = match self.user_by_link(token, client).await {
            Err(Error::InvalidToken) => return Err(self.sign_in_failed(Error::InvalidToken, None, client)),
            user => user?,
        };
        self.may_sign_in(&user).map_err(|error| self.sign_in_failed(error, Some(&user.id), client))?;
        self.complete(user, vec!["link".to_owned()], client).await
    }

    /// The user of a link, whose address it proves.
    async fn user_by_link(&self, token: &str, client: &Client) -> Result<User, Error> {
        let one_time = self.take(Purpose::MagicLink, token).await?;
        let user = match one_time.payload.get("new") {
            None => self.user_of(&one_time).await?,
            Some(_) => self.new_user_by_link(&one_time.payload, client).await?,
        };
        self.prove_address(user, &one_time.payload).await
    }

    /// The user with the address of a link that was sent before there was an account.
    async fn new_user_by_link(&self, payload: &Map<String, Value>, client: &Client) -> Result<User, Error> {
        let email = payload.get("email").and_then(Value::as_str).ok_or(Error::InvalidToken)?;
        let email: EmailAddress = email.parse().map_err(|_| Error::InvalidToken)?;
        if self.0.options.sign_up {
            let new = self.new_user(&email, None, Map::new())?;
            if let AddOutcome::Added(user) = self.0.stores.users.add(new).await? {
                self.event(Event::SignedUp { user: user.id.clone(), client: client.without_device() });
                return Ok(user);
            }
        }
        self.0.stores.users.find(UserKey::Email(&email)).await?.ok_or(Error::InvalidToken)
    }

    // ----------------------------------------------------------------------------------------------------------- devices

    /// A text that only this service can make: random bytes, and a keyed hash of them and the user's address.
    pub(crate) fn device(&self, user: &User) -> Result<String, Error> {
        let nonce = URL_SAFE_NO_PAD.encode(secret::random::<16>()?);
        let mac = self.0.secret.mac(Label::Device, &[user.email.as_str().as_bytes(), nonce.as_bytes()]);
        Ok(format!("{nonce}.{}", URL_SAFE_NO_PAD.encode(mac)))
    }

    /// The random bytes of the client's device, if it was made for this address.
    fn known_device(&self, address: &str, client: &Client) -> Option<String> {
        let (nonce, mac) = client.device.as_deref()?.split_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let parts = [address.as_bytes(), nonce.as_bytes()];
        let mut macs = self.0.secret.macs(Label::Device, &parts);
        macs.any(|own| verify_slices_are_equal(&own, &mac).is_ok()).then(|| nonce.to_owned())
    }
}
