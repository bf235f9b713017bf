//! Who is staff: by the token where nobody is asked, and otherwise by what is true of the user by all their policies.

use crate::{instance::*, tokens::*};
use portcullis_core::Verifier;
use serde_json::{Value, json};

fn is_staff(way: &(impl Into<Verifier> + Clone), token: &str) -> bool {
    enter(way, token).unwrap().is_staff()
}

fn with_globals(globals: Value) -> Standing {
    Standing { globals: (200, json!({ "data": globals })), ..Standing::user("u1", false) }
}

/// Cases 85, 87 and 109: what a token says is worth nothing beside the answer.
#[test]
fn the_answer_and_not_the_token() {
    for (claimed, real) in [(true, false), (false, true), (true, true), (false, false)] {
        let standing = Standing::user("u1", real);
        let of_session = token(json!({ "admin_access": claimed, "session": "s" }));
        let plain = token(json!({ "admin_access": claimed }));
        let instance = Instance::knowing(&of_session, standing.clone()).and(&plain, standing);
        for asked in [&of_session, &plain] {
            assert_eq!(is_staff(&instance.introspect(), asked), real, "{claimed} {real}");
            assert_eq!(is_staff(&Instance::local(), asked), claimed, "{claimed} {real}");
        }
        assert_eq!(is_staff(&instance.hybrid(), &of_session), real, "{claimed} {real}");
        // Nobody asks about this one, unless the route does: then its word ends with it.
        assert_eq!(is_staff(&instance.hybrid(), &plain), claimed, "{claimed} {real}");
        let fresh = enter_within(&instance.hybrid(), &plain, Some(std::time::Duration::ZERO)).unwrap();
        assert_eq!(fresh.is_staff(), real, "{claimed} {real}");
    }
}

/// Cases 93 and 86: only JSON `true` and the 1 of some databases.
#[test]
fn what_globals_may_say() {
    let rows = [
        (json!({ "app_access": true, "admin_access": true }), true),
        (json!({ "admin_access": 1 }), true),
        (json!({ "app_access": true, "admin_access": false }), false),
        (json!({ "admin_access": 0 }), false),
        (json!({ "admin_access": "true" }), false),
        (json!({ "admin_access": "1" }), false),
        (json!({ "admin_access": [true] }), false),
        (json!({ "admin_access": null }), false),
        (json!({ "admin_access": 2 }), false),
        (json!({ "Admin_Access": true }), false),
        // To who is not known it answers 200 as well, without the key.
        (json!({ "app_access": false }), false),
        (json!({}), false),
        (json!(null), false),
        (json!("true"), false),
    ];
    for (globals, expected) in rows {
        // A token that says it is an admin's, for the answer to take away.
        let claims = token(json!({ "admin_access": true, "session": "s" }));
        let instance = Instance::knowing(&claims, with_globals(globals.clone()));
        assert_eq!(is_staff(&instance.hybrid(), &claims), expected, "{globals}");
        assert_eq!(is_staff(&instance.introspect(), &claims), expected, "{globals}");
    }
}

/// Case 93: an answer of `globals` proves nobody.
#[test]
fn globals_name_nobody() {
    let nobody = Standing::user("u1", true).but(json!({}));
    let instance = Instance::knowing("opaque", nobody);
    assert_eq!((subject(&instance.introspect(), "opaque"), instance.asked()), (Err(401), 2));
    let refused = Standing { me: Standing::unknown().me, ..Standing::user("u1", true) };
    let instance = Instance::knowing("opaque", refused);
    assert_eq!((subject(&instance.introspect(), "opaque"), instance.asked()), (Err(401), 1));
}

/// Cases 88 and 89: through a parent's role, by a policy of the user's own, from another address, by a name.
#[test]
fn however_somebody_came_to_it() {
    let rows = [
        ("an admin by the parent of the role", json!({ "id": "u1", "role": "r-child" }), true, true),
        ("an admin by a policy of the user", json!({ "id": "u1", "role": null }), true, true),
        ("an admin only from another address", json!({ "id": "u1", "role": "r-admin" }), false, false),
        ("a role called Administrator", json!({ "id": "u1", "role": "Administrator" }), false, false),
        // Case 111: so Directus 11 answers to whom it does not let read their row.
        ("an admin, and no more is said", json!({ "id": "u1" }), true, true),
    ];
    for (what, me, globals, expected) in rows {
        let instance = Instance::knowing(&session(), Standing::user("u1", globals).but(me));
        for way in [instance.hybrid(), instance.introspect()] {
            assert_eq!(is_staff(&way, &session()), expected, "{what}");
        }
    }
    // One that is read whole is in no shape of names, so nothing is known of its roles.
    let whole = Standing::user("u1", false).but(json!({ "id": "u1", "role": { "name": "Administrator" } }));
    let instance = Instance::knowing(&session(), whole);
    assert_eq!(subject(&instance.introspect(), &session()), Err(401));
    assert_eq!(subject(&instance.hybrid(), &session()), Err(401));
}

/// No column of the users' table stands in for what `globals` says, nor for who somebody is.
#[test]
fn the_users_table_makes_no_staff() {
    let column = Standing::user("u1", false).but(json!({ "id": "u1", "admin_access": true }));
    let same = Standing::user("u1", true).but(json!({ "id": "u1", "admin_access": true }));
    let other = with_globals(json!({ "id": "u2", "admin_access": false }));
    for (standing, want) in [(column, Err(401)), (same, Ok("u1".to_owned())), (other, Err(401))] {
        let instance = Instance::knowing(&session(), standing);
        assert_eq!(subject(&instance.hybrid(), &session()), want);
        assert_eq!(subject(&instance.introspect(), &session()), want);
    }
}

/// The role of the answer, not of the token: a role that was changed counts where somebody was asked.
#[test]
fn the_role_is_the_answer_s() {
    let changed = Standing::user("u1", false).but(json!({ "id": "u1", "role": "r2", "status": "active" }));
    let instance = Instance::knowing(&session(), changed.clone()).and(&token(json!({})), changed);
    let role = |way: Verifier, token: &str| {
        let roles = enter(&way, token).unwrap().roles().iter().map(ToString::to_string).collect::<Vec<_>>();
        roles.join(" ")
    };
    assert_eq!(role(Instance::local().into(), &session()), "r1");
    assert_eq!(role(instance.hybrid().into(), &session()), "r2");
    assert_eq!(role(instance.hybrid().into(), &token(json!({}))), "r1");
    assert_eq!(role(instance.introspect().into(), &token(json!({}))), "r2");
}
