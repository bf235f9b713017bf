//! The session: its cookie, its end, its keys, its refresh.

use crate::op::{Browser, CALLBACK, Client, KEY, Op, gate, location, sign_in, sign_in_with};
use futures_util::future::join;
use portcullis_core::{ClaimMap, ErrorKind};
use portcullis_sign_in::{Endpoint, MemorySessions, Provider, SealingKeys, SignIn};
use serde_json::json;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

const NEW: &str = "another-secret-of-at-least-thirty-two-bytes";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn waits<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

async fn signed_in(op: &Arc<Op>, sign_in: SignIn) -> Browser {
    let mut browser = Browser::new(op, sign_in);
    browser.signs_in().await;
    browser
}

#[tokio::test]
async fn a_session_ends_after_its_life() {
    for store in [false, true] {
        let op = Op::new();
        let sign_in = sign_in(&op).lifetime(secs(3600));
        let sign_in = if store { sign_in.store(MemorySessions::new()) } else { sign_in };
        let browser = signed_in(&op, sign_in).await;
        op.clock().advance(secs(3599));
        assert!(browser.who().await.is_ok());
        op.clock().advance(secs(1));
        assert_eq!(browser.who().await.unwrap_err(), "token_expired");
    }
}

#[tokio::test]
async fn a_changed_cookie_is_no_session() {
    for store in [false, true] {
        let op = Op::new();
        let sign_in = if store { sign_in(&op).store(MemorySessions::new()) } else { sign_in(&op) };
        let mut browser = signed_in(&op, sign_in).await;
        let sound = browser.cookies[SignIn::COOKIE].clone();
        assert!(!sound.contains("alice"));
        browser.begin().await;
        let other = browser.cookies.iter().find(|(name, _)| *name != SignIn::COOKIE).unwrap().1.clone();
        let flipped: String = sound.chars().rev().map(|c| if c == 'A' { 'B' } else { 'A' }).collect();
        for wrong in [&sound[..sound.len() - 1], &sound[1..], &sound[..20], "x", &other, &flipped] {
            browser.cookies.insert(SignIn::COOKIE.to_owned(), wrong.to_owned());
            assert_eq!(browser.who().await.unwrap_err(), "invalid_token");
        }
        browser.cookies.insert(SignIn::COOKIE.to_owned(), sound);
        assert!(browser.who().await.is_ok());
    }
}

#[tokio::test]
async fn a_session_is_no_flow() {
    let op = Op::new();
    let mut browser = signed_in(&op, sign_in(&op)).await;
    let query = browser.begin().await;
    let names: Vec<String> = browser.cookies.keys().filter(|name| *name != SignIn::COOKIE).cloned().collect();
    let session = browser.cookies[SignIn::COOKIE].clone();
    browser.cookies.insert(names[0].clone(), session);
    assert_eq!(browser.ask(Endpoint::Callback, &query).await.unwrap_err().code(), "sign_in_failed");
}

#[tokio::test]
async fn two_keys_open_during_a_rotation() {
    let op = Op::new();
    let mut browser = signed_in(&op, sign_in(&op)).await;
    let keys = SealingKeys::new(NEW).unwrap().and_previous(KEY).unwrap();
    browser.sign_in = sign_in_with(&op, keys);
    browser.gate = gate(&browser.sign_in, &op);
    assert!(browser.who().await.is_ok());
    browser.signs_in().await;
    for (key, is_known) in [(NEW, true), (KEY, false)] {
        browser.sign_in = sign_in_with(&op, SealingKeys::new(key).unwrap());
        browser.gate = gate(&browser.sign_in, &op);
        assert_eq!(browser.who().await.is_ok(), is_known, "{key}");
    }
}

#[tokio::test]
async fn a_large_session_needs_a_store() {
    let op = Op::new();
    op.gives(|token| token.claim("email", "a".repeat(3000)).sign());
    let mut browser = Browser::new(&op, sign_in(&op));
    let query = browser.begin().await;
    let error = browser.ask(Endpoint::Callback, &query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("SignIn::store"), "{error}");
    let browser = signed_in(&op, sign_in(&op).store(MemorySessions::new())).await;
    assert!(browser.who().await.is_ok() && browser.cookies[SignIn::COOKIE].len() < 200);
}

#[tokio::test]
async fn a_session_that_is_refreshed_goes_on() {
    for store in [false, true] {
        let op = Op::new();
        let sign_in = sign_in(&op).refreshed();
        let sign_in = if store { sign_in.store(MemorySessions::new()) } else { sign_in };
        let mut browser = signed_in(&op, sign_in).await;
        let early = browser.ask(Endpoint::Refresh, "").await.unwrap();
        assert_eq!((&early.body()[..], *op.refreshes.lock().unwrap()), (&br#"{"expires_in":300}"#[..], 0));
        op.clock().advance(secs(300));
        assert_eq!(browser.who().await.unwrap_err(), "token_expired");
        // Another page cannot do it.
        let foreign = browser.ask_from(Endpoint::Refresh, "", "cross-site").await.unwrap_err();
        assert_eq!(foreign.kind(), ErrorKind::CrossOrigin);
        browser.ask(Endpoint::Refresh, "").await.unwrap();
        assert!(browser.who().await.is_ok());
        // The provider may be down for a while.
        op.clock().advance(secs(299));
        *op.down.lock().unwrap() = true;
        assert_eq!(browser.ask(Endpoint::Refresh, "").await.unwrap_err().kind(), ErrorKind::Unavailable);
        *op.down.lock().unwrap() = false;
        browser.ask(Endpoint::Refresh, "").await.unwrap();
        // It ends the session.
        op.clock().advance(secs(299));
        *op.refresh.lock().unwrap() = None;
        assert_eq!(browser.ask(Endpoint::Refresh, "").await.unwrap_err().kind(), ErrorKind::Invalid);
        op.clock().advance(secs(8 * 3600));
        assert_eq!(browser.ask(Endpoint::Refresh, "").await.unwrap_err().status(), 401);
    }
}

#[tokio::test]
async fn a_session_ends_when_its_refresh_token_is_refused_and_not_when_the_client_is() {
    for (refusal, ends) in [
        ((400, r#"{"error":"invalid_grant"}"#), true),
        ((400, ""), true),
        ((400, r#"{"error":"invalid_request"}"#), true),
        ((401, r#"{"error":"invalid_client"}"#), false),
        ((404, ""), false),
    ] {
        let op = Op::new();
        let mut browser = signed_in(&op, sign_in(&op).refreshed().store(MemorySessions::new())).await;
        op.clock().advance(secs(290));
        *op.refusal.lock().unwrap() = refusal;
        *op.refresh.lock().unwrap() = None;
        let kind = browser.ask(Endpoint::Refresh, "").await.unwrap_err().kind();
        assert_eq!(kind, if ends { ErrorKind::Invalid } else { ErrorKind::Misconfigured }, "{refusal:?}");
        *op.refresh.lock().unwrap() = Some(0);
        assert_eq!(browser.ask(Endpoint::Refresh, "").await.is_ok(), !ends, "{refusal:?}");
    }
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_stay_signed_in() {
    for store in [false, true] {
        let op = Op::new();
        let sign_in = sign_in(&op).refreshed();
        let sign_in = if store { sign_in.store(MemorySessions::new()) } else { sign_in };
        let mut browser = signed_in(&op, sign_in).await;
        op.clock().advance(secs(290));
        let ask = || {
            let request = browser.request(Endpoint::Refresh, "", "same-origin");
            let (sign_in, gate) = (browser.sign_in.clone(), browser.gate.clone());
            async move { sign_in.answer(&gate, Endpoint::Refresh, &request).await }
        };
        *op.held.lock().unwrap() = Some(Vec::new());
        let mut both = pin!(join(ask(), ask()));
        assert!(waits(both.as_mut()).await);
        for (reply, answer) in op.held.lock().unwrap().take().unwrap() {
            reply.give(Ok(answer));
        }
        let (first, second) = both.await;
        // And one that was sent with the cookie of before, and comes later.
        let third = ask().await;
        assert_eq!(*op.refreshes.lock().unwrap(), 1, "a rotating issuer would end the session");
        for answer in [first, second, third] {
            browser.keep(&answer.unwrap());
            assert!(
                browser.who().await.unwrap().expires_at() > Some(portcullis_core::Clock::now(&op.clock()) + secs(200))
            );
        }
    }
}

#[tokio::test]
async fn two_processes_with_a_store_refresh_once() {
    let op = Op::new();
    let store = MemorySessions::new();
    let process = || sign_in(&op).refreshed().store(store.clone());
    let browser = signed_in(&op, process()).await;
    let other = process();
    let other_gate = gate(&other, &op);
    op.clock().advance(secs(290));
    let request = browser.request(Endpoint::Refresh, "", "same-origin");
    *op.held.lock().unwrap() = Some(Vec::new());
    let mut first = pin!(browser.sign_in.answer(&browser.gate, Endpoint::Refresh, &request));
    assert!(waits(first.as_mut()).await);
    let second = other.answer(&other_gate, Endpoint::Refresh, &request).await.unwrap();
    assert_eq!(second.body(), &br#"{"expires_in":10}"#[..], "still good, and another refreshes it");
    op.clock().advance(secs(10));
    let waits = other.answer(&other_gate, Endpoint::Refresh, &request).await.unwrap_err();
    assert_eq!((waits.status(), waits.retry_after()), (503, Some(secs(1))));
    for (reply, answer) in op.held.lock().unwrap().take().unwrap() {
        reply.give(Ok(answer));
    }
    assert!(first.await.is_ok());
    assert!(other.answer(&other_gate, Endpoint::Refresh, &request).await.is_ok());
    assert!(browser.who().await.is_ok());
    assert_eq!(*op.refreshes.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_refresh_cannot_change_the_user() {
    let op = Op::new();
    let mut browser = signed_in(&op, sign_in(&op).refreshed()).await;
    for (change, is_taken) in [("bob", false), ("alice", true)] {
        let op = Op::new();
        let mut browser = signed_in(&op, sign_in(&op).refreshed()).await;
        op.gives(move |token| token.claim("sub", change).sign());
        op.clock().advance(secs(290));
        assert_eq!(browser.ask(Endpoint::Refresh, "").await.is_ok(), is_taken, "{change}");
    }
    *op.with_refresh_id_token.lock().unwrap() = false;
    op.clock().advance(secs(290));
    assert!(browser.ask(Endpoint::Refresh, "").await.is_ok(), "a provider need not give an ID token");
}

#[tokio::test]
async fn a_refreshed_session_needs_a_refresh_token() {
    let op = Op::new();
    *op.refresh.lock().unwrap() = None;
    let mut browser = Browser::new(&op, sign_in(&op).refreshed());
    let query = browser.begin().await;
    assert_eq!(browser.ask(Endpoint::Callback, &query).await.unwrap_err().kind(), ErrorKind::Misconfigured);
    let browser = signed_in(&op, sign_in(&op)).await;
    assert!(browser.who().await.is_ok());
}

#[tokio::test]
async fn a_session_from_before_the_sign_in_is_replaced() {
    let op = Op::new();
    let mut browser = signed_in(&op, sign_in(&op)).await;
    let before = browser.cookies[SignIn::COOKIE].clone();
    assert_eq!(location(&browser.signs_in().await), "/orders?page=2");
    assert_ne!(browser.cookies[SignIn::COOKIE], before);
}

#[test]
fn mistakes_show_at_start() {
    let op = Op::new();
    let sign_in = sign_in(&op);
    let sound = gate(&sign_in, &op);
    assert_eq!(sign_in.endpoints(&sound, "/auth/").unwrap().count(), 5);
    assert!(sign_in.endpoints(&sound, "/other").is_err());
    let without = portcullis_core::Gate::builder().scheme(&sign_in).build().unwrap();
    assert!(sign_in.endpoints(&without, "/auth").is_err());
    let token = op.issuer.verifier();
    let scheme = portcullis_core::Scheme::new(token).bearer();
    let other = portcullis_core::Gate::builder().scheme(scheme).revocations(sign_in.revocations());
    assert!(sign_in.endpoints(&other.clock(op.clock()).build().unwrap(), "/auth").is_err());
}

/// The browser leaves while the provider is asked, and comes back with the cookie of before.
#[tokio::test]
async fn a_browser_that_leaves_during_a_refresh_stays_signed_in() {
    for store in [false, true] {
        let op = Op::new();
        let sign_in = sign_in(&op).refreshed();
        let sign_in = if store { sign_in.store(MemorySessions::new()) } else { sign_in };
        let mut browser = signed_in(&op, sign_in).await;
        let before = browser.cookies[SignIn::COOKIE].clone();
        op.clock().advance(secs(290));
        let request = browser.request(Endpoint::Refresh, "", "same-origin");
        *op.held.lock().unwrap() = Some(Vec::new());
        // As adapters do.
        let (sign_in, gate) = (browser.sign_in.clone(), browser.gate.clone());
        let left = tokio::spawn(async move { sign_in.answer(&gate, Endpoint::Refresh, &request).await });
        tokio::task::yield_now().await;
        let held = op.held.lock().unwrap().take().unwrap();
        assert_eq!(held.len(), 1);
        held.into_iter().for_each(|(reply, answer)| reply.give(Ok(answer)));
        let lost = left.await.unwrap().unwrap();
        assert_eq!(lost.headers().contains_key(http::header::SET_COOKIE), !store);

        op.clock().advance(secs(59));
        browser.ask(Endpoint::Refresh, "").await.unwrap();
        assert_eq!(*op.refreshes.lock().unwrap(), 1, "a rotating issuer would end the session");
        assert!(browser.who().await.is_ok());
        // A cookie of two refreshes before gets the newest session too.
        op.clock().advance(secs(240));
        browser.ask(Endpoint::Refresh, "").await.unwrap();
        browser.cookies.insert(SignIn::COOKIE.to_owned(), before.clone());
        browser.ask(Endpoint::Refresh, "").await.unwrap();
        assert_eq!(*op.refreshes.lock().unwrap(), 2);
        assert!(browser.who().await.is_ok());
        // Later the provider is asked, and takes an old refresh token for a stolen one. With a store nobody has that.
        op.clock().advance(secs(60));
        browser.cookies.insert(SignIn::COOKIE.to_owned(), before);
        assert_eq!(browser.ask(Endpoint::Refresh, "").await.is_ok(), store);
    }
}

#[tokio::test]
async fn permissions_of_the_id_token_are_those_of_the_session() {
    let op = Op::new();
    op.gives(|token| token.claim("permissions", json!(["kb:*", "user:invite", "no permission"])).sign());
    let map = ClaimMap::new().permissions("permissions").unwrap();
    let provider = Provider::new("https://issuer.test", "shop", Client(op.clone())).unwrap().clock(op.clock());
    let sign_in = SignIn::new(provider.claim_map(map), CALLBACK, SealingKeys::new(KEY).unwrap()).unwrap();
    let alice = signed_in(&op, sign_in).await.who().await.unwrap();
    for (permission, is_held) in [("kb:read", true), ("user:invite", true), ("user:delete", false)] {
        assert_eq!(alice.has_permission(&permission.parse().unwrap()), is_held, "{permission}");
    }
}
