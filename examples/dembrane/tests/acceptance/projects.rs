//! Projects: those of a workspace, private ones, and old ones without a workspace.

use crate::service::*;
use dembrane::store::{Project, Tier, Workspace};
use serde_json::{Value, json};

fn missing() -> (u16, Value) {
    detail(404, "Project not found")
}

fn project(is_private: bool) -> Project {
    Project { workspace: Some("w1".to_owned()), creator: "owner".to_owned(), is_private }
}

impl Service {
    fn project(&self, project: Project) {
        self.store().change(|tables| tables.projects.insert("p1".to_owned(), project));
    }

    fn share(&self, name: &str, role: &'static str) {
        self.store().change(|tables| {
            tables.users.insert(name.to_owned(), format!("of-{name}"));
            tables.shares.insert(("p1".to_owned(), format!("of-{name}")), role);
        });
    }

    async fn on(&self, method: &str, name: &str) -> (u16, Value) {
        let path = if method == "POST" { "/api/v2/projects/p1/share" } else { "/api/v2/projects/p1" };
        self.send(method, path, &of(name), &Value::Null).await
    }

    /// What reading, changing and deleting are answered with.
    async fn statuses(&self, name: &str) -> [u16; 3] {
        [self.on("GET", name).await.0, self.on("PATCH", name).await.0, self.on("DELETE", name).await.0]
    }
}

const PEOPLE: [&str; 5] = ["observer", "external", "member", "billing", "admin"];

/// `w1` with a member of each role.
fn service() -> Service {
    let service = Service::with_tenants();
    for role in PEOPLE {
        service.joins(&format!("a-{role}"), member(role));
    }
    service
}

#[tokio::test]
async fn the_roles_of_the_workspace() {
    let service = service();
    service.project(project(false));
    for (name, expected) in [
        ("a-observer", [200, 403, 403]),
        ("a-external", [200, 200, 403]),
        ("a-member", [200, 200, 403]),
        ("a-billing", [403, 403, 403]),
        ("a-admin", [200, 200, 200]),
        ("owner", [200, 200, 200]),
        ("admin", [404, 404, 404]),
        ("none", [404, 404, 404]),
    ] {
        assert_eq!(service.statuses(name).await, expected, "{name}");
    }
    assert_eq!(service.on("GET", "none").await, missing());
    assert_eq!(service.ask("/api/v2/projects/p9", &of("owner")).await, missing(), "the same as one that there is not");
    assert_eq!(service.on("PATCH", "a-observer").await, detail(403, "Not allowed"));
    // A share of a project that is not private gives nothing.
    service.share("a-observer", "editor");
    assert_eq!(service.statuses("a-observer").await, [200, 403, 403]);
}

/// Cases 53 and 54.
#[tokio::test]
async fn private_projects() {
    let service = service();
    service.project(project(true));
    for name in ["a-observer", "a-external", "a-member", "a-billing", "admin", "none"] {
        assert_eq!(service.on("GET", name).await, missing(), "{name}");
    }
    for (name, role) in [("a-admin", "admin"), ("owner", "admin")] {
        assert_eq!(service.statuses(name).await, [200, 200, 200], "{name}");
        assert_eq!(service.on("GET", name).await, (200, json!({ "role": role })));
        // A share takes nothing away.
        service.share(name, "viewer");
        assert_eq!(service.statuses(name).await, [200, 200, 200], "{name}");
    }
    for name in ["a-member", "a-observer", "a-billing"] {
        service.share(name, "editor");
        assert_eq!(service.statuses(name).await, [200, 200, 403], "{name}");
        assert_eq!(service.on("DELETE", name).await, detail(403, "Not allowed"), "{name}");
        // Differs: there, a viewer's share gives nothing.
        service.share(name, "viewer");
        assert_eq!(service.statuses(name).await, [200, 403, 403], "{name}");
        assert_eq!(service.on("GET", name).await, (200, json!({ "role": "share-viewer" })), "{name}");
    }
    assert_eq!(service.on("GET", "a-external").await, missing(), "a share of somebody else");
}

/// Case 55.
#[tokio::test]
async fn a_share_is_for_members_of_the_workspace() {
    let service = service();
    service.project(project(true));
    for name in ["none", "admin", "a-member"] {
        service.share(name, "editor");
    }
    assert_eq!((service.on("GET", "none").await, service.on("GET", "admin").await), (missing(), missing()));
    assert_eq!(service.on("GET", "a-member").await.0, 200);
    // Who leaves the workspace leaves the project.
    service.store().change(|tables| tables.members.remove(&("w1".to_owned(), "of-a-member".to_owned())));
    assert_eq!(service.on("GET", "a-member").await, missing());
    // By the organization somebody may be in the workspace too.
    service.workspace(Workspace { is_open: true, inherits_members: true, ..workspace() });
    service.share("member", "editor");
    assert_eq!(service.statuses("member").await, [200, 200, 403]);
    service.store().change(|tables| tables.workspaces.remove("w1"));
    for name in ["owner", "a-admin", "member"] {
        assert_eq!(service.on("GET", name).await, missing(), "{name} when the workspace is deleted");
    }
}

/// Case 56.
#[tokio::test]
async fn old_projects_have_no_workspace() {
    let service = service();
    service.project(Project { workspace: None, creator: "none".to_owned(), is_private: true });
    assert_eq!(service.statuses("none").await, [200, 200, 200]);
    assert_eq!(service.on("GET", "none").await, (200, json!({ "role": "owner" })));
    assert_eq!(service.on("POST", "none").await.0, 200, "there is no tier to pay for");
    service.share("a-admin", "editor");
    for name in ["owner", "a-admin"] {
        assert_eq!(service.on("GET", name).await, missing(), "{name}");
    }
}

/// Case 57.
#[tokio::test]
async fn what_is_missing() {
    let service = service();
    service.project(project(false));
    let tier = |tier: &str| Workspace { tier: Tier(Some(tier.to_owned())), ..workspace() };
    service.workspace(tier("free"));
    let pay = detail(403, "This action requires the innovator tier (currently free).");
    assert_eq!(service.on("POST", "a-admin").await, pay);
    assert_eq!(service.on("POST", "a-member").await, detail(403, "Not allowed"));
    assert_eq!(service.on("POST", "none").await, missing());
    service.workspace(tier("innovator"));
    assert_eq!(service.on("POST", "a-admin").await, (200, json!("shared")));
    assert_eq!(service.on("POST", "a-member").await, detail(403, "Not allowed"));
}

#[tokio::test]
async fn questions_to_the_database() {
    let service = service();
    for (is_private, name, expected) in [
        (false, "a-member", (200, 3)),
        (false, "owner", (200, 4)),
        (true, "a-admin", (200, 3)),
        (true, "none", (404, 4)),
    ] {
        service.project(project(is_private));
        let found = service.count("/api/v2/projects/p1", &of(name)).await;
        assert_eq!(found, expected, "{name}, private: {is_private}");
    }
    service.share("a-member", "viewer");
    let shared = service.count("/api/v2/projects/p1", &of("a-member")).await;
    assert_eq!(shared, (200, 3), "the workspace is asked about once");
}
