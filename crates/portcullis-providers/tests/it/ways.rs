//! The three ways to know a token of Directus: by its secret, by asking, and by both. Numbers are those of the cases that the
//! original systems were measured with.

use crate::{instance::*, tokens::*};
use portcullis_core::{Algorithm, ErrorKind, Verifier};
use serde_json::json;

/// What comes of a token by its secret, by both, and by asking, and how often the last two ask.
#[track_caller]
pub fn hold(
    token: &str,
    standing: &Standing,
    local: Result<&str, u16>,
    hybrid: (Result<&str, u16>, usize),
    introspect: (Result<&str, u16>, usize),
) {
    let way = |outcome: Result<&str, u16>| outcome.map(str::to_owned);
    assert_eq!(subject(&Instance::local(), token), way(local), "by its secret");
    let instance = Instance::knowing(token, standing.clone());
    assert_eq!((subject(&instance.hybrid(), token), instance.asked()), (way(hybrid.0), hybrid.1), "by both");
    let instance = Instance::knowing(token, standing.clone());
    assert_eq!(
        (subject(&instance.introspect(), token), instance.asked()),
        (way(introspect.0), introspect.1),
        "by asking"
    );
}

#[test]
fn a_token_that_no_session_could_have_ended() {
    let user = Standing::user("u1", false);
    hold(&token(json!({})), &user, Ok("u1"), (Ok("u1"), 0), (Ok("u1"), 2));
    hold(
        &token(json!({ "exp": NOW })),
        &Standing::refused(401, "TOKEN_EXPIRED"),
        Err(401),
        (Err(401), 0),
        (Err(401), 0),
    );
    // What a token says against itself is believed, also without the secret.
    for refused in [json!({ "aud": "x" }), json!({ "aud": [] }), json!({ "share": "s" }), json!({ "nbf": NOW + 3600 })]
    {
        hold(&token(refused), &user, Err(401), (Err(401), 0), (Err(401), 0));
    }
    hold(&token(json!({ "status": "active" })), &user, Ok("u1"), (Ok("u1"), 0), (Ok("u1"), 2));
}

/// Case 27.
#[test]
fn a_static_token() {
    let user = Standing::user("u9", false);
    hold("static-token-of-u9", &user, Err(401), (Ok("u9"), 2), (Ok("u9"), 2));
    hold("static-token-of-u9", &Standing::unknown(), Err(401), (Err(401), 1), (Err(401), 1));
    assert_eq!(enter(&Instance::local(), "static-token-of-u9").unwrap_err().kind(), ErrorKind::Unrecognized);
    // Case 75: byte for byte.
    let instance = Instance::knowing("Static-Token", user);
    let hybrid = instance.hybrid();
    for (presented, outcome) in [("Static-Token", Ok("u9")), ("static-token", Err(401)), ("Static-Token ", Err(401))] {
        assert_eq!(subject(&hybrid, presented), outcome.map(str::to_owned), "{presented:?}");
    }
}

/// Cases 28 and 77: the secret does not know which sessions have ended.
#[test]
fn a_session() {
    hold(&session(), &Standing::user("u1", false), Ok("u1"), (Ok("u1"), 2), (Ok("u1"), 2));
    hold(&session(), &Standing::unknown(), Ok("u1"), (Err(401), 1), (Err(401), 1));
    // What could not be the name of one could not be ended.
    let list = token(json!({ "session": ["s"] }));
    hold(&list, &Standing::unknown(), Err(401), (Err(401), 0), (Err(401), 1));
    // One that has an empty name, or none, is a session all the same.
    for odd in [json!(""), json!(null), json!(7)] {
        let odd = token(json!({ "session": odd }));
        hold(&odd, &Standing::unknown(), Ok("u1"), (Err(401), 1), (Err(401), 1));
    }
    let instance = Instance::knowing(&session(), Standing::user("u1", false));
    let principal = enter(&instance.hybrid(), &session()).unwrap();
    assert_eq!(
        principal.session().map(|session| session.id().len()),
        Some(64),
        "what the token says of its session is kept"
    );
    assert_eq!(principal.expires_at(), enter(&Instance::local(), &session()).unwrap().expires_at());
}

/// Case 76: Directus takes whatever has its `iss` for a JWT, and answers 403.
#[test]
fn a_forged_token() {
    let forged = signed(Algorithm::Hs256, &SECRET.replace("not", "too"), &claims(json!({ "session": "s" })));
    hold(&forged, &Standing::refused(403, "INVALID_TOKEN"), Err(401), (Err(401), 0), (Err(401), 1));
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", session().split('.').nth(1).unwrap());
    hold(&unsigned, &Standing::refused(403, "INVALID_TOKEN"), Err(401), (Err(401), 0), (Err(401), 0));
}

/// Case 74: a JWT of somebody else is nobody's business here, and Directus hears nothing of it.
#[test]
fn a_jwt_of_another_issuer() {
    for iss in ["other", "Directus", "https://directus.test", ""] {
        let other = token(json!({ "iss": iss, "session": "s" }));
        hold(&other, &Standing::user("u1", true), Err(401), (Err(401), 0), (Err(401), 0));
        let instance = Instance::default();
        for way in [Verifier::from(instance.hybrid()), instance.introspect().into(), Instance::local().into()] {
            assert_eq!(enter(&way, &other).unwrap_err().kind(), ErrorKind::Unrecognized, "{iss}");
        }
    }
}

/// Case 104: any 401, and 403 as well.
#[test]
fn refusals() {
    for (status, code) in [
        (401, "INVALID_CREDENTIALS"),
        (401, "TOKEN_EXPIRED"),
        (401, "USER_SUSPENDED"),
        (403, "INVALID_TOKEN"),
        (403, "FORBIDDEN"),
    ] {
        let refused = Standing::refused(status, code);
        hold(&session(), &refused, Ok("u1"), (Err(401), 1), (Err(401), 1));
        // Between the two questions, too.
        let late = Standing { globals: refused.globals, ..Standing::user("u1", true) };
        hold(&session(), &late, Ok("u1"), (Err(401), 2), (Err(401), 2));
    }
}

#[test]
fn both_addresses_in_order() {
    let instance = Instance::knowing("opaque", Standing::user("u1", false));
    assert!(enter(&instance.introspect(), "opaque").is_ok());
    assert_eq!(instance.addresses(), [format!("{URL}{ME}"), format!("{URL}{GLOBALS}")]);
}
