//! API keys count on the routes that say so, and act as their owner: cases 28 to 37.

use crate::service::*;

#[tokio::test]
async fn keys_count_where_a_route_says_so() {
    let service = Service::new();
    let path = format!("{}/iforester", project(PROJECT));
    service.passes("GET", &path, &key(VIEWERS_KEY)).await;
    service.passes("GET", &path, &[("X-Api-Key", VIEWERS_KEY.to_owned())]).await;
    service.passes("GET", &path, &by(VIEWER)).await;
    service.answers("GET", &path, &[], 401, "Not authenticated").await;
    service.answers("GET", project(PROJECT), &key(VIEWERS_KEY), 401, "Not authenticated").await;
    // As their owner, and no more.
    service.answers("POST", &path, &key(VIEWERS_KEY), 403, "Permission denied").await;
    service.answers("GET", &path, &key(DEMO_KEY), 403, "Permission denied").await;
    let other = format!("{}/iforester", project(OTHER_PROJECT));
    service.answers("GET", other, &key(VIEWERS_KEY), 404, "Project not found").await;
}

#[tokio::test]
async fn keys_that_are_none() {
    let service = Service::new();
    let path = format!("{}/iforester", project(PROJECT));
    // The last has bits that no encoder writes.
    for malformed in ["invalid-api-key-12345", "", &"a".repeat(43)] {
        let headers = key(malformed);
        let (status, detail) =
            if malformed.is_empty() { (401, "Not authenticated") } else { (400, "Invalid API key provided") };
        let answer = service.answers("GET", &path, &headers, status, detail).await;
        assert_eq!(answer.selects, [""; 0]);
    }
    // Differs: the original answers 404, `User not found`.
    service.answers("GET", &path, &key(&"A".repeat(43)), 401, "Invalid API key").await;
    // A token that is not valid is final, whatever key is beside it.
    let both = [bearer("zzz"), ("x-api-key", VIEWERS_KEY.to_owned())];
    service.answers("GET", &path, &both, 401, "Invalid access token").await;
}

/// Case 33, over SQLite, on each framework, since each makes another key.
#[tokio::test]
async fn a_new_key_ends_the_one_before() {
    let path = format!("{}/iforester", project(PROJECT));
    for on in BOTH {
        let service = Service::with_database().await;
        let send = async |method: &str, path: &str, headers: &[Header]| {
            service.send(on, method, path, headers, "application/json", "null").await
        };
        let request = async |who| {
            let answer = send("POST", "/api/v1/auth/request-api-key", &by(who)).await;
            assert_eq!(answer.status, 200, "{}", answer.detail());
            answer.json()["api_access_token"].as_str().unwrap_or_default().to_owned()
        };
        let other = request(MANAGER).await;
        let first = request(VIEWER).await;
        assert!(first.starts_with("d2s_") && first.len() == 53, "{on:?}");
        assert_eq!(send("GET", &path, &key(VIEWERS_KEY)).await.status, 401);
        assert_eq!(send("GET", &path, &key(&first)).await.status, 200);
        let second = request(VIEWER).await;
        assert_eq!(send("GET", &path, &key(&first)).await.detail(), "Invalid API key");
        assert_eq!(send("GET", &path, &key(&second)).await.status, 200);
        assert_eq!(send("POST", "/api/v1/auth/revoke-api-key", &by(VIEWER)).await.status, 200);
        // Case 32.
        assert_eq!(send("GET", &path, &key(&second)).await.status, 401);
        assert_eq!(send("GET", &path, &key(&other)).await.status, 200, "of another user");
    }
}

#[tokio::test]
async fn who_makes_keys() {
    let service = Service::new();
    for path in ["/api/v1/auth/request-api-key", "/api/v1/auth/revoke-api-key"] {
        service.answers("POST", path, &by(DEMO), 403, "Permission denied").await;
        service.answers("POST", path, &by(UNAPPROVED), 403, "Account requires approval").await;
        // A key makes no keys.
        service.answers("POST", path, &key(VIEWERS_KEY), 401, "Not authenticated").await;
        service.answers("POST", path, &[], 401, "Not authenticated").await;
        // Differs: the original changes them by `GET`.
        assert_eq!(service.ask("GET", path, &by(VIEWER), &serde_json::Value::Null).await.status, 405);
    }
    let path = format!("{}/iforester", project(PROJECT));
    service.passes("GET", &path, &key(VIEWERS_KEY)).await;
    let wrong = VIEWERS_KEY.replace('U', "Q");
    service.answers("GET", &path, &key(&format!("d2s_{wrong}000000")), 401, "Invalid API key").await;
}

/// Case 35, where a caller is optional. Differs: the original then takes the key.
#[tokio::test]
async fn a_bad_token_beside_a_good_key() {
    let service = Service::new();
    let both = [bearer("zzz"), ("x-api-key", VIEWERS_KEY.to_owned())];
    service.answers("GET", product(FLIGHT, PRODUCT), &both, 401, "Invalid access token").await;
    service.answers("GET", product(FLIGHT, PRODUCT), &key(VIEWERS_KEY), 401, "Not authenticated").await;
}
