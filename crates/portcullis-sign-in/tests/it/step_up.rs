//! A step-up: the sign-in that a policy requires, and what the session knows of it.

use crate::op::{Browser, CALLBACK, Op, location, provider, sign_in};
use portcullis_core::{
    ErrorKind, Principal,
    policy::{Policy, factor, minutes, signed_in_within},
    testing::TestToken,
};
use portcullis_sign_in::{Endpoint, MemorySessions, Provider, SignIn};
use serde_json::json;
use std::{sync::Arc, time::Duration};

const RECENT: &dyn Policy = &signed_in_within(minutes(5));
const OTP: &dyn Policy = &factor("otp");

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The ID token with this age of the sign-in, by these methods.
fn signed_in_ago(op: &Arc<Op>, ago: u64, methods: &'static [&'static str]) {
    let auth_time = op.clock().seconds() - ago;
    op.gives(move |token| token.claim("auth_time", auth_time).claim("amr", json!(methods)).sign());
}

/// The code of the refused login.
async fn refused(browser: &mut Browser, query: &str) -> String {
    let error = browser.ask(Endpoint::Login, query).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Rejected, 400), "{query}");
    error.code().to_owned()
}

/// From `login` to the end of the callback.
async fn steps_up(browser: &mut Browser, query: &str) -> Result<(), String> {
    let answer = browser.ask(Endpoint::Login, query).await.unwrap();
    let query = browser.op.authorize(&location(&answer));
    let answer = browser.ask_from(Endpoint::Callback, &query, "cross-site").await;
    answer.map(drop).map_err(|error| error.code().to_owned())
}

/// What the gate answers the browser on a route with this policy.
async fn status(browser: &Browser, policy: &'static dyn Policy) -> u16 {
    let plan = browser.gate.plan(policy).unwrap();
    let who = browser.gate.acting_as(browser.who().await.unwrap());
    let (parts, ()) = http::Request::new(()).into_parts();
    let head = &Head(parts);
    let found = who.establish(head).await;
    who.authorize(&found, &plan, head).await.map_or_else(|error| error.status(), |_| 200)
}

#[derive(Debug)]
struct Head(http::request::Parts);

impl portcullis_core::RequestHead for Head {
    fn method(&self) -> &str {
        self.0.method.as_str()
    }

    fn path(&self) -> &str {
        self.0.uri.path()
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn each_header<'h>(&'h self, _: &str, _: &mut dyn FnMut(&'h [u8])) {}

    fn headers<'h>(&'h self, _: &mut dyn FnMut(&'h str, &'h [u8])) {}

    fn param(&self, _: &str) -> Result<Option<std::borrow::Cow<'_, str>>, portcullis_core::Error> {
        Ok(None)
    }

    fn param_names(&self) -> Result<Vec<std::borrow::Cow<'_, str>>, portcullis_core::Error> {
        Ok(Vec::new())
    }
}

fn described(who: &Principal) -> (bool, Vec<String>, Option<String>) {
    let methods = who.authentication_methods().into_iter().map(|method| method.into_owned()).collect();
    (who.authenticated_at().is_some(), methods, who.authentication_class().map(|class| class.into_owned()))
}

#[tokio::test]
async fn a_session_knows_when_and_how_the_user_signed_in() {
    for store in [false, true] {
        let op = Op::new();
        let sign_in = sign_in(&op).refreshed();
        let sign_in = if store { sign_in.store(MemorySessions::new()) } else { sign_in };
        let mut browser = Browser::new(&op, sign_in);
        // The time of the callback is no time of a sign-in: the user may be signed in at the provider for days.
        browser.signs_in().await;
        assert_eq!(described(&browser.who().await.unwrap()), (false, vec![], None));
        assert_eq!((status(&browser, RECENT).await, status(&browser, OTP).await), (401, 401));

        let auth_time = op.clock().seconds() - 240;
        op.gives(move |token| {
            token.claim("auth_time", auth_time).claim("amr", json!(["pwd", "otp"])).claim("acr", "gold").sign()
        });
        browser.signs_in().await;
        let expected = (true, vec!["pwd".to_owned(), "otp".to_owned()], Some("gold".to_owned()));
        assert_eq!(described(&browser.who().await.unwrap()), expected);
        assert_eq!((status(&browser, RECENT).await, status(&browser, OTP).await), (200, 200));

        // A refresh signs nobody in, whatever its ID token says.
        signed_in_ago(&op, 0, &["hwk"]);
        op.clock().advance(secs(290));
        browser.ask(Endpoint::Refresh, "").await.unwrap();
        assert_eq!(*op.refreshes.lock().unwrap(), 1);
        assert_eq!(described(&browser.who().await.unwrap()), expected);
        assert_eq!((status(&browser, RECENT).await, status(&browser, OTP).await), (401, 200));
    }
}

#[tokio::test]
async fn a_step_up_replaces_the_session() {
    let op = Op::new();
    let mut browser = Browser::new(&op, sign_in(&op).acr_values(["gold", "otp"]));
    signed_in_ago(&op, 600, &["pwd"]);
    browser.signs_in().await;
    assert_eq!((status(&browser, RECENT).await, status(&browser, OTP).await), (401, 401));
    signed_in_ago(&op, 0, &["pwd", "otp"]);
    steps_up(&mut browser, "return_to=/pay&max_age=300&acr_values=otp").await.unwrap();
    assert_eq!((status(&browser, RECENT).await, status(&browser, OTP).await), (200, 200));
}

#[tokio::test]
async fn the_provider_is_asked_for_what_the_link_says_and_for_nothing_else() {
    let op = Op::new();
    let mut browser = Browser::new(&op, sign_in(&op).acr_values(["gold", "otp"]));
    for (query, asked) in [
        ("return_to=/", ""),
        ("max_age=300", "&max_age=300"),
        ("max_age=0&return_to=/", "&max_age=0"),
        ("acr_values=otp&max_age=300", "&max_age=300&acr_values=otp"),
        ("acr_values=gold", "&acr_values=gold"),
        ("prompt=none&scope=admin&id_token_hint=x", ""),
    ] {
        let address = location(&browser.ask(Endpoint::Login, query).await.unwrap());
        assert!(address.ends_with(&format!("&code_challenge_method=S256{asked}")), "{query}: {address}");
    }
    for query in [
        "max_age=",
        "max_age=-1",
        "max_age=5m",
        "max_age=300%0d",
        "max_age=4294967296",
        "max_age=300&max_age=300",
        "acr_values=",
        "acr_values=pwd",
        "acr_values=OTP",
        "acr_values=gold%20otp",
        "acr_values=otp&acr_values=otp",
    ] {
        assert_eq!(refused(&mut browser, query).await, "invalid_step_up", "{query}");
    }
    // By default no factor can be asked for.
    let mut browser = Browser::new(&op, sign_in(&op));
    assert_eq!(refused(&mut browser, "acr_values=otp").await, "invalid_step_up");
}

#[tokio::test]
async fn a_flow_with_an_age_needs_a_recent_time() {
    type Change = fn(TestToken<'_>, u64) -> String;
    let changes: [(&str, Change, bool); 8] = [
        ("now", |token, now| token.claim("auth_time", now).sign(), true),
        ("as old as allowed", |token, now| token.claim("auth_time", now - 300).sign(), true),
        ("by a clock that differs", |token, now| token.claim("auth_time", now - 360).sign(), true),
        ("too old", |token, now| token.claim("auth_time", now - 361).sign(), false),
        ("of a clock ahead", |token, now| token.claim("auth_time", now + 60).sign(), true),
        ("in the future", |token, now| token.claim("auth_time", now + 61).sign(), false),
        ("none", |token, _| token.sign(), false),
        ("no time", |token, now| token.claim("auth_time", now.to_string()).sign(), false),
    ];
    for (what, change, is_taken) in changes {
        for (query, is_asked) in [("max_age=300", true), ("return_to=/", false)] {
            let op = Op::new();
            let now = op.clock().seconds();
            op.gives(move |token| change(token, now));
            let mut browser = Browser::new(&op, sign_in(&op));
            let expected = if is_taken || !is_asked { Ok(()) } else { Err("sign_in_failed".to_owned()) };
            assert_eq!(steps_up(&mut browser, query).await, expected, "{what}, {query}");
            assert_eq!(browser.cookies.contains_key(SignIn::COOKIE), expected.is_ok());
        }
    }
    // The provider was asked at the beginning: a user who takes long is not too late.
    let op = Op::new();
    signed_in_ago(&op, 300, &["pwd"]);
    let mut browser = Browser::new(&op, sign_in(&op));
    let address = location(&browser.ask(Endpoint::Login, "max_age=300").await.unwrap());
    let query = op.authorize(&address);
    op.clock().advance(secs(240));
    assert!(browser.ask_from(Endpoint::Callback, &query, "cross-site").await.is_ok());
}

#[tokio::test]
async fn of_two_ages_the_shorter_one_counts() {
    let op = Op::new();
    let address = async |provider: Provider| provider.begin(CALLBACK).await.unwrap().0;
    let hour = provider(&op).max_age(secs(3600));
    assert!(address(hour.clone()).await.ends_with("&max_age=3600"));
    assert!(address(hour.clone().max_age(secs(60))).await.ends_with("&max_age=60"));
    assert!(address(hour.max_age(secs(86400))).await.ends_with("&max_age=3600"));
    assert!(address(provider(&op).acr_values(["gold", "otp"])).await.ends_with("&acr_values=gold+otp"));
    assert!(!address(provider(&op)).await.contains("acr_values"));
}
