//! Refresh, sign-out, and lists of sessions.

use crate::{
    accounts::{Accounts, Tokens},
    client::Client,
    error::Error,
    event::Event,
    id::SessionId,
    session::Session,
    store::{Ending, RefusedRefresh, RotateOutcome, Rotation, UserKey},
};
use futures_util::future::join;
use portcullis_core::Principal;
use std::time::Duration;

impl Accounts {
    /// Exchanges a refresh token for new tokens of its session. [Events](Event) name the client.
    ///
    /// A token that is used again within its grace period gets the same successor; later, its session ends. After an error,
    /// leave the cookies of a browser as they are: another tab may have set better ones meanwhile.
    ///
    /// # Errors
    /// [`Error::InvalidRefreshToken`], [`Error::SessionExpired`], [`Error::SessionEnded`], [`Error::SessionReused`],
    /// [`Error::RateLimited`], [`Error::Store`].
    pub async fn refresh(&self, token: &str, client: &Client) -> Result<Tokens, Error> {
        let (inner, now) = (&*self.0, self.now());
        let token = inner.refresh.read(token)?;
        let found = inner.stores.sessions.session_of(&token.digest(Rotation::PURPOSE)).await?;
        let (session, _) = found.ok_or(Error::InvalidRefreshToken)?;
        self.count("refresh", session.id.as_str(), inner.limits.refreshes_per_session).await?;
        let rotation = Rotation::new(token, inner.secret.clone(), now, inner.sessions.clone());
        let (session, refresh, expires_at) = match inner.stores.sessions.rotate(rotation).await? {
            RotateOutcome::Next { session, token, expires_at, was_lost } => {
                if was_lost {
                    tracing::info!(target: "portcullis", user = %session.user, session = %session.id, "an answer with a refresh token was lost");
                    let (user, session, client) = (session.user.clone(), session.id.clone(), client.without_device());
                    self.event(Event::AnswerLost { user, session, client });
                }
                (session, token, expires_at)
            }
            RotateOutcome::Replay { session, token, expires_at, hops, late } => {
                tracing::debug!(target: "portcullis", user = %session.user, session = %session.id, hops, "a refresh token was used again in time");
                self.event(Event::RefreshReplayed {
                    user: session.user.clone(),
                    session: session.id.clone(),
                    late,
                    signed_in_at: session.client.clone(),
                    client: client.without_device(),
                });
                (session, token, expires_at)
            }
            RotateOutcome::Reused(session) => {
                tracing::warn!(target: "portcullis", user = %session.user, session = %session.id, "a refresh token was used again, and its session ended");
                self.event(Event::RefreshReused {
                    user: session.user.clone(),
                    session: session.id.clone(),
                    signed_in_at: session.client.clone(),
                    client: client.without_device(),
                });
                self.ended_event(&session);
                self.revoke_everywhere(std::slice::from_ref(&session.id)).await;
                return Err(Error::SessionReused);
            }
            RotateOutcome::Refused(_, RefusedRefresh::Expired) => return Err(Error::SessionExpired),
            RotateOutcome::Refused(_, RefusedRefresh::Ended) => return Err(Error::SessionEnded),
            RotateOutcome::Refused(_, RefusedRefresh::Again) => return Err(Error::SessionReused),
            RotateOutcome::Unknown => return Err(Error::InvalidRefreshToken),
        };
        // Read after the exchange: a new password, or an administrator, may have ended the session meanwhile.
        let user = inner.stores.users.find(UserKey::Id(&session.user)).await?;
        match user.filter(|user| user.stamp == session.stamp && user.disabled_at.is_none()) {
            Some(user) => self.tokens(&user, session, refresh, expires_at, now).await,
            None => {
                self.end(Ending::One(&session.id)).await?;
                Err(Error::SessionEnded)
            }
        }
    }

    /// Ends the session of a refresh token, also of one that has expired. An unknown token is no error.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn sign_out(&self, token: &str) -> Result<(), Error> {
        match self.0.refresh.read(token) {
            Ok(token) => self.end(Ending::OfToken(&token.digest(Rotation::PURPOSE))).await.map(drop),
            Err(_) => Ok(()),
        }
    }

    /// Ends all sessions of a user. Returns how many were open.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the principal is of another issuer, [`Error::Store`].
    pub async fn sign_out_everywhere(&self, who: &Principal) -> Result<usize, Error> {
        Ok(self.end(Ending::OfUser(&self.user_id(who)?)).await?.len())
    }

    /// The open sessions of a user, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the principal is of another issuer, [`Error::Store`].
    pub async fn sessions(&self, who: &Principal) -> Result<Vec<Session>, Error> {
        Ok(self.0.stores.sessions.sessions(&self.user_id(who)?, self.now()).await?)
    }

    /// Ends a session of a user.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the session is not open, or not the user's, [`Error::Store`].
    pub async fn end_session(&self, who: &Principal, session: &SessionId) -> Result<(), Error> {
        let ended = self.end(Ending::OneOf(&self.user_id(who)?, session)).await?;
        if ended.is_empty() { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Asks the store again and again which sessions were ended by other instances, so that their access tokens are refused
    /// here too.
    ///
    /// Where the builder names [`EndedSessions`](crate::EndedSessions), it listens to those as well, which is faster.
    ///
    /// It never returns. Spawn it once in each instance, with the `sleep` of your runtime. At the start it asks for
    /// everything that ended while an access token lives. If the store fails, it logs that and asks again.
    ///
    /// ```
    /// # use portcullis_accounts::Accounts;
    /// # use std::time::Duration;
    /// # fn main() {}
    /// # fn spawn(accounts: &Accounts) {
    /// let accounts = accounts.clone();
    /// tokio::spawn(
    ///     async move { accounts.follow(Duration::from_secs(1), tokio::time::sleep).await },
    /// );
    /// # }
    /// ```
    pub async fn follow<S: Future<Output = ()>>(&self, every: Duration, sleep: impl Fn(Duration) -> S) {
        join(self.follow_store(every, &sleep), self.follow_others(every, &sleep)).await;
    }

    async fn follow_store<S: Future<Output = ()>>(&self, every: Duration, sleep: impl Fn(Duration) -> S) {
        /// By how much the clocks of instances may differ.
        const MARGIN: Duration = Duration::from_secs(30);
        let before =
            |time: std::time::SystemTime, by| time.checked_sub(by).unwrap_or(std::time::SystemTime::UNIX_EPOCH);
        let mut since = before(self.now(), self.0.access.life.saturating_add(MARGIN));
        loop {
            let asked = self.now();
            match self.0.stores.sessions.ended_since(since).await {
                Ok(ended) => {
                    self.revoke(&ended.into_iter().map(|session| session.id).collect::<Vec<_>>());
                    since = before(asked, MARGIN);
                }
                Err(error) => {
                    tracing::warn!(target: "portcullis", error = %error, "the sessions that other instances ended are unknown");
                }
            }
            sleep(every).await;
        }
    }

    async fn follow_others<S: Future<Output = ()>>(&self, every: Duration, sleep: impl Fn(Duration) -> S) {
        let Some(others) = &self.0.ended_sessions else { return };
        loop {
            match others.next().await {
                Ok(ended) => self.revoke(&ended),
                Err(error) => {
                    tracing::debug!(target: "portcullis", %error, "ended sessions are heard of from the store only");
                    sleep(every).await;
                }
            }
        }
    }
}
