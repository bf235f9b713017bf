//! Accounts in a program that has both providers of `jsonwebtoken`.
#![cfg(test)]

use jsonwebtoken::{EncodingKey, Header};
use portcullis::accounts::{
    AccessTokens, Accounts, Client, RefreshFormat, Secret, SessionRules, SignUp, store::MemoryStore,
};
use std::{error::Error, panic::catch_unwind};

const SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";

/// So that the other test shows something: what asks for the provider of the process panics here.
#[test]
fn encode_does_not_know_which_provider_to_take() {
    let claims = serde_json::json!({ "sub": "alice" });
    let encoded = catch_unwind(|| jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(b"x")));
    assert!(encoded.is_err(), "both providers are not switched on: {encoded:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn accounts_sign_and_verify() -> Result<(), Box<dyn Error>> {
    for (tokens, format) in [
        (AccessTokens::new(), RefreshFormat::Opaque),
        (AccessTokens::new().dangerous_bare("access"), RefreshFormat::Jwt),
    ] {
        let accounts = Accounts::builder("https://shop.example.com", Secret::new(SECRET)?, MemoryStore::new())
            .access_tokens(tokens)
            .sessions(SessionRules::new().format(format))
            .argon2(64, 1, 1)
            .dangerous_without_confirmation()
            .build()?;
        let form = SignUp { email: "alice@example.com", password: "correct horse battery", ..SignUp::default() };
        let signed_up = accounts.sign_up(form, &Client::unknown()).await?.ok_or("not signed in")?;
        let signed_in = accounts.sign_in("alice@example.com", "correct horse battery", &Client::unknown()).await?;
        let signed_in = signed_in.signed_in()?;
        let refreshed = accounts.refresh(signed_in.tokens.refresh.expose(), &Client::unknown()).await?;
        for access in [&signed_up.tokens.access, &signed_in.tokens.access, &refreshed.access] {
            let claims = accounts.verifier().verify(access.expose())?;
            assert_eq!(claims.subject().as_deref(), Some(signed_up.user.id.as_str()));
            let forged = format!("{}x", access.expose());
            assert!(accounts.verifier().verify(&forged).is_err());
        }
        assert!(accounts.refresh("garbage", &Client::unknown()).await.is_err());
    }
    Ok(())
}
