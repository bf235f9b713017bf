//! Sessions: a sign-in, and the tokens that follow from it.

use crate::{
    client::Client,
    id::{OrganizationId, SessionId, UserId},
};
use std::time::{Duration, SystemTime};

/// A session: one sign-in, and all tokens that follow from it.
///
/// The struct is exhaustive, so that the compiler tells authors of stores about a new column.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct Session {
    /// The identifier: `sid` of the access tokens. It is not secret.
    pub id: SessionId,
    /// The user.
    pub user: UserId,
    /// The user's stamp when they signed in.
    pub stamp: i64,
    /// How the user signed in: `pwd` or `link`, and with a second factor `otp` or `recovery`, and `mfa` (`amr`, RFC 8176 where it
    /// has a word). After a sign-in at a provider what that says, or else its name.
    pub methods: Vec<String>,
    /// The organization that the user acts in.
    pub organization: Option<OrganizationId>,
    /// Where the user signed in.
    pub client: Client,
    /// When the user signed in: `auth_time`.
    pub created_at: SystemTime,
    /// When the session was last used.
    pub used_at: SystemTime,
    /// When the session ends at the latest.
    pub not_after: SystemTime,
    /// When the session was ended before that.
    pub ended_at: Option<SystemTime>,
}

impl Session {
    /// Whether the session has neither ended nor expired.
    #[must_use]
    pub fn is_open(&self, now: SystemTime) -> bool {
        self.ended_at.is_none() && self.not_after > now
    }
}

/// How long sessions live, and what happens when a refresh token is used again.
///
/// ```
/// use portcullis_accounts::SessionRules;
/// use std::time::Duration;
///
/// // Two weeks at most, three days without use. Phones may lose an answer.
/// let days = |days: u64| Duration::from_secs(days * 86_400);
/// let rules = SessionRules::new().life(days(14)).idle(days(3)).answers_may_be_lost();
/// # let _ = rules;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRules {
    pub(crate) life: Duration,
    pub(crate) idle: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) answers_may_be_lost: bool,
    pub(crate) keeps_family: bool,
    pub(crate) format: RefreshFormat,
}

/// The form of refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshFormat {
    /// 43 random characters.
    Opaque,
    /// A JWT with `sub`, `jti`, `iat`, `exp` and `type: refresh`, for clients that read it. The `jti` is the token.
    Jwt,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self {
            life: Duration::from_secs(30 * 86_400),
            idle: None,
            grace: Duration::from_secs(30),
            answers_may_be_lost: false,
            keeps_family: false,
            format: RefreshFormat::Opaque,
        }
    }
}

impl SessionRules {
    /// Sessions of 30 days, and 30 seconds of grace for refresh tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a session lives, however often it is used. By default 30 days.
    #[must_use]
    pub fn life(self, life: Duration) -> Self {
        Self { life, ..self }
    }

    /// How long a session lives without being used. By default as long as with it.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        Self { idle: Some(idle), ..self }
    }

    /// How long a refresh token that was exchanged may be used again, as by a second tab. It gets the same successor. By
    /// default 30 seconds, at most 60. Zero allows no second use.
    ///
    /// If the clocks of two instances differ, the time is shorter by the difference.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace: grace.min(Duration::from_secs(60)), ..self }
    }

    /// Accepts a refresh token after its grace period as long as its successor was not used, for clients on bad networks:
    /// the answer with the successor may have been lost.
    ///
    /// It gets another successor, at most three times. The lost one is no longer valid; if it is used after all, the session
    /// ends. The price: the theft of the refresh token before the current one is noticed one refresh later.
    #[must_use]
    pub fn answers_may_be_lost(self) -> Self {
        Self { answers_may_be_lost: true, ..self }
    }

    /// Refuses a refresh token that is used again, and does not end its session. The theft of a refresh token is never
    /// noticed.
    #[must_use]
    pub fn dangerous_keep_family(self) -> Self {
        Self { keeps_family: true, ..self }
    }

    /// The form of refresh tokens. By default opaque.
    #[must_use]
    pub fn format(self, format: RefreshFormat) -> Self {
        Self { format, ..self }
    }

    /// When a refresh token of this session expires that is issued now.
    pub(crate) fn expiry(&self, session: &Session, now: SystemTime) -> SystemTime {
        let idle = self.idle.and_then(|idle| now.checked_add(idle));
        idle.map_or(session.not_after, |idle| session.not_after.min(idle))
    }
}
