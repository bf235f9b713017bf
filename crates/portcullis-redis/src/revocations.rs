//! Revocations that all processes know.

use crate::{
    Redis,
    stream::{Reader, Stream},
};
use ::redis::streams::StreamId;
use portcullis_core::{Error, ErrorKind, Principal, PrincipalId, RevocationList, Revocations, SessionId, TokenId};
use std::{
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// By how much clocks may differ, and how long a revocation may be on its way.
const MARGIN: Duration = Duration::from_secs(60);

/// Revocations that all processes know, for users of an issuer elsewhere. Made by [`Redis::revocations`].
///
/// Each process follows a stream of Redis into a [`RevocationList`] of its own. So a request asks nobody, what is revoked in one
/// process counts in the others within milliseconds, and open connections are [checked](Revocations::changed) at once. A process
/// that starts reads the stream from its beginning. The methods are those of [`RevocationList`].
///
/// - Until a process has read the stream, it refuses requests with 503.
/// - While Redis does not answer, requests are decided by what is known already. The log says so,
///   [`behind`](Self::behind) says since when, and [`refuse_after`](Self::refuse_after) refuses them with 503 instead.
/// - What Redis loses when it restarts, processes that run still know, and those that start later do not. Let Redis persist to
///   disk (`appendonly yes`) and evict nothing (`maxmemory-policy noeviction`).
///
/// ```no_run
/// use portcullis_core::Principal;
/// use portcullis_redis::RedisRevocations;
///
/// /// In the handler that signs out.
/// async fn sign_out(
///     revocations: &RedisRevocations,
///     caller: &Principal,
/// ) -> Result<(), portcullis_core::Error> {
///     if let Some(session) = caller.session() {
///         revocations.end_session(&session).await?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct RedisRevocations {
    list: RevocationList,
    stream: Stream,
    keep: Duration,
    refuse_after: Option<Duration>,
    /// When all of the stream was known last.
    read: Arc<Mutex<Option<Instant>>>,
}

/// What an entry says.
#[derive(Debug, PartialEq)]
enum Entry {
    Token(TokenId),
    Session(SessionId),
    SignOut(PrincipalId, SystemTime),
}

impl Redis {
    /// Revocations that all processes know. They are kept for this long: the longest life of a token, plus twice the leeway of
    /// its issuer. Every process has to name the same.
    ///
    /// Nothing is read until [`RedisRevocations::follow`] runs.
    #[must_use]
    pub fn revocations(&self, keep: Duration) -> RedisRevocations {
        let kept = keep.saturating_add(2 * MARGIN);
        RedisRevocations {
            list: RevocationList::new(kept),
            stream: Stream::new(self, "revoked", kept),
            keep,
            refuse_after: None,
            read: Arc::default(),
        }
    }
}

impl RedisRevocations {
    /// Refuses requests with 503 if Redis could not be read for this long. By default they are decided by what is known.
    ///
    /// It is read at least once a second, so a few seconds are the least that makes sense.
    #[must_use]
    pub fn refuse_after(self, unread: Duration) -> Self {
        Self { refuse_after: Some(unread), ..self }
    }

    /// How long the stream has not been read, such as for a metric or a readiness probe. A second is usual. `None` until it
    /// was read first.
    #[must_use]
    pub fn behind(&self) -> Option<Duration> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).map(|read| read.elapsed())
    }

    /// Reads what the processes revoke, and never returns. Spawn it once in each process.
    pub async fn follow(self) {
        let mut reader = Reader::default();
        loop {
            let began = Instant::now();
            match self.stream.next(&mut reader).await {
                Ok((entries, all)) => {
                    for entry in &entries {
                        match Entry::read(entry) {
                            Some(revoked) => self.apply(&revoked),
                            None => self.stream.skip(entry),
                        }
                    }
                    if all {
                        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(began);
                    }
                }
                Err(_) => Stream::pause().await,
            }
        }
    }

    /// Revokes the credential of this principal: its token, or without an id of it its [session](Self::end_session), or without
    /// either all that the principal was [issued](Self::sign_out) until then.
    ///
    /// # Errors
    /// Of kind [`Misconfigured`](ErrorKind::Misconfigured) if the credential is valid for longer than revocations are kept. Then
    /// nothing was revoked: end such a credential where it is stored. Of kind [`Unavailable`](ErrorKind::Unavailable) as with
    /// [`end_session`](Self::end_session).
    pub async fn revoke(&self, principal: &Principal) -> Result<(), Error> {
        let now = SystemTime::now();
        let kept = now.checked_add(self.keep.saturating_add(MARGIN));
        if principal.expires_at().zip(kept).is_none_or(|(expiry, kept)| expiry > kept) {
            return Err(Error::new(
                ErrorKind::Misconfigured,
                "a credential is valid for longer than revocations are kept",
            ));
        }
        match (principal.token_id(), principal.session()) {
            (Some(token), _) => self.revoke_token(&token).await,
            (None, Some(session)) => self.end_session(&session).await,
            (None, None) => {
                let since = principal.issued_at().or_else(|| principal.authenticated_at());
                self.sign_out(principal.id(), since.unwrap_or(now).min(now)).await
            }
        }
    }

    /// Revokes a token by its id.
    ///
    /// # Errors
    /// As [`end_session`](Self::end_session).
    pub async fn revoke_token(&self, token: &TokenId) -> Result<(), Error> {
        self.add(Entry::Token(token.clone())).await
    }

    /// Revokes all tokens of a session.
    ///
    /// # Errors
    /// Of kind [`Unavailable`](ErrorKind::Unavailable) if Redis does not answer. This process knows it nevertheless. Call it
    /// again for the others.
    pub async fn end_session(&self, session: &SessionId) -> Result<(), Error> {
        self.add(Entry::Session(session.clone())).await
    }

    /// Revokes all that a principal was issued until a time, such as now; see [`RevocationList::sign_out`].
    ///
    /// # Errors
    /// Of kind [`Misconfigured`](ErrorKind::Misconfigured) if the time is more than a minute ahead: it would have to be kept for
    /// longer than the others. Of kind [`Unavailable`](ErrorKind::Unavailable) as with [`end_session`](Self::end_session).
    pub async fn sign_out(&self, principal: &PrincipalId, at: SystemTime) -> Result<(), Error> {
        if at.duration_since(SystemTime::now()).is_ok_and(|ahead| ahead > MARGIN) {
            return Err(Error::new(ErrorKind::Misconfigured, "the time of a sign-out is in the future"));
        }
        self.add(Entry::SignOut(principal.clone(), at)).await
    }

    async fn add(&self, entry: Entry) -> Result<(), Error> {
        self.apply(&entry);
        let appended = match &entry {
            Entry::Token(id) => self.stream.append(&[("token", &id.to_string())]).await,
            Entry::Session(id) => self.stream.append(&[("session", &id.to_string())]).await,
            Entry::SignOut(id, at) => {
                // Rounded up: a token of the same millisecond was issued before.
                let millis =
                    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis().saturating_add(1);
                self.stream.append(&[("sign_out", &id.to_string()), ("at", &millis.to_string())]).await
            }
        };
        appended.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "other processes do not know of a revocation yet").with_cause(error)
        })
    }

    fn apply(&self, entry: &Entry) {
        match entry {
            Entry::Token(id) => self.list.revoke_token(id),
            Entry::Session(id) => self.list.end_session(id),
            Entry::SignOut(id, at) => self.list.sign_out(id, *at),
        }
    }
}

impl Revocations for RedisRevocations {
    async fn is_revoked(&self, principal: &Principal) -> Result<bool, Error> {
        if is_unread(self.behind(), self.refuse_after) {
            return Err(Error::new(ErrorKind::Unavailable, "what other processes revoked is unknown"));
        }
        self.list.is_revoked(principal).await
    }

    fn changed(&self) -> impl Future<Output = ()> + Send {
        self.list.changed()
    }
}

/// Whether too little is known to decide.
fn is_unread(behind: Option<Duration>, refuse_after: Option<Duration>) -> bool {
    behind.is_none_or(|behind| refuse_after.is_some_and(|after| behind > after))
}

impl Entry {
    fn read(entry: &StreamId) -> Option<Self> {
        Self::of(|field| entry.get(field))
    }

    fn of(field: impl Fn(&str) -> Option<String>) -> Option<Self> {
        fn parse<T: FromStr>(text: Option<String>) -> Option<T> {
            text?.parse().ok()
        }
        if let Some(token) = parse(field("token")) {
            return Some(Self::Token(token));
        }
        if let Some(session) = parse(field("session")) {
            return Some(Self::Session(session));
        }
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(parse(field("at"))?))?;
        // Nobody else decides how long an entry is kept.
        let at = at.min(SystemTime::now().checked_add(MARGIN)?);
        Some(Self::SignOut(parse(field("sign_out"))?, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_core::PrincipalKind;

    #[test]
    fn entries() {
        let of = |fields: &[(&str, &str)]| {
            Entry::of(|name| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| (*value).to_owned()))
        };
        let alice = PrincipalId::new(PrincipalKind::User, "alice").with_issuer("https://id.example.com");
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1);
        for (fields, expected) in [
            (
                &[("token", "https://id.example.com|t1")][..],
                Some(Entry::Token(TokenId::new("t1").with_issuer("https://id.example.com"))),
            ),
            (&[("session", "|s1")], Some(Entry::Session(SessionId::new("s1")))),
            (&[("sign_out", "user|https://id.example.com|alice"), ("at", "1")], Some(Entry::SignOut(alice, at))),
            (&[("sign_out", "user|https://id.example.com|alice")], None),
            (&[("sign_out", "alice"), ("at", "1")], None),
            (&[("sign_out", "user||alice"), ("at", "-1")], None),
            (&[("sign_out", "user||alice"), ("at", "18446744073709551616")], None),
            (&[("token", "no separator")], None),
            (&[("other", "field")], None),
            (&[], None),
        ] {
            assert_eq!(of(fields), expected, "{fields:?}");
        }
        // As far ahead as it may be kept.
        let ahead = of(&[("sign_out", "user||alice"), ("at", "9000000000000")]);
        let most = SystemTime::now() + MARGIN;
        assert!(matches!(ahead, Some(Entry::SignOut(_, at)) if at <= most), "{ahead:?}");
    }

    #[test]
    fn what_is_unread_decides_nothing() {
        const SECOND: Duration = Duration::from_secs(1);
        assert!(is_unread(None, None));
        assert!(is_unread(None, Some(SECOND)));
        assert!(!is_unread(Some(100 * SECOND), None));
        assert!(!is_unread(Some(SECOND), Some(SECOND)));
        assert!(is_unread(Some(2 * SECOND), Some(SECOND)));
    }
}
