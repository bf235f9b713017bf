//! API keys count on the routes that say so, and act as their owner.

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
