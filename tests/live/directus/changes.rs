//! What an administrator changes, and when it counts.

use crate::{
    asking::{NOW, enter, status},
    clients::Counted,
    common::Anyhow,
    instance::Instance,
};
use portcullis::providers::directus::Directus;
use serde_json::{Value, json};

/// The role of ordinary users, who may read their own row.
fn normal(instance: &Instance) -> Anyhow<Value> {
    let user = instance.login("USER", "json")?;
    Ok(instance.call(&user, "GET", "/users/me?fields=role", &Value::Null)?["role"].take())
}

/// Case 87: by a token that said otherwise when it was made.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_taken_away() -> Anyhow {
    let instance = Instance::new("");
    let admin = instance.login("ADMIN", "json")?;
    let user = instance.user(&admin, "promoted", &normal(&instance)?)?;
    let policy = instance.make(
        &admin,
        "/policies",
        &json!({ "name": "of one test", "admin_access": true, "app_access": true }),
    )?;
    instance.make(&admin, "/access", &json!({ "user": user.id, "policy": policy }))?;
    let (local, hybrid) = (instance.local()?, instance.local()?.hybrid(&instance.url, Counted::new()?)?);
    let introspect = Directus::introspect(&instance.url, Counted::new()?)?;
    let tokens = [instance.login_as(&user, "json")?, instance.login_as(&user, "session")?];
    for token in &tokens {
        assert!(enter(&local, token, None).await?.is_staff());
        assert!(enter(&hybrid, token, NOW).await?.is_staff());
        assert!(enter(&introspect, token, None).await?.is_staff());
    }
    instance.call(&admin, "DELETE", &format!("/policies/{}", policy.as_str().unwrap_or_default()), &Value::Null)?;
    for token in &tokens {
        assert!(enter(&local, token, None).await?.is_staff(), "the token has not heard of it");
        assert!(enter(&introspect, token, None).await?.is_staff(), "and this is remembered");
        for way in [&hybrid, &introspect] {
            let who = enter(way, token, NOW).await?;
            assert_eq!((who.is_staff(), who.id().subject()), (false, &*user.id));
        }
    }
    println!("a policy that was taken away: staff no longer by asking, still staff by the secret alone");
    Ok(())
}

/// Cases 88 and 89.
#[tokio::test(flavor = "multi_thread")]
async fn by_a_parent_s_role_and_by_a_name() -> Anyhow {
    let instance = Instance::new("");
    let admin = instance.login("ADMIN", "json")?;
    let of_admin = instance.call(&admin, "GET", "/users/me?fields=role", &Value::Null)?["role"].take();
    let child = instance.make(&admin, "/roles", &json!({ "name": "below the administrators", "parent": of_admin }))?;
    let named = instance.make(&admin, "/roles", &json!({ "name": "Administrator", "parent": normal(&instance)? }))?;
    for (name, role, expected) in [("child", child, true), ("named", named, false)] {
        let user = instance.user(&admin, name, &role)?;
        let introspect = Directus::introspect(&instance.url, Counted::new()?)?;
        let hybrid = instance.local()?.hybrid(&instance.url, Counted::new()?)?;
        for mode in ["json", "session"] {
            let token = instance.login_as(&user, mode)?;
            for way in [&introspect, &hybrid] {
                let who = enter(way, &token, NOW).await?;
                assert_eq!((who.is_staff(), who.id().subject()), (expected, &*user.id), "{name} in {mode} mode");
                assert_eq!(
                    who.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>(),
                    [role.as_str().unwrap_or_default()]
                );
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_suspended_and_one_who_is_deleted() -> Anyhow {
    let instance = Instance::new("");
    let admin = instance.login("ADMIN", "json")?;
    let user = instance.user(&admin, "leaving", &normal(&instance)?)?;
    let path = format!("/users/{}", user.id);
    let (local, hybrid) = (instance.local()?, instance.local()?.hybrid(&instance.url, Counted::new()?)?);
    let introspect = Directus::introspect(&instance.url, Counted::new()?)?;
    let (json, session) = (instance.login_as(&user, "json")?, instance.login_as(&user, "session")?);
    for token in [&json, &session] {
        assert!(enter(&hybrid, token, NOW).await.is_ok() && enter(&introspect, token, NOW).await.is_ok());
    }
    instance.call(&admin, "PATCH", &path, &json!({ "status": "suspended" }))?;
    for token in [&json, &session] {
        assert!(enter(&local, token, None).await.is_ok());
        for way in [&hybrid, &introspect] {
            assert_eq!(status(way, token, NOW).await, 401);
        }
    }
    instance.call(&admin, "PATCH", &path, &json!({ "status": "active" }))?;
    assert!(enter(&introspect, &json, NOW).await.is_ok());
    assert_eq!(status(&introspect, &session, NOW).await, 401, "the session has ended for good");
    instance.call(&admin, "DELETE", &path, &Value::Null)?;
    // Case 91: so Directus answers, and so it is documented.
    let ghost = enter(&introspect, &json, NOW).await?;
    assert_eq!((ghost.id().subject(), ghost.is_staff(), ghost.roles().len()), (&*user.id, false, 0));
    assert_eq!(status(&introspect, &session, NOW).await, 401);
    println!(
        "suspended: 401 by asking; deleted: 401 for a session, {} goes on by a token without",
        ghost.id().subject()
    );
    Ok(())
}
