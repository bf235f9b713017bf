//! Roles in an organization, and who may give which role.

use crate::service::*;
use serde_json::{Value, json};

/// Case 60.
#[tokio::test]
async fn roles_in_an_organization() {
    let service = Service::with_tenants();
    let (stranger, owner) = ("No access to this organisation", "Owner-only action");
    let admins = "Organisation admins or owners only";
    let table = [
        ("owner", [None, None, None]),
        ("admin", [None, None, Some(owner)]),
        ("member", [None, Some(admins), Some(owner)]),
        ("billing", [None, Some(admins), Some(owner)]),
        ("none", [Some(stranger); 3]),
    ];
    for (name, expected) in table {
        let routes = [("GET", "/api/v2/orgs/o1"), ("POST", "/api/v2/orgs/o1/members"), ("DELETE", "/api/v2/orgs/o1")];
        for ((method, path), refused) in routes.into_iter().zip(expected) {
            let answer = service.send(method, path, &of(name), &Value::Null).await;
            match refused {
                None => assert_eq!(answer.0, 200, "{name}: {method} {path}"),
                Some(text) => assert_eq!(answer, detail(403, text), "{name}: {method} {path}"),
            }
        }
        assert_eq!(service.ask("/api/v2/orgs/o2", &of(name)).await, detail(403, stranger), "{name}");
    }
    assert_eq!(service.ask("/api/v2/orgs/o1", &staff("none")).await, detail(403, stranger), "staff neither");
}

const ROLES: [&str; 6] = ["observer", "external", "member", "billing", "admin", "owner"];

/// Case 58.
#[tokio::test]
async fn nobody_gives_a_role_above_their_own() {
    let service = Service::with_tenants();
    for role in ROLES {
        service.joins(&format!("a-{role}"), member(role));
    }
    let grant = async |route: &str, by: &str, role: &str| {
        let (path, body) = (format!("/api/v2/workspaces/w1/{route}"), json!({ "user": "of-new", "role": role }));
        service.send("POST", &path, &of(by), &body).await
    };
    let (granted, denied) = ((200, json!("granted")), detail(403, "Access denied"));
    let (above, unknown) = (detail(403, "Cannot grant a role higher than your own"), detail(400, "Invalid request"));
    for role in ROLES {
        let invited = if role == "owner" { &unknown } else { &granted };
        let is_changed = ["member", "billing", "admin"].contains(&role);
        // An owner of the organization is an administrator of its workspaces.
        for by in ["a-admin", "owner"] {
            let changed = if role == "owner" {
                &above
            } else if is_changed {
                &granted
            } else {
                &unknown
            };
            assert_eq!(&grant("invite", by, role).await, invited, "{by} invites as {role}");
            assert_eq!(&grant("members", by, role).await, changed, "{by} changes to {role}");
        }
        let changed = if is_changed || role == "owner" { &granted } else { &unknown };
        assert_eq!(&grant("invite", "a-owner", role).await, invited, "an owner invites as {role}");
        assert_eq!(&grant("members", "a-owner", role).await, changed, "an owner changes to {role}");
        for by in ["a-observer", "a-external", "a-member", "a-billing"] {
            assert_eq!(grant("invite", by, role).await, denied, "{by} invites as {role}");
            assert_eq!(grant("members", by, role).await, denied, "{by} changes to {role}");
        }
    }
    for unheard in ["Admin", "root", ""] {
        assert_eq!(grant("invite", "a-owner", unheard).await, unknown, "{unheard}");
        assert_eq!(grant("members", "a-owner", unheard).await, unknown, "{unheard}");
    }
    let row = service.store().change(|tables| tables.members[&("w1".to_owned(), "of-new".to_owned())].clone());
    assert_eq!(row.role, "owner");
}
