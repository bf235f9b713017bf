//! Sessions at Stytch, and the secret of internal programs.

use crate::service::*;
use portcullis::{Algorithm, testing::SigningKey};
use serde_json::json;
use std::time::Duration;

/// Cases 68, 70 and 71.
#[tokio::test]
async fn the_header() {
    let tested = Tested::new();
    let me = (200, json!({ "id": "u1", "org_id": null }));
    assert_eq!(tested.ask("GET", "/me", &[tested.of("u1")]).await, me);
    assert_eq!(tested.ask("GET", "/me", &[]).await, denied(401, "Invalid authorization"));
    let basic = ("authorization", "Basic dTE6cGFzc3dvcmQ=".to_owned());
    assert_eq!(tested.ask("GET", "/me", &[basic]).await, denied(401, "Invalid authorization"));
    let (name, value) = tested.of("u1");
    let lower = (name, value.replace("Bearer", "bearer"));
    assert_eq!(tested.ask("GET", "/me", &[lower]).await, me, "differs: the original wants `Bearer`");
    assert_eq!(tested.ask("GET", "/health", &[]).await, (200, json!("ok")));
}

/// Case 69, first half: elsewhere than on a WebSocket the query is not looked at.
#[tokio::test]
async fn the_query() {
    let tested = Tested::new();
    let token = tested.session("u1").sign();
    assert_eq!(tested.ask("GET", &format!("/me?token={token}"), &[]).await, denied(401, "Invalid authorization"));
}

/// Cases 72 to 74, 76, and the audience of 75 and 77.
#[tokio::test]
async fn tokens_that_do_not_hold() {
    let tested = Tested::new();
    let good = tested.session("u1").sign();
    let (rest, signature) = good.rsplit_once('.').unwrap_or_default();
    let (flipped, of_else) = (signature.chars().rev().collect::<String>(), tested.session("u2").sign());
    let second = Duration::from_secs(1);
    let table = [
        ("expired", tested.session("u1").expired_for(second).sign()),
        ("expires now", tested.session("u1").expired_for(Duration::ZERO).sign()),
        ("another signature", format!("{rest}.{flipped}")),
        ("that of another token", format!("{rest}.{}", of_else.rsplit_once('.').unwrap_or_default().1)),
        ("no signature", format!("{rest}.")),
        ("malformed", "a.b.c".to_owned()),
        ("no token at all", "opaque".to_owned()),
        ("without iss", tested.session("u1").without("iss").sign()),
        ("without iat", tested.session("u1").without("iat").sign()),
        ("without exp", tested.session("u1").without("exp").sign()),
        ("without sub", tested.session("u1").without("sub").sign()),
        ("without aud", tested.session("u1").without("aud").sign()),
        ("another audience", tested.session("u1").claim("aud", "project-live-2").sign()),
        ("alg none", tested.session("u1").header("alg", "none").sign()),
        ("unknown user", tested.session("u9").sign()),
    ];
    for (what, token) in table {
        assert_eq!(tested.ask("GET", "/me", &[bearer(&token)]).await, denied(401, "Invalid token"), "{what}");
    }
    let soon = tested.session("u1").expires_in(second).sign();
    assert_eq!(tested.ask("GET", "/me", &[bearer(&soon)]).await.0, 200);
    let several = tested.session("u1").claim("aud", json!(["other", PROJECT])).sign();
    assert_eq!(tested.ask("GET", "/me", &[bearer(&several)]).await.0, 200);
}

/// Cases 75 and 77: the original does not look at `iss`.
#[tokio::test]
async fn another_project() {
    let tested = Tested::new();
    for project in
        ["project-test-11111111-1111-4111-8111-111111111111", "project-live-22222222-1111-4111-8111-111111111111"]
    {
        let issuer = stytch(project);
        let token = issuer.token("user-live-u1").header("kid", "kid-1").sign();
        assert_eq!(tested.ask("GET", "/me", &[bearer(&token)]).await, denied(401, "Invalid token"));
        let ours = issuer.token("user-live-u1").header("kid", "kid-1").claim("aud", PROJECT).sign();
        assert_eq!(tested.ask("GET", "/me", &[bearer(&ours)]).await, denied(401, "Invalid token"));
    }
}

/// Case 78.
#[tokio::test]
async fn keys_are_fetched_once_in_five_minutes() {
    let tested = Tested::new();
    let status = async |kid: &str| {
        let token = bearer(&tested.session("u1").header("kid", kid).sign());
        tested.ask_axum("GET", "/me", &[token], &json!(null)).await.0
    };
    for _ in 0..20 {
        assert_eq!(status("kid-1").await, 200);
    }
    assert_eq!(tested.stytch.asked(), 1);
    // A key that is not known yet is looked for once, also where it does not come.
    tested.clock.advance(Duration::from_secs(60));
    tested.stytch.publish(&["kid-1", "kid-2"]);
    assert_eq!((status("kid-2").await, tested.stytch.asked()), (200, 2));
    for _ in 0..5 {
        assert_eq!((status("kid-9").await, status("kid-2").await), (401, 200));
    }
    assert_eq!(tested.stytch.asked(), 2, "made-up names do not flood Stytch");
    tested.clock.advance(Duration::from_secs(301));
    assert_eq!((status("kid-1").await, tested.stytch.asked()), (200, 3));
}

/// Case 81.
#[tokio::test]
async fn a_public_key_is_no_secret() {
    let tested = Tested::new();
    let public = SigningKey::embedded(Algorithm::Rs256);
    let (pem, jwk) = (public.public_pem().unwrap_or_default(), public.public_jwk("kid-1").unwrap_or_default());
    let now = tested.clock.seconds();
    let claims = json!({
        "iss": format!("stytch.com/{PROJECT}"), "aud": PROJECT, "sub": "user-live-u1", "iat": now, "exp": now + 300,
        "user_id": "u1", "org_id": "o1", "type": "api_key",
    });
    for secret in [pem.as_str(), pem.trim_end(), &jwk] {
        let forger = SigningKey::secret(Algorithm::Hs256, secret).unwrap_or_else(|error| panic!("{error}"));
        let token = forger.sign(&json!({ "alg": "HS256", "kid": "kid-1" }).to_string(), &claims.to_string());
        for headers in [[bearer(&token)], [key(&token)]] {
            assert_eq!(tested.ask("GET", "/me", &headers).await, denied(401, "Invalid token"));
        }
    }
    assert_eq!(tested.ask("GET", "/me", &[tested.of("u1")]).await.0, 200);
}

/// Case 96.
#[tokio::test]
async fn the_internal_token() {
    let tested = Tested::new();
    let internal = |token: &str| [("x-internal-token", token.to_owned())];
    assert_eq!(tested.ask("GET", "/internal", &internal(INTERNAL)).await, (200, json!("internal")));
    for wrong in ["wrong", &INTERNAL.to_uppercase(), &format!("{INTERNAL}x")] {
        assert_eq!(tested.ask("GET", "/internal", &internal(wrong)).await, denied(401, "Invalid token"));
    }
    assert_eq!(tested.ask("GET", "/internal", &[]).await, denied(401, "Invalid authorization"));
    // It opens that route and no other; and nothing else opens that route.
    assert_eq!(tested.ask("GET", "/me", &internal(INTERNAL)).await, denied(401, "Invalid authorization"));
    assert_eq!(tested.kb(&internal(INTERNAL)).await, 401);
    for other in [tested.of("u1"), key(KEY)] {
        assert_eq!(tested.ask("GET", "/internal", &[other]).await, denied(401, "Invalid authorization"));
    }
}
