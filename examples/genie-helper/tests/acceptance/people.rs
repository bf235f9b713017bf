//! People, whom Directus is asked about.

use crate::service::*;
use serde_json::json;

/// Cases 103 and 108.
#[tokio::test]
async fn users() {
    let service = Service::new();
    let alice = token(json!({}));
    let row =
        json!({ "id": "u1", "email": "alice@example.com", "first_name": "Alice", "role": "r1", "status": "active" });
    service.instance.knows(&alice, row, json!({ "admin_access": false }));
    let known = (200, json!({ "ok": true, "id": "u1", "email": "alice@example.com", "first_name": "Alice" }));
    assert_eq!(service.caption(&[bearer(&alice)]).await, known);
    assert_eq!(service.caption(&[("authorization", format!("bearer {alice}"))]).await, known);
    assert_eq!(service.instance.take_asked(), 3, "once about each: the user, what it may, its profile");
    // Of a user who may not read its own row, Directus tells the id only.
    let bob = token(json!({ "id": "u2" }));
    service.instance.knows(&bob, json!({ "id": "u2" }), json!({ "app_access": false, "admin_access": false }));
    let nameless = (200, json!({ "ok": true, "id": "u2", "email": null, "first_name": null }));
    assert_eq!(service.caption(&[bearer(&bob)]).await, nameless);
}

/// Case 104.
#[tokio::test]
async fn tokens_that_directus_refuses() {
    for (status, code) in [
        (401, "INVALID_CREDENTIALS"),
        (401, "TOKEN_EXPIRED"),
        (401, "USER_SUSPENDED"),
        (403, "INVALID_TOKEN"),
        (403, "FORBIDDEN"),
    ] {
        let service = Service::new();
        let refused = token(json!({}));
        service.instance.refuses(&refused, status, code);
        assert_eq!(service.caption(&[bearer(&refused)]).await, invalid(), "{status} {code}");
        assert!(service.instance.take_asked() > 0, "{status} {code}");
        // Case 112: the original answers that only admins may.
        assert_eq!(service.stats(&[bearer(&refused)]).await, invalid(), "{status} {code}");
    }
}

/// Cases 105 and 106: Directus is not asked.
#[tokio::test]
async fn what_is_no_bearer_token() {
    let service = Service::new();
    let token = token(json!({}));
    service.instance.knows(&token, json!({ "id": "u1" }), json!({ "admin_access": true }));
    assert_eq!(service.caption(&[]).await, invalid());
    for header in ["Basic  abc", "abcdefghijkl", &format!("Basic {token}"), &token, "Bearer", "Bearer ", ""] {
        let answer = service.caption(&[("authorization", header.to_owned())]).await;
        assert_eq!(answer, invalid(), "{header}");
    }
    assert_eq!(service.instance.take_asked(), 0);
    assert_eq!(service.caption(&[bearer(&token)]).await.0, 200);
}

/// Case 107, and others of whom Directus answers 200.
#[tokio::test]
async fn whom_directus_knows_and_who_is_no_user() {
    let nobody = json!({ "admin_access": false });
    let rows = [
        ("a share", json!({ "share": "s1" }), json!({ "app_access": false })),
        ("a share that names a user", json!({ "id": "u1", "share": "s1" }), nobody.clone()),
        ("nobody", json!({}), nobody.clone()),
        ("nobody's id", json!({ "id": null }), nobody.clone()),
        ("an empty id", json!({ "id": "" }), nobody.clone()),
        ("suspended", json!({ "id": "u1", "status": "suspended" }), nobody.clone()),
    ];
    for (what, user, globals) in rows {
        let service = Service::new();
        let shown = token(json!({}));
        service.instance.knows(&shown, user, globals);
        assert_eq!(service.caption(&[bearer(&shown)]).await, invalid(), "{what}");
    }
    // A share says in its token what it is.
    let service = Service::new();
    let share = token(json!({ "id": null, "share": "s1" }));
    service.instance.knows(&share, json!({ "id": "u1" }), nobody);
    assert_eq!(service.caption(&[bearer(&share)]).await, invalid());
    assert_eq!(service.instance.take_asked(), 0);
}

/// Cases 109 and 111.
#[tokio::test]
async fn administrators() {
    let only = (403, json!({ "error": "Admin only" }));
    let rows = [
        // Directus 11 tells of its own administrators the id and nothing else, where it is asked for `admin_access`.
        ("an administrator", json!({ "id": "u1" }), json!({ "admin_access": true }), (200, json!({ "waiting": 0 }))),
        ("none", json!({ "id": "u1" }), json!({ "admin_access": false }), only.clone()),
        ("nothing is told", json!({ "id": "u1" }), json!({ "app_access": true }), only.clone()),
        ("a text", json!({ "id": "u1" }), json!({ "admin_access": "true" }), only.clone()),
        ("a role's name", json!({ "id": "u1", "role": "Administrator" }), json!({ "admin_access": false }), only),
    ];
    for (what, user, globals, expected) in rows {
        let service = Service::new();
        // What the token says of itself counts nothing.
        let shown = token(json!({ "admin_access": true }));
        service.instance.knows(&shown, user, globals);
        assert_eq!(service.stats(&[bearer(&shown)]).await, expected, "{what}");
        assert_eq!(service.caption(&[bearer(&shown)]).await.0, 200, "{what}");
    }
    let service = Service::new();
    assert_eq!(service.stats(&[]).await, invalid());
}

/// Case 113.
#[tokio::test]
async fn directus_does_not_answer() {
    let service = Service::new();
    let alice = token(json!({}));
    service.instance.knows(&alice, json!({ "id": "u1" }), json!({ "admin_access": true }));
    service.instance.state().is_down = true;
    let down = (503, json!({ "ok": false, "error": "Directus does not answer" }));
    assert_eq!(service.caption(&[bearer(&alice)]).await, down);
    assert_eq!(service.stats(&[bearer(&alice)]).await, down);
    assert_eq!(service.caption(&[]).await, invalid());
    let failing = Service::new();
    for status in [429, 500, 502] {
        let token = token(json!({ "id": status.to_string() }));
        failing.instance.refuses(&token, status, "OUT_OF_ORDER");
        assert_eq!(failing.caption(&[bearer(&token)]).await, down, "{status}");
    }
}

/// Case 114: the service's own token for Directus is a static one, and no static token opens anything here.
#[tokio::test]
async fn static_tokens() {
    let service = Service::new();
    for of_admin in ["agentx-directus-admin-static-2026", "a.b.c"] {
        service.instance.knows(of_admin, json!({ "id": "u1" }), json!({ "admin_access": true }));
        assert_eq!(service.stats(&[bearer(of_admin)]).await, invalid());
        assert_eq!(service.caption(&[bearer(of_admin)]).await, invalid());
    }
    assert_eq!(service.instance.take_asked(), 0);
}
