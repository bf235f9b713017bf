//! Sign-ins in two steps, and the endpoints of second factors.

use crate::{
    request::{Request, empty_post, get, post},
    world::{ALICE, BOB, Login, MODES, Mode, OTHER, PASSWORD, World, setup},
};
use portcullis::Clock;
use serde_json::{Value, json};
use std::time::UNIX_EPOCH;
use totp_rs::Totp;

/// The code of an app with this secret.
fn app(world: &World, enrolment: &Value) -> String {
    let now = world.clock.now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Totp::from_url(enrolment["uri"].as_str().unwrap()).unwrap().generate(now).to_string()
}

fn with_code(path: &str, code: &str) -> Request {
    post(path, json!({ "code": code }))
}

fn second(token: &Value, code: &str) -> Request {
    post("/auth/second-factor", json!({ "token": token, "code": code }))
}

/// Alice with a second factor, her app, and her recovery codes.
async fn with_factor(world: &World) -> (Login, Value, Vec<String>) {
    let alice = world.signed_in(ALICE).await;
    assert_eq!(world.page_as(&alice, get("/auth/totp")).await.body, r#"{"recovery_codes":0,"since":null}"#);
    let answer = world.page_as(&alice, post("/auth/totp", json!({ "password": PASSWORD }))).await;
    assert_eq!(answer.status, 200);
    let enrolment = answer.json();
    assert_eq!(world.page_as(&alice, with_code("/auth/totp/confirm", "000000")).await.code(), "401 invalid_code");
    let answer = world.page_as(&alice, with_code("/auth/totp/confirm", &app(world, &enrolment))).await;
    let codes: Vec<String> = serde_json::from_value(answer.json()["recovery_codes"].clone()).unwrap();
    assert_eq!((answer.status, codes.len()), (200, 10));
    let answer = world.page_as(&alice, get("/auth/totp")).await;
    assert_eq!(answer.body, r#"{"recovery_codes":10,"since":1800000000}"#);
    world.pass(30);
    (alice, enrolment, codes)
}

async fn attempt(world: &World) -> Value {
    let answer = world.sign_in(ALICE, PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert!(answer.all("set-cookie").is_empty(), "nobody is signed in by the password alone: {answer:?}");
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    body["second_factor"].clone()
}

#[test]
fn a_sign_in_in_two_steps() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let (before, enrolment, codes) = with_factor(world).await;
            assert_eq!(world.orders(&before).await, "200", "open sessions stay");
            let token = attempt(world).await;
            assert_eq!(world.page(second(&token, "123456")).await.code(), "401 invalid_code");
            let answer = world.page(second(&token, &app(world, &enrolment))).await;
            assert_eq!((answer.status, answer.json()["user"]["email"].as_str()), (200, Some(ALICE)));
            assert_eq!(world.orders(&world.login(&answer)).await, "200");
            let used = app(world, &enrolment);
            assert_eq!(world.page(second(&token, &used)).await.code(), "400 invalid_token");
            assert_eq!(world.page(second(&attempt(world).await, &used)).await.code(), "401 invalid_code");
            let answer = world.page(second(&attempt(world).await, &codes[0])).await;
            assert_eq!(world.orders(&world.login(&answer)).await, "200");
            assert_eq!(world.page(second(&attempt(world).await, &codes[0])).await.code(), "401 invalid_code");
            // Wrong passwords are answered as before.
            assert_eq!(world.sign_in(ALICE, OTHER).await.code(), "401 invalid_credentials");
            let answer = world.page(post("/auth/second-factor", json!({ "code": "1" }))).await;
            assert_eq!(answer.code(), "400 invalid_request");
        });
    }
}

#[test]
fn the_factor_is_managed_with_codes() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let (alice, enrolment, codes) = with_factor(world).await;
            let bob = world.signed_in(BOB).await;
            let answer = world.page_as(&alice, post("/auth/totp", json!({ "password": PASSWORD }))).await;
            assert_eq!(answer.code(), "409 factor_exists");
            let [renew, remove] = ["/auth/totp/recovery-codes", "/auth/totp/remove"];
            for path in [renew, remove] {
                assert_eq!(world.page_as(&alice, with_code(path, "123456")).await.code(), "401 invalid_code");
                assert_eq!(world.page_as(&bob, with_code(path, &codes[0])).await.code(), "404 not_found");
                assert_eq!(world.page(with_code(path, &codes[0])).await.code(), "401 credential_missing");
            }
            let answer = world.page_as(&alice, with_code(renew, &app(world, &enrolment))).await;
            let new: Vec<String> = serde_json::from_value(answer.json()["recovery_codes"].clone()).unwrap();
            assert_eq!(world.page_as(&alice, with_code(remove, &codes[1])).await.code(), "401 invalid_code");
            let answer = world.page_as(&alice, with_code(remove, &new[1])).await;
            assert_eq!((answer.status, &*answer.body), (204, ""));
            let answer = world.page_as(&alice, with_code("/auth/totp/confirm", "123456")).await;
            assert_eq!(answer.code(), "404 not_found");
            let answer = world.sign_in(ALICE, PASSWORD).await;
            assert_eq!(world.orders(&world.login(&answer)).await, "200");
        });
    }
}

#[test]
fn an_old_session_enrols_with_the_password_only() {
    setup(Mode::TwoCookies).run(async |world| {
        let mut alice = world.signed_in(ALICE).await;
        assert_eq!(world.page_as(&alice, empty_post("/auth/totp")).await.status, 200);
        world.pass(601);
        alice.update(&world.page(world.refresh_of(&alice)).await);
        let answer = world.page_as(&alice, empty_post("/auth/totp")).await;
        assert_eq!(answer.code(), "401 insufficient_user_authentication");
        let answer = world.page_as(&alice, post("/auth/totp", json!({ "password": OTHER }))).await;
        assert_eq!(answer.code(), "401 invalid_credentials");
        let answer = world.page_as(&alice, post("/auth/totp", json!({ "password": PASSWORD }))).await;
        assert_eq!(answer.status, 200);
    });
}
