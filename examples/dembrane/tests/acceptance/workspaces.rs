//! Who is in a workspace, and by what.

use crate::service::*;
use dembrane::store::{Member, Workspace};
use portcullis::PermissionSet;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

fn seen(role: &str, source: &str) -> (u16, Value) {
    (200, json!({ "role": role, "source": source }))
}

fn stranger() -> (u16, Value) {
    detail(403, "No access to this workspace")
}

/// Cases 33 to 35.
#[tokio::test]
async fn who_is_nothing_to_it() {
    let service = Service::with_tenants();
    for path in ["/api/v2/workspaces/w1", "/api/v2/workspaces/w9", "/api/v2/projects/p9", "/api/v2/orgs/o1"] {
        assert_eq!(service.ask(path, &of("newcomer")).await, detail(403, "User not onboarded"), "{path}");
        assert_eq!(service.ask(path, &[]).await, detail(401, "Invalid session"), "{path}");
    }
    assert_eq!(service.ask("/api/v2/me", &of("newcomer")).await.0, 200, "who is new may know who they are");
    for name in ["owner", "none"] {
        let missing = service.ask("/api/v2/workspaces/w9", &of(name)).await;
        assert_eq!(missing, detail(404, "Workspace not found"), "{name}");
    }
    assert_eq!(service.show("none").await, stranger());
}

/// Cases 37 to 39 and 42: what each role in the organization is in a workspace where there is no other.
#[tokio::test]
async fn what_comes_down() {
    let service = Service::with_tenants();
    let admin = || seen("admin", "inherited");
    let table = [
        (false, false, [admin(), stranger(), stranger()]),
        (false, true, [admin(), stranger(), stranger()]),
        (true, false, [admin(), admin(), stranger()]),
        (true, true, [admin(), admin(), seen("member", "inherited")]),
    ];
    for (is_open, inherits_members, expected) in table {
        service.workspace(Workspace { is_open, inherits_members, ..workspace() });
        let found = [service.show("owner").await, service.show("admin").await, service.show("member").await];
        assert_eq!(found, expected, "open: {is_open}, with members: {inherits_members}");
        for nobody in ["billing", "none"] {
            assert_eq!(service.show(nobody).await, stranger(), "{nobody}: {is_open}, {inherits_members}");
        }
    }
    // The roles in another organization are nothing here.
    service.workspace(Workspace {
        organization: "o2".to_owned(),
        is_open: true,
        inherits_members: true,
        ..workspace()
    });
    for name in ["owner", "admin", "member"] {
        assert_eq!(service.show(name).await, stranger(), "{name}");
    }
}

/// Case 36: the nearest place counts, even if it gives less.
#[tokio::test]
async fn members_have_the_role_of_a_member() {
    let service = Service::with_tenants();
    service.workspace(Workspace { is_open: true, inherits_members: true, ..workspace() });
    for name in ["owner", "admin", "billing", "none"] {
        service.joins(name, member("member"));
        assert_eq!(service.show(name).await, seen("member", "direct"), "{name}");
    }
    assert_eq!(service.ask("/api/v2/workspaces/w1/members", &of("owner")).await, detail(403, "Access denied"));
}

/// Case 40.
#[tokio::test]
async fn who_was_removed() {
    let service = Service::with_tenants();
    let removed = ["owner", "admin"].map(|name| format!("of-{name}")).into();
    service.workspace(Workspace { is_open: true, inherits_members: true, removed, ..workspace() });
    for name in ["owner", "admin"] {
        assert_eq!(service.show(name).await, stranger(), "{name}");
        service.joins(name, member("observer"));
        assert_eq!(service.show(name).await, seen("observer", "direct"), "{name}");
    }
    assert_eq!(service.show("member").await, seen("member", "inherited"));
}

/// Case 41. What is no time cannot stand in the table.
#[tokio::test]
async fn members_for_some_time() {
    let service = Service::with_tenants();
    let until = |seconds: u64| Member {
        expires_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
        policies: PermissionSet::new(["*:*"]).unwrap_or_default(),
        ..member("member")
    };
    for (end, owner, none) in [
        (NOW - 1, seen("admin", "inherited"), stranger()),
        (NOW, seen("admin", "inherited"), stranger()),
        (NOW + 1, seen("member", "direct"), seen("member", "direct")),
    ] {
        service.joins("owner", until(end));
        service.joins("none", until(end));
        assert_eq!((service.show("owner").await, service.show("none").await), (owner, none), "{end}");
    }
    service.clock.advance(Duration::from_secs(1));
    assert_eq!(service.show("none").await, stranger(), "what was beside the role has ended with it");
    service.joins("none", Member { expires_at: None, ..until(0) });
    assert_eq!(service.show("none").await, seen("member", "direct"));
}

/// Case 46. Theirs logs a warning.
#[tokio::test]
async fn a_role_of_an_old_name() {
    let service = Service::with_tenants();
    service.joins("old", member("viewer"));
    assert_eq!(service.show("old").await, seen("viewer", "direct"));
    assert_eq!(service.ask("/api/v2/workspaces/w1/invoices", &of("old")).await, detail(403, "Access denied"));
}

/// Case 62: who is staff has no more rights in a workspace than others.
#[tokio::test]
async fn staff_is_not_in_it() {
    let service = Service::with_tenants();
    service.joins("helper", member("billing"));
    for name in ["none", "newcomer"] {
        let who = if name == "none" { stranger() } else { detail(403, "User not onboarded") };
        assert_eq!(service.ask("/api/v2/workspaces/w1", &staff(name)).await, who, "{name}");
    }
    assert_eq!(service.ask("/api/v2/workspaces/w1", &staff("helper")).await, detail(403, "Access denied"));
}

/// Cases 61 and 63.
#[tokio::test]
async fn staff_may_help() {
    let service = Service::with_tenants();
    let only = detail(403, "Staff-only");
    assert_eq!(service.ask("/api/v2/admin/stats", &of("owner")).await, only);
    assert_eq!(service.ask("/api/v2/admin/stats", &of("newcomer")).await, only);
    assert_eq!(service.ask("/api/v2/admin/stats", &staff("newcomer")).await.0, 200);

    let help = async |id: &str, headers: &[(&str, String)]| {
        service.send("POST", &format!("/api/v2/admin/workspaces/{id}/support"), headers, &Value::Null).await
    };
    let helper = staff("none");
    assert_eq!(help("w1", &of("owner")).await, only);
    assert_eq!(help("w9", &helper).await, detail(404, "Workspace not found"));
    assert_eq!(help("w1", &helper).await.0, 403);
    assert_eq!(service.ask("/api/v2/workspaces/w1", &helper).await, stranger(), "the refused one has changed nothing");
    service.workspace(Workspace { allows_support: true, ..workspace() });
    service.joins("editor", member("member"));
    assert_eq!(help("w1", &of("owner")).await, only);
    assert_eq!(help("w1", &helper).await, (200, json!("welcome")));
    assert_eq!(service.ask("/api/v2/workspaces/w1", &helper).await, seen("admin", "direct"));
    let members = service.ask("/api/v2/workspaces/w1/members", &of("owner")).await;
    assert_eq!(members, (200, json!(["of-editor"])), "staff that helps is no member");
    // For a day, by the row and not by the flag.
    let day = Duration::from_secs(24 * 60 * 60);
    let later = [bearer(&token(json!({ "id": "none", "exp": NOW + 2 * day.as_secs() })))];
    service.clock.advance(day - Duration::from_secs(1));
    assert_eq!(service.ask("/api/v2/workspaces/w1", &later).await, seen("admin", "direct"));
    service.clock.advance(Duration::from_secs(1));
    assert_eq!(service.ask("/api/v2/workspaces/w1", &later).await, stranger());
}

/// Browsers add the session cookie to what pages of others send, so only the service's own pages may change something with it.
#[tokio::test]
async fn pages_of_others() {
    let service = Service::with_tenants();
    let session = || cookie(&token(json!({ "id": "owner" })));
    let body = json!({ "user": "of-new", "role": "member" });
    let invite =
        async |headers: &[(&str, String)]| service.send("POST", "/api/v2/workspaces/w1/invite", headers, &body).await;
    let from = |origin: &str| ("origin", origin.to_owned());
    assert_eq!(invite(&[session(), from(DASHBOARD)]).await, (200, json!("granted")));
    let refused = detail(403, "Cross-origin request");
    assert_eq!(invite(&[session(), from("https://dashboard.example.com.evil.test")]).await, refused);
    assert_eq!(invite(&[session()]).await, refused);
    assert_eq!(invite(&of("owner")).await.0, 200, "a bearer token is added by nobody but the page that has it");
}

/// Who is asked, and no more: the account, the workspace with the member, and the organization where nothing else is known.
#[tokio::test]
async fn questions_to_the_database() {
    let service = Service::with_tenants();
    service.joins("editor", member("member"));
    for (name, expected) in [("editor", (200, 2)), ("owner", (200, 3)), ("none", (403, 3)), ("newcomer", (403, 1))] {
        assert_eq!(service.count("/api/v2/workspaces/w1", &of(name)).await, expected, "{name}");
    }
    assert_eq!(service.count("/api/v2/workspaces/w1", &[]).await, (401, 0));
    assert_eq!(service.count("/api/health", &of("editor")).await, (200, 0));
}
