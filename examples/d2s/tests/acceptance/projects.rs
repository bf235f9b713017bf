//! Cases 38 to 45 and 51: members of projects, and who is none.

use crate::service::*;
use serde_json::json;

#[tokio::test]
async fn members() {
    let service = Service::new();
    let path = project(PROJECT);
    // 38
    let answer = service.passes("GET", &path, &by(VIEWER)).await;
    assert_eq!(answer.json(), json!({ "title": "corn", "role": "viewer" }));
    // 39
    service.answers("PUT", &path, &by(VIEWER), 403, "Permission denied").await;
    // 40
    service.passes("PUT", &path, &by(MANAGER)).await;
    service.answers("DELETE", &path, &by(MANAGER), 403, "Permission denied").await;
    // 41
    service.passes("DELETE", &path, &by(OWNER)).await;
    // 45
    service.passes("GET", &path, &by(DEMO)).await;
    service.answers("PUT", &path, &by(DEMO), 403, "Permission denied").await;
    service.answers("DELETE", &path, &by(DEMO), 403, "Permission denied").await;
    // Before the project is looked at.
    let answer = service.answers("PUT", project(MISSING), &by(DEMO), 403, "Permission denied").await;
    assert_eq!(answer.selects, ["users"]);
}

#[tokio::test]
async fn what_is_missing_and_what_is_private_look_alike() {
    let service = Service::new();
    for method in ["GET", "PUT", "DELETE"] {
        // 42
        let private = service.answers(method, project(PROJECT), &by(STRANGER), 404, "Project not found").await;
        // 43
        let missing = service.answers(method, project(MISSING), &by(STRANGER), 404, "Project not found").await;
        assert_eq!(private, missing, "status, headers, body and questions");
        // 44
        let inactive = service.answers(method, project(INACTIVE_PROJECT), &by(OWNER), 404, "Project not found").await;
        assert_eq!(inactive, missing);
        service.answers(method, project(PROJECT), &[], 401, "Not authenticated").await;
    }
}

#[tokio::test]
async fn superusers() {
    let service = Service::new();
    // 51
    service.answers("GET", project(PROJECT), &by(SUPERUSER), 404, "Project not found").await;
    service.passes("GET", "/api/v1/admin/users", &by(SUPERUSER)).await;
    service.answers("GET", "/api/v1/admin/users", &by(OWNER), 403, "Access denied").await;
    service.answers("GET", "/api/v1/admin/users", &[], 401, "Not authenticated").await;
}
