//! The address of the client, and the limits that count it.

use crate::{
    request::{Answer, Request, empty_post, get, post},
    world::{ALICE, BOB, MODES, Mode, OTHER, PASSWORD, World, setup},
};
use portcullis::accounts::{Limit, Limits};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn sign_in() -> Request {
    post("/auth/sign-in", json!({ "email": ALICE, "password": OTHER }))
}

/// The address that the list of sessions shows after a sign-in.
async fn seen(world: &World, request: Request) -> String {
    let credentials = json!({ "email": ALICE, "password": PASSWORD }).to_string();
    world.pass(1);
    let answer = world.send(request.body(credentials)).await;
    let list = world.send(get("/auth/sessions").bearer(&answer.text("access_token"))).await.json();
    let sessions = list["sessions"].as_array().unwrap().clone();
    let current = sessions.iter().find(|session| session["current"] == true).unwrap().clone();
    current["address"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn the_address_is_that_of_the_connection_unless_there_are_proxies() {
    let forwarded = |value: &str| sign_in().header("x-forwarded-for", value).peer("10.0.0.1");
    let unlimited = || setup(Mode::Bodies).accounts(|accounts| accounts.limits(Limits::dangerous_unlimited()));
    unlimited().run(async |world| {
        world.signed_in(ALICE).await;
        for header in ["203.0.113.9", "", "unknown", "1.1.1.1, 2.2.2.2"] {
            assert_eq!(seen(world, forwarded(header)).await, "10.0.0.1", "{header}");
        }
        let others = sign_in().header("forwarded", "for=203.0.113.9").header("x-real-ip", "203.0.113.9");
        assert_eq!(seen(world, others.peer("2001:db8::5")).await, "2001:db8::5");
        assert_eq!(seen(world, Request { peer: None, ..sign_in() }).await, "none");
    });
    unlimited().endpoints(|endpoints| endpoints.behind_proxies(1)).run(async |world| {
        world.signed_in(ALICE).await;
        for (header, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            (" 203.0.113.9 ", "203.0.113.9"),
            // The client wrote what is before the last.
            ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("127.0.0.1,::1,203.0.113.9", "203.0.113.9"),
            ("2001:db8::9", "2001:db8::9"),
            // As some proxies write it.
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::9]:4711", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
            // Nothing to be read: the proxy's own address.
            ("unknown", "10.0.0.1"),
            ("203.0.113.9,", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("203.0.113.9; x", "10.0.0.1"),
        ] {
            assert_eq!(seen(world, forwarded(header)).await, expected, "{header}");
        }
        assert_eq!(seen(world, sign_in().peer("10.0.0.1")).await, "10.0.0.1");
        let lines = sign_in().header("x-forwarded-for", "1.1.1.1").header("x-forwarded-for", "203.0.113.9");
        assert_eq!(seen(world, lines).await, "203.0.113.9");
    });
    unlimited().endpoints(|endpoints| endpoints.behind_proxies(2)).run(async |world| {
        world.signed_in(ALICE).await;
        for (header, expected) in [
            ("203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            // One proxy too few: this did not come through them.
            ("203.0.113.9", "10.0.0.1"),
        ] {
            assert_eq!(seen(world, forwarded(header)).await, expected, "{header}");
        }
        // A line that is no text counts, or the client would choose which address is the second from the right.
        let lines = sign_in().header("x-forwarded-for", "6.6.6.6").header("x-forwarded-for", b"\xff, 203.0.113.9");
        let lines = lines.header("x-forwarded-for", "10.0.0.2").peer("10.0.0.1");
        assert_eq!(seen(world, lines).await, "203.0.113.9");
    });
}

/// Asserts that the next attempt is allowed after so many seconds, and that a page can read so.
#[track_caller]
fn assert_limited(answer: &Answer, seconds: &str) {
    assert_eq!((answer.code(), answer.header("retry-after")), ("429 rate_limited".to_owned(), Some(seconds)));
    assert!(answer.all("set-cookie").is_empty());
}

#[test]
fn attempts_are_limited_by_network() {
    for mode in MODES {
        let limits = || {
            let limit = Limit::new(3, MINUTE);
            Limits::dangerous_unlimited()
                .sign_ins_per_network(limit)
                .sign_ups_per_network(limit)
                .mails_per_network(limit)
        };
        setup(mode).accounts(move |accounts| accounts.limits(limits())).run(async |world| {
            let sign_up = || post("/auth/sign-up", json!({ "email": BOB, "password": PASSWORD }));
            let reset = || post("/auth/reset/request", json!({ "email": BOB }));
            for request in [sign_in, sign_up, reset] {
                for number in 1..=3 {
                    // A header changes nothing, and IPv6 counts by /64.
                    let request = request().header("x-forwarded-for", format!("203.0.113.{number}"));
                    let answer = world.page(request.clone()).await;
                    assert_ne!(answer.status, 429);
                    let answer = world.page(request.peer(&format!("2001:db8:0:1::{number}"))).await;
                    assert_ne!(answer.status, 429);
                }
                world.pass(18);
                assert_limited(&world.page(request().header("x-forwarded-for", "203.0.113.4")).await, "42");
                assert_limited(&world.page(request().peer("2001:db8:0:1:ffff::")).await, "42");
                assert_limited(&world.page(request().peer("::ffff:192.0.2.1")).await, "42");
                assert_ne!(world.page(request().peer("192.0.2.2")).await.status, 429);
                assert_ne!(world.page(request().peer("2001:db8:0:2::1")).await.status, 429);
                world.pass(42);
                assert_ne!(world.page(request()).await.status, 429);
                world.pass(120);
            }
        });
    }
}

/// A stranger guesses from everywhere. A browser that has signed in before has attempts of its own.
#[test]
fn a_stranger_does_not_lock_a_user_out() {
    for mode in [Mode::TwoCookies, Mode::OneSession] {
        setup(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let bob = world.signed_in(BOB).await;
            world.send(world.sign_out_of(&login)).await;
            let guess = |number: u32| sign_in().peer(&format!("203.0.113.{number}"));
            for number in 1..=10 {
                assert_eq!(world.page(guess(number)).await.code(), "401 invalid_credentials");
            }
            assert_limited(&world.page(guess(11)).await, "300");
            // Whoever knows the password has to wait as well, from a browser that is not known.
            assert_limited(&world.sign_in(ALICE, PASSWORD).await, "300");

            let enter = |device: &str, password: &str| {
                let request = post("/auth/sign-in", json!({ "email": ALICE, "password": password }));
                request.header("cookie", format!("__Host-device={device}"))
            };
            let (own, foreign) = (login.device.clone().unwrap(), bob.device.clone().unwrap());
            assert_eq!(world.page(enter(&own, PASSWORD)).await.status, 200);
            // The cookie of another user, a changed one and none are no use.
            for other in [&*foreign, &format!("{own}x"), "x.x", ".", "", &own[1..]] {
                assert_limited(&world.page(enter(other, PASSWORD)).await, "300");
            }
            // A known browser cannot guess without end either.
            for _ in 0..10 {
                assert_eq!(world.page(enter(&own, OTHER)).await.code(), "401 invalid_credentials");
            }
            assert_limited(&world.page(enter(&own, PASSWORD)).await, "300");
            world.pass(300);
            assert_eq!(world.sign_in(ALICE, PASSWORD).await.status, 200);
        });
    }
}

#[test]
fn refreshes_and_mails_are_limited() {
    setup(Mode::Bodies).run(async |world| {
        let login = world.signed_in(ALICE).await;
        for _ in 0..60 {
            assert_eq!(world.send(world.refresh_of(&login)).await.status, 200);
        }
        assert_limited(&world.send(world.refresh_of(&login)).await, "60");
        let ask = |email: &str| post("/auth/reset/request", json!({ "email": email }));
        for (email, before) in [(ALICE, 1), (BOB, 0)] {
            for number in before..3 {
                let answer = world.send(ask(email).peer(&format!("203.0.113.{number}"))).await;
                assert_eq!(answer.status, 202, "{email}");
            }
            // Known or not: the limit tells nothing.
            assert_limited(&world.send(ask(email)).await, "3600");
        }
        let answer = world.send(empty_post("/auth/sign-out-everywhere").bearer(&login.access.unwrap())).await;
        assert_eq!(answer.status, 200);
    });
}
