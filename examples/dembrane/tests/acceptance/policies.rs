//! What each role permits in a workspace, which tier it takes, and what stands beside the role.

use crate::service::*;
use axum::{body::Body, http::Request};
use dembrane::{
    store::{Member, Tier, Workspace},
    tenants::{changemaker, custom_policies, innovator, workspace as on},
};
use portcullis::{
    actix, axum as on_axum,
    policy::{Policy, values::OnResource},
};
use std::sync::Arc;
use tower::ServiceExt;

const OWNER: usize = 1;
const ADMIN: usize = 2;
const MEMBER: usize = 4;
const BILLING: usize = 8;
const EXTERNAL: usize = 16;
const OBSERVER: usize = 32;

const ROLES: [(&str, usize); 6] = [
    ("owner", OWNER),
    ("admin", ADMIN),
    ("member", MEMBER),
    ("billing", BILLING),
    ("external", EXTERNAL),
    ("observer", OBSERVER),
];

/// The table of the original, as it was made by running it.
const TABLE: [(&str, usize); 26] = [
    ("chat:use", OWNER | ADMIN | MEMBER | EXTERNAL),
    ("conversation:delete", OWNER | ADMIN | MEMBER),
    ("conversation:read", OWNER | ADMIN | MEMBER | EXTERNAL | OBSERVER),
    ("member:invite", OWNER | ADMIN),
    ("member:manage", OWNER | ADMIN),
    ("project:create", OWNER | ADMIN | MEMBER),
    ("project:delete", OWNER | ADMIN),
    ("project:move", OWNER | ADMIN),
    ("project:read", OWNER | ADMIN | MEMBER | EXTERNAL | OBSERVER),
    ("project:set_private", OWNER | ADMIN),
    ("project:share", OWNER | ADMIN),
    ("project:update", OWNER | ADMIN | MEMBER | EXTERNAL),
    ("report:delete", OWNER | ADMIN),
    ("report:generate", OWNER | ADMIN | MEMBER | EXTERNAL),
    ("report:publish", OWNER | ADMIN | MEMBER),
    ("report:view", OWNER | ADMIN | MEMBER | EXTERNAL | OBSERVER),
    ("settings:manage", OWNER | ADMIN),
    ("upgrade:request", OWNER | ADMIN | BILLING),
    ("workspace:api_access", OWNER | ADMIN),
    ("workspace:webhooks", OWNER | ADMIN),
    ("workspace:whitelabel", OWNER | ADMIN),
    ("workspace:export", OWNER | ADMIN),
    ("workspace:set_private", OWNER | ADMIN),
    ("workspace:update_payment", OWNER | ADMIN | BILLING),
    ("workspace:view_invoices", OWNER | ADMIN | BILLING),
    ("workspace:view_usage", OWNER | ADMIN | MEMBER | BILLING),
];

const INNOVATOR: [&str; 4] = ["project:set_private", "project:share", "workspace:export", "workspace:set_private"];
const CHANGEMAKER: [&str; 3] = ["workspace:api_access", "workspace:webhooks", "workspace:whitelabel"];

/// As the routes of the service ask for it.
fn policy(name: &'static str) -> Arc<dyn Policy> {
    let on: OnResource = on(name);
    match name {
        name if INNOVATOR.contains(&name) => Arc::new(innovator(on)),
        name if CHANGEMAKER.contains(&name) => Arc::new(changemaker(on)),
        _ => Arc::new(on),
    }
}

impl Service {
    /// Whether somebody may do this in `w1`, on both frameworks.
    async fn may(&self, who: &str, name: &'static str) -> bool {
        let gate = self.gate();
        let (path, [(header, value)]) = (format!("/w1/{name}"), of(who));
        let app =
            on_axum::Routes::<()>::new(gate).get(&format!("/{{workspace_id}}/{name}"), policy(name), async || "may");
        let request = Request::get(&path).header(header, &value).body(Body::empty());
        let answer = app.into_router().oneshot(request.unwrap_or_default()).await;
        let axum = answer.map(|answer| answer.status().as_u16()).unwrap_or_else(|never| match never {});

        let routes = actix::Routes::new(gate).get(&format!("/{{workspace_id}}/{name}"), policy(name), async || "may");
        let app = actix_web::test::init_service(actix_web::App::new().configure(routes.into_config())).await;
        let request = actix_web::test::TestRequest::with_uri(&path).append_header((header, value.as_str()));
        let actix = actix_web::test::call_service(&app, request.to_request()).await.status().as_u16();
        assert_eq!(axum, actix, "{who}: {name}");
        match axum {
            200 => true,
            403 => false,
            other => panic!("{who}: {name} is answered with {other}"),
        }
    }

    fn tier(&self, tier: Option<&str>) {
        self.workspace(Workspace { tier: Tier(tier.map(str::to_owned)), ..workspace() });
    }
}

/// Cases 43 and 44.
#[tokio::test]
async fn every_policy_for_every_role() {
    let service = Service::with_tenants();
    for (role, bit) in ROLES {
        service.joins(role, member(role));
        for (name, roles) in TABLE {
            assert_eq!(service.may(role, name).await, roles & bit != 0, "{role}: {name}");
        }
        assert_eq!(service.may(role, "x:y").await, role == "owner", "{role}");
    }
}

/// Cases 45 to 47.
#[tokio::test]
async fn roles_that_nobody_knows() {
    let service = Service::with_tenants();
    for role in ["ghost", "Owner", "OWNER", "", "owner "] {
        service.joins("odd", member(role));
        for (name, _) in TABLE {
            assert!(!service.may("odd", name).await, "{role:?}: {name}");
        }
        service.joins("odd", Member { policies: custom(&["project:read"]), ..member(role) });
        for (name, _) in TABLE {
            assert_eq!(service.may("odd", name).await, name == "project:read", "{role:?}: {name}");
        }
    }
    // A member by the name of before.
    service.joins("odd", member("viewer"));
    for (name, roles) in TABLE {
        assert_eq!(service.may("odd", name).await, roles & MEMBER != 0, "{name}");
    }
}

fn custom(policies: &[&str]) -> portcullis::PermissionSet {
    custom_policies(policies).unwrap_or_else(|error| panic!("{error}"))
}

/// Cases 48 to 50: no role and no wildcard gets round what has to be paid for.
#[tokio::test]
async fn tiers() {
    let service = Service::with_tenants();
    for role in ["owner", "admin", "member"] {
        service.joins(role, member(role));
    }
    let table = [
        (None, true, true),
        (Some("free"), false, false),
        (Some("innovator"), true, false),
        (Some("changemaker"), true, true),
        (Some("guardian"), true, true),
        (Some("platinum"), false, false),
        (Some("Guardian"), false, false),
        (Some(""), false, false),
    ];
    for (tier, innovator, changemaker) in table {
        service.tier(tier);
        for role in ["owner", "admin"] {
            for name in INNOVATOR {
                assert_eq!(service.may(role, name).await, innovator, "{role} of {tier:?}: {name}");
            }
            for name in CHANGEMAKER {
                assert_eq!(service.may(role, name).await, changemaker, "{role} of {tier:?}: {name}");
            }
            assert!(service.may(role, "settings:manage").await, "{role} of {tier:?}");
        }
        assert!(!service.may("member", "workspace:export").await, "{tier:?}");
    }
    // What clients read, of the service's own routes.
    service.tier(Some("free"));
    for (name, path, text) in [
        ("owner", "export", "This feature requires the innovator plan or above"),
        ("admin", "hooks", "This feature requires the changemaker plan or above"),
        ("member", "export", "Access denied"),
        ("member", "hooks", "Access denied"),
    ] {
        let answer = service.ask(&format!("/api/v2/workspaces/w1/{path}"), &of(name)).await;
        assert_eq!(answer, detail(403, text), "{name}: {path}");
    }
    service.tier(Some("guardian"));
    assert_eq!(service.ask("/api/v2/workspaces/w1/export", &of("owner")).await.0, 200);
    assert_eq!(service.ask("/api/v2/workspaces/w1/hooks", &of("admin")).await.0, 200);
}

/// Cases 51 and 52.
#[tokio::test]
async fn policies_beside_the_role() {
    let service = Service::with_tenants();
    let with = |role: &str, policies: &[&str]| {
        service.joins("odd", Member { policies: custom(policies), ..member(role) });
    };
    with("member", &["project:share"]);
    for (tier, may) in [(Some("free"), false), (Some("innovator"), true), (None, true)] {
        service.tier(tier);
        assert_eq!(service.may("odd", "project:share").await, may, "{tier:?}");
        assert!(!service.may("odd", "project:delete").await, "{tier:?}");
    }
    for nothing in ["project:*", "*:*", "*:read", "**", "p*:share", "PROJECT:DELETE"] {
        with("observer", &[nothing]);
        for (name, roles) in TABLE {
            assert_eq!(service.may("odd", name).await, roles & OBSERVER != 0, "{nothing}: {name}");
        }
    }
    with("observer", &["*"]);
    for (name, _) in TABLE {
        assert!(service.may("odd", name).await, "{name}");
    }
    assert!(service.may("odd", "x:y").await);
    service.tier(Some("free"));
    assert!(!service.may("odd", "workspace:export").await, "a star does not pay");
    assert!(custom_policies(&["project"]).is_err());
}

/// Every workspace and project in a path is one that a policy asks about, but where staff decides.
#[test]
fn every_parameter_is_asked_about() {
    let table = dembrane::on_actix::routes(&Service::with_tenants().service).table();
    let unseen: Vec<_> = table.unseen().collect();
    assert_eq!(unseen, [("/api/v2/admin/workspaces/{workspace_id}/support", "workspace_id")]);
    let without: Vec<_> = table.rows().filter(|row| row.baseline().is_none()).map(|row| row.path()).collect();
    let expected = ["/api/health", "/api/participant/projects/{id}", "/api/v2/me", "/api/v2/admin/stats"];
    assert_eq!(without, expected, "only these do not ask whether somebody was here before");
}
