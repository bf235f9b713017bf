//! The instance is asked: about what, with what result, and on which of the three ways.

use crate::{
    clients::Counted,
    common::{Anyhow, variable},
    instance::Instance,
    service::{ME, Service},
};
use portcullis::{
    Algorithm, Credential, CredentialSource, Error, Principal, Verifier, providers::directus::Directus,
    testing::SigningKey,
};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// Who presents this, as it was told no longer ago than that.
pub async fn enter(
    on: &(impl Into<Verifier> + Clone),
    token: &str,
    max_age: Option<Duration>,
) -> Result<Principal, Error> {
    on.clone().into().authenticate(&Credential::new(token, CredentialSource::bearer()).with_max_age(max_age)).await
}

/// The status of the answer.
pub async fn status(on: &(impl Into<Verifier> + Clone), token: &str, max_age: Option<Duration>) -> u16 {
    enter(on, token, max_age).await.map_or_else(|error| error.status(), |_| 200)
}

/// Nothing that is remembered.
pub const NOW: Option<Duration> = Some(Duration::ZERO);

/// A token by the instance's own secret, with these members beside `iss` and `exp`.
pub fn forge(instance: &Instance, members: &Value) -> Anyhow<String> {
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let mut claims = json!({ "iss": "directus", "iat": now, "exp": now + 300, "role": null, "app_access": false, "admin_access": false });
    let members = members.as_object().cloned().unwrap_or_default();
    claims.as_object_mut().ok_or("no object")?.extend(members);
    let key = SigningKey::secret(Algorithm::Hs256, &instance.secret)?;
    Ok(key.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string()))
}

/// Case 27.
#[tokio::test(flavor = "multi_thread")]
async fn a_static_token_is_its_user() -> Anyhow {
    let instance = Instance::new("");
    let token = variable("DIRECTUS_STATIC_TOKEN");
    let me = json!({ "user_id": instance.who_is(&token)?, "is_admin": false });
    let hybrid = instance.local()?.hybrid(&instance.url, Counted::new()?)?;
    let introspect = Directus::introspect(&instance.url, Counted::new()?)?;
    for (way, what) in [(hybrid, "hybrid"), (introspect, "introspect")] {
        let service = Service::start(way).await?;
        for ask in [Service::by_bearer, Service::by_cookie] {
            assert_eq!(ask(&service, ME, &token)?, (200, me.clone()), "{what}");
        }
        for wrong in [&token[1..], &token.to_uppercase(), &format!("{token}x"), "x", "a.b.c"] {
            assert_eq!(service.statuses(wrong)?, [401, 401], "{what}: {wrong}");
        }
        println!("a static token by {what}: {ME} 200 as {}", me["user_id"]);
    }
    assert_eq!(instance.service().await?.statuses(&token)?, [401, 401], "by its secret alone");
    Ok(())
}

/// Case 28.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_logged_out() -> Anyhow {
    let instance = Instance::new("");
    let local = instance.service().await?;
    let hybrid = instance.local()?.hybrid(&instance.url, Counted::new()?)?;
    // Nothing is remembered here, and there everything.
    let forgetful = Service::start(hybrid.clone().remember(Duration::ZERO, Duration::ZERO)).await?;
    let remembering = hybrid.remember(Duration::from_secs(3600), Duration::from_secs(3600));
    let (session, other) = (instance.login("USER", "session")?, instance.login("USER", "session")?);
    for token in [&session, &other] {
        assert_eq!((forgetful.statuses(token)?, local.statuses(token)?), ([200, 403], [200, 403]));
        assert!(enter(&remembering, token, None).await.is_ok());
    }
    instance.log_out(&session)?;
    assert_eq!((forgetful.statuses(&session)?, local.statuses(&session)?), ([401, 401], [200, 403]));
    assert!(enter(&remembering, &session, None).await.is_ok(), "remembered");
    assert_eq!(status(&remembering, &session, NOW).await, 401);
    assert_eq!(status(&remembering, &session, None).await, 401, "and told to all");
    // The neighbour's session goes on.
    assert_eq!(forgetful.statuses(&other)?, [200, 403]);
    assert!(enter(&remembering, &other, NOW).await.is_ok());
    println!("after a logout: 401 by asking, 200 by the secret alone");
    Ok(())
}

/// A token that no session could have ended is taken as it is; the others are asked about once, at two addresses.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_about() -> Anyhow {
    let instance = Instance::new("");
    let counted = Counted::new()?;
    let hybrid = instance.local()?.hybrid(&instance.url, counted.clone())?;
    let introspect = Directus::introspect(&instance.url, counted.clone())?;
    let (json, session) = (instance.login("USER", "json")?, instance.login("USER", "session")?);
    let (forged, opaque) = (format!("{session}x"), variable("DIRECTUS_STATIC_TOKEN"));
    let rows = [
        ("json", &json, true, 0, 2),
        ("session", &session, true, 2, 2),
        ("static", &opaque, true, 2, 2),
        ("forged", &forged, false, 0, 1),
    ];
    for (what, token, is_good, by_both, by_asking) in rows {
        for (way, asked) in [(&hybrid, by_both), (&introspect, by_asking)] {
            let before = counted.sent();
            for _ in 0..3 {
                assert_eq!(enter(way, token, None).await.is_ok(), is_good, "{what}");
            }
            assert_eq!(counted.sent(), before + asked, "{what}");
        }
    }
    let before = counted.sent();
    assert!(enter(&hybrid, &json, NOW).await.is_ok());
    assert_eq!(counted.sent(), before + 2, "unless a route says so");
    // A token of another instance is proven wrong here, and there by the instance.
    let other = Instance::new("OTHER_").login("ADMIN", "session")?;
    for (way, asked) in [(&hybrid, 0), (&introspect, 1)] {
        let before = counted.sent();
        assert_eq!(status(way, &other, None).await, 401);
        assert_eq!(counted.sent(), before + asked);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_on_all_three_ways() -> Anyhow {
    let instance = Instance::new("");
    let ways: [(&str, Verifier); 3] = [
        ("local", instance.local()?.into()),
        ("hybrid", instance.local()?.hybrid(&instance.url, Counted::new()?)?.into()),
        ("introspect", Directus::introspect(&instance.url, Counted::new()?)?.into()),
    ];
    let mut rows = Vec::new();
    for (who, statuses) in [("ADMIN", [200, 200]), ("USER", [200, 403])] {
        let me = json!({ "user_id": variable(&format!("DIRECTUS_{who}_ID")), "is_admin": who == "ADMIN" });
        for mode in ["json", "session"] {
            rows.push((format!("{who} in {mode} mode"), instance.login(who, mode)?, statuses, me.clone()));
        }
    }
    for (what, way) in ways {
        let service = Service::start(way).await?;
        for (who, token, statuses, me) in &rows {
            assert_eq!(service.statuses(token)?, *statuses, "{who} by {what}");
            assert_eq!(service.by_bearer(ME, token)?, (200, me.clone()), "{who} by {what}");
        }
        println!("{what}: the admin is staff, the user is not");
    }
    Ok(())
}

/// Cases 85 and 90: what is signed with the secret and not true.
#[tokio::test(flavor = "multi_thread")]
async fn claims_that_are_not_true() -> Anyhow {
    let instance = Instance::new("");
    let local = instance.local()?;
    let hybrid = instance.local()?.hybrid(&instance.url, Counted::new()?)?;
    let introspect = Directus::introspect(&instance.url, Counted::new()?)?;
    for (who, real) in [("ADMIN", true), ("USER", false)] {
        let id = variable(&format!("DIRECTUS_{who}_ID"));
        let role = instance.call(&instance.login(who, "json")?, "GET", "/users/me?fields=role", &Value::Null)?;
        for claimed in [true, false] {
            let token = forge(
                &instance,
                &json!({ "id": id, "role": role["role"], "app_access": true, "admin_access": claimed }),
            )?;
            assert_eq!(enter(&local, &token, None).await?.is_staff(), claimed, "{who}");
            assert_eq!(enter(&introspect, &token, None).await?.is_staff(), real, "{who}");
            assert_eq!(enter(&hybrid, &token, NOW).await?.is_staff(), real, "{who}");
        }
        // A session that there never was.
        let token = forge(&instance, &json!({ "id": id, "role": role["role"], "session": "s".repeat(64) }))?;
        assert!(enter(&local, &token, None).await.is_ok());
        assert_eq!(status(&hybrid, &token, None).await, 401);
    }
    let share = forge(&instance, &json!({ "share": "0a1b2c3d-0000-4000-8000-000000000009" }))?;
    let said = instance.call(&share, "GET", "/users/me", &Value::Null)?;
    assert!(said["share"].is_string() && said["id"].is_null(), "Directus answers 200: {said}");
    for way in [Verifier::from(introspect), hybrid.into(), local.into()] {
        assert_eq!(status(&way, &share, None).await, 401);
    }
    Ok(())
}
