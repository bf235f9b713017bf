//! Case 97: webhooks.

use crate::service::{Headers, Tested};
use serde_json::{Value, json};

const SIGNATURE: &str = "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY=";
const OTHER: &str = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The service at the time of the vector, and some seconds later.
fn tested(later: u64) -> Tested {
    let tested = Tested::new();
    tested.clock.set(1_700_000_000 + later);
    tested
}

fn signed(signature: &str) -> [(&'static str, String); 3] {
    [
        ("svix-id", "msg_1".to_owned()),
        ("svix-timestamp", "1700000000".to_owned()),
        ("svix-signature", signature.to_owned()),
    ]
}

async fn send(tested: &Tested, headers: Headers<'_>, body: Value) -> (u16, Value) {
    tested.send("POST", "/api/auth", headers, body).await
}

/// 97.
#[tokio::test]
async fn signed_messages_are_noted_once() {
    let tested = tested(0);
    // axum is the first of the two.
    let axum = tested.ask_axum("POST", "/api/auth", &signed(SIGNATURE), &json!({ "a": 1 })).await;
    assert_eq!(axum, (200, json!("noted")));
    assert_eq!(send(&tested, &signed(SIGNATURE), json!({ "a": 1 })).await, (200, json!("noted before")));
    let events = tested.store.change(|tables| tables.events.clone());
    assert_eq!(events.into_iter().collect::<Vec<_>>(), [("msg_1".to_owned(), json!({ "a": 1 }))]);
}

/// 97: the second of two signatures.
#[tokio::test]
async fn one_valid_signature_is_enough() {
    let tested = tested(0);
    let both = format!("{OTHER} {SIGNATURE}");
    tested.ask_axum("POST", "/api/auth", &signed(&both), &json!({ "a": 1 })).await;
    assert_eq!(send(&tested, &signed(&both), json!({ "a": 1 })).await.0, 200);
    assert_eq!(send(&tested, &signed(OTHER), json!({ "a": 1 })).await.0, 401);
}

/// 97: a changed body, an old message, one from the future, and none that is signed.
#[tokio::test]
async fn all_others_are_refused() {
    let tested = tested(0);
    assert_eq!(send(&tested, &signed(SIGNATURE), json!({ "a": 2 })).await.0, 401);
    assert_eq!(send(&tested, &[], json!({ "a": 1 })).await.0, 400);
    assert_eq!(send(&tested, &signed(SIGNATURE)[..2], json!({ "a": 1 })).await.0, 400);
    for (later, status) in [(300, 200), (301, 401), (360, 401)] {
        let tested = self::tested(later);
        tested.ask_axum("POST", "/api/auth", &signed(SIGNATURE), &json!({ "a": 1 })).await;
        assert_eq!(send(&tested, &signed(SIGNATURE), json!({ "a": 1 })).await.0, status, "{later}");
    }
    assert_eq!(tested.store.change(|tables| tables.events.len()), 0);
}
