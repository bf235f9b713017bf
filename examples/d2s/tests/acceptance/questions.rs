//! What the database is asked: each thing once for a request, whoever needs it.

use crate::service::*;

#[tokio::test]
async fn each_thing_is_asked_once() {
    let service = Service::new();
    let flight = flight(PROJECT, FLIGHT);
    for (method, path, headers, status, selects) in [
        ("GET", project(PROJECT), by(VIEWER), 200, &["users", "projects"][..]),
        ("GET", project(PROJECT), by(STRANGER), 404, &["users", "projects"]),
        ("PUT", project(PROJECT), by(VIEWER), 403, &["users", "projects"]),
        ("GET", project(PROJECT), vec![], 401, &[]),
        ("GET", format!("/api/v1/teams/{TEAM}"), by(VIEWER), 200, &["users", "team_members"]),
        ("GET", flight.clone(), by(VIEWER), 200, &["users", "projects", "flights"]),
        ("GET", flight.clone(), by(STRANGER), 404, &["users", "projects"]),
        ("DELETE", flight, by(OWNER), 200, &["users", "projects", "flights"]),
        ("GET", product(FLIGHT, PRODUCT), by(VIEWER), 200, &["users", "data_products", "projects"]),
        ("GET", product(FLIGHT, PUBLIC_PRODUCT), vec![], 200, &["data_products"]),
        ("GET", product(FLIGHT, LOCKED_PRODUCT), by(VIEWER), 404, &["users", "data_products", "data_products"]),
        ("GET", project(PROJECT) + "/iforester", key(VIEWERS_KEY), 200, &["api_keys", "users", "projects"]),
    ] {
        let answer = service.ask(method, &path, &headers, &serde_json::Value::Null).await;
        assert_eq!((answer.status, &*answer.selects), (status, selects), "{method} {path}");
    }
}

/// A database that does not answer denies nobody, and lets nobody in.
#[tokio::test]
async fn a_database_that_is_down() {
    let service = Service::new();
    service.store.with(|tables| tables.is_down = true);
    let unavailable = "Unexpected error has occurred";
    for path in [project(PROJECT), flight(PROJECT, FLIGHT), product(FLIGHT, PUBLIC_PRODUCT)] {
        service.answers("GET", path, &by(VIEWER), 503, unavailable).await;
    }
    service.answers("GET", project(PROJECT) + "/iforester", &key(VIEWERS_KEY), 503, unavailable).await;
    service.answers("GET", project(PROJECT), &[], 401, "Not authenticated").await;
}
