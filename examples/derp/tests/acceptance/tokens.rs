//! Cases 115 and 116: access tokens.

use crate::service::*;
use portcullis::{Algorithm, accounts::AccessTokens, testing::SigningKey};
use serde_json::{Value, json};

fn signed(secret: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "iss": "derp", "aud": "derp", "sub": "somebody", "sid": "a session", "iat": NOW, "exp": NOW + 900
    });
    change(&mut claims);
    let key = SigningKey::secret(Algorithm::Hs256, secret).unwrap();
    key.sign(r#"{"alg":"HS256","typ":"at+jwt"}"#, &claims.to_string())
}

/// 115.
#[tokio::test]
async fn tokens_that_are_not_ours_open_nothing() {
    for service in both().await {
        let alice = service.signed_in(ALICE).await;
        let good = alice.text("access_token");
        let id = alice.json()["user"]["id"].clone();
        let token = |change: fn(&mut Value)| {
            signed(SECRET, |claims| {
                claims["sub"] = json!(id);
                change(claims);
            })
        };
        for accepted in [&good, &token(|_| {})] {
            assert_eq!(service.get("/hello", accepted).await.status, 200);
        }
        let tampered = format!("{}{}", &good[..good.len() - 2], if good.ends_with("AA") { "BA" } else { "AA" });
        let refused = [
            ("tampered", tampered),
            ("another key", signed("another secret, of more than 32 bytes", |claims| claims["sub"] = json!(id))),
            ("expired", token(|claims| claims["exp"] = json!(NOW))),
            ("another audience", token(|claims| claims["aud"] = json!("other"))),
            ("no audience", token(|claims| drop(claims.as_object_mut().unwrap().remove("aud")))),
            ("no expiry", token(|claims| drop(claims.as_object_mut().unwrap().remove("exp")))),
            ("no subject", token(|claims| drop(claims.as_object_mut().unwrap().remove("sub")))),
            ("a refresh token", alice.text("refresh_token")),
            ("no account", signed(SECRET, |_| {})),
        ];
        for (what, token) in refused {
            assert_eq!(service.get("/hello", &token).await.status, 401, "{what}");
        }
        for header in [&good, &format!("Token {good}"), &format!("Basic {good}"), "Bearer", ""] {
            let answer = service.ask("GET", "/hello", &[("authorization", header)], &Value::Null).await;
            assert!(matches!(answer.status, 400 | 401), "{header}");
        }
        let nobody = service.ask("GET", "/hello", &[], &Value::Null).await;
        assert_eq!(nobody.refusal(), (401, "credential_missing".into()));
    }
}

/// 116.
#[tokio::test]
async fn fields_of_the_application_cannot_set_claims_of_ours() {
    let store = portcullis::sqlx::SqliteStore::in_memory().await.unwrap();
    let built = |claim: &str| {
        let mailbox = portcullis::accounts::testing::Mailbox::new();
        builder(store.clone(), mailbox).access_tokens(AccessTokens::new().extra([claim])).build()
    };
    for claim in ["sub", "sid", "iss", "aud", "exp", "role"] {
        let error = built(claim).unwrap_err().to_string();
        assert!(error.contains(claim), "{error}");
    }
    assert!(built("plan").is_ok());
}
