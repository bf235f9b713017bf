//! Webhooks signed as Standard Webhooks and Svix do.

use crate::head::Head;
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use portcullis_core::{Error, ErrorKind, WebhookMessage, Webhooks, testing::FixedClock};
use proptest::prelude::*;
use std::time::{Duration, SystemTime};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER: &str = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
const SIGNATURE: &str = "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY=";
const BODY: &[u8] = br#"{"a":1}"#;
const NOW: u64 = 1_700_000_000;

fn webhooks() -> Webhooks {
    at(NOW)
}

fn at(now: u64) -> Webhooks {
    Webhooks::new(SECRET).unwrap().clock(FixedClock::at(now))
}

fn head(id: &str, time: &str, signature: &str) -> Head {
    Head::of(&[("svix-id", id), ("svix-timestamp", time), ("svix-signature", signature)])
}

fn vector() -> Head {
    head("msg_1", "1700000000", SIGNATURE)
}

/// What somebody with this secret signs.
fn sign(secret: &str, id: &str, time: &str, body: &[u8]) -> String {
    let secret = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let message = [format!("{id}.{time}.").as_bytes(), body].concat();
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, &message)))
}

fn code(result: Result<WebhookMessage, Error>) -> String {
    match result {
        Ok(message) => message.id().to_owned(),
        Err(error) => format!("{} {}", error.status(), error.code()),
    }
}

#[test]
fn the_vector() {
    let message = webhooks().verify(&vector(), BODY).unwrap();
    assert_eq!((message.id(), message.body()), ("msg_1", BODY));
    assert_eq!(message.json::<serde_json::Value>().unwrap()["a"], 1);
    let misfit = message.json::<Vec<u8>>().unwrap_err();
    assert_eq!((misfit.status(), misfit.code()), (400, "invalid_webhook"));
    assert_eq!(message.time(), SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
    assert_eq!(sign(SECRET, "msg_1", "1700000000", BODY), SIGNATURE);
    for body in [&b"{\"a\":2}"[..], b"", b"{\"a\":1} "] {
        assert_eq!(code(webhooks().verify(&vector(), body)), "401 invalid_signature");
    }
    for changed in [head("msg_2", "1700000000", SIGNATURE), head("msg_1", "1700000001", SIGNATURE)] {
        assert_eq!(code(webhooks().verify(&changed, BODY)), "401 invalid_signature");
    }
}

#[test]
fn both_names_of_the_headers_and_no_mixture() {
    let named = |names: [&str; 3]| Head::of(&[(names[0], "msg_1"), (names[1], "1700000000"), (names[2], SIGNATURE)]);
    let verify = |head: &Head| code(webhooks().verify(head, BODY));
    assert_eq!(verify(&named(["webhook-id", "webhook-timestamp", "webhook-signature"])), "msg_1");
    assert_eq!(verify(&named(["svix-id", "webhook-timestamp", "webhook-signature"])), "400 invalid_webhook");
    assert_eq!(verify(&named(["webhook-id", "webhook-timestamp", "svix-signature"])), "400 invalid_webhook");
    let both = vector().header("webhook-id", "msg_2").header("webhook-signature", "v1,x");
    assert_eq!(verify(&both), "msg_1");
}

#[test]
fn one_valid_signature_of_several_is_enough() {
    let other = sign(OTHER, "msg_1", "1700000000", BODY);
    let verify = |signatures: &str| code(webhooks().verify(&head("msg_1", "1700000000", signatures), BODY));
    for signatures in [
        format!("{other} {SIGNATURE}"),
        format!("{SIGNATURE} {other}"),
        format!("v1a,bm90LW91cnM= v1,%%% {SIGNATURE}"),
        format!("  {SIGNATURE}  "),
    ] {
        assert_eq!(verify(&signatures), "msg_1", "{signatures}");
    }
    let bare = SIGNATURE.trim_start_matches("v1,");
    for signatures in [&other, bare, "v1,", "v1", &SIGNATURE.replace("v1", "v2"), &format!("{other},{SIGNATURE}")] {
        assert_eq!(verify(signatures), "401 invalid_signature", "{signatures}");
    }
    // Cut or extended.
    for signatures in [&SIGNATURE[..SIGNATURE.len() - 4], &format!("{SIGNATURE}AAAA")] {
        assert_eq!(verify(signatures), "401 invalid_signature", "{signatures}");
    }
}

#[test]
fn messages_are_accepted_five_minutes_before_and_after() {
    for (now, expected) in [
        (NOW + 300, "msg_1"),
        (NOW + 301, "401 signature_expired"),
        (NOW + 360, "401 signature_expired"),
        (NOW - 300, "msg_1"),
        (NOW - 301, "401 signature_expired"),
    ] {
        assert_eq!(code(at(now).verify(&vector(), BODY)), expected, "{now}");
    }
    let minute = at(NOW + 61).tolerance(Duration::from_secs(60));
    assert_eq!(code(minute.verify(&vector(), BODY)), "401 signature_expired");
    let far = u64::MAX.to_string();
    let signed = head("msg_1", &far, &sign(SECRET, "msg_1", &far, BODY));
    assert_eq!(code(webhooks().verify(&signed, BODY)), "401 signature_expired");
}

#[test]
fn malformed_headers_are_refused() {
    let verify = |head: &Head| code(webhooks().verify(head, BODY));
    assert_eq!(verify(&Head::new()), "400 invalid_webhook");
    let names = ["svix-id", "svix-timestamp", "svix-signature"];
    let values = ["msg_1", "1700000000", SIGNATURE];
    for missing in 0..3 {
        let without = (0..3).filter(|place| *place != missing);
        let head = without.fold(Head::new(), |head, place| head.header(names[place], values[place]));
        assert_eq!(verify(&head), "400 invalid_webhook", "without {}", names[missing]);
        assert_eq!(verify(&head.clone().header(names[missing], "")), "400 invalid_webhook");
        assert_eq!(verify(&vector().header(names[missing], values[missing])), "400 invalid_webhook", "twice");
        assert_eq!(verify(&head.header(names[missing], [0xff])), "400 invalid_webhook", "no text");
    }
    for time in ["+1700000000", "-1", "1700000000.0", "1.7e9", "now", "0x6553f100", "99999999999999999999"] {
        let signed = head("msg_1", time, &sign(SECRET, "msg_1", time, BODY));
        assert_eq!(verify(&signed), "400 invalid_webhook", "{time}");
    }
    let umlaut = head("msg_ü", "1700000000", &sign(SECRET, "msg_ü", "1700000000", BODY));
    assert_eq!(verify(&umlaut), "msg_ü");
}

/// Signed as `a`, `1.2` … and read as `a.1`, `2` …: the same bytes.
#[test]
fn an_id_cannot_reach_into_the_time() {
    let signed = sign(SECRET, "a", "1700000000", b"1700000000.{}");
    let shifted = head("a.1700000000", "1700000000", &signed);
    assert_eq!(code(webhooks().verify(&shifted, b"{}")), "400 invalid_webhook");
    assert_eq!(code(webhooks().verify(&head("a", "1700000000", &signed), b"1700000000.{}")), "a");
}

#[test]
fn secrets_are_checked_and_changed_without_a_gap() {
    let both = Webhooks::new(OTHER).unwrap().also(SECRET).unwrap().clock(FixedClock::at(NOW));
    assert_eq!(code(both.verify(&vector(), BODY)), "msg_1");
    let other = Webhooks::new(OTHER).unwrap().clock(FixedClock::at(NOW));
    assert_eq!(code(other.verify(&vector(), BODY)), "401 invalid_signature");
    let short = format!("whsec_{}", STANDARD.encode([7; 23]));
    let bare = SECRET.trim_start_matches("whsec_");
    for secret in ["", "whsec_", "whsec_%%%", &short, bare, "whsec"] {
        let error = Webhooks::new(secret).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{secret}");
        assert!(secret.len() < 10 || !error.to_string().contains(secret), "{error}");
    }
    assert!(Webhooks::new(&format!(" {SECRET}\n")).is_ok(), "as read from a file");
    assert!(!format!("{:?}", webhooks()).contains("MDEy"));
}

#[test]
fn a_long_body_is_refused() {
    let webhooks = webhooks().max_bytes(BODY.len());
    assert_eq!(code(webhooks.verify(&vector(), BODY)), "msg_1");
    assert_eq!(code(webhooks.clone().max_bytes(BODY.len() - 1).verify(&vector(), BODY)), "413 body_too_large");
    assert_eq!(webhooks.body_limit(), BODY.len());
}

proptest! {
    /// Whatever is accepted is what was signed.
    #[test]
    fn nothing_else_is_accepted(
        id in "[a-z0-9_.]{1,6}", body in "[a-z0-9.]{0,8}", ahead in 0..3_u64, other_id in "[a-z0-9_.]{1,6}",
        other_body in "[a-z0-9.]{0,8}", other_ahead in 0..3_u64, flip in prop::option::of((0..44_usize, 1..255_u8)),
    ) {
        let (time, other_time) = ((NOW + ahead).to_string(), (NOW + other_ahead).to_string());
        let signature = sign(SECRET, &id, &time, body.as_bytes());
        let changed = flip.map_or_else(|| signature.clone(), |(place, change)| {
            let mut bytes = STANDARD.decode(&signature[3..]).unwrap();
            let length = bytes.len();
            bytes[place % length] ^= change;
            format!("v1,{}", STANDARD.encode(bytes))
        });
        let accepted = |id: &str, time: &str, signature: &str, body: &str| {
            webhooks().verify(&head(id, time, signature), body.as_bytes()).is_ok()
        };
        prop_assert_eq!(accepted(&id, &time, &signature, &body), !id.contains('.'));
        let is_same = (&id, &time, &body) == (&other_id, &other_time, &other_body) && flip.is_none();
        prop_assert_eq!(accepted(&other_id, &other_time, &changed, &other_body), is_same && !id.contains('.'));
    }
}
