//! Roles that organizations define, and what they permit.

use crate::service::*;
use definable::store::{Member, Status};
use serde_json::json;

const READ: (&str, &str) = ("GET", "/kb?org_id=o1");
const WRITE: (&str, &str) = ("POST", "/kb?org_id=o1");
const DELETE: (&str, &str) = ("DELETE", "/kb?org_id=o1");
const DOCS: (&str, &str) = ("GET", "/kb_docs?org_id=o1");
const TOOLS: (&str, &str) = ("GET", "/tools?org_id=o1");
const EXPORT: (&str, &str) = ("GET", "/export?org_id=o1");
const PUBLISH: (&str, &str) = ("POST", "/publish?org_id=o1");

impl Tested {
    /// What a role with these permissions opens, and nothing else of these.
    async fn opens(&self, permissions: &[&str], open: &[(&str, &str)]) {
        self.role("reader", permissions);
        for (method, path) in [READ, WRITE, DELETE, DOCS, TOOLS, EXPORT, PUBLISH] {
            let status = self.ask(method, path, &[self.of("u1")]).await.0;
            let expected = if open.contains(&(method, path)) { 200 } else { 403 };
            assert_eq!(status, expected, "{method} {path} with {permissions:?}");
        }
    }
}

/// Cases 83 and 84.
#[tokio::test]
async fn what_is_missing_is_named() {
    let tested = Tested::new();
    let read = tested.ask(READ.0, READ.1, &[tested.of("u1")]).await;
    assert_eq!(read, (200, json!({ "articles": [], "role": "reader" })));
    let write = tested.ask(WRITE.0, WRITE.1, &[tested.of("u1")]).await;
    assert_eq!(write, denied(403, "Access denied. Required: kb:write"));
}

/// Cases 85 to 90.
#[tokio::test]
async fn wildcards() {
    let tested = Tested::new();
    tested.opens(&["kb:read"], &[READ]).await;
    tested.opens(&["kb:*"], &[READ, WRITE, DELETE]).await;
    tested.opens(&["*:read"], &[READ, DOCS, TOOLS, EXPORT]).await;
    tested.opens(&["*:*"], &[READ, WRITE, DELETE, DOCS, TOOLS, EXPORT, PUBLISH]).await;
    tested.opens(&["KB:read", "kb:Read"], &[]).await;
    tested.opens(&["kb*:read"], &[READ, DOCS]).await;
    tested.opens(&["kb_*:read"], &[DOCS]).await;
    tested.opens(&["kb:read", "kb_docs:read", "tool:read"], &[READ, DOCS, TOOLS]).await;
}

/// Case 95: `admin` is an action like others.
#[tokio::test]
async fn admin_implies_nothing() {
    let tested = Tested::new();
    tested.opens(&["kb:admin"], &[]).await;
    tested.opens(&["kb:admin", "kb:read"], &[READ]).await;
}

/// Case 94.
#[tokio::test]
async fn two_rights_for_one_route() {
    let tested = Tested::new();
    tested.opens(&["kb:write"], &[WRITE]).await;
    tested.opens(&["agent:execute"], &[]).await;
    tested.opens(&["kb:write", "agent:execute"], &[WRITE, PUBLISH]).await;
}

/// Case 93: the original says that somebody without permissions is no member.
#[tokio::test]
async fn a_role_without_permissions() {
    let tested = Tested::new();
    tested.opens(&[], &[]).await;
    let read = tested.ask(READ.0, READ.1, &[tested.of("u1")]).await;
    assert_eq!(read, denied(403, "Access denied. Required: kb:read"));
}

/// Cases 91 and 92.
#[tokio::test]
async fn which_organization() {
    let tested = Tested::new();
    let stranger = denied(403, "User is not a member of this organization");
    assert_eq!(tested.ask("GET", "/kb?org_id=o2", &[tested.of("u1")]).await, stranger);
    assert_eq!(tested.ask(READ.0, READ.1, &[tested.of("u2")]).await, stranger);
    // Differs: the original answers 403.
    let missing = denied(400, "org_id is required");
    for path in ["/kb", "/kb?org_id=", "/kb?org=o1"] {
        assert_eq!(tested.ask("GET", path, &[tested.of("u1")]).await, missing, "{path}");
    }
    assert_eq!(tested.ask("GET", "/kb?org_id=o1&org_id=o2", &[tested.of("u1")]).await, denied(400, "Invalid request"));
    assert_eq!(tested.ask("GET", "/kb", &[]).await.0, 401, "who asks comes first");
}

/// The role of one organization is worth nothing in another that has one of the same name.
#[tokio::test]
async fn a_name_of_two_roles() {
    let tested = Tested::new();
    let (role, status) = ("reader".to_owned(), Status::Active);
    tested.store.change(|tables| tables.members.insert(("o2".into(), "u1".into()), Member { role, status }));
    // A member whose role nobody has defined: what it may is not known, and so nothing.
    assert_eq!(tested.ask("GET", "/kb?org_id=o2", &[tested.of("u1")]).await.0, 500);
    assert_eq!(tested.kb(&[tested.of("u1")]).await, 200);
}

#[tokio::test]
async fn members_who_may_nothing_now() {
    let tested = Tested::new();
    for (status, text) in [(Status::Invited, "invited"), (Status::Suspended, "suspended"), (Status::Deleted, "deleted")]
    {
        tested.member("u2", "reader", status);
        tested.pass_by_the_cache();
        let answer = tested.ask(READ.0, READ.1, &[tested.of("u2")]).await;
        assert_eq!(answer, denied(403, &format!("Access denied: {text}")));
    }
    tested.member("u2", "reader", Status::Active);
    tested.pass_by_the_cache();
    assert_eq!(tested.kb(&[tested.of("u2")]).await, 200);
}

/// What an organization writes is in force at once, though what roles permit is remembered.
#[tokio::test]
async fn roles_are_defined_by_customers() {
    let tested = Tested::new();
    tested.role("admin", &["role:write"]);
    tested.member("u2", "admin", Status::Active);
    let define = async |user: &str, permissions: &[&str]| {
        let role = json!({ "name": "reader", "permissions": permissions });
        tested.send("POST", "/roles?org_id=o1", &[tested.of(user)], role).await
    };
    let write = async || tested.ask(WRITE.0, WRITE.1, &[tested.of("u1")]).await.0;
    assert_eq!(write().await, 403);
    assert_eq!(define("u1", &["kb:write"]).await, denied(403, "Access denied. Required: role:write"));
    assert_eq!(write().await, 403);
    assert_eq!(define("u2", &["kb:write"]).await, (200, json!("defined")));
    assert_eq!(write().await, 200);
    for malformed in ["kb", "a*b:read", "*kb:read", "kb:read:now", ""] {
        let refused = define("u2", &["kb:read", malformed]).await;
        assert_eq!(refused, denied(400, "A permission is resource:action"), "{malformed}");
    }
    assert_eq!(write().await, 200, "what was refused has changed nothing");
}

/// Nothing else than the account is asked about a member whose role is remembered.
#[tokio::test]
async fn questions_to_the_database() {
    let tested = Tested::new();
    let ask = async |headers: Headers<'_>| {
        let answer = tested.ask_axum(READ.0, READ.1, headers, &json!(null)).await;
        let on_axum = (answer.0, tested.store.take_queries());
        let answer = tested.ask_actix(READ.0, READ.1, headers, &json!(null)).await;
        (on_axum, (answer.0, tested.store.take_queries()))
    };
    // The account, the member, the role; guard and extractor share them.
    assert_eq!(ask(&[tested.of("u1")]).await, ((200, 3), (200, 1)), "cold on axum, then warm on actix-web");
    tested.pass_by_the_cache();
    assert_eq!(tested.ask_actix(READ.0, READ.1, &[tested.of("u1")], &json!(null)).await.0, 200);
    assert_eq!(tested.store.take_queries(), 3, "cold on actix-web");
    assert_eq!(ask(&[tested.of("u1")]).await, ((200, 1), (200, 1)));
    tested.pass_by_the_cache();
    // Of a key: itself, and what its owner is, by the user that it names.
    assert_eq!(ask(&[key(KEY)]).await, ((200, 3), (200, 1)));
    assert_eq!(ask(&[]).await, ((401, 0), (401, 0)));
}
