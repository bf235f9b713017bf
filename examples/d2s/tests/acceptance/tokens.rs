//! Cases 6 to 10, 12 to 16, 52: access tokens, where they are read, and whose they are.

use crate::service::*;
use portcullis::accounts::{store::MemoryStore, testing::Mailbox};
use serde_json::{Value, json};

const ME: &str = "/api/v1/users/current";

/// The good claims with one changed; `null` leaves it out.
fn with(claim: &str, value: Value) -> String {
    let mut claims = json!({ "sub": VIEWER, "type": "access", "exp": NOW + 900 });
    claims[claim] = value;
    if let Value::Object(claims) = &mut claims {
        claims.retain(|_, value| !value.is_null());
    }
    signed(SECRET, &claims)
}

#[tokio::test]
async fn where_tokens_are_read() {
    let service = Service::new();
    let (token, other) = (token(VIEWER), token(MANAGER));
    let id = |answer: Answer| answer.json()["id"].clone();
    // 6
    assert_eq!(id(service.passes("GET", ME, &[cookie(&token)]).await), json!(VIEWER));
    // 7
    let unquoted = ("cookie", format!("access_token=Bearer {token}"));
    assert_eq!(id(service.passes("GET", ME, &[unquoted]).await), json!(VIEWER));
    // 8
    let bare = ("cookie", format!("access_token={token}"));
    service.answers("GET", ME, std::slice::from_ref(&bare), 401, "Not authenticated").await;
    // 9
    assert_eq!(id(service.passes("GET", ME, &[bearer(&token)]).await), json!(VIEWER));
    // The cookie first; one that is none leaves the header.
    assert_eq!(id(service.passes("GET", ME, &[bearer(&other), cookie(&token)]).await), json!(VIEWER));
    assert_eq!(id(service.passes("GET", ME, &[bearer(&other), bare]).await), json!(MANAGER));
    service.answers("GET", ME, &[bearer(&token), cookie("zzz")], 401, "Invalid access token").await;
    service.answers("GET", format!("{ME}?access_token={token}"), &[], 401, "Not authenticated").await;
    let refresh = ("cookie", format!(r#"refresh_token="Bearer {token}""#));
    service.answers("GET", ME, &[refresh], 401, "Not authenticated").await;
}

#[tokio::test]
async fn which_tokens_are_valid() {
    let service = Service::new();
    let answers = async |token: &str, detail: &str| {
        for headers in [[bearer(token)], [cookie(token)]] {
            let answer = service.answers("GET", ME, &headers, 401, detail).await;
            assert!(answer.headers.iter().any(|(name, _)| name == "www-authenticate"), "{answer:?}");
            assert_eq!(answer.selects, [""; 0], "nobody is looked up");
        }
    };
    // 10
    answers(&with("type", json!("refresh")), "Invalid access token").await;
    answers(&with("type", json!(null)), "Invalid access token").await;
    // 12
    answers(&with("exp", json!(NOW - 1)), "Access token expired").await;
    answers(&with("exp", json!(NOW)), "Access token expired").await;
    service.passes("GET", ME, &[bearer(&with("exp", json!(NOW + 1)))]).await;
    // 13
    let claims = json!({ "sub": VIEWER, "type": "access", "exp": NOW + 900 });
    answers(&signed("another SECRET_KEY, as long as ours is", &claims), "Invalid access token").await;
    // 14
    let token = token(VIEWER);
    let (_, rest) = token.split_once('.').unwrap_or_default();
    let (unsigned, _) = rest.split_once('.').unwrap_or_default();
    for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25FIn0"] {
        answers(&format!("{header}.{rest}"), "Invalid access token").await;
        answers(&format!("{header}.{unsigned}."), "Invalid access token").await;
    }
    // The service signs tokens for itself only, and never without an end.
    answers(&with("iss", json!("d2s")), "Invalid access token").await;
    answers(&with("aud", json!("d2s")), "Invalid access token").await;
    answers(&with("exp", json!(null)), "Invalid access token").await;
    // 26
    let accounts = |secret| d2s::auth::accounts(secret, MemoryStore::new(), Mailbox::new(), "https://d2s.example.com");
    assert!(accounts("a secret of thirty-one bytes...").is_err() && accounts(SECRET).is_ok());
}

#[tokio::test]
async fn whose_tokens_they_are() {
    let service = Service::new();
    // 15
    let answer = service.answers("GET", ME, &[bearer(&with("sub", json!("alice")))], 401, "Invalid user id").await;
    assert_eq!(answer.selects, [""; 0]);
    // 16
    service.answers("GET", ME, &by(DELETED), 401, "User not found").await;
    service.answers("GET", project(PROJECT), &by(DELETED), 401, "User not found").await;
    // The account is looked at on every route but those that say otherwise.
    for (who, detail) in
        [(UNCONFIRMED, "Account requires email confirmation"), (UNAPPROVED, "Account requires approval")]
    {
        for path in [ME, &project(PROJECT), "/api/v1/admin/users"] {
            service.answers("GET", path, &by(who), 403, detail).await;
        }
        let answer = service.passes("GET", "/api/v1/users/unapproved", &by(who)).await;
        assert_eq!(answer.json()["id"], json!(who));
    }
    service.answers("GET", "/api/v1/users/unapproved", &[], 401, "Not authenticated").await;
}

#[tokio::test]
async fn who_asks_comes_before_what_for() {
    let service = Service::new();
    // 52
    service.answers("GET", project("x"), &[], 401, "Not authenticated").await;
    service.answers("GET", project("x"), &by(VIEWER), 422, "Input should be a valid UUID").await;
    service.answers("GET", project("x"), &by(UNAPPROVED), 403, "Account requires approval").await;
}

#[tokio::test]
async fn pages_of_other_origins_change_nothing_by_the_cookie() {
    let service = Service::new();
    let from = |site: &str| [cookie(&token(OWNER)), ("sec-fetch-site", site.to_owned())];
    // Differs: the original has no such defence.
    service.answers("PUT", project(PROJECT), &from("cross-site"), 403, "Cross-origin request").await;
    service.passes("PUT", project(PROJECT), &from("same-origin")).await;
}
