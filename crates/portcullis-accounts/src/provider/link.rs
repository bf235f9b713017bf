//! Identities of a signed-in user: linked, listed, unlinked.

use super::KnownProvider;
use crate::{
    accounts::Accounts,
    error::Error,
    event::Event,
    mailer::{Mail, MailKind},
    user::LinkedIdentity,
};
use portcullis_core::{Principal, RequestHead};
use portcullis_sign_in::BegunFlow;
use serde::{Deserialize, Serialize};

/// What the flow of a linking is bound to.
#[derive(Serialize, Deserialize)]
pub(super) struct Linking {
    user: String,
    session: String,
}

impl Linking {
    /// The note of a flow. That of a sign-in is empty.
    pub(super) fn read(note: &str) -> Result<Option<Self>, Error> {
        if note.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(note).map(Some).map_err(|_| Error::InvalidRequest)
    }
}

impl Accounts {
    /// Begins a flow that links an identity at a provider to the account of the caller, for a handler of your own. The browser
    /// has to come back with the same session.
    ///
    /// Call it from a route that refuses pages of other origins, such as `POST`: no link shall begin it.
    ///
    /// # Errors
    /// [`Error::EmailUnconfirmed`] if the caller has not confirmed their address: somebody else may own it.
    /// [`Error::SignInTooOld`] if they signed in more than ten minutes ago, or have no session. [`Error::NotFound`] if the caller is
    /// no user, [`Error::Disabled`], [`Error::NotEnabled`] if there is no such provider,
    /// [`Error::Store`], and those of [`BrowserFlow::begin`](portcullis_sign_in::BrowserFlow::begin).
    pub async fn begin_link(
        &self,
        who: &Principal,
        provider: &str,
        return_to: &str,
        head: &dyn RequestHead,
    ) -> Result<BegunFlow, Error> {
        let provider = self.0.providers.named(provider)?;
        let user = self.user(who).await?;
        if user.email_confirmed_at.is_none() {
            return Err(Error::EmailUnconfirmed);
        }
        if !self.is_recent(who, &user).await? {
            return Err(Error::SignInTooOld);
        }
        let session = who.session().ok_or(Error::NotFound)?.id().to_owned();
        let linking = Linking { user: user.id.as_str().to_owned(), session };
        let note = serde_json::to_string(&linking).map_err(|_| Error::InvalidRequest)?;
        Ok(provider.flow.begin(head, return_to, &note).await?)
    }

    /// Links an identity to the caller, who has to be the one who began it, with the same session.
    pub(super) async fn link_to_caller(
        &self,
        provider: &KnownProvider,
        subject: &str,
        linking: &Linking,
        caller: Option<&Principal>,
    ) -> Result<(), Error> {
        let is_same = |who: &&Principal| {
            self.user_id(who).is_ok_and(|id| id.as_str() == linking.user)
                && who.session().is_some_and(|session| session.id() == linking.session)
        };
        let who = caller.filter(is_same).ok_or(Error::NotLinkable("the caller is not the one who began it"))?;
        let user = self.user(who).await?;
        self.link_identity(provider, subject, &user.id).await?;
        self.mail(Mail::new(user.email, MailKind::IdentityLinked, None));
        Ok(())
    }

    /// The identities of a signed-in user at providers, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Disabled`], [`Error::Store`].
    pub async fn identities(&self, who: &Principal) -> Result<Vec<LinkedIdentity>, Error> {
        let user = self.user(who).await?;
        Ok(self.0.stores.users.identities(&user.id).await?)
    }

    /// Removes the identity at a provider, by its issuer, from a signed-in user. Sessions stay.
    ///
    /// # Errors
    /// [`Error::LastWayIn`] if the user could not sign in any more: without a password, another identity and
    /// [magic links](crate::AccountsBuilder::magic_links). [`Error::NotFound`], [`Error::Disabled`], [`Error::Store`].
    pub async fn unlink_identity(&self, who: &Principal, issuer: &str) -> Result<(), Error> {
        let user = self.user(who).await?;
        let identities = self.0.stores.users.identities(&user.id).await?;
        if !identities.iter().any(|known| known.issuer == issuer) {
            return Err(Error::NotFound);
        }
        let is_another = |known: &LinkedIdentity| {
            known.issuer != issuer && self.0.providers.iter().any(|provider| provider.issuer() == known.issuer)
        };
        if user.password_hash.is_none() && !self.0.options.magic_links && !identities.iter().any(is_another) {
            return Err(Error::LastWayIn);
        }
        if !self.0.stores.users.unlink(&user.id, issuer).await? {
            return Err(Error::NotFound);
        }
        tracing::info!(target: "portcullis", user = %user.id, "an identity was unlinked");
        self.event(Event::IdentityUnlinked { user: user.id, issuer: issuer.to_owned() });
        Ok(())
    }
}
