//! Tokens that are valid, and meant for something else than access.
//!
//! An ID token or a logout token has a good signature of the same issuer, and may have the same audience. It is refused as a
//! credential because of what it says about its own kind (RFC 8725, section 3.12).

use crate::json::Value;

/// Which claims of a token say that it is for something else than access: a bit for each claim.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OtherKind(u8);

/// Where issuers write the kind of a token: Keycloak in `typ`, Amazon Cognito in `token_use`, others in `token_type` and
/// `type`. A token with `events` is a security event (RFC 8417, section 2.2), such as a logout token.
const CLAIMS: [&str; 5] = ["typ", "token_use", "token_type", "type", EVENTS];

const EVENTS: &str = "events";

/// The values there of tokens that are not for access.
const OTHERS: [&str; 13] = [
    "id",
    "id_token",
    "id+jwt",
    "serialized-id",
    "refresh",
    "refresh_token",
    "refresh+jwt",
    "offline",
    "logout",
    "logout_token",
    "logout+jwt",
    "secevent+jwt",
    "dpop+jwt",
];

impl OtherKind {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const EVENT: Self = Self::of(EVENTS);

    /// The bit of a claim.
    const fn of(claim: &str) -> Self {
        Self(match claim.as_bytes() {
            b"typ" => 1,
            b"token_use" => 2,
            b"token_type" => 4,
            b"type" => 8,
            b"events" => 16,
            _ => 0,
        })
    }

    /// The bit of the claim at this place. If a rule asks for its value, the token is not refused for it.
    pub(super) fn at(path: &str) -> Self {
        Self::of(path.strip_prefix('/').unwrap_or(path))
    }

    /// Records the value of one of these claims.
    pub(super) fn read(&mut self, claim: &str, value: Value<'_>) {
        let is_other = |kind: &str| OTHERS.iter().any(|other| kind.eq_ignore_ascii_case(other));
        if claim == EVENTS || value.as_str().is_some_and(|kind| is_other(&kind)) {
            *self = self.or(Self::of(claim));
        }
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The first claim that names another kind and is not accepted by a rule.
    pub(crate) fn claim_beside(self, accepted: Self) -> Option<&'static str> {
        let left = Self(self.0 & !accepted.0);
        CLAIMS.into_iter().find(|claim| left.0 & Self::of(claim).0 != 0)
    }
}
