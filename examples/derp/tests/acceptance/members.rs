//! Cases 124 to 133 for users of Cognito and of Clerk: organizations, and the contexts that choose one.

use crate::{
    hosted::*,
    service::{Answer, FRAMEWORKS, Framework},
};
use portcullis::testing::TestToken;
use serde_json::{Value, json};
use std::time::Duration;

/// The service of one backend on one framework.
struct Users {
    hosted: Hosted,
    framework: Framework,
    token: fn(&Hosted) -> TestToken<'_>,
}

/// Both backends on both frameworks.
async fn everywhere() -> Vec<Users> {
    let mut all = Vec::new();
    for framework in FRAMEWORKS {
        all.push(Users { hosted: Hosted::cognito().await, framework, token: |hosted| hosted.access() });
        all.push(Users { hosted: Hosted::clerk().await, framework, token: |hosted| hosted.session() });
    }
    all
}

impl Users {
    async fn send(&self, what: (&str, &str), user: &str, context: Option<&str>, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", (self.token)(&self.hosted).claim("sub", user).sign());
        let context = context.map(|text| ("x-org-context", text));
        let headers: Vec<_> = [("authorization", &*bearer)].into_iter().chain(context).collect();
        self.hosted.send(self.framework, what, &headers, body).await
    }

    /// The status, and the code of a refusal that has one.
    async fn told(&self, what: (&str, &str), user: &str, body: Value) -> (u16, String) {
        told(&self.send(what, user, None, &body).await)
    }

    async fn found(&self, user: &str, slug: &str) -> String {
        let answer = self.send(("POST", "/organizations"), user, None, &json!({ "name": "Acme", "slug": slug })).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.text("id")
    }

    async fn add(&self, by: &str, id: &str, user: &str, role: &str) -> (u16, String) {
        let path = format!("/organizations/{id}/members");
        self.told(("POST", &path), by, json!({ "user": user, "role": role })).await
    }

    async fn set_role(&self, by: &str, id: &str, user: &str, role: &str) -> (u16, String) {
        let path = format!("/organizations/{id}/members/{user}");
        self.told(("PATCH", &path), by, json!({ "role": role })).await
    }

    async fn remove(&self, by: &str, id: &str, user: &str) -> (u16, String) {
        self.told(("DELETE", &format!("/organizations/{id}/members/{user}")), by, Value::Null).await
    }

    async fn context(&self, user: &str, id: &str) -> String {
        let path = format!("/organizations/{id}/context");
        self.send(("POST", &path), user, None, &Value::Null).await.text("context")
    }

    async fn invoices(&self, user: &str, context: Option<&str>) -> (u16, String) {
        told(&self.send(("GET", "/invoices"), user, context, &Value::Null).await)
    }
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// 131 to 133.
#[tokio::test]
async fn a_member_chooses_an_organization_until_the_members_change() {
    for users in everywhere().await {
        let id = users.found("alice", "acme").await;
        assert_eq!(users.add("alice", &id, "bob", "owner").await, is(204, ""));
        let [alice, bob] = [users.context("alice", &id).await, users.context("bob", &id).await];
        assert_eq!(users.invoices("alice", Some(&alice)).await, is(200, ""));
        assert_eq!(users.invoices("bob", Some(&bob)).await, is(200, ""));
        let me = users.send(("GET", "/me"), "bob", Some(&bob), &Value::Null).await.json();
        assert_eq!(
            (&me["org_id"], &me["role"]),
            (&json!(id), &json!("default")),
            "the role of the token is another one"
        );
        assert_eq!(users.invoices("bob", Some(&alice)).await, is(401, "invalid_context"), "131");
        assert_eq!(users.invoices("carol", Some(&alice)).await, is(401, "invalid_context"), "131");
        for wrong in [&format!("{id}:owner"), &format!("{id}:owner:zz"), &alice[..alice.len() - 1], ""] {
            assert_eq!(users.invoices("alice", Some(wrong)).await, is(401, "invalid_context"), "132: {wrong}");
        }
        assert_eq!(users.invoices("alice", None).await, is(400, "parameter_missing"));

        assert_eq!(users.set_role("alice", &id, "bob", "member").await, is(204, ""));
        assert_eq!(users.invoices("bob", Some(&bob)).await, is(401, "invalid_context"), "the version has changed");
        let bob = users.context("bob", &id).await;
        assert_eq!(users.invoices("bob", Some(&bob)).await, is(403, "role_required"));
        assert_eq!(users.remove("alice", &id, "bob").await, is(204, ""));
        assert_eq!(users.invoices("bob", Some(&bob)).await, is(401, "invalid_context"), "133");
        assert_eq!(users.send(("GET", "/me"), "bob", None, &Value::Null).await.status, 200, "the token is still valid");

        let alice = users.context("alice", &id).await;
        users.hosted.issuer.clock().advance(Duration::from_secs(300));
        assert_eq!(users.invoices("alice", Some(&alice)).await, is(401, "invalid_context"), "after five minutes");
    }
}

/// 124 to 128 and 130.
#[tokio::test]
async fn members_do_what_their_role_permits() {
    for users in everywhere().await {
        let (id, other) = (users.found("alice", "acme").await, users.found("zoe", "zoes").await);
        let taken = json!({ "name": "B", "slug": "acme" });
        assert_eq!(users.told(("POST", "/organizations"), "bob", taken).await, is(409, "slug_taken"), "124");
        let misspelt = json!({ "name": "B", "slug": "A B" });
        assert_eq!(users.told(("POST", "/organizations"), "bob", misspelt).await, is(400, "invalid_slug"));
        let own = users.send(("GET", "/organizations"), "alice", None, &Value::Null).await.json();
        let shown = json!({ "id": id, "slug": "acme", "name": "Acme", "role": "owner" });
        assert_eq!(own, json!({ "organizations": [shown] }), "125");
        let none = users.send(("GET", "/organizations"), "bob", None, &Value::Null).await.json();
        assert_eq!(none, json!({ "organizations": [] }));

        assert_eq!(users.add("alice", &id, "bob", "member").await, is(204, ""));
        assert_eq!(users.add("alice", &id, "bob", "admin").await, is(409, "already_member"), "126");
        assert_eq!(users.add("alice", &id, "carol", "king").await, is(400, "unknown_role"));
        assert_eq!(users.add("alice", &id, "ca\u{0}rol", "member").await, is(404, "not_found"));
        assert_eq!(users.add("alice", &id, "carol", "admin").await, is(204, ""));
        let path = format!("/organizations/{id}/members");
        let members = users.send(("GET", &path), "bob", None, &Value::Null).await.json();
        let members = members["members"].as_array().unwrap();
        for (user, role) in [("alice", "owner"), ("bob", "member"), ("carol", "admin")] {
            assert!(members.contains(&json!({ "user": user, "role": role })), "{members:?}");
        }

        // A member changes nobody, and an administrator nobody above.
        assert_eq!(users.add("bob", &id, "dave", "member").await, is(403, "permission_required"));
        assert_eq!(users.set_role("bob", &id, "bob", "owner").await, is(403, "permission_required"));
        assert_eq!(users.remove("bob", &id, "carol").await, is(403, "permission_required"));
        assert_eq!(users.set_role("carol", &id, "carol", "owner").await, is(403, "role_forbidden"));
        assert_eq!(users.remove("carol", &id, "alice").await, is(403, "role_forbidden"));
        assert_eq!(users.told(("DELETE", &format!("/organizations/{id}")), "carol", Value::Null).await.0, 403);
        assert_eq!(users.remove("carol", &id, "bob").await, is(204, ""));
        assert_eq!(users.remove("carol", &id, "bob").await, is(404, "not_found"), "127: nobody");
        assert_eq!(users.remove("alice", &id, "alice").await, is(409, "last_owner"), "127");
        assert_eq!(users.set_role("alice", &id, "alice", "member").await, is(409, "last_owner"), "128");
        assert_eq!(users.add("alice", &id, "dave", "owner").await, is(204, ""));
        assert_eq!(users.remove("alice", &id, "alice").await, is(204, ""), "127: of two");
        assert_eq!(users.remove("carol", &id, "carol").await, is(204, ""), "everybody leaves by themselves");

        // A stranger gets the answers of an organization that does not exist.
        let [strange, missing] = [other.as_str(), "none"].map(|id| format!("/organizations/{id}"));
        for (method, rest) in [
            ("DELETE", ""),
            ("GET", "/members"),
            ("POST", "/members"),
            ("DELETE", "/members/alice"),
            ("POST", "/context"),
        ] {
            let body = json!({ "user": "alice", "role": "owner" });
            let ask = async |path: &str| {
                let answer = users.send((method, &format!("{path}{rest}")), "alice", None, &body).await;
                (answer.status, answer.body)
            };
            let answer = ask(&strange).await;
            assert_eq!((answer.0, &answer), (404, &ask(&missing).await), "{method} {rest}");
        }
        assert_eq!(users.told(("DELETE", &format!("/organizations/{id}")), "dave", Value::Null).await, is(204, ""));
        assert_eq!(users.told(("GET", &path), "dave", Value::Null).await.0, 404, "130");
        users.found("bob", "acme").await; // the short name is free
    }
}

/// A program with a token of its own is nobody.
#[tokio::test]
async fn programs_found_nothing() {
    for framework in FRAMEWORKS {
        let users = Users { hosted: Hosted::cognito().await, framework, token: |hosted| hosted.access() };
        let new = json!({ "name": "Web", "slug": "web" });
        assert_eq!(users.told(("POST", "/organizations"), "web", new.clone()).await, is(403, "users_only"));
        assert_eq!(users.told(("GET", "/organizations"), "web", Value::Null).await, is(403, "users_only"));
        // Nor does somebody name it a member and let it in.
        let id = users.found("alice", "acme").await;
        assert_eq!(users.add("alice", &id, "web", "owner").await, is(204, ""));
        assert_eq!(users.told(("POST", &format!("/organizations/{id}/context")), "web", Value::Null).await.0, 404);
        for body in [json!({ "name": "A" }), json!([]), Value::Null] {
            assert_eq!(users.told(("POST", "/organizations"), "alice", body).await.0 / 100, 4);
        }
    }
}

/// An organization of Clerk stays that of its session, and a page of another origin founds nothing with its cookie.
#[tokio::test]
async fn a_session_in_an_organization_of_clerk_chooses_no_other() {
    for framework in FRAMEWORKS {
        let hosted = Hosted::clerk().await;
        let users = Users { hosted, framework, token: |hosted| hosted.session() };
        let id = users.found("user_1", "acme").await;
        let context = users.context("user_1", &id).await;
        assert_eq!(users.invoices("user_1", Some(&context)).await, is(200, ""));
        let session = || users.hosted.session();
        let second = json!({ "id": "org_1", "rol": "admin" });
        for token in [session().claim("v", 2).claim("o", second), session().claim("org_id", "org_1")] {
            let bearer = format!("Bearer {}", token.sign());
            let headers = [("authorization", &*bearer), ("x-org-context", &*context)];
            for path in ["/me", "/invoices"] {
                let answer = users.hosted.send(framework, ("GET", path), &headers, &Value::Null).await;
                assert_eq!(told(&answer), is(401, "invalid_context"), "{path}");
            }
            let answer = users.hosted.send(framework, ("GET", "/me"), &headers[..1], &Value::Null).await;
            assert_eq!((answer.status, answer.json()["org_id"].clone()), (200, json!("org_1")));
        }
        let cookie = format!("__session={}", session().sign());
        let new = json!({ "name": "A", "slug": "a" });
        for (origin, status) in [("https://evil.test", 403), (APP, 201)] {
            let site = if status == 403 { "cross-site" } else { "same-origin" };
            let headers = [("cookie", &*cookie), ("origin", origin), ("sec-fetch-site", site)];
            let answer = users.hosted.send(framework, ("POST", "/organizations"), &headers, &new).await;
            assert_eq!(answer.status, status, "{origin}");
        }
    }
}
