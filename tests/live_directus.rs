//! Tokens that a real Directus issued, over loopback HTTP to the example on axum and on actix-web. `servers/directus.sh up`
//! starts it and prints the environment that this reads; a second instance, with another secret and tokens that live
//! some seconds, stands under the same names with the prefix `OTHER_`.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

#[path = "live/common.rs"]
mod common;

#[path = "live/directus/asking.rs"]
mod asking;
#[path = "live/directus/changes.rs"]
mod changes;
#[path = "live/directus/clients.rs"]
mod clients;
#[path = "live/directus/instance.rs"]
mod instance;
#[path = "live/directus/outages.rs"]
mod outages;
#[path = "live/directus/service.rs"]
mod service;
#[path = "live/directus/signing_in.rs"]
mod signing_in;

use common::{Anyhow, variable};
use instance::Instance;
use serde_json::json;
use service::{ME, STAFF, Service};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_token_reaches_its_handler() -> Anyhow {
    let directus = Instance::new("");
    let service = directus.service().await?;
    assert_eq!(service.get(ME, None)?.0, 401);
    assert_eq!(service.get("/api/participant/projects/1", None)?.0, 200);
    for (who, is_staff) in [("ADMIN", true), ("USER", false)] {
        let id = variable(&format!("DIRECTUS_{who}_ID"));
        for mode in ["json", "session"] {
            let token = directus.login(who, mode)?;
            let me = json!({ "user_id": id, "is_admin": is_staff });
            let staff = if is_staff { 200 } else { 403 };
            for ask in [Service::by_bearer, Service::by_cookie] {
                assert_eq!(ask(&service, ME, &token)?, (200, me.clone()), "{who} {mode}");
                assert_eq!(ask(&service, STAFF, &token)?.0, staff, "{who} {mode}");
            }
            println!("{who} in {mode} mode: {ME} 200 as {id}, {STAFF} {staff}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_character_is_refused() -> Anyhow {
    let directus = Instance::new("");
    let service = directus.service().await?;
    let token = directus.login("USER", "session")?;
    assert_eq!(service.by_cookie(ME, &token)?.0, 200);
    for at in (0..token.len()).step_by(7) {
        let flipped = |(place, character)| match character {
            character if place != at => character,
            'A' => 'B',
            _ => 'A',
        };
        let other: String = token.chars().enumerate().map(flipped).collect();
        assert!(other != token && service.by_cookie(ME, &other)?.0 == 401, "character {at}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_another_instance_and_expired_ones_are_refused() -> Anyhow {
    let (here, there) = (Instance::new("").service().await?, Instance::new("OTHER_"));
    let home = there.service().await?;
    let token = there.login("ADMIN", "json")?;
    assert_eq!(home.by_bearer(ME, &token)?.0, 200, "it is good where it belongs");
    for ask in [Service::by_bearer, Service::by_cookie] {
        assert_eq!(ask(&here, ME, &token)?.0, 401);
        assert_eq!(ask(&here, STAFF, &token)?.0, 401);
    }
    // Directus gave it few seconds to live, and nobody but the clock takes them.
    let deadline = Instant::now() + Duration::from_secs(30);
    while home.status_by_bearer(ME, &token)? == 200 {
        assert!(Instant::now() < deadline, "it never expires");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(home.by_bearer(ME, &token)?, (401, json!({ "detail": "Invalid session" })));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_token_is_no_jwt_and_is_refused() -> Anyhow {
    let service = Instance::new("").service().await?;
    assert_eq!(service.by_bearer(ME, &variable("DIRECTUS_STATIC_TOKEN"))?.0, 401);
    Ok(())
}
