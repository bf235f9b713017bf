//! Whom Directus names in its answers: who is no user, who is one no longer, and who is somebody else.

use crate::{instance::*, tokens::*, ways::hold};
use serde_json::json;

/// Cases 90 and 107: Directus answers 200 to a share, which is no user.
#[test]
fn a_share() {
    let share = token(json!({ "id": null, "share": "h1", "role": null }));
    hold(&share, &Standing::share(), Err(401), (Err(401), 0), (Err(401), 0));
    hold(&session(), &Standing::share(), Ok("u1"), (Err(401), 2), (Err(401), 2));
    // Nor is one that names a user beside it.
    let both = Standing::user("u1", true).but(json!({ "id": "u1", "share": "h1" }));
    hold(&session(), &both, Ok("u1"), (Err(401), 2), (Err(401), 2));
    hold(
        "opaque",
        &Standing::user("u1", true).but(json!({ "id": "u1", "share": null })),
        Err(401),
        (Err(401), 2),
        (Err(401), 2),
    );
}

/// Case 91: Directus knows a deleted user as before, by a token that is not of a session. That is documented.
#[test]
fn a_deleted_user() {
    let plain = token(json!({}));
    hold(&plain, &Standing::deleted("u1", false), Ok("u1"), (Ok("u1"), 0), (Ok("u1"), 2));
    hold(&session(), &Standing::unknown(), Ok("u1"), (Err(401), 1), (Err(401), 1));
}

/// Who may read their own row says that it is suspended; who may not is refused where a session or a static token is.
#[test]
fn a_suspended_user() {
    for status in ["suspended", "draft", "invited", "unverified", "archived", "Active", ""] {
        let suspended = Standing::user("u1", true).but(json!({ "id": "u1", "role": "r1", "status": status }));
        hold(&session(), &suspended, Ok("u1"), (Err(401), 2), (Err(401), 2));
        hold("opaque", &suspended, Err(401), (Err(401), 2), (Err(401), 2));
        hold(&token(json!({})), &suspended, Ok("u1"), (Ok("u1"), 0), (Err(401), 2));
    }
    let silent = Standing::user("u1", false).but(json!({ "id": "u1" }));
    hold(&session(), &silent, Ok("u1"), (Ok("u1"), 2), (Ok("u1"), 2));
}

/// Case 92: whatever `/users/me` makes of a request, nobody is let in by it who is not named.
#[test]
fn answers_of_odd_shapes() {
    for data in [
        json!("0a1b2c3d"),
        json!(null),
        json!([]),
        json!({}),
        json!(true),
        json!([{ "id": "u1" }]),
        json!({ "id": "" }),
    ] {
        let odd = Standing::user("u1", true).but(data);
        hold(&session(), &odd, Ok("u1"), (Err(401), 2), (Err(401), 2));
    }
    let number = Standing::user("u1", false).but(json!({ "id": 5 }));
    hold("opaque", &number, Err(401), (Ok("5"), 2), (Ok("5"), 2));
    // A user by themselves, with nothing else said of them.
    hold("opaque", &Standing::user("u1", false).but(json!({ "id": "u1" })), Err(401), (Ok("u1"), 2), (Ok("u1"), 2));
}

/// The token of one user and the answer about another are no answer.
#[test]
fn an_answer_about_somebody_else() {
    hold(&session(), &Standing::user("u2", true), Ok("u1"), (Err(401), 2), (Ok("u2"), 2));
}
