//! What handlers say about the caller, whatever the backend.

use portcullis::{Principal, accounts::User};
use serde_json::{Value, json};

/// The address, if the account is the service's own, and else the subject of the token.
#[must_use]
pub fn name(who: &Principal) -> String {
    who.account::<User>().map_or(who.id().subject().to_owned(), |user| user.email.as_str().to_owned())
}

/// Who the caller is, and in which organization.
#[must_use]
pub fn session(who: &Principal) -> Value {
    json!({
        "user_id": who.id().subject(),
        "session_id": who.session().map(|session| session.id().to_owned()),
        "role": who.roles().first().map(|role| role.as_str().to_owned()),
        "org_id": who.organization(),
    })
}
