//! The client of the instance, against one that runs.

use crate::{
    common::{Anyhow, variable},
    instance::Instance,
};
use aws_lc_rs::hmac;
use portcullis::{
    BearerToken, ErrorKind,
    providers::directus::{CookieMode, DirectusClient, Login, SESSION_COOKIE},
    reqwest::Client,
};
use serde_json::{Map, Value, json};
use std::time::SystemTime;

fn client() -> Anyhow<DirectusClient> {
    Ok(DirectusClient::new(&Instance::new("").url, Client::new()?)?)
}

fn user() -> Login {
    Login::new(&variable("DIRECTUS_USER_EMAIL"), &variable("DIRECTUS_USER_PASSWORD"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_is_issued_refreshed_once_and_ended() -> Anyhow {
    let directus = client()?;
    let pair = directus.login(&user()).await?;
    let me: Value = directus.me(pair.access_token(), &["email"]).await?;
    assert_eq!(me["id"], variable("DIRECTUS_USER_ID"));
    let next = directus.refresh(pair.expose_refresh_token()).await?;
    let again = directus.refresh(pair.expose_refresh_token()).await;
    assert!(again.is_err_and(|error| error.code() == "invalid_credentials"));
    directus.logout(next.expose_refresh_token()).await?;
    assert!(directus.refresh(next.expose_refresh_token()).await.is_err());
    directus.logout("unknown").await?;
    println!("json: login, me, refresh once, logout; access tokens for {:?}", pair.expires_in());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_of_a_session_end_with_the_logout() -> Anyhow {
    let directus = client()?;
    let session = directus.login_with_cookie(&user(), CookieMode::Session).await?;
    let value = |cookie: &str| Some(cookie.split_once('=')?.1.split(';').next()?.to_owned());
    let cookie = session.set_cookies().first().and_then(|cookie| value(cookie)).ok_or("no cookie")?;
    assert!(session.set_cookies().iter().all(|cookie| cookie.starts_with(SESSION_COOKIE)));
    let me = async |token: &str| directus.me::<Value>(&BearerToken::new(token)?, &[]).await;
    assert!(me(&cookie).await.is_ok());
    let next = directus.refresh_with_cookie(&cookie, CookieMode::Session).await?;
    let next = next.set_cookies().first().and_then(|cookie| value(cookie)).ok_or("no cookie")?;
    assert!(me(&next).await.is_ok());
    let removed = directus.logout_with_cookie(&next, CookieMode::Session).await?;
    assert!(!removed.is_empty());
    assert!(me(&next).await.is_err_and(|error| error.kind() == ErrorKind::Invalid));

    let by_cookie = directus.login_with_cookie(&user(), CookieMode::Cookie).await?;
    assert!(by_cookie.access_token().is_some());
    let refresh = by_cookie.set_cookies().first().and_then(|cookie| value(cookie)).ok_or("no cookie")?;
    assert!(directus.refresh_with_cookie(&refresh, CookieMode::Cookie).await.is_ok());
    assert!(directus.refresh_with_cookie(&refresh, CookieMode::Cookie).await.is_err());
    println!("cookie and session: login, refresh, logout");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_gets_the_fixed_role_and_is_refused_once_suspended() -> Anyhow {
    let (directus, instance) = (client()?, Instance::new(""));
    let admin = instance.login("ADMIN", "json")?;
    let role = instance.make(&admin, "/roles", &json!({ "name": "members" }))?;
    let sign_up = directus.sign_up(&admin, role.as_str().ok_or("no role")?, &["first_name"])?;
    let email = format!("new-{:016x}@example.com", fastrand::u64(..));
    let fields: Map<String, Value> = serde_json::from_value(json!({ "first_name": "New" }))?;
    let id = sign_up.create(&email, "Throw-away-pass-123", &fields).await?.ok_or("no id")?;
    let user = instance.call(&admin, "GET", &format!("/users/{id}?fields=role,status,first_name"), &Value::Null)?;
    assert_eq!(user, json!({ "role": role, "status": "active", "first_name": "New" }));
    let twice = sign_up.create(&email, "Throw-away-pass-123", &fields).await;
    assert!(twice.is_err_and(|error| error.code() == "record_not_unique"));

    let login = Login::new(&email, "Throw-away-pass-123");
    let pair = directus.login(&login).await?;
    let wrong = directus.login(&Login::new(&email, "guess")).await;
    assert!(wrong.is_err_and(|error| error.code() == "invalid_credentials"));
    instance.call(&admin, "PATCH", &format!("/users/{id}"), &json!({ "status": "suspended" }))?;
    let refused = directus.login(&login).await.err().ok_or("a suspended user signs in")?;
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(directus.refresh(pair.expose_refresh_token()).await.is_err_and(|error| error.kind() == ErrorKind::Invalid));
    println!("registered, refused twice, suspended: {}", refused.code());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for() -> Anyhow {
    let (directus, instance) = (client()?, Instance::new(""));
    let admin = instance.login("ADMIN", "json")?;
    // Setting up a second factor needs a right that this user has as an administrator.
    let role = instance.make(&admin, "/roles", &json!({ "name": "with a second factor" }))?;
    let policy = instance.make(&admin, "/policies", &json!({ "name": "second factor", "admin_access": true }))?;
    instance.call(&admin, "POST", "/access", &json!({ "role": role, "policy": policy }))?;
    let sign_up = directus.sign_up(&admin, role.as_str().ok_or("no role")?, &[])?;
    let (email, password) = (format!("otp-{:016x}@example.com", fastrand::u64(..)), "Throw-away-pass-123");
    sign_up.create(&email, password, &Map::new()).await?;
    let first = directus.login(&Login::new(&email, password)).await?;
    let own = first.access_token().expose();
    let made = instance.call(own, "POST", "/users/me/tfa/generate", &json!({ "password": password }))?;
    let secret = made["secret"].as_str().ok_or("no secret")?;
    let code = totp(secret)?;
    instance.call(own, "POST", "/users/me/tfa/enable", &json!({ "secret": secret, "otp": code }))?;

    for wrong in [Login::new(&email, password), Login::new(&email, password).otp("000000")] {
        let refused = directus.login(&wrong).await.err().ok_or("without the second factor")?;
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::Invalid, "invalid_otp"));
    }
    let pair = directus.login(&Login::new(&email, password).otp(&totp(secret)?)).await?;
    assert!(directus.me::<Value>(pair.access_token(), &[]).await.is_ok());
    println!("a second factor: refused without it and with a wrong one, then accepted");
    Ok(())
}

/// The password of now by this secret in Base32 (RFC 6238).
fn totp(secret: &str) -> Anyhow<String> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut key, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in secret.trim_end_matches('=').chars() {
        let value = ALPHABET.find(letter).ok_or("no Base32")?;
        (bits, count) = ((bits << 5) | u32::try_from(value)?, count + 5);
        if count >= 8 {
            count -= 8;
            key.push(u8::try_from((bits >> count) & 0xff)?);
        }
    }
    let step = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() / 30;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let start = usize::from(tag.as_ref()[19] & 15);
    let number = u32::from_be_bytes(tag.as_ref()[start..start + 4].try_into()?) & 0x7fff_ffff;
    Ok(format!("{:06}", number % 1_000_000))
}
