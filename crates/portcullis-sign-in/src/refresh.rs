//! Refresh: the provider confirms a session, once for all who ask at once.

use crate::{
    fault::{failed, no_session, unavailable},
    flow::Identity,
    session::{Session, since_1970},
    sign_in::SignIn,
    store::StoredSession,
    token_endpoint::Grant,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use portcullis_core::{Error, ErrorKind};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A refresh that comes earlier than this before the end of the tokens does nothing. A cookie of before the refresh gets its
/// result for as long. In milliseconds.
const ROOM: u64 = 60_000;

/// A process that does not come back lets others try after this time. In milliseconds.
const CLAIM: u64 = 30_000;

type Renewal = Shared<BoxFuture<'static, Result<Arc<Session>, Error>>>;

/// The last refresh of each session, by its id, until it is over and a minute has passed: for tabs that ask at once or were
/// slower, and for a browser that left before the answer. Whoever comes later with a used refresh token is told apart by the
/// provider.
#[derive(Default)]
pub(crate) struct Renewals(Mutex<HashMap<String, Last>>);

struct Last {
    /// How often the session was refreshed before.
    before: u64,
    until: u64,
    renewal: Renewal,
}

impl Renewals {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Last>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A cookie of before the last refresh gets what that brought: its own refresh token is used.
    fn join(&self, session: &Session, now: u64, begin: impl FnOnce() -> Renewal) -> Renewal {
        let mut known = self.known();
        known.retain(|_, last| now < last.until);
        let before = session.refreshes;
        if let Some(last) = known.get(&session.id).filter(|last| before <= last.before) {
            return last.renewal.clone();
        }
        let renewal = begin();
        known.insert(session.id.clone(), Last { before, until: session.ends_at, renewal: renewal.clone() });
        renewal
    }

    /// What brought nothing new is tried again.
    fn settle(&self, session: &str, before: u64, now: u64, renewed: Option<&Session>) {
        let mut known = self.known();
        match (known.get_mut(session).filter(|last| last.before == before), renewed) {
            (Some(last), Some(renewed)) if renewed.refreshes > before => {
                last.until = last.until.min(now.saturating_add(ROOM));
            }
            (Some(_), _) => drop(known.remove(session)),
            (None, _) => {}
        }
    }
}

impl SignIn {
    /// The session after a refresh, or the same if none is due.
    pub(crate) async fn refresh(&self, session: Session, row: Option<StoredSession>) -> Result<Arc<Session>, Error> {
        let now = self.now();
        let (Some(due), true) = (session.renew_at, session.refresh_token.is_some()) else {
            return Ok(Arc::new(session));
        };
        if now.saturating_add(ROOM) < due {
            return Ok(Arc::new(session));
        }
        let renewals = &self.0.renewals;
        let renewal = renewals.join(&session, now, || {
            let (this, session) = (self.clone(), session.clone());
            let renewed = async move { this.renew(session, row).await.map(Arc::new) };
            renewed.boxed().shared()
        });
        let renewed = renewal.await;
        renewals.settle(&session.id, session.refreshes, self.now(), renewed.as_deref().ok());
        renewed
    }

    async fn renew(&self, session: Session, row: Option<StoredSession>) -> Result<Session, Error> {
        let (Some(store), Some(row)) = (&self.0.store, row) else { return self.ask(&session).await };
        let now = self.now();
        let wait = || unavailable("another process refreshes the session").with_retry_after(Duration::from_secs(1));
        if session.renewing_until > now {
            return if session.is_fresh(now) { Ok(session) } else { Err(wait()) };
        }
        let mut claim = session.clone();
        claim.renewing_until = now.saturating_add(CLAIM);
        let claimed = self.next_row(&row, &claim)?;
        if !store.replace(claimed.clone()).await? {
            return if session.is_fresh(now) { Ok(session) } else { Err(wait()) };
        }
        match self.ask(&session).await {
            Ok(renewed) => match store.replace(self.next_row(&claimed, &renewed)?).await? {
                true => Ok(renewed),
                false => Err(no_session("the session ended while it was refreshed")),
            },
            Err(error) if error.kind() == ErrorKind::Invalid => {
                store.remove(&row.key).await?;
                Err(error)
            }
            Err(error) => {
                store.replace(self.next_row(&claimed, &session)?).await?;
                Err(error)
            }
        }
    }

    /// The provider's answer to the refresh token. A new ID token has to be about the same user (OpenID Connect Core, section
    /// 12.2).
    async fn ask(&self, session: &Session) -> Result<Session, Error> {
        let provider = &self.0.provider;
        let answer = async {
            let tokens = provider.redeem(Grant::Refresh(session.refresh_token.as_deref().unwrap_or_default())).await?;
            let mut renewed = session.clone();
            let mut ends_at = tokens.end_at;
            if let Some(id_token) = tokens.id.as_deref() {
                let (principal, claims) = provider.verify_id_token(id_token).await?;
                let sid = claims.get::<String>("sid").ok().flatten();
                if claims.subject().as_deref() != Some(&*session.subject) || sid.is_some() && sid != session.sid {
                    return Err(failed("the new ID token is about another user or session"));
                }
                ends_at = ends_at.or(claims.expires_at());
                renewed.describe(&Identity { principal, claims, tokens: tokens.clone() }, &self.0.kept);
            }
            let ends_at = ends_at.ok_or_else(|| unavailable("the provider does not say when the tokens end"))?;
            renewed.renew_at = Some(since_1970(ends_at));
            renewed.refresh_token = tokens.refresh.map(|token| token.to_string()).or(renewed.refresh_token);
            renewed.refreshes = renewed.refreshes.saturating_add(1);
            renewed.renewing_until = 0;
            Ok(renewed)
        };
        answer.await.map_err(|error| match error.kind() {
            ErrorKind::Rejected => no_session("the provider ended the session").with_cause(error),
            _ => error,
        })
    }
}
