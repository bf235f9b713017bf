//! Behind a gate: what clients are answered, what policies see, and how often a request asks.

use super::{INACTIVE, active, asking, asking_of, client::*, jwt_of, seconds, with_keys, without_keys};
use crate::{
    asking::{Data, Members, decide, shared},
    head::Head,
    tokens::{ISSUER, NOW},
};
use futures_util::FutureExt;
use portcullis_core::{
    ClaimMap, Error, ErrorKind, Gate, HttpResponse, Introspection, RoleHierarchy, Scheme, policy::*,
    testing::FixedClock,
};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

fn gate_of(asking: Introspection) -> Gate {
    Gate::builder().scheme(Scheme::new(asking).bearer()).build().unwrap()
}

fn header<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>, name: &str) -> Option<String> {
    headers.filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned()).next()
}

#[test]
fn what_a_client_is_answered() {
    let busy = |after: Duration| {
        let error = Error::new(ErrorKind::Unavailable, "the issuer is busy").with_retry_after(after);
        Endpoint::answering(move |_| Err(error.clone()))
    };
    let status = |status| Endpoint::answering(move |_| Ok(HttpResponse::new(status, "")));
    let refused = Some("Bearer error=\"invalid_token\", error_description=\"the token is not valid\"");
    let expired = Some("Bearer error=\"invalid_token\", error_description=\"the token has expired\"");
    let rows = [
        ("good", Endpoint::saying(active(&[])), None, None, None),
        ("inactive", Endpoint::saying(INACTIVE), Some((401, "invalid_token")), refused, None),
        ("for others", Endpoint::saying(active(&[("aud", "[]")])), Some((401, "invalid_token")), refused, None),
        ("expired", Endpoint::saying(active(&[("exp", "5")])), Some((401, "token_expired")), expired, None),
        ("down", Endpoint::answering(|_| outage()), Some((503, "unavailable")), None, None),
        ("busy", busy(seconds(7)), Some((503, "unavailable")), None, Some("7")),
        ("a little busy", busy(Duration::from_millis(1)), Some((503, "unavailable")), None, Some("1")),
        ("who asks is unknown", status(401), Some((503, "unavailable")), None, None),
        ("500", status(500), Some((503, "unavailable")), None, None),
        ("dropped", Endpoint::dropping(), Some((503, "unavailable")), None, None),
    ];
    for (what, endpoint, want, challenge, retry) in rows {
        let gate = gate_of(asking(&endpoint));
        let head = Head::new().bearer("abc");
        let who = gate.establish(&head).now_or_never().unwrap();
        let outcome = decide(&gate, &who, authenticated(), &head).now_or_never().unwrap();
        assert_eq!(outcome.is_ok(), want.is_none(), "{what}");
        let (Err(error), Some((status, code))) = (outcome, want) else { continue };
        let refusal = gate.refuse(&error);
        assert_eq!((refusal.status(), error.issuer()), (status, Some(ISSUER)), "{what}");
        assert_eq!(header(refusal.headers(), "content-type").as_deref(), Some("application/problem+json"));
        assert_eq!(header(refusal.headers(), "www-authenticate").as_deref(), challenge, "{what}");
        assert_eq!(header(refusal.headers(), "retry-after").as_deref(), retry, "{what}");
        let problem: Value = serde_json::from_slice(refusal.body()).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()), "{what}");
        assert_eq!(error.credential_source().map(ToString::to_string).as_deref(), Some("bearer header"));
    }
}

/// A request asks once, whatever becomes of it; also where the answer is there before anybody waits for it.
#[test]
fn a_request_asks_once() {
    let rows: [(&str, Answered); 4] =
        [("active", ok(active(&[]))), ("inactive", ok(INACTIVE)), ("outage", outage()), ("garbage", ok("garbage"))];
    for (what, answer) in rows {
        for remembering in [true, false] {
            let what = &format!("{what}, {}", if remembering { "remembered" } else { "not remembered" });
            let gate = |endpoint: &Endpoint| match remembering {
                true => gate_of(asking(endpoint)),
                false => gate_of(asking(endpoint).remember(Duration::ZERO, Duration::ZERO)),
            };
            let head = Head::new().bearer("abc");
            let said = answer.clone();
            let at_once = Endpoint::answering(move |_| said.clone());
            drop(gate(&at_once).establish(&head).now_or_never().unwrap());
            assert_eq!(at_once.asked(), 1, "{what}: answered at once");
            let later = Endpoint::later();
            let waits = gate(&later);
            let mut who = Box::pin(waits.establish(&head));
            assert!((&mut who).now_or_never().is_none());
            later.answer("abc", answer.clone());
            drop((&mut who).now_or_never().expect("an answer"));
            assert_eq!(later.asked(), 1, "{what}: answered later");
            // The answer may come before anybody looks.
            let early = Endpoint::later();
            let mut who = Box::pin(gate(&early).establish(&head));
            early.answer_all(&answer);
            let found = (&mut who).now_or_never().or_else(|| {
                early.answer_all(&answer);
                (&mut who).now_or_never()
            });
            assert!(found.is_some(), "{what}: nobody answers");
            assert_eq!(early.asked(), 1, "{what}: answered before anybody looked");
        }
    }
}

#[test]
fn who_is_let_in() {
    let map = ClaimMap::new().scopes("scope").unwrap().roles("roles").unwrap();
    let body = active(&[("exp", &(NOW + 60).to_string()), ("scope", r#""read""#), ("roles", r#""editor""#)]);
    let endpoint = Endpoint::saying(body);
    let gate = gate_of(asking_of(without_keys().claim_map(map), &endpoint, &FixedClock::at(NOW)));
    let who = gate.establish(&Head::new().bearer("abc")).now_or_never().unwrap();
    let principal = who.principal().unwrap();
    assert_eq!((principal.issuer(), principal.id().subject()), (Some(ISSUER), "alice"));
    assert_eq!(principal.expires_at(), Some(SystemTime::UNIX_EPOCH + seconds(NOW + 60)));
    assert_eq!(who.to_string(), "a User of `https://issuer.test` by bearer header");
    assert_eq!(principal.token_claims().unwrap().get::<bool>("active").unwrap(), Some(true));
}

/// What is open as long as the principal's time, such as a WebSocket, is open no longer than its JWT would be.
#[test]
fn a_jwt_that_was_asked_about_ends_when_it_says() {
    for (said, end) in [("", 300), ("60", 60), ("300", 300), ("600", 300)] {
        let exp = said.parse::<u64>().map_or(String::new(), |offset| (NOW + offset).to_string());
        let endpoint = Endpoint::saying(active(&[("exp", &exp)]));
        let gate = gate_of(asking_of(with_keys(), &endpoint, &FixedClock::at(NOW)));
        let who = gate.establish(&Head::new().bearer(&jwt_of(ISSUER, ""))).now_or_never().unwrap();
        let ends = who.principal().unwrap().expires_at();
        assert_eq!(ends, Some(SystemTime::UNIX_EPOCH + seconds(NOW + end)), "the issuer says {said:?}");
        assert_eq!(endpoint.asked(), 1);
    }
}

/// Who it is, is remembered; what it may do is asked anew.
#[test]
fn decisions_are_not_remembered() {
    let body = active(&[("scope", r#""read""#)]);
    let endpoint = Endpoint::saying(body);
    let asking =
        asking_of(without_keys().claim_map(ClaimMap::new().scopes("scope").unwrap()), &endpoint, &FixedClock::at(NOW));
    let data = Data::default().role("project:1", "viewer");
    let gate = Gate::builder().scheme(Scheme::new(asking).bearer()).members(&data);
    let gate = gate.roles(RoleHierarchy::ranked(["viewer", "owner"]).unwrap()).build().unwrap();
    let enter = |policy: Arc<dyn Policy>, query: &str| {
        let head = Head::new().bearer("abc").query(query);
        let who = gate.establish(&head).now_or_never().unwrap();
        decide(&gate, &who, policy, &head).now_or_never().unwrap().map(drop).map_err(|error| error.status())
    };
    for again in 1..=3 {
        assert_eq!(enter(shared(scope("read")), ""), Ok(()));
        assert_eq!(enter(shared(scope("write")), ""), Err(403));
        assert_eq!(enter(shared(staff()), ""), Err(403));
        assert_eq!(enter(shared(role("viewer").on("project", query("id"))), "id=1"), Ok(()));
        assert_eq!(enter(shared(role("viewer").on("project", query("id"))), "id=2"), Err(403));
        assert_eq!(data.asked(), again * 2, "the database is asked each time");
    }
    assert_eq!(endpoint.asked(), 1);
}

/// A request that presents nothing, or nothing that is a token, asks nobody.
#[test]
fn nothing_to_ask_about() {
    let endpoint = Endpoint::saying(active(&[]));
    let gate = gate_of(asking(&endpoint));
    for (head, status) in [
        (Head::new(), 401),
        (Head::new().header("authorization", "Basic YTpi"), 401),
        (Head::new().bearer("a b"), 401),
        (Head::new().bearer("é"), 401),
        (Head::new().bearer("abc").bearer("abc"), 400),
    ] {
        let who = gate.establish(&head).now_or_never().unwrap();
        assert_eq!(who.principal().map(drop).map_err(|error| error.status()), Err(status));
    }
    assert_eq!(endpoint.asked(), 0);
    let head = Head::new().bearer("abc");
    assert!(gate.establish(&head).now_or_never().unwrap().principal().is_ok());
    assert_eq!(endpoint.asked(), 1);
}
