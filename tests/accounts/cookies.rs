//! What `Set-Cookie` says, to the letter.

use crate::{
    request::{Answer, empty_post, post},
    world::{ALICE, MODES, Mode, PASSWORD, setup},
};
use portcullis::accounts::SessionRules;
use serde_json::json;
use std::time::Duration;

const MONTH: u32 = 30 * 86_400;

/// The cookies with a placeholder for each value.
fn shapes(answer: &Answer) -> Vec<String> {
    answer.without_random().all("set-cookie").into_iter().map(str::to_owned).collect()
}

fn set(mode: Mode, age: u32) -> Vec<String> {
    match mode {
        Mode::Bodies => vec![],
        Mode::TwoCookies => vec![
            "__Host-access=<random>; HttpOnly; Path=/; SameSite=Lax; Secure".to_owned(),
            format!("__Host-refresh=<random>; HttpOnly; Path=/; Max-Age={age}; SameSite=Lax; Secure"),
        ],
        Mode::OneSession => {
            vec![format!("__Host-session=<random>; HttpOnly; Path=/; Max-Age={age}; SameSite=Lax; Secure")]
        }
    }
}

fn cleared(mode: Mode) -> Vec<String> {
    let names: &[&str] = match mode {
        Mode::Bodies => &[],
        Mode::TwoCookies => &["__Host-access", "__Host-refresh"],
        Mode::OneSession => &["__Host-session"],
    };
    names.iter().map(|name| format!("{name}=; HttpOnly; Path=/; Max-Age=0; SameSite=Lax; Secure")).collect()
}

#[test]
fn cookies_are_set_by_a_sign_in_and_cleared_by_a_sign_out() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let mut login = world.signed_in(ALICE).await;
            let answer = world.sign_in(ALICE, PASSWORD).await;
            let mut expected = set(mode, MONTH);
            if mode != Mode::Bodies {
                expected.push(
                    "__Host-device=<random>; HttpOnly; Path=/; Max-Age=31536000; SameSite=Lax; Secure".to_owned(),
                );
            }
            assert_eq!(shapes(&answer), expected);
            login.update(&answer);

            if mode != Mode::OneSession {
                world.pass(5);
                let answer = world.send(world.refresh_of(&login)).await;
                assert_eq!(shapes(&answer), set(mode, MONTH - 5));
                login.update(&answer);
            }
            let change = post("/auth/password", json!({ "old": PASSWORD, "new": PASSWORD }));
            let answer = world.page_as(&login, change).await;
            assert_eq!(shapes(&answer), set(mode, MONTH));
            login.update(&answer);
            let answer = world.send(world.sign_out_of(&login)).await;
            assert_eq!(shapes(&answer), cleared(mode));
        });
    }
}

#[test]
fn sign_out_accepts_whatever_is_left() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let mut garbage = login.clone();
            (garbage.access, garbage.refresh, garbage.session) =
                (Some("no-token".into()), Some("no-token".into()), Some("no-token".into()));
            for request in [
                world.sign_out_of(&garbage),
                // A token of another kind, too long, or with what no token has.
                post("/auth/sign-out", json!({ "refresh_token": login.access })).in_browser(),
                post("/auth/sign-out", json!({ "refresh_token": "x".repeat(10_000) })).in_browser(),
                post("/auth/sign-out", json!({ "refresh_token": "\u{0} ü" })).in_browser(),
            ] {
                let answer = world.send(request).await;
                assert_eq!((answer.status, &*answer.body, shapes(&answer)), (200, "{}", cleared(mode)));
            }
            // A browser may have no cookie left. Another client has forgotten its token, and would take the session for ended.
            for body in [None, Some(json!({})), Some(json!({ "refresh_token": null }))] {
                let request = || body.clone().map_or(empty_post("/auth/sign-out"), |body| post("/auth/sign-out", body));
                let answer = world.send(request().in_browser()).await;
                if mode == Mode::Bodies {
                    assert_eq!(answer.code(), "400 invalid_request");
                } else {
                    assert_eq!((answer.status, &*answer.body, shapes(&answer)), (200, "{}", cleared(mode)));
                }
                assert_eq!(world.send(request()).await.code(), "400 invalid_request");
            }
            assert_eq!(world.orders(&login).await, "200");
            world.pass(u64::from(MONTH) + 1);
            let answer = world.send(world.sign_out_of(&login)).await;
            assert_eq!((answer.status, shapes(&answer)), (200, cleared(mode)));
        });
    }
}

/// As when an older version of the service has set one for another path: the user is not stuck with them.
#[test]
fn sign_out_with_two_cookies_of_one_name_ends_both_sessions() {
    for (mode, name) in [(Mode::TwoCookies, "__Host-refresh"), (Mode::OneSession, "__Host-session")] {
        setup(mode).run(async |world| {
            let first = world.signed_in(ALICE).await;
            let answer = world.sign_in(ALICE, PASSWORD).await;
            let second = world.login(&answer);
            let value = |login: &crate::world::Login| login.refresh.clone().or(login.session.clone()).unwrap();
            let both = format!("{name}={}; {name}={}", value(&first), value(&second));
            let refused = world.send(empty_post("/auth/refresh").header("cookie", &both).in_browser()).await;
            assert_eq!(refused.status / 100, 4, "{refused:?}");
            assert!(refused.all("set-cookie").is_empty());

            let answer = world.send(empty_post("/auth/sign-out").header("cookie", &both).in_browser()).await;
            assert_eq!((answer.status, shapes(&answer)), (200, cleared(mode)));
            assert!(world.orders(&first).await.starts_with("401"));
            assert!(world.orders(&second).await.starts_with("401"));
        });
    }
}

/// The service decides how long a session may be idle; its cookie must not end before.
#[test]
fn a_session_cookie_lives_as_long_as_its_session_may() {
    let rules = || SessionRules::new().idle(Duration::from_secs(3600));
    setup(Mode::OneSession).accounts(move |it| it.sessions(rules())).run(async |world| {
        world.signed_in(ALICE).await;
        let answer = world.sign_in(ALICE, PASSWORD).await;
        assert_eq!(shapes(&answer)[0], set(Mode::OneSession, MONTH)[0]);
        let login = world.login(&answer);
        for _ in 0..3 {
            world.pass(3000);
            assert_eq!(world.orders(&login).await, "200");
        }
        world.pass(3601);
        assert!(world.orders(&login).await.starts_with("401"));
    });
    setup(Mode::TwoCookies).accounts(move |it| it.sessions(rules())).run(async |world| {
        world.signed_in(ALICE).await;
        let answer = world.sign_in(ALICE, PASSWORD).await;
        assert_eq!(shapes(&answer)[1], set(Mode::TwoCookies, 3600)[1]);
    });
}
