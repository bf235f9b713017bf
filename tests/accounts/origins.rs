//! Which pages may call the endpoints, and where a client that is no page gets its tokens.

use crate::{
    refusals::endpoints,
    request::{Request, empty_post, get, post, request},
    world::{ALICE, MODES, Mode, PASSWORD, setup},
};
use portcullis::accounts::Limits;
use serde_json::json;

/// What browsers send for pages that may not call the endpoints.
const STRANGERS: [&[(&str, &str)]; 11] = [
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
    &[("sec-fetch-site", "same-site"), ("origin", "https://blog.shop.test")],
    &[("sec-fetch-site", "unknown")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "")],
    &[("origin", "https://shop.test:8443")],
    &[("origin", "https://shop.test.evil.example")],
    &[("origin", "https://app.shop.test.")],
];

const PAGES: [&[(&str, &str)]; 5] = [
    &[("sec-fetch-site", "same-origin")],
    &[("sec-fetch-site", "none")],
    &[("origin", "https://shop.test")],
    // By name.
    &[("origin", "https://app.shop.test")],
    &[("sec-fetch-site", "same-site"), ("origin", "https://app.shop.test")],
];

fn from(request: Request, headers: &[(&str, &str)]) -> Request {
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn all(mode: Mode) -> crate::world::Setup {
    setup(mode)
        .accounts(|accounts| accounts.magic_links().limits(Limits::dangerous_unlimited()))
        .gate(|gate, _| gate.allow_origin("https://app.shop.test"))
}

/// With a credential and without, for each endpoint that changes something.
#[test]
fn pages_of_other_origins_change_nothing() {
    for mode in MODES {
        all(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            for (method, path, body, _) in endpoints().into_iter().filter(|(method, ..)| *method != "GET") {
                let request = || {
                    let request = request(method, &format!("/auth/{path}"));
                    if body.is_null() {
                        request
                    } else {
                        request.header("content-type", "application/json").body(body.to_string())
                    }
                };
                for stranger in STRANGERS {
                    let answer = world.send(from(world.with(&login, request()), stranger)).await;
                    assert_eq!(answer.code(), "403 cross_origin", "{path}: {stranger:?}");
                    assert!(answer.all("set-cookie").is_empty(), "{path}: {stranger:?}");
                    let answer = world.send(from(request(), stranger)).await;
                    let code = answer.code();
                    assert!(["403 cross_origin", "401 credential_missing"].contains(&&*code), "{path}: {code}");
                    assert!(answer.all("set-cookie").is_empty(), "{path}: {stranger:?}");
                }
            }
            // Nothing of this had an effect.
            assert_eq!(world.orders(&login).await, "200");
            assert_eq!(world.mailbox.mails().len(), 1);
        });
    }
}

#[test]
fn pages_of_the_service_and_of_allowed_origins_sign_in() {
    for mode in MODES {
        all(mode).run(async |world| {
            world.signed_in(ALICE).await;
            let sign_in = || post("/auth/sign-in", json!({ "email": ALICE, "password": PASSWORD }));
            for page in PAGES {
                let answer = world.send(from(sign_in(), page)).await;
                assert_eq!(answer.status, 200, "{page:?}");
                // What a browser made goes into cookies, wherever the page is.
                assert_eq!(answer.all("set-cookie").is_empty(), mode == Mode::Bodies, "{page:?}");
                assert_eq!(answer.json().get("access_token").is_some(), mode == Mode::Bodies, "{page:?}");
            }
        });
    }
    // The origin is allowed by its gate only.
    setup(Mode::TwoCookies).run(async |world| {
        let sign_in = post("/auth/sign-in", json!({ "email": ALICE, "password": PASSWORD }));
        assert_eq!(world.send(sign_in.header("origin", "https://app.shop.test")).await.code(), "403 cross_origin");
    });
}

/// A cookie comes from a browser. A browser that says nothing about the page is not believed.
#[test]
fn a_cookie_without_an_origin_is_refused() {
    for mode in [Mode::TwoCookies, Mode::OneSession] {
        all(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            for request in [
                empty_post("/auth/sign-out"),
                empty_post("/auth/refresh"),
                empty_post("/auth/sign-out-everywhere"),
                post("/auth/sign-in", json!({ "email": ALICE, "password": PASSWORD })),
                post("/auth/sign-up", json!({ "email": "carol@example.com", "password": PASSWORD })),
            ] {
                assert_eq!(world.send(world.with(&login, request.clone())).await.code(), "403 cross_origin");
                // Any cookie at all, also one of another application.
                let other = world.send(request.header("cookie", "theme=dark")).await;
                assert!(["403 cross_origin", "401 credential_missing"].contains(&&*other.code()), "{other:?}");
            }
            assert_eq!(world.orders(&login).await, "200");
        });
    }
}

#[test]
fn a_client_that_is_no_page_never_gets_a_cookie() {
    for mode in MODES {
        all(mode).run(async |world| {
            let send = async |request: Request| {
                let answer = world.send(request).await;
                assert_eq!((answer.status, answer.all("set-cookie").len()), (200, 0));
                answer
            };
            world.signed_in(ALICE).await;
            world.send(post("/auth/magic-link/request", json!({ "email": ALICE }))).await;
            send(post("/auth/magic-link", json!({ "token": world.mailed(ALICE) }))).await;
            let answer = send(post("/auth/sign-in", json!({ "email": ALICE, "password": PASSWORD }))).await;
            let refresh = post("/auth/refresh", json!({ "refresh_token": answer.text("refresh_token") }));
            let answer = send(refresh).await;
            let change = post("/auth/password", json!({ "old": PASSWORD, "new": PASSWORD }));
            let answer = send(change.bearer(&answer.text("access_token"))).await;
            let access = answer.text("access_token");
            send(get("/auth/me").bearer(&access)).await;
            send(post("/auth/sign-out", json!({ "refresh_token": answer.text("refresh_token") }))).await;
            let answer = send(post("/auth/sign-in", json!({ "email": ALICE, "password": PASSWORD }))).await;
            send(empty_post("/auth/sign-out-everywhere").bearer(&answer.text("access_token"))).await;
        });
    }
}

/// A page of another origin cannot send JSON without asking, and its form is of another type and from another origin.
#[test]
fn a_form_does_nothing() {
    for mode in MODES {
        all(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let form = format!("email={ALICE}&password=correct+horse+battery+staple&x=");
            let json = json!({ "email": ALICE, "password": PASSWORD }).to_string();
            for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
                for body in [&form, &json] {
                    for path in ["sign-in", "sign-up", "password", "email", "sign-out", "refresh", "reset/request"] {
                        let request = empty_post(&format!("/auth/{path}")).header("content-type", kind).body(&**body);
                        let foreign = request.clone().header("origin", "https://evil.example");
                        assert_eq!(world.send(world.with(&login, foreign)).await.code(), "403 cross_origin");
                        let own = world.page_as(&login, request).await;
                        assert_eq!(own.code(), "400 invalid_request", "{path}: {kind}");
                    }
                }
            }
            assert_eq!(world.orders(&login).await, "200");
        });
    }
}
