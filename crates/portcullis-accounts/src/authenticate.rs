//! What a gate takes from accounts: schemes, and a directory.

use crate::{
    accounts::Accounts,
    error::Error,
    id::UserId,
    store::{Rotation, UserKey},
    user::User,
};
use portcullis_core::{
    Account, Authenticator, Credential, Directory, Error as CoreError, Principal, PrincipalKind, Scheme, Verifier,
};
use std::time::Duration;

/// Access tokens in the `Authorization` header.
impl From<&Accounts> for Scheme {
    fn from(accounts: &Accounts) -> Self {
        Self::new(accounts).bearer()
    }
}

/// Access tokens, from the sources that a scheme names.
impl From<&Accounts> for Verifier {
    fn from(accounts: &Accounts) -> Self {
        accounts.verifier().into()
    }
}

/// Adds the [`User`] to each principal. Made by [`Accounts::directory`].
///
/// A key of this issuer gets its owner's account: that of the user who is its subject. Principals of other issuers get no
/// account. Policies read the user by [`account`](portcullis_core::policy::account).
#[derive(Debug, Clone)]
pub struct AccountDirectory(Accounts);

impl AccountDirectory {
    pub(crate) fn new(accounts: Accounts) -> Self {
        Self(accounts)
    }
}

impl Directory for AccountDirectory {
    async fn account(&self, who: &Principal) -> Result<Account, CoreError> {
        // A session that was found by its token has the user already.
        if who.account::<User>().is_ok() {
            return Ok(Account::none());
        }
        let is_ours = matches!(who.kind(), PrincipalKind::User | PrincipalKind::Key);
        if !is_ours || who.issuer() != Some(self.0.issuer()) {
            return Ok(Account::none());
        }
        let id = UserId::new(who.id().subject());
        let found = self.0.0.stores.users.find(UserKey::Id(&id)).await.map_err(Error::from)?;
        match found {
            None => Err(CoreError::no_account()),
            Some(user) if user.disabled_at.is_some() => Err(CoreError::denied(Error::Disabled.code().to_owned())),
            Some(user) => Ok(account(user)),
        }
    }
}

/// The role is the stored one: that of the token may be older.
fn account(user: User) -> Account {
    let roles = Some(user.role.clone()).filter(|role| !role.is_empty());
    Account::new(user.clone()).staff(user.is_staff).only_roles(roles)
}

/// Authenticates by the refresh token of a session. Made by [`Accounts::sessions_by_token`].
#[derive(Debug, Clone)]
pub struct SessionAuthenticator(Accounts);

impl SessionAuthenticator {
    /// How often a session's last use is written.
    const TOUCH: Duration = Duration::from_secs(60);

    pub(crate) fn new(accounts: Accounts) -> Self {
        Self(accounts)
    }

    async fn find(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let (inner, now) = (&*self.0.0, self.0.now());
        let token = inner.refresh.read(credential.expose())?.digest(Rotation::PURPOSE);
        let found = inner.stores.sessions.session_of(&token).await?;
        let (session, row) = found.ok_or(Error::InvalidRefreshToken)?;
        if session.ended_at.is_some() || !row.is_live() {
            return Err(Error::SessionEnded);
        }
        if !session.is_open(now) || row.expires_at <= now {
            return Err(Error::SessionExpired);
        }
        let user = inner.stores.users.find(UserKey::Id(&session.user)).await?;
        let user = user.filter(|user| user.stamp == session.stamp).ok_or(Error::SessionEnded)?;
        if user.disabled_at.is_some() {
            return Err(Error::Disabled);
        }
        if now.duration_since(session.used_at).is_ok_and(|unused| unused >= Self::TOUCH) {
            inner.stores.sessions.touch(&token, now, inner.sessions.expiry(&session, now)).await?;
        }
        let active = self.0.active_in(&session).await?;
        let who = Principal::new(PrincipalKind::User, user.id.as_str())
            .with_issuer(inner.issuer.clone())
            .with_session(session.id.as_str())
            .with_times(Some(session.created_at), Some(session.not_after))
            .with_authenticated_at(session.created_at)
            .with_authentication_methods(session.methods.clone())
            .with_account(account(user));
        Ok(match active {
            Some(member) => who.with_organization(member.organization.as_str()),
            None => who,
        })
    }
}

impl Authenticator for SessionAuthenticator {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, CoreError> {
        Ok(self.find(credential).await?)
    }

    /// Each request asks the store.
    fn asks_anew(&self) -> bool {
        true
    }
}
