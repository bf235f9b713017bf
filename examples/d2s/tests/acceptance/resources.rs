//! Cases 46 to 50: teams, indoor projects, flights, data products.

use crate::service::*;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn teams() {
    let service = Service::new();
    let team = |id: Uuid| format!("/api/v1/teams/{id}");
    for method in ["GET", "PUT", "DELETE"] {
        // 46
        let stranger = service.answers(method, team(TEAM), &by(STRANGER), 403, "Permission denied").await;
        let missing = service.answers(method, team(MISSING), &by(OWNER), 403, "Permission denied").await;
        assert_eq!(stranger, missing, "status, headers, body and questions");
        service.passes(method, team(TEAM), &by(OWNER)).await;
    }
    service.passes("GET", team(TEAM), &by(VIEWER)).await;
    service.answers("PUT", team(TEAM), &by(VIEWER), 403, "Permission denied").await;
    service.passes("PUT", team(TEAM), &by(MANAGER)).await;
    service.answers("DELETE", team(TEAM), &by(MANAGER), 403, "Permission denied").await;
    service.passes("GET", team(TEAM), &by(DEMO)).await;
    service.answers("PUT", team(TEAM), &by(DEMO), 403, "Permission denied").await;
}

#[tokio::test]
async fn indoor_projects() {
    let service = Service::new();
    let indoor = |id: Uuid| format!("/api/v1/indoor_projects/{id}");
    // 47
    for method in ["GET", "PUT", "DELETE"] {
        for id in [MISSING, INACTIVE_INDOOR] {
            service.answers(method, indoor(id), &by(TEAM_MANAGER), 404, "Indoor project not found").await;
        }
        let stranger = "You are not a member of this indoor project";
        service.answers(method, indoor(INDOOR), &by(STRANGER), 403, stranger).await;
        service.passes(method, indoor(INDOOR), &by(TEAM_MANAGER)).await;
        service.answers(method, indoor(INDOOR), &[], 401, "Not authenticated").await;
    }
    service.passes("GET", indoor(INDOOR), &by(VIEWER)).await;
    let manager = "This action requires manager role or higher";
    service.answers("PUT", indoor(INDOOR), &by(VIEWER), 403, manager).await;
    service.passes("PUT", indoor(INDOOR), &by(MANAGER)).await;
    let owner = "This action requires owner role or higher";
    service.answers("DELETE", indoor(INDOOR), &by(MANAGER), 403, owner).await;
}

#[tokio::test]
async fn flights() {
    let service = Service::new();
    let answer = service.passes("GET", flight(PROJECT, FLIGHT), &by(VIEWER)).await;
    assert_eq!(answer.json()["name"], "june");
    service.answers("PUT", flight(PROJECT, FLIGHT), &by(VIEWER), 403, "Permission denied").await;
    service.passes("PUT", flight(PROJECT, FLIGHT), &by(MANAGER)).await;
    service.answers("PUT", flight(PROJECT, FLIGHT), &by(DEMO), 403, "Permission denied").await;
    service.answers("DELETE", flight(PROJECT, FLIGHT), &by(MANAGER), 403, "Permission denied").await;
    service.passes("DELETE", flight(PROJECT, FLIGHT), &by(OWNER)).await;
    for method in ["GET", "PUT", "DELETE"] {
        // 48: `MANAGER` manages both projects, and would pass by the right path.
        service
            .passes(method.replace("DELETE", "PUT").as_str(), flight(OTHER_PROJECT, OTHER_FLIGHT), &by(MANAGER))
            .await;
        for id in [OTHER_FLIGHT, INACTIVE_FLIGHT, MISSING] {
            service.answers(method, flight(PROJECT, id), &by(MANAGER), 404, "Flight not found").await;
        }
        // The project comes first.
        for path in [flight(MISSING, FLIGHT), flight(OTHER_PROJECT, OTHER_FLIGHT)] {
            service.answers(method, path, &by(VIEWER), 404, "Project not found").await;
        }
    }
    // 50
    service.passes("GET", flight(PROJECT, LOCKED_FLIGHT), &by(MANAGER)).await;
    let locked = "Flight currently locked. Please try again later.";
    service.answers("PUT", flight(PROJECT, LOCKED_FLIGHT), &by(MANAGER), 400, locked).await;
    service.answers("DELETE", flight(PROJECT, LOCKED_FLIGHT), &by(OWNER), 400, locked).await;
    service.answers("PUT", flight(PROJECT, LOCKED_FLIGHT), &by(VIEWER), 403, "Permission denied").await;
}

/// The two resources stand in the body, and each is asked about once.
#[tokio::test]
async fn a_flight_moves_to_another_project() {
    let service = Service::new();
    for (who, id, to, status, detail, selects) in [
        (MANAGER, FLIGHT, OTHER_PROJECT, 200, "", &["users", "flights", "projects", "projects"][..]),
        // A manager of both projects; back within one, the project is not asked about again.
        (MANAGER, FLIGHT, PROJECT, 200, "", &["users", "flights", "projects"]),
        (OWNER, FLIGHT, OTHER_PROJECT, 404, "Project not found", &["users", "flights", "projects", "projects"]),
        (OWNER, FLIGHT, MISSING, 404, "Project not found", &["users", "flights", "projects", "projects"]),
        (VIEWER, FLIGHT, OTHER_PROJECT, 403, "Permission denied", &["users", "flights", "projects"]),
        (STRANGER, FLIGHT, OTHER_PROJECT, 404, "Flight not found", &["users", "flights", "projects"]),
        (MANAGER, INACTIVE_FLIGHT, OTHER_PROJECT, 404, "Flight not found", &["users", "flights"]),
        (DEMO, FLIGHT, OTHER_PROJECT, 403, "Permission denied", &["users"]),
        (UNAPPROVED, FLIGHT, OTHER_PROJECT, 403, "Account requires approval", &["users"]),
    ] {
        let body = json!({ "flight": id, "project": to });
        let answer = service.ask("POST", "/api/v1/flights/move", &by(who), &body).await;
        let found = answer.json();
        let found = (answer.status, found["detail"].as_str().unwrap_or_default(), &*answer.selects);
        assert_eq!(found, (status, detail, selects), "{who} moves {id} to {to}");
    }
}

#[tokio::test]
async fn data_products() {
    let service = Service::new();
    let answer = service.passes("GET", product(FLIGHT, PRODUCT), &by(VIEWER)).await;
    assert_eq!(answer.json()["name"], "ortho");
    // 49; differs: that it belongs to another flight, the original tells by 403.
    service.passes("GET", product(LOCKED_FLIGHT, LOCKED_PRODUCT), &by(VIEWER)).await;
    let missing = "Data product not found";
    for id in [LOCKED_PRODUCT, INACTIVE_PRODUCT, MISSING] {
        service.answers("GET", product(FLIGHT, id), &by(VIEWER), 404, missing).await;
    }
    service.answers("GET", product(FLIGHT, PRODUCT), &by(STRANGER), 404, missing).await;
    // Public ones are read by everybody; what is private looks to nobody like what is missing.
    for headers in [vec![], by(VIEWER), by(STRANGER), by(DEMO)] {
        service.passes("GET", product(FLIGHT, PUBLIC_PRODUCT), &headers).await;
    }
    for id in [PRODUCT, MISSING] {
        service.answers("GET", product(FLIGHT, id), &[], 401, "Not authenticated").await;
    }
    service.answers("GET", product(LOCKED_FLIGHT, PUBLIC_PRODUCT), &by(STRANGER), 404, missing).await;
    let of_another_project = flight(OTHER_PROJECT, FLIGHT) + &format!("/data_products/{PUBLIC_PRODUCT}");
    service.answers("GET", of_another_project, &by(MANAGER), 404, missing).await;
    service.answers("GET", product(FLIGHT, PUBLIC_PRODUCT), &[bearer("zzz")], 401, "Invalid access token").await;
}
