//! Every endpoint, refused: bodies, methods, paths, credentials.

use crate::{
    request::{Answer, Request, get, post, request},
    world::{ALICE, Login, MODES, Mode, OTHER, PASSWORD, setup},
};
use portcullis::accounts::Limits;
use serde_json::{Value, json};

/// Every endpoint: its method, a body it accepts as far as its form goes, and whether it needs a caller.
pub fn endpoints() -> Vec<(&'static str, &'static str, Value, bool)> {
    let credentials = json!({ "email": ALICE, "password": PASSWORD });
    let email = json!({ "email": ALICE });
    let token = json!({ "token": "a-token-that-nobody-has" });
    vec![
        ("POST", "sign-up", credentials.clone(), false),
        ("POST", "sign-in", credentials.clone(), false),
        ("POST", "refresh", json!({ "refresh_token": "a-token-that-nobody-has" }), false),
        ("POST", "sign-out", json!({ "refresh_token": "a-token-that-nobody-has" }), false),
        ("POST", "sign-out-everywhere", Value::Null, true),
        ("GET", "me", Value::Null, true),
        ("GET", "sessions", Value::Null, true),
        ("DELETE", "sessions/some-session", Value::Null, true),
        ("POST", "confirm", token.clone(), false),
        ("POST", "confirm/resend", email.clone(), false),
        ("POST", "reset/request", email.clone(), false),
        ("POST", "reset", json!({ "token": "a-token-that-nobody-has", "password": OTHER }), false),
        ("POST", "password", json!({ "old": PASSWORD, "new": OTHER }), true),
        ("POST", "email", json!({ "email": "new@example.com", "password": PASSWORD }), true),
        ("POST", "email/confirm", token.clone(), false),
        ("POST", "magic-link/request", email, false),
        ("POST", "magic-link", token, false),
    ]
}

fn call(method: &'static str, path: &str, body: &Value) -> Request {
    let request = request(method, &format!("/auth/{path}"));
    if body.is_null() { request } else { request.header("content-type", "application/json").body(body.to_string()) }
}

#[test]
fn bodies_that_are_not_what_an_endpoint_expects() {
    for mode in MODES {
        setup(mode).accounts(|accounts| accounts.magic_links()).run(async |world| {
            let login = world.signed_in(ALICE).await;
            for (method, path, body, needs_caller) in endpoints() {
                if body.is_null() {
                    continue;
                }
                let text = body.to_string();
                let base = || {
                    let request = request(method, &format!("/auth/{path}"));
                    if needs_caller { world.with(&login, request).in_browser() } else { request.in_browser() }
                };
                let json = || base().header("content-type", "application/json");
                let form = "email=alice%40example.com&password=correct+horse&token=t&old=a&new=b&refresh_token=t";
                let wrong = [
                    ("no content type", base().body(&*text)),
                    ("text", base().header("content-type", "text/plain").body(&*text)),
                    ("a form", base().header("content-type", "application/x-www-form-urlencoded").body(form)),
                    ("a form with JSON in it", base().header("content-type", "text/plain").body(format!("{text}="))),
                    ("parts", base().header("content-type", "multipart/form-data; boundary=x").body(&*text)),
                    ("JSON of another kind", base().header("content-type", "application/json-seq").body(&*text)),
                    ("cut off", json().body(&text[..text.len() - 1])),
                    ("trailing text", json().body(format!("{text}{text}"))),
                    ("a list", json().body(format!("[{text}]"))),
                    ("a number", json().body("1")),
                    ("bytes", json().body(b"\xff\xfe{}")),
                    (
                        "wrong types",
                        json().body(r#"{"email":1,"password":{},"token":[],"old":true,"new":null,"refresh_token":7}"#),
                    ),
                    ("deep", json().body("[".repeat(5000))),
                ];
                for (what, request) in wrong {
                    let answer = world.send(request).await;
                    assert_eq!(answer.code(), "400 invalid_request", "{path}: {what}");
                    assert!(answer.all("set-cookie").is_empty(), "{path}: {what}");
                }
                if !["refresh", "sign-out"].contains(&path) {
                    for (what, request) in
                        [("empty", base()), ("empty JSON", json()), ("no members", json().body("{}"))]
                    {
                        assert_eq!(world.send(request).await.code(), "400 invalid_request", "{path}: {what}");
                    }
                }
                if path == "password" {
                    continue; // it would end the session
                }
                // Parameters of the type, and other cases of it, are all right.
                for kind in ["application/json; charset=utf-8", "Application/JSON", " application/json ;x"] {
                    let answer = world.send(base().header("content-type", kind).body(&*text)).await;
                    assert_ne!(answer.code(), "400 invalid_request", "{path}: {kind}");
                }
            }
        });
    }
}

#[test]
fn bodies_of_more_than_16_kib() {
    setup(Mode::TwoCookies).accounts(|accounts| accounts.magic_links()).run(async |world| {
        let login = world.signed_in(ALICE).await;
        for (method, path, body, needs_caller) in endpoints() {
            if body.is_null() {
                continue;
            }
            let mut fitting = body.to_string();
            fitting.extend(std::iter::repeat_n(' ', 16 * 1024 - fitting.len()));
            let too_large = format!("{fitting} ");
            let base = |body: &str| {
                let request = request(method, &format!("/auth/{path}")).header("content-type", "application/json");
                let request = if needs_caller { world.with(&login, request) } else { request };
                request.in_browser().body(body)
            };
            let with_length = |body: &str| base(body).header("content-length", body.len().to_string());
            let larger = "x".repeat(100_000);
            for request in
                [base(&too_large).chunked(), with_length(&too_large), base(&larger).chunked(), with_length(&larger)]
            {
                let answer = world.send(request).await;
                assert_eq!((answer.code(), answer.all("set-cookie").len()), ("413 too_large".to_owned(), 0), "{path}");
            }
            if path != "password" {
                for request in [base(&fitting).chunked(), with_length(&fitting)] {
                    assert_ne!(world.send(request).await.status, 413, "{path}");
                }
            }
        }
    });
}

#[test]
fn methods_and_paths_that_there_are_not() {
    for mode in MODES {
        setup(mode).accounts(|accounts| accounts.magic_links()).run(async |world| {
            for (method, path, ..) in endpoints() {
                for other in ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().filter(|other| *other != method) {
                    if path == "sessions/some-session" && other == "GET" {
                        continue;
                    }
                    let answer = world.send(call(other, path, &Value::Null).in_browser()).await;
                    // The guard of the path comes first.
                    assert!(matches!(answer.status, 405 | 401), "{other} {path}: {answer:?}");
                    assert!(answer.all("set-cookie").is_empty());
                }
            }
            for path in ["/", "/auth", "/auth/", "/auth/unknown", "/auth/me/", "/auth/sessions/a/b", "/auth//me"] {
                let answer = world.send(get(path).in_browser()).await;
                assert_eq!((answer.status, &*answer.body), (404, ""), "{path}");
            }
        });
    }
}

#[test]
fn callers_that_are_none() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let garbage = Login {
                access: Some("no.such.token".into()),
                session: Some("no-such-token".into()),
                ..Login::default()
            };
            let empty = Login { access: Some(String::new()), session: Some(String::new()), ..Login::default() };
            // A refresh token is no access token, and the reverse.
            let swapped = Login {
                access: login.refresh.clone().or(login.session.clone()),
                session: login.access.clone(),
                ..Login::default()
            };
            let callers = || endpoints().into_iter().filter(|(.., needs_caller)| *needs_caller);
            for (method, path, body, _) in callers() {
                let request = || call(method, path, &body);
                assert_eq!(world.page(request()).await.code(), "401 credential_missing", "{path}");
                for who in [&garbage, &empty, &swapped] {
                    let answer = world.page_as(who, request()).await;
                    assert_eq!(answer.status, 401, "{path}: {answer:?}");
                    assert!(answer.all("set-cookie").is_empty(), "{path}");
                }
            }
            world.pass(31 * 86_400);
            for (method, path, body, _) in callers() {
                let answer = world.page_as(&login, call(method, path, &body)).await;
                let code = if mode == Mode::OneSession { "401 session_expired" } else { "401 token_expired" };
                assert_eq!(answer.code(), code, "{path}");
            }
        });
    }
}

/// Endpoints for anyone do not look at credentials, which may have expired. So nobody is locked out by an old cookie.
#[test]
fn old_credentials_do_not_matter_where_none_are_needed() {
    for mode in MODES {
        setup(mode).accounts(|accounts| accounts.limits(Limits::dangerous_unlimited())).run(async |world| {
            let login = world.signed_in(ALICE).await;
            world.pass(31 * 86_400);
            for (method, path, body, _) in endpoints().into_iter().filter(|(.., needs_caller)| !needs_caller) {
                if ["refresh", "magic-link", "magic-link/request"].contains(&path) {
                    continue;
                }
                // A confirmation without a password asks who the caller is: it would remove the password of nobody in doubt.
                let body = if path == "confirm" { json!({ "token": "unknown", "password": PASSWORD }) } else { body };
                let answer = world.page_as(&login, call(method, path, &body)).await;
                let without = world.page(call(method, path, &body)).await;
                assert_eq!(answer.status, without.status, "{path}: {answer:?}");
                assert_ne!(answer.status, 401, "{path}: {answer:?}");
            }
        });
    }
}

/// The token of a link is not used up by a request whose caller is in doubt.
#[test]
fn a_confirmation_with_an_expired_credential_can_be_made_again() {
    for mode in [Mode::Bodies, Mode::TwoCookies] {
        setup(mode).accounts(|accounts| accounts.sign_in_unconfirmed()).run(async |world| {
            let form = json!({ "email": ALICE, "password": PASSWORD });
            let answer = world.page(post("/auth/sign-up", form)).await;
            let mut login = world.login(&answer);
            world.pass(901);
            let confirm = post("/auth/confirm", json!({ "token": world.mailed(ALICE) }));
            assert_eq!(world.page_as(&login, confirm.clone()).await.code(), "401 token_expired");
            let answer = world.send(world.refresh_of(&login)).await;
            login.update(&answer);
            let answer = world.page_as(&login, confirm).await;
            assert_eq!((answer.status, &*answer.body), (200, r#"{"has_password":true}"#));
            assert_eq!(world.sign_in(ALICE, PASSWORD).await.status, 200);
        });
    }
}

#[test]
fn values_that_are_refused() {
    setup(Mode::Bodies).run(async |world| {
        let login = world.signed_in(ALICE).await;
        let sign_up =
            |email: &str, password: &str| post("/auth/sign-up", json!({ "email": email, "password": password }));
        for email in ["", "alice", "alice@", "@example.com", "a b@example.com", "älice@example.com", "a@b@example.com"]
        {
            assert_eq!(world.page(sign_up(email, PASSWORD)).await.code(), "400 invalid_email", "{email}");
            let reset = world.page(post("/auth/reset/request", json!({ "email": email }))).await;
            assert_eq!(reset.code(), "400 invalid_email", "{email}");
            // Whoever signs in is told nothing about the address.
            assert_eq!(world.sign_in(email, PASSWORD).await.code(), "401 invalid_credentials", "{email}");
        }
        let answer = world.page(sign_up("carol@example.com", "short")).await;
        assert_eq!(
            (answer.code(), answer.json()["rules"].clone()),
            ("422 password_rejected".into(), json!(["too_short"]))
        );
        let answer = world.page(sign_up("carol@example.com", &"x".repeat(257))).await;
        assert_eq!(answer.json()["rules"], json!(["too_long"]));

        // A member that is there twice is no member: two readers could take another one each.
        let twice = format!(r#"{{"email":"{ALICE}","email":"bob@example.com","password":"{PASSWORD}"}}"#);
        let answer = world.page(post("/auth/sign-in", Value::Null).body(twice)).await;
        assert_eq!(answer.code(), "400 invalid_request");
        assert_eq!(world.orders(&login).await, "200");
    });
}

/// A client that throws its access token away whenever one is called invalid keeps it if only the password is wrong.
#[test]
fn a_wrong_password_is_no_invalid_token() {
    setup(Mode::Bodies).run(async |world| {
        let login = world.signed_in(ALICE).await;
        let challenge = |answer: Answer| answer.header("www-authenticate").map(str::to_owned);
        let change = post("/auth/password", json!({ "old": OTHER, "new": OTHER }));
        let wrong = [world.sign_in(ALICE, OTHER).await, world.page_as(&login, change).await];
        for answer in wrong {
            assert_eq!(challenge(answer).as_deref(), Some("Bearer"));
        }
        let garbage = Login { refresh: Some("no-token".into()), ..Login::default() };
        let answer = world.send(world.refresh_of(&garbage)).await;
        assert!(challenge(answer).unwrap().contains("invalid_token"));
    });
}

#[test]
fn a_refresh_that_fails_sets_no_cookie() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let garbage = Login { refresh: Some("no-token".into()), session: Some("no-token".into()), ..login.clone() };
            for request in
                [world.refresh_of(&garbage), world.refresh_of(&Login::default()), post("/auth/refresh", json!({}))]
            {
                let answer = world.send(request).await;
                assert!(matches!(answer.status, 401 | 404), "{answer:?}");
                assert!(answer.all("set-cookie").is_empty());
            }
            assert_eq!(world.orders(&login).await, "200");
        });
    }
}
