//! The handle, and what its methods share.

use crate::{
    access::{AccessTokens, RefreshTokens},
    authenticate::{AccountDirectory, SessionAuthenticator},
    client::Client,
    ended::EndedSessions,
    error::Error,
    event::{Event, OnEvent},
    id::{SessionId, UserId, in_millis},
    limit::{Counter, Limit, Limits, network},
    mailer::{Links, Mail, MailKind, Mailer},
    one_time::{OneTime, Purpose},
    organization::Organizations,
    password::{Hasher, PasswordRules},
    secret::{Label, Secret, Token},
    session::{Session, SessionRules},
    store::{ChangeOutcome, Ending, Rotation, Stores, UserKey},
    user::{User, UserChange},
};
use portcullis_core::{ApiKeys, Clock, Jwt, Principal, PrincipalKind, RevocationList};
use serde_json::{Map, Value};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The accounts of a service: sign-up, sign-in, sessions, links in mails. Cheap to clone.
///
/// Made by [`Accounts::builder`]. A gate takes them as a scheme, with [`revocations`](Self::revocations) and, where each
/// request shall look at the account, with the [`directory`](Self::directory).
#[derive(Clone)]
pub struct Accounts(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) issuer: Arc<str>,
    pub(crate) secret: Secret,
    pub(crate) stores: Stores,
    pub(crate) jwt: Jwt,
    pub(crate) access: AccessTokens,
    pub(crate) refresh: RefreshTokens,
    pub(crate) sessions: SessionRules,
    pub(crate) passwords: PasswordRules,
    pub(crate) hasher: Hasher,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) mailer: Option<(Arc<dyn Mailer>, Links)>,
    pub(crate) limits: Limits,
    pub(crate) counter: Counter,
    pub(crate) ended_sessions: Option<Arc<dyn EndedSessions>>,
    pub(crate) revocations: RevocationList,
    pub(crate) options: Options,
    pub(crate) organizations: Option<Organizations>,
    pub(crate) on_event: Vec<OnEvent>,
    pub(crate) keys: Option<ApiKeys>,
    #[cfg(feature = "sign-in")]
    pub(crate) providers: crate::provider::Providers,
}

/// What is switched on.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) sign_up: bool,
    pub(crate) confirmation: bool,
    pub(crate) confirm_with_link_alone: bool,
    pub(crate) approval: bool,
    pub(crate) sign_in_unconfirmed: bool,
    pub(crate) magic_links: bool,
    pub(crate) totp_name: Option<String>,
    pub(crate) default_role: String,
    /// How long single-use tokens are valid, where it is not the default.
    pub(crate) lives: Vec<(Purpose, Duration)>,
}

impl Options {
    fn life(&self, purpose: Purpose) -> Duration {
        let set = self.lives.iter().rfind(|(it, _)| *it == purpose);
        set.map_or_else(|| purpose.life(), |(_, life)| *life)
    }
}

/// The tokens of a session. `Debug` does not show them.
///
/// They do not implement `Serialize`: where they go is your decision.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tokens {
    /// The access token, for each request.
    pub access: Token,
    /// The refresh token, for the next access token.
    pub refresh: Token,
    /// How long the access token is valid.
    pub expires_in: Duration,
    /// How long the refresh token is valid.
    pub refresh_expires_in: Duration,
    /// The session.
    pub session: Session,
}

/// A successful sign-in. `Debug` shows no secret.
#[derive(Clone)]
#[non_exhaustive]
pub struct SignIn {
    /// The user.
    pub user: User,
    /// The tokens of the new session.
    pub tokens: Tokens,
    /// A text for a cookie of this browser, to send with later sign-ins: [`Client::with_device`].
    ///
    /// Attempts with it have a limit of their own, so that strangers who guess passwords do not lock the user out.
    pub device: String,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("user", &self.user).field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

impl Accounts {
    /// The verifier of access tokens. `Scheme::new(&accounts)` has it too.
    ///
    /// It verifies and asks nobody, so a gate may cache it. Sessions that have ended since are those of
    /// [`revocations`](Self::revocations).
    #[must_use]
    pub fn verifier(&self) -> Jwt {
        self.0.jwt.clone()
    }

    /// Authenticates by the refresh token itself, for pages that a server renders and that cannot refresh.
    ///
    /// The token is not exchanged. Each request asks the store for the session and the user, so a sign-out counts at once
    /// on all instances.
    #[must_use]
    pub fn sessions_by_token(&self) -> SessionAuthenticator {
        SessionAuthenticator::new(self.clone())
    }

    /// Adds the [`User`] to each principal: policies read it, and disabled or deleted users are refused at once.
    #[must_use]
    pub fn directory(&self) -> AccountDirectory {
        AccountDirectory::new(self.clone())
    }

    /// The sessions that have ended, for a gate. [`follow`](Self::follow) adds those that other instances ended.
    #[must_use]
    pub fn revocations(&self) -> RevocationList {
        self.0.revocations.clone()
    }

    /// The issuer of the access tokens, and of principals.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The user of a principal.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, or if the principal is of another issuer. [`Error::Disabled`].
    pub async fn user(&self, who: &Principal) -> Result<User, Error> {
        let id = self.user_id(who)?;
        let user = self.0.stores.users.find(UserKey::Id(&id)).await?.ok_or(Error::NotFound)?;
        if user.disabled_at.is_some() { Err(Error::Disabled) } else { Ok(user) }
    }

    /// Removes what ended or expired before this time. Returns the number of sessions and single-use tokens.
    ///
    /// A refresh token that was removed is unknown: that it is used again is no longer noticed. A day ago is a good value.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn purge(&self, before: SystemTime) -> Result<u64, Error> {
        Ok(self.0.stores.sessions.purge(before).await?)
    }

    pub(crate) fn user_id(&self, who: &Principal) -> Result<UserId, Error> {
        let is_ours = who.kind() == PrincipalKind::User && who.issuer() == Some(self.issuer());
        if is_ours { Ok(UserId::new(who.id().subject())) } else { Err(Error::NotFound) }
    }

    pub(crate) fn now(&self) -> SystemTime {
        in_millis(self.0.clock.now())
    }

    /// Opens a session. A session is always new.
    pub(crate) async fn open(&self, user: User, methods: Vec<String>, client: &Client) -> Result<SignIn, Error> {
        let (inner, now) = (&*self.0, self.now());
        let session = Session {
            id: SessionId::fresh(now)?,
            user: user.id.clone(),
            stamp: user.stamp,
            methods,
            organization: None,
            client: client.without_device(),
            created_at: now,
            used_at: now,
            not_after: now.checked_add(inner.sessions.life).unwrap_or(now),
            ended_at: None,
        };
        let (refresh, expires_at) = (Token::fresh()?, inner.sessions.expiry(&session, now));
        inner.stores.sessions.open(session.clone(), refresh.digest(Rotation::PURPOSE), expires_at).await?;
        tracing::debug!(target: "portcullis", user = %user.id, session = %session.id, methods = ?session.methods, "signed in");
        let device = self.device(&user)?;
        let tokens = self.tokens(&user, session, refresh, expires_at, now).await?;
        let Session { id, methods, client, .. } = tokens.session.clone();
        self.event(Event::SignedIn { user: user.id.clone(), session: id, methods, client });
        Ok(SignIn { user, tokens, device })
    }

    pub(crate) async fn tokens(
        &self,
        user: &User,
        session: Session,
        refresh: Token,
        expires_at: SystemTime,
        now: SystemTime,
    ) -> Result<Tokens, Error> {
        let inner = &*self.0;
        let access = self.access_token(user, &session, now).await?;
        let refresh = inner.refresh.write(&inner.secret, refresh, &user.id, now, expires_at)?;
        let refresh_expires_in = expires_at.duration_since(now).unwrap_or_default();
        Ok(Tokens { access, refresh, expires_in: inner.access.life, refresh_expires_in, session })
    }

    /// Its organization is read anew, so that a member who was removed loses it.
    pub(crate) async fn access_token(&self, user: &User, session: &Session, now: SystemTime) -> Result<Token, Error> {
        let (inner, active) = (&*self.0, self.active_in(session).await?);
        let claims = inner.access.claims(&inner.issuer, user, session, active.as_ref(), now)?;
        inner.access.sign(&inner.secret, &claims)
    }

    /// Ends sessions. Their access tokens are refused here at once.
    pub(crate) async fn end(&self, which: Ending<'_>) -> Result<Vec<Session>, Error> {
        let ended = self.0.stores.sessions.end(which, self.now()).await?;
        ended.iter().for_each(|session| self.ended_event(session));
        let ids: Vec<SessionId> = ended.iter().map(|session| session.id.clone()).collect();
        self.revoke_everywhere(&ids).await;
        Ok(ended)
    }

    /// Refuses the access tokens of these sessions here, and tells the other instances.
    pub(crate) async fn revoke_everywhere(&self, ended: &[SessionId]) {
        self.revoke(ended);
        if let Some(others) = self.0.ended_sessions.as_ref().filter(|_| !ended.is_empty())
            && let Err(error) = others.publish(ended).await
        {
            tracing::debug!(target: "portcullis", %error, "other instances hear of ended sessions from the store only");
        }
    }

    /// Refuses the access tokens of these sessions here.
    pub(crate) fn revoke(&self, ended: &[SessionId]) {
        for session in ended {
            let id = portcullis_core::SessionId::new(session.as_str()).with_issuer(self.0.issuer.clone());
            self.0.revocations.end_session(&id);
        }
    }

    /// Changes a user, and ends their sessions if the stamp changes.
    pub(crate) async fn change(&self, id: &UserId, change: UserChange) -> Result<User, Error> {
        let ends = change.new_stamp;
        let (has_email, has_password) = (change.email.is_some(), change.password_hash.is_some());
        let user = match self.0.stores.users.change(id, change).await? {
            ChangeOutcome::Changed(user) => user,
            ChangeOutcome::Absent => return Err(Error::NotFound),
            ChangeOutcome::Taken => return Err(Error::EmailTaken),
        };
        if has_email {
            self.event(Event::EmailChanged { user: id.clone() });
        }
        if has_password {
            self.event(Event::PasswordChanged { user: id.clone() });
        }
        if ends {
            self.end(Ending::OfUser(id)).await?;
        }
        Ok(user)
    }

    // ------------------------------------------------------------------------------------------------ single-use tokens

    /// Keeps a new single-use token. Without a user, the store does the same work for a token that nobody gets.
    pub(crate) async fn issue(
        &self,
        purpose: Purpose,
        user: Option<&User>,
        payload: Map<String, Value>,
    ) -> Result<Token, Error> {
        self.issue_one(purpose, user, payload, true).await
    }

    /// `replaces` removes earlier ones of the same user and purpose.
    pub(crate) async fn issue_one(
        &self,
        purpose: Purpose,
        user: Option<&User>,
        payload: Map<String, Value>,
        replaces: bool,
    ) -> Result<Token, Error> {
        let (token, now) = (Token::fresh()?, self.now());
        let id = user.map_or_else(|| UserId::fresh(now), |user| Ok(user.id.clone()))?;
        let one_time = OneTime {
            purpose,
            digest: purpose.digest(&token),
            user: Some(id),
            stamp: user.map_or(0, |user| user.stamp),
            payload,
            expires_at: now.checked_add(self.0.options.life(purpose)).unwrap_or(now),
        };
        self.0.stores.sessions.keep(one_time, replaces).await?;
        Ok(token)
    }

    /// Uses a single-use token up.
    pub(crate) async fn take(&self, purpose: Purpose, token: &str) -> Result<OneTime, Error> {
        let digest = purpose.digest(&Token::new(token));
        self.0.stores.sessions.take(purpose, &digest, self.now()).await?.ok_or(Error::InvalidToken)
    }

    /// The user of a single-use token, if neither their password nor their address was changed since.
    pub(crate) async fn user_of(&self, one_time: &OneTime) -> Result<User, Error> {
        let id = one_time.user.as_ref().ok_or(Error::InvalidToken)?;
        let user = self.0.stores.users.find(UserKey::Id(id)).await?.ok_or(Error::InvalidToken)?;
        if user.stamp == one_time.stamp { Ok(user) } else { Err(Error::InvalidToken) }
    }

    pub(crate) fn mail(&self, mail: Mail) {
        if let Some((mailer, _)) = &self.0.mailer {
            mailer.send(mail);
        }
    }

    pub(crate) fn link(&self, kind: MailKind, token: &Token) -> Option<String> {
        self.0.mailer.as_ref().map(|(_, links)| links.link(kind, token))
    }

    // ----------------------------------------------------------------------------------------------------------- limits

    /// Counts an attempt. The name is a keyed hash, so that counters contain no address.
    pub(crate) async fn count(&self, what: &str, whose: &str, limit: Option<Limit>) -> Result<(), Error> {
        self.0.counter.spend(&self.counter(what, whose), limit, self.now()).await
    }

    /// Takes back an attempt that succeeded.
    pub(crate) async fn refund(&self, what: &str, whose: &str, limit: Option<Limit>) {
        self.0.counter.refund(&self.counter(what, whose), limit, self.now()).await;
    }

    /// Counts an attempt for the client's network.
    pub(crate) async fn count_network(&self, what: &str, client: &Client, limit: Option<Limit>) -> Result<(), Error> {
        match client.address {
            Some(address) => self.count(what, &network(address), limit).await,
            None => Ok(()),
        }
    }

    fn counter(&self, what: &str, whose: &str) -> String {
        let name = self.0.secret.mac(Label::Limits, &[what.as_bytes(), whose.as_bytes()]);
        name.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("Accounts").field("issuer", &inner.issuer).field("stores", &inner.stores).finish_non_exhaustive()
    }
}
