//! What has happened to accounts, for an audit table of the application.

use crate::{
    accounts::Accounts,
    client::Client,
    error::Error,
    id::{OrganizationId, SessionId, UserId},
    session::Session,
};
use portcullis_core::PrincipalId;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

/// What has happened to an account or a member: see [`AccountsBuilder::on_event`](crate::AccountsBuilder::on_event).
///
/// It contains no token, no password and no address. Variants may get more fields, so match them with `..`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A user signed up. Whether the address is theirs is not known yet.
    SignedUp {
        /// The user.
        user: UserId,
        /// Where from.
        client: Client,
    },
    /// A session began.
    SignedIn {
        /// The user.
        user: UserId,
        /// The session.
        session: SessionId,
        /// How the user signed in, as in [`Session::methods`].
        methods: Vec<String>,
        /// Where from.
        client: Client,
    },
    /// A sign-in was refused: the password or the link is wrong, or the user may not sign in.
    SignInFailed {
        /// The user, if there is one with the address.
        user: Option<UserId>,
        /// The code of the [`Error`].
        code: String,
        /// Where from.
        client: Client,
    },
    /// A refresh token was used again within its grace period. Two tabs do so, and a thief may: compare the clients.
    RefreshReplayed {
        /// The user.
        user: UserId,
        /// The session.
        session: SessionId,
        /// How long after its exchange the token was used again.
        late: Duration,
        /// Where the session began.
        signed_in_at: Client,
        /// Where the token was used again.
        client: Client,
    },
    /// A refresh token was used again, since the answer with its successor was lost.
    AnswerLost {
        /// The user.
        user: UserId,
        /// The session.
        session: SessionId,
        /// Where from.
        client: Client,
    },
    /// A refresh token was used again later. Its session ended.
    RefreshReused {
        /// The user.
        user: UserId,
        /// The session.
        session: SessionId,
        /// Where the session began.
        signed_in_at: Client,
        /// Where the token was used again.
        client: Client,
    },
    /// A session was ended, for whatever reason. One that expires has no event.
    SessionEnded {
        /// The user.
        user: UserId,
        /// The session.
        session: SessionId,
    },
    /// A user proved that their address is theirs.
    EmailConfirmed {
        /// The user.
        user: UserId,
    },
    /// A user has another address.
    EmailChanged {
        /// The user.
        user: UserId,
    },
    /// A user has another password, or none any more.
    PasswordChanged {
        /// The user.
        user: UserId,
    },
    /// A user has a second factor now, or none any more.
    FactorChanged {
        /// The user.
        user: UserId,
        /// Whether they have one now.
        is_set: bool,
    },
    /// An identity at a provider was linked: it signs the user in from now on.
    IdentityLinked {
        /// The user.
        user: UserId,
        /// The issuer of the provider.
        issuer: String,
    },
    /// An identity at a provider was removed from a user.
    IdentityUnlinked {
        /// The user.
        user: UserId,
        /// The issuer of the provider.
        issuer: String,
    },
    /// An API key was made.
    KeyAdded {
        /// Whose it is.
        owner: PrincipalId,
        /// Its id.
        key: String,
    },
    /// An API key was withdrawn.
    KeyWithdrawn {
        /// Whose it was.
        owner: PrincipalId,
        /// Its id.
        key: String,
    },
    /// A user became a member of an organization, got another role in it, or is no member any more. An organization that is
    /// removed has no event for its members.
    MemberChanged {
        /// The organization.
        organization: OrganizationId,
        /// The user.
        user: UserId,
        /// The role before. `None` if the user was no member.
        before: Option<String>,
        /// The role now. `None` if the user is no member any more.
        after: Option<String>,
        /// Who changed it: a member, also the user themselves. `None` for the service.
        by: Option<UserId>,
    },
    /// An administrator or a program changed an account: see [`Admin`](crate::Admin).
    Administered {
        /// Who: a principal's id, or the name of a program.
        actor: String,
        /// The method of [`Admin`](crate::Admin).
        what: &'static str,
        /// The account.
        whom: UserId,
    },
}

impl Event {
    /// The name, such as `signed_in`, for a column or a filter.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignedUp { .. } => "signed_up",
            Self::SignedIn { .. } => "signed_in",
            Self::SignInFailed { .. } => "sign_in_failed",
            Self::RefreshReplayed { .. } => "refresh_replayed",
            Self::AnswerLost { .. } => "answer_lost",
            Self::RefreshReused { .. } => "refresh_reused",
            Self::SessionEnded { .. } => "session_ended",
            Self::EmailConfirmed { .. } => "email_confirmed",
            Self::EmailChanged { .. } => "email_changed",
            Self::PasswordChanged { .. } => "password_changed",
            Self::FactorChanged { .. } => "factor_changed",
            Self::IdentityLinked { .. } => "identity_linked",
            Self::IdentityUnlinked { .. } => "identity_unlinked",
            Self::KeyAdded { .. } => "key_added",
            Self::KeyWithdrawn { .. } => "key_withdrawn",
            Self::MemberChanged { .. } => "member_changed",
            Self::Administered { .. } => "administered",
        }
    }
}

pub(crate) type OnEvent = Arc<dyn Fn(&Event, SystemTime) + Send + Sync>;

/// Tells the application what has happened. What has happened stays so, and is answered, if the application panics.
fn tell(listeners: &[OnEvent], event: &Event, at: SystemTime) {
    for listen in listeners {
        if catch_unwind(AssertUnwindSafe(|| listen(event, at))).is_err() {
            tracing::error!(target: "portcullis", event = event.name(), "the application panicked at an event");
        }
    }
}

/// The functions that a handle and its clones tell.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<RwLock<Vec<OnEvent>>>);

impl Listeners {
    pub(crate) fn add(&self, listen: OnEvent) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(listen);
    }

    pub(crate) fn tell(&self, event: &Event, at: SystemTime) {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        tell(&all, event, at);
    }
}

impl Accounts {
    pub(crate) fn event(&self, event: Event) {
        tell(&self.0.on_event, &event, self.now());
    }

    pub(crate) fn ended_event(&self, session: &Session) {
        self.event(Event::SessionEnded { user: session.user.clone(), session: session.id.clone() });
    }

    /// A refused sign-in, for the log and the events.
    pub(crate) fn sign_in_failed(&self, error: Error, user: Option<&UserId>, client: &Client) -> Error {
        let user_id = user.map(UserId::as_str);
        tracing::info!(target: "portcullis", code = error.code(), user = user_id, "sign-in refused");
        let (user, code) = (user.cloned(), error.code().to_owned());
        self.event(Event::SignInFailed { user, code, client: client.without_device() });
        error
    }
}
