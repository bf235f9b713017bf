//! The requests that the original system was measured with, and what this one answers, the same on axum and on actix-web.
//! Where it differs on purpose, the README of the example says so.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

mod binaries;
mod hybrid;
mod organizations;
mod policies;
mod projects;
mod service;
mod workspaces;

use portcullis::{
    Algorithm, Error,
    providers::directus::{Directus, SESSION_COOKIE},
    testing::SigningKey,
};
use serde_json::{Value, json};
use service::*;

#[tokio::test]
async fn sources_and_their_order() {
    let service = Service::new();
    let (t, u2) = (token(json!({})), token(json!({ "id": "u2" })));
    let expired = token(json!({ "exp": NOW - 1 }));
    service.refuses(&[]).await;
    service.passes("u1", &[bearer(&t)]).await;
    service.passes("u1", &[cookie(&t)]).await;
    // The first source that is present decides, and its failure is final.
    service.passes("u1", &[cookie(&t), bearer(&u2)]).await;
    service.refuses(&[cookie(&expired), bearer(&t)]).await;
    service.refuses(&[cookie("zzz"), bearer(&t)]).await;
    service.passes("u2", &[cookie(""), bearer(&u2)]).await;
    service.passes("u2", &[cookie("  "), bearer(&u2)]).await;
    service.passes("u2", &[cookie("\"  \""), bearer(&u2)]).await;
    service.passes("u1", &[cookie(&t), bearer("garbage")]).await;
    // Only these two places are looked at.
    let (status, _) = service.ask(&format!("/api/v2/me?access_token={t}"), &[]).await;
    assert_eq!(status, 401);
    service.refuses(&[("cookie", format!("directus_refresh_token={t}"))]).await;
}

#[tokio::test]
async fn the_bearer_header() {
    let service = Service::new();
    let t = token(json!({}));
    let header = |value: String| [("authorization", value)];
    // Differs: the original takes `Bearer` only.
    service.passes("u1", &header(format!("bearer {t}"))).await;
    service.passes("u1", &header(format!("BEARER {t}"))).await;
    service.passes("u1", &header(format!("Bearer   {t}"))).await;
    service.passes("u1", &header(format!("Bearer {t}  "))).await;
    service.refuses(&header("Bearer ".into())).await;
    service.refuses(&header("Basic abc".into())).await;
    service.refuses(&header(format!("Bearer\t{t}"))).await;
}

#[tokio::test]
async fn the_cookie_is_named_by_the_configuration() {
    let service = Service::with(directus(), "foo");
    let t = token(json!({}));
    service.passes("u1", &[("cookie", format!("foo={t}"))]).await;
    service.refuses(&[cookie(&t)]).await;
}

#[tokio::test]
async fn times() {
    let service = Service::new();
    let at = |changes: Value| [bearer(&token(changes))];
    service.refuses(&at(json!({ "exp": NOW - 1 }))).await;
    service.refuses(&at(json!({ "exp": NOW }))).await;
    service.passes("u1", &at(json!({ "exp": NOW + 1 }))).await;
    service.refuses(&at(json!({ "nbf": NOW + 500 }))).await;
    service.passes("u1", &at(json!({ "nbf": NOW }))).await;
    // Differ: the original needs no `exp` and does not look at `iat`.
    service.refuses(&at(json!({ "exp": null }))).await;
    service.refuses(&at(json!({ "iat": NOW + 5000 }))).await;
    service.passes("u1", &at(json!({ "iat": null }))).await;
}

#[tokio::test]
async fn issuer_and_audience() {
    let service = Service::new();
    // Differ: the original does not look at `iss`.
    service.refuses(&[bearer(&token(json!({ "iss": "other" })))]).await;
    service.refuses(&[bearer(&token(json!({ "iss": null })))]).await;
    service.refuses(&[bearer(&token(json!({ "aud": "x" })))]).await;
    service.passes("u1", &[bearer(&token(json!({})))]).await;
}

#[tokio::test]
async fn what_differs_can_be_loosened_by_name() -> Result<(), Error> {
    let any_issuer = Service::with(directus().dangerous_any_issuer(), SESSION_COOKIE);
    any_issuer.passes("u1", &[bearer(&token(json!({ "iss": "other" })))]).await;
    any_issuer.passes("u1", &[bearer(&token(json!({ "iss": null })))]).await;
    any_issuer.refuses(&[bearer(&token(json!({ "exp": null })))]).await;
    let no_expiry = Service::with(directus().dangerous_without_expiry(), SESSION_COOKIE);
    no_expiry.passes("u1", &[bearer(&token(json!({ "exp": null })))]).await;
    no_expiry.refuses(&[bearer(&token(json!({ "exp": NOW - 1 })))]).await;
    let future = Service::with(directus().dangerous_issued_in_future(), SESSION_COOKIE);
    future.passes("u1", &[bearer(&token(json!({ "iat": NOW + 5000 })))]).await;
    let audience = Service::with(directus().dangerous_any_audience()?, SESSION_COOKIE);
    audience.passes("u1", &[bearer(&token(json!({ "aud": "x" })))]).await;
    let hmac = Service::with(Directus::dangerous_any_hmac(SECRET)?, SESSION_COOKIE);
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        hmac.passes("u1", &[bearer(&signed(algorithm, SECRET, &good()))]).await;
    }
    Ok(())
}

#[tokio::test]
async fn algorithms_and_secrets() {
    let service = Service::new();
    service.refuses(&[bearer(&signed(Algorithm::Hs384, SECRET, &good()))]).await;
    service.refuses(&[bearer(&signed(Algorithm::Hs512, SECRET, &good()))]).await;
    let other = "the secret of another Directus instance, just as long as ours is";
    service.refuses(&[bearer(&signed(Algorithm::Hs256, other, &good()))]).await;
    let t = token(json!({}));
    let (_, rest) = t.split_once('.').unwrap_or_default();
    for none in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25FIn0"] {
        service.refuses(&[bearer(&format!("{none}.{rest}"))]).await;
        let (claims, _) = rest.split_once('.').unwrap_or_default();
        service.refuses(&[bearer(&format!("{none}.{claims}."))]).await;
    }
    // A secret that is empty or short does not even start.
    assert!(
        Directus::new("").is_err() && Directus::new("short").is_err() && Directus::dangerous_short_secret("").is_err()
    );
    assert!(Directus::new(SECRET).is_ok() && Directus::dangerous_short_secret("short").is_ok());
}

#[tokio::test]
async fn whom_a_token_names() {
    let service = Service::new();
    service.refuses(&[bearer(&token(json!({ "id": null })))]).await;
    let null = good().to_string().replace("\"u1\"", "null");
    let key = SigningKey::secret(Algorithm::Hs256, SECRET).unwrap_or_else(|error| panic!("{error}"));
    service.refuses(&[bearer(&key.sign(r#"{"alg":"HS256"}"#, &null))]).await;
    service.passes("5", &[bearer(&token(json!({ "id": 5 })))]).await;
    service.refuses(&[bearer(&token(json!({ "id": "" })))]).await;
    service.refuses(&[bearer(&token(json!({ "id": ["u1"] })))]).await;
    // A share names no user; even with an `id` it is no user's token.
    let share = json!({ "id": null, "share": "s1", "role": null, "app_access": false });
    service.refuses(&[bearer(&token(share))]).await;
    service.refuses(&[bearer(&token(json!({ "share": "s1" })))]).await;
    // What Directus signs for invitations and password resets.
    let reset = json!({ "email": "a@example.com", "scope": "password-reset", "iss": "directus", "exp": NOW + 900 });
    service.refuses(&[bearer(&signed(Algorithm::Hs256, SECRET, &reset))]).await;
}

#[tokio::test]
async fn staff_is_a_flag_and_no_text() {
    let service = Service::new();
    let table = [
        (json!(true), true),
        (json!(1), true),
        (json!(null), false),
        (json!(0), false),
        (json!(false), false),
        // Differs: to the original every text that is not empty is true.
        (json!("false"), false),
        (json!("true"), false),
        (json!("1"), false),
        (json!(1.0), false),
        (json!([true]), false),
    ];
    for (flag, is_staff) in table {
        let headers = [cookie(&token(json!({ "admin_access": flag })))];
        let (status, body) = service.ask("/api/v2/me", &headers).await;
        assert_eq!((status, &body["is_admin"]), (200, &json!(is_staff)), "{flag}");
        let expected = if is_staff { (200, json!({ "users": 2 })) } else { (403, json!({ "detail": "Staff-only" })) };
        assert_eq!(service.ask("/api/v2/admin/stats", &headers).await, expected, "{flag}");
    }
    assert_eq!(service.ask("/api/v2/admin/stats", &[]).await.0, 401);
}

#[tokio::test]
async fn routes_that_ask_nobody_look_at_no_token() {
    let service = Service::new();
    for headers in [vec![], vec![cookie("zzz")], vec![bearer("zzz")], vec![cookie(&token(json!({})))]] {
        assert_eq!(service.ask("/api/participant/projects/p1", &headers).await, (200, json!("welcome")));
    }
    assert_eq!(service.ask("/api/nowhere", &[cookie("zzz")]).await, (404, json!({ "detail": "Not Found" })));
}

#[tokio::test]
async fn the_same_place_twice_is_refused() {
    let service = Service::new();
    let (a, b) = (token(json!({ "id": "a" })), token(json!({ "id": "b" })));
    // Differ: the original takes the first header and the last cookie.
    let twice = [bearer(&a), bearer(&b)];
    assert_eq!(service.ask("/api/v2/me", &twice).await, (400, json!({ "detail": "Invalid request" })));
    for cookies in
        [vec![cookie(&a), cookie(&b)], vec![("cookie", format!("{SESSION_COOKIE}={a}; {SESSION_COOKIE}={b}"))]]
    {
        assert_eq!(service.ask("/api/v2/me", &cookies).await, (400, json!({ "detail": "Invalid request" })));
    }
    service.passes("a", &[cookie(&a), ("cookie", "other=1".into())]).await;
}
