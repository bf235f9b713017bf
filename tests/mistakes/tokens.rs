//! Tokens that are good, and a verifier that was told something else than the issuer.

use crate::{assert_accepted, assert_refused, send};
use axum::{http::Request, routing::get};
use base64::{Engine, prelude::BASE64_STANDARD};
use portcullis::{
    Algorithm, Audience, Error, Gate, Issuer, Jwt, Key, Scheme, Verifier,
    axum::Routes,
    policy::authenticated,
    providers::directus::Directus,
    testing::{SigningKey, TestIssuer},
};
use serde_json::json;
use std::time::Duration;

const SECRET: &str = "the-secret-that-both-have-been-told";

/// What becomes of a request with this token.
async fn ask(verifier: impl Into<Verifier>, token: &str) -> (u16, String) {
    let gate = Gate::builder().scheme(Scheme::new(verifier).bearer()).build().unwrap();
    let app = Routes::new(&gate).route("/", authenticated(), get("welcome")).into_router();
    send(&app, Request::get("/").header("authorization", format!("Bearer {token}"))).await
}

/// The token of a Directus instance with this secret.
fn of_directus(secret: &str) -> Result<String, Error> {
    let claims = json!({ "iss": "directus", "id": "alice", "iat": 1_767_268_800, "exp": 4_102_444_800_u64 });
    Ok(SigningKey::secret(Algorithm::Hs256, secret)?.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string()))
}

#[tokio::test]
async fn wrong_secret() -> Result<(), Error> {
    let another = of_directus("the-secret-of-another-environment")?;
    assert_refused(ask(Directus::new(SECRET)?, &another).await, 401);

    // As a file has it.
    let secret = format!("{SECRET}\n");
    let token = of_directus(SECRET)?;
    assert_refused(ask(Directus::new(&secret)?, &token).await, 401);

    let directus = as_shown!(Directus::new(secret.trim_end())?);
    assert_accepted(ask(directus.clone(), &token).await);
    assert_refused(ask(directus, &another).await, 401);
    Ok(())
}

#[tokio::test]
async fn secret_in_base64() -> Result<(), Box<dyn std::error::Error>> {
    let theirs = TestIssuer::with_key(SigningKey::secret(Algorithm::Hs256, SECRET)?).named("https://id.example.com");
    let token = theirs.token("alice").sign();
    let secret = BASE64_STANDARD.encode(SECRET);
    let ask = async |key: Key| {
        let issuer = Issuer::new("https://id.example.com", Audience::is("test"), [Algorithm::Hs256], key);
        ask(Jwt::new(issuer.unwrap()).clock(theirs.clock()), &token).await
    };

    assert_refused(ask(Key::secret(Algorithm::Hs256, &secret)?).await, 401);
    let key = as_shown!(Key::secret(Algorithm::Hs256, BASE64_STANDARD.decode(secret)?)?);
    assert_accepted(ask(key).await);
    Ok(())
}

#[tokio::test]
async fn wrong_issuer_or_audience() -> Result<(), Error> {
    let theirs = TestIssuer::with_key(SigningKey::secret(Algorithm::Hs256, SECRET)?);
    let theirs = theirs.named("https://id.example.com/").for_audience("account");
    let (token, for_nobody) = (theirs.token("alice").sign(), theirs.token("alice").without("aud").sign());
    let key = theirs.signing_key().key();
    let ask = async |issuer: Issuer, token: &str| ask(Jwt::new(issuer).clock(theirs.clock()), token).await;

    let without_slash =
        Issuer::new("https://id.example.com", Audience::is("account"), [Algorithm::Hs256], key.clone())?;
    assert_refused(ask(without_slash, &token).await, 401);

    let for_orders = Issuer::new("https://id.example.com/", Audience::is("orders"), [Algorithm::Hs256], key.clone())?;
    assert_refused(ask(for_orders.clone(), &token).await, 401);
    assert_refused(ask(for_orders, &for_nobody).await, 401);

    let issuer = as_shown!(Issuer::new("https://id.example.com/", Audience::is("account"), [Algorithm::Hs256], key)?);
    assert_accepted(ask(issuer.clone(), &token).await);
    let of_another = TestIssuer::with_key(theirs.signing_key().clone()).token("alice").sign();
    assert_eq!(ask(issuer.clone(), &of_another).await.0, 401);

    let issuer = as_shown!(issuer.for_audience(Audience::absent())?);
    assert_accepted(ask(issuer.clone(), &for_nobody).await);
    assert_refused(ask(issuer, &token).await, 401);
    Ok(())
}

#[tokio::test]
async fn clocks_that_differ() -> Result<(), Error> {
    let theirs = TestIssuer::new();
    let now = theirs.clock().seconds();
    let token = |claim: &str, time: u64| theirs.token("alice").claim(claim, time).sign();
    let tokens = [token("iat", now + 72), token("nbf", now + 72), token("exp", now - 2)];
    let ask = async |issuer: Issuer, token: &str| ask(Jwt::new(issuer).clock(theirs.clock()), token).await;

    let issuer = theirs.issuer();
    for token in &tokens {
        assert_refused(ask(issuer.clone(), token).await, 401);
    }

    let issuer = as_shown!(issuer.leeway(Duration::from_secs(90))?);
    for token in &tokens {
        assert_accepted(ask(issuer.clone(), token).await);
    }
    for token in [token("iat", now + 99), token("nbf", now + 99), token("exp", now - 99)] {
        assert_eq!(ask(issuer.clone(), &token).await.0, 401);
    }
    Ok(())
}

#[tokio::test]
async fn token_of_many_groups() -> Result<(), Error> {
    let theirs = TestIssuer::new();
    let token = |groups: usize| {
        let groups: Vec<_> = (0..groups).map(|group| format!("group-{group:04}")).collect();
        theirs.token("alice").claim("groups", json!(groups)).sign()
    };
    let (large, too_large) = (token(700), token(2000));
    let ask = async |issuer: Issuer, token: &str| ask(Jwt::new(issuer).clock(theirs.clock()), token).await;

    let issuer = theirs.issuer();
    assert_refused(ask(issuer.clone(), &large).await, 401);

    let issuer = as_shown!(issuer.max_token_bytes(24 * 1024));
    assert_accepted(ask(issuer.clone(), &large).await);
    assert_eq!(ask(issuer, &too_large).await.0, 401);
    Ok(())
}
