//! Registration, sign-in, refresh and sign-out, which Directus does.

use crate::service::*;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const PASSWORD: &str = "correct horse battery";

fn fault(code: &str) -> Value {
    json!({ "errors": [{ "message": code, "extensions": { "code": code } }] })
}

fn pair() -> Value {
    json!({ "data": { "access_token": "a.b.c", "refresh_token": "r1", "expires": 900_000 } })
}

fn answering(path: &'static str, status: u16, body: Value) -> Service {
    let service = Service::new();
    service.instance.state().answers.push((path, status, body));
    service
}

/// Case 115.
#[tokio::test]
async fn a_pair_is_passed_through() {
    let service = answering("/auth/refresh", 200, pair());
    assert_eq!(service.auth("refresh", json!({ "refresh_token": "r0" })).await, (200, pair()));
    let sent = service.instance.state().sent.clone();
    assert_eq!(sent[0].1, json!({ "refresh_token": "r0", "mode": "json" }));
    assert_eq!(sent[0].2, None, "the administrator's token goes nowhere else");

    for (status, code) in [(401, "INVALID_CREDENTIALS"), (401, "INVALID_TOKEN")] {
        let service = answering("/auth/refresh", status, fault(code));
        assert_eq!(service.auth("refresh", json!({ "refresh_token": "used" })).await.0, 401, "{code}");
    }
    assert!(service.refuses_body("refresh", json!({})).await);
}

#[tokio::test]
async fn who_signs_in() {
    let service = answering("/auth/login", 200, pair());
    let given = json!({ "email": ALICE, "password": PASSWORD });
    assert_eq!(service.auth("login", given.clone()).await, (200, pair()));
    let with_otp = json!({ "email": ALICE, "password": PASSWORD, "otp": "123456" });
    assert_eq!(service.auth("login", with_otp).await, (200, pair()));
    let sent = service.instance.state().sent.clone();
    assert_eq!(sent[0].1, json!({ "email": ALICE, "password": PASSWORD, "mode": "json" }));
    assert_eq!(sent[2].1["otp"], "123456");

    let refused = (401, json!({ "ok": false, "error": "Invalid credentials" }));
    for code in ["INVALID_CREDENTIALS", "INVALID_OTP", "USER_SUSPENDED"] {
        let service = answering("/auth/login", 401, fault(code));
        assert_eq!(service.auth("login", given.clone()).await, refused, "{code}");
    }
    // Another mode is nothing that can be asked for here.
    let with_mode = json!({ "email": ALICE, "password": PASSWORD, "mode": "session" });
    assert!(service.refuses_body("login", with_mode).await);
    service.instance.state().is_down = true;
    let down = (503, json!({ "ok": false, "error": "Directus does not answer" }));
    assert_eq!(service.auth("login", given).await, down);
}

#[tokio::test]
async fn who_registers_chooses_no_rights() {
    let service = answering("/users", 200, json!({ "data": { "id": "u9" } }));
    let new = |changes: Value| {
        let mut new = json!({ "email": ALICE, "password": PASSWORD, "first_name": "Alice" });
        for (name, value) in changes.as_object().into_iter().flatten() {
            new[name] = value.clone();
        }
        new
    };
    assert_eq!(service.auth("register", new(json!({}))).await, (200, json!({ "ok": true, "id": "u9" })));
    let sent = service.instance.state().sent.clone();
    let expected = new(json!({ "role": ROLE, "status": "active" }));
    assert_eq!(sent[0].1, expected);
    assert_eq!(sent[0].2.as_deref(), Some(&*format!("Bearer {ADMIN_TOKEN}")));

    let refused = (400, json!({ "ok": false, "error": "field_not_accepted" }));
    for field in ["role", "status", "policies", "token", "provider", "id", "subscription_tier", "tfa_secret"] {
        let before = service.instance.state().sent.len();
        assert_eq!(service.auth("register", new(json!({ field: "x" }))).await, refused, "{field}");
        assert_eq!(service.instance.state().sent.len(), before, "{field}");
    }
    let nested = new(json!({ "first_name": { "role": "x" } }));
    assert_eq!(service.auth("register", nested).await, refused);

    let taken = answering("/users", 400, fault("RECORD_NOT_UNIQUE"));
    assert_eq!(
        taken.auth("register", new(json!({}))).await,
        (409, json!({ "ok": false, "error": "record_not_unique" }))
    );
    // A wrong token of the administrator is no fault of who registers.
    let misconfigured = answering("/users", 403, fault("INVALID_TOKEN"));
    assert_eq!(misconfigured.auth("register", new(json!({}))).await.0, 500);
}

#[tokio::test]
async fn who_signs_out() {
    let service = answering("/auth/logout", 204, Value::Null);
    assert_eq!(service.auth("logout", json!({ "refresh_token": "r1" })).await, (200, json!({ "ok": true })));
    let refused = answering("/auth/logout", 401, fault("INVALID_CREDENTIALS"));
    assert_eq!(refused.auth("logout", json!({ "refresh_token": "r0" })).await.0, 401);
}
