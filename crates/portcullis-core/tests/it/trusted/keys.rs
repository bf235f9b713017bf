//! The keys of trusted issuers, each for its own tokens only.

use super::*;

fn other(name: &str) -> TestIssuer {
    TestIssuer::with_algorithm(Algorithm::EdDsa).named(name)
}

#[tokio::test]
async fn keys_of_one_issuer_verify_no_token_of_another() {
    let web = Web::of(&[A]);
    web.put(B, other(B));
    let issuers = trusting_nobody(&web, &clock()).trust([A, B]).unwrap();
    assert_eq!(says(&issuers, &token_of(A)).await, Ok(()));
    assert_eq!(says(&issuers, &token(&other(B))).await, Ok(()));
    assert_eq!(says(&issuers, &token(&other(A))).await, INVALID);
    assert_eq!(says(&issuers, &token_of(B)).await, INVALID);
}

#[tokio::test]
async fn a_forged_token_of_a_trusted_issuer_is_refused() {
    let web = Web::of(&[A]);
    let issuers = trusting_nobody(&web, &clock()).trust_with(Tenants::of(&[A]));
    let good = token_of(A);
    let forged = format!("{}.{}", good.rsplit_once('.').unwrap().0, "A".repeat(86));
    assert_eq!(says(&issuers, &forged).await, INVALID);
    assert_eq!(says(&issuers, &good).await, Ok(()));
    let expired = issuer(A).token("alice").expired_for(seconds(60)).sign();
    assert_eq!(says(&issuers, &expired).await, Err(ErrorKind::Expired));
}

#[tokio::test]
async fn keys_that_change_are_fetched_again() {
    let (web, clock) = (Web::of(&[A]), clock());
    let issuers = trusting_nobody(&web, &clock).trust_with(Tenants::of(&[A]));
    assert_eq!(says(&issuers, &token_of(A)).await, Ok(()));
    web.put(A, other(A));
    clock.advance(seconds(600));
    assert_eq!(says(&issuers, &token(&other(A))).await, Ok(()));
    assert_eq!(says(&issuers, &token_of(A)).await, INVALID);
}

#[tokio::test]
async fn an_answer_for_another_issuer_is_an_outage() {
    let document = format!("{A}/.well-known/openid-configuration");
    let says_of = async |page: &str| {
        let web = Web::of(&[A, B]);
        web.page(&document, page);
        let issuers = trusting_nobody(&web, &clock()).trust([A]).unwrap();
        (says(&issuers, &token_of(A)).await, web.count())
    };
    let keys_at = |url: &str| format!(r#"{{"issuer":"{A}","jwks_uri":"{url}"}}"#);
    assert_eq!(says_of(&keys_at(&format!("{A}/jwks"))).await, (Ok(()), 2));
    // Some issuers keep their keys on another host.
    assert_eq!(says_of(&keys_at(&format!("{B}/jwks"))).await, (Ok(()), 2));
    assert_eq!(says_of(&format!(r#"{{"issuer":"{B}","jwks_uri":"{B}/jwks"}}"#)).await, (UNAVAILABLE, 1));
    for inside in [
        "http://b.example.com/jwks",
        "https://localhost/jwks",
        "https://127.0.0.1/jwks",
        "https://[::1]/jwks",
        "https://169.254.169.254/",
    ] {
        assert_eq!(says_of(&keys_at(inside)).await, (UNAVAILABLE, 1), "{inside}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let web = Web::of(&[A]);
    let document = format!("{A}/.well-known/openid-configuration");
    let away = HttpResponse::new(302, "").with_header("location", "https://169.254.169.254/");
    web.0.lock().unwrap().pages.insert(document.clone(), away);
    let issuers = trusting_nobody(&web, &clock()).trust([A]).unwrap();
    assert_eq!(says(&issuers, &token_of(A)).await, UNAVAILABLE);
    assert_eq!(web.asked(), [document]);
}
