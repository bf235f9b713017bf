//! Why something about an account was refused.

use crate::store::StoreError;
use portcullis_core::ErrorKind;
use std::time::Duration;

/// Why something about an account was refused.
///
/// The text is for the log. It never contains an address, a token or a password. A handler returns the error with `?`; the
/// answer has [`status`](Self::status) and [`code`](Self::code).
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address or the password is wrong. Which of the two is not said.
    #[error("the address or the password is wrong")]
    InvalidCredentials,
    /// The user has a second factor, and the caller did not ask for it.
    #[error("the sign-in needs a second factor")]
    SecondFactorRequired,
    /// The code of the second factor is wrong, or was used.
    #[error("the code of the second factor is wrong or was used")]
    InvalidCode,
    /// The user has a second factor already.
    #[error("the user has a second factor already")]
    FactorExists,
    /// The sign-in is too old for this, and the request has no password.
    #[error("the sign-in is too old for this")]
    SignInTooOld,
    /// The single-use token is unknown, used, expired, or of another purpose.
    #[error("the single-use token is not valid")]
    InvalidToken,
    /// The refresh token is unknown.
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    /// The refresh token or its session has expired.
    #[error("the session has expired")]
    SessionExpired,
    /// A refresh token was used again after its grace period, so its session was ended.
    #[error("a refresh token was used again")]
    SessionReused,
    /// The session was ended: signed out, or the password was changed since.
    #[error("the session has ended")]
    SessionEnded,
    /// The address is not confirmed yet.
    #[error("the address is not confirmed")]
    EmailUnconfirmed,
    /// The account is not approved yet.
    #[error("the account is not approved")]
    Unapproved,
    /// The account is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// Another account has the address.
    #[error("another account has the address")]
    EmailTaken,
    /// The text is not an e-mail address.
    #[error("the text is not an e-mail address")]
    InvalidEmail,
    /// The password breaks rules, each named by a code.
    #[error("the password breaks the rules {0:?}")]
    PasswordRejected(Vec<&'static str>),
    /// New accounts are not accepted.
    #[error("sign-up is switched off")]
    SignUpDisabled,
    /// The method is switched off.
    #[error("{0} is switched off")]
    NotEnabled(&'static str),
    /// The request's body is not what the endpoint expects.
    #[error("the body of the request is not what the endpoint expects")]
    InvalidRequest,
    /// The request's body is too large.
    #[error("the body of the request is too large")]
    TooLarge,
    /// An identity at a provider leads to no account, and cannot be linked to one: for this reason.
    #[error("the identity at the provider cannot be linked: {0}")]
    NotLinkable(&'static str),
    /// The user could not sign in any more.
    #[error("the user could not sign in any more")]
    LastWayIn,
    /// There is no such user, session, second factor, organization or member, or the caller may not know.
    #[error("there is no such user, session, second factor, organization or member")]
    NotFound,
    /// The short name of an organization is not made of `a` to `z`, digits, and `-` between them.
    #[error("the short name of the organization is not valid")]
    InvalidSlug,
    /// Another organization has the short name.
    #[error("another organization has the short name")]
    SlugTaken,
    /// The user is a member already.
    #[error("the user is a member already")]
    AlreadyMember,
    /// The organization would have no owner.
    #[error("the organization would have no owner")]
    LastOwner,
    /// The organization does not know the role, or cannot define it.
    #[error("the organization does not know the role, or cannot define it")]
    UnknownRole,
    /// The role of the member is too low to give or take this role.
    #[error("the role of the member is too low to give or take this role")]
    RoleForbidden,
    /// No member can be changed from the one role to the other.
    #[error("no member can be changed from the one role to the other")]
    RolesApart,
    /// Members have the role, or invitations give it.
    #[error("members have the role, or invitations give it")]
    RoleInUse,
    /// The invitation is for another address.
    #[error("the invitation is for another address")]
    NotInvited,
    /// Too many attempts.
    #[error("too many attempts")]
    RateLimited {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
    /// Too many passwords are waiting to be hashed.
    #[error("too many passwords are waiting to be hashed")]
    Busy {
        /// The time in which those that wait are hashed.
        retry_after: Duration,
    },
    /// The operating system returned no random bytes.
    #[error("the operating system returned no random bytes")]
    NoRandomness,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// An error of the core, such as a misconfiguration.
    #[error(transparent)]
    Core(#[from] portcullis_core::Error),
}

impl Error {
    /// The stable code for clients.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::SecondFactorRequired => "second_factor_required",
            Self::InvalidCode => "invalid_code",
            Self::FactorExists => "factor_exists",
            Self::SignInTooOld => "insufficient_user_authentication",
            Self::InvalidToken => "invalid_token",
            Self::InvalidRefreshToken => "invalid_refresh_token",
            Self::SessionExpired => "session_expired",
            Self::SessionReused => "session_reused",
            Self::SessionEnded => "session_ended",
            Self::EmailUnconfirmed => "email_unconfirmed",
            Self::Unapproved => "unapproved",
            Self::Disabled => "account_disabled",
            Self::EmailTaken => "email_taken",
            Self::InvalidEmail => "invalid_email",
            Self::PasswordRejected(_) => "password_rejected",
            Self::SignUpDisabled => "sign_up_disabled",
            Self::NotEnabled(_) => "not_enabled",
            Self::InvalidRequest => "invalid_request",
            Self::TooLarge => "too_large",
            Self::NotLinkable(_) => "not_linkable",
            Self::LastWayIn => "last_way_in",
            Self::NotFound => "not_found",
            Self::InvalidSlug => "invalid_slug",
            Self::SlugTaken => "slug_taken",
            Self::AlreadyMember => "already_member",
            Self::LastOwner => "last_owner",
            Self::UnknownRole => "unknown_role",
            Self::RoleForbidden => "role_forbidden",
            Self::RolesApart => "roles_apart",
            Self::RoleInUse => "role_in_use",
            Self::NotInvited => "not_invited",
            Self::RateLimited { .. } => "rate_limited",
            Self::Busy { .. } | Self::NoRandomness | Self::Store(_) => "unavailable",
            Self::Core(error) => error.code(),
        }
    }

    /// The HTTP status of the default answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidToken | Self::InvalidEmail | Self::InvalidRequest => 400,
            Self::InvalidSlug | Self::UnknownRole | Self::RolesApart => 400,
            Self::InvalidCredentials
            | Self::SecondFactorRequired
            | Self::InvalidCode
            | Self::SignInTooOld
            | Self::InvalidRefreshToken
            | Self::SessionExpired
            | Self::SessionReused
            | Self::SessionEnded => 401,
            Self::NotLinkable(_) => 403,
            Self::LastWayIn => 409,
            Self::EmailUnconfirmed | Self::Unapproved | Self::Disabled | Self::SignUpDisabled => 403,
            Self::RoleForbidden | Self::NotInvited => 403,
            Self::NotEnabled(_) | Self::NotFound => 404,
            Self::FactorExists => 409,
            Self::EmailTaken | Self::SlugTaken | Self::AlreadyMember | Self::LastOwner | Self::RoleInUse => 409,
            Self::TooLarge => 413,
            Self::PasswordRejected(_) => 422,
            Self::RateLimited { .. } => 429,
            Self::Busy { .. } | Self::NoRandomness | Self::Store(_) => 503,
            Self::Core(error) => error.status(),
        }
    }

    pub(crate) fn misconfigured(detail: impl Into<String>) -> Self {
        Self::Core(portcullis_core::Error::new(ErrorKind::Misconfigured, detail.into()))
    }
}

/// The error that a gate renders.
impl From<Error> for portcullis_core::Error {
    fn from(error: Error) -> Self {
        let (status, code) = (error.status(), error.code().to_owned());
        let new = |kind| Self::new(kind, "the accounts refuse the request").with_code(code.clone());
        let refused = match &error {
            Error::Core(error) => return error.clone(),
            Error::Busy { retry_after } => new(ErrorKind::Unavailable).with_retry_after(*retry_after),
            Error::NoRandomness | Error::Store(_) => new(ErrorKind::Unavailable),
            Error::SessionExpired => new(ErrorKind::Expired),
            Error::PasswordRejected(rules) => Self::rejected(status, code).with_list("rules", rules.iter().copied()),
            Error::RateLimited { retry_after } => Self::rejected(status, code).with_retry_after(*retry_after),
            // The password or the code is wrong, and no token, which the challenge would say.
            Error::InvalidCredentials | Error::InvalidCode => Self::rejected(status, code),
            Error::SecondFactorRequired | Error::SignInTooOld => Self::rejected(status, code),
            _ if status == 401 => new(ErrorKind::Invalid),
            _ if status == 403 => Self::denied(code),
            _ => Self::rejected(status, code),
        };
        refused.with_cause(error)
    }
}
