//! Cases 124 to 130: organizations, their members, and the active one.

use crate::service::*;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis::accounts::{By, Error, OrganizationId, UserId, store::OrganizationStore};
use serde_json::{Value, json};

const BOB: &str = "bob@example.com";

fn path(id: &str, rest: &str) -> String {
    format!("/auth/organizations/{id}{rest}")
}

fn claims(access: &str) -> Value {
    let part = access.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Users who are signed in: their access tokens and ids.
async fn users(service: &Service) -> [(String, UserId); 2] {
    let mut users = Vec::new();
    for email in [ALICE, BOB] {
        users.push((service.signed_in(email).await.text("access_token"), service.user(email).await.id));
    }
    users.try_into().unwrap()
}

async fn members(service: &Service, id: &str) -> Vec<(UserId, String)> {
    let members = service.store.members(&OrganizationId::new(id)).await.unwrap();
    members.into_iter().map(|member| (member.user, member.role)).collect()
}

/// 124 and 125.
#[tokio::test]
async fn a_short_name_is_taken_once_and_whoever_takes_it_is_the_owner() {
    for service in both().await {
        let [(alice, owner), (bob, _)] = users(&service).await;
        let id = service.organization(&alice, "acme").await;
        assert_eq!(members(&service, &id).await, [(owner, "owner".to_owned())], "125");
        for access in [&alice, &bob] {
            let body = json!({ "name": "Another", "slug": "acme" });
            let refused = service.send("POST", "/auth/organizations", access, body).await;
            assert_eq!(refused.refusal(), (409, "slug_taken".into()), "124");
        }
        let list = service.get("/auth/organizations", &bob).await.json();
        assert_eq!(list, json!({ "organizations": [] }), "nothing of the refused one is there");
        // Of several at once, one takes it.
        let take = || service.send("POST", "/auth/organizations", &bob, json!({ "name": "B", "slug": "bobs" }));
        let (one, two, three) = tokio::join!(take(), take(), take());
        let mut statuses = [one.status, two.status, three.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409]);
        assert_eq!(service.get("/auth/organizations", "no-token").await.status, 401);
    }
}

/// 126.
#[tokio::test]
async fn a_member_is_added_once() {
    for service in both().await {
        let [(alice, _), (bob, user)] = users(&service).await;
        let id = service.organization(&alice, "acme").await;
        let invite = async || {
            let body = json!({ "email": BOB, "role": "member" });
            assert_eq!(service.send("POST", &path(&id, "/invitations"), &alice, body).await.status, 202);
            service.send("POST", "/auth/invitations/accept", &bob, json!({ "token": service.mailed(BOB) })).await
        };
        assert_eq!(invite().await.status, 201);
        assert_eq!(invite().await.refusal(), (409, "already_member".into()));
        let all = service.accounts.organizations().unwrap();
        let again = all.add_member(&OrganizationId::new(&id), &user, "admin", By::Service).await;
        assert!(matches!(again, Err(Error::AlreadyMember)));
        assert!(members(&service, &id).await.contains(&(user, "member".to_owned())), "the role is the first one");
    }
}

/// 127 and 128.
#[tokio::test]
async fn an_owner_remains() {
    for service in both().await {
        let [(alice, owner), (bob, user)] = users(&service).await;
        let id = service.organization(&alice, "acme").await;
        let member = |user: &UserId| path(&id, &format!("/members/{user}"));
        let remove = async |access: &str, user: &UserId| {
            let answer = service.send("DELETE", &member(user), access, Value::Null).await;
            if answer.body.is_empty() { (answer.status, String::new()) } else { answer.refusal() }
        };
        let last = || (409, "last_owner".to_owned());
        assert_eq!(remove(&alice, &owner).await, last(), "127");
        assert_eq!(remove(&alice, &user).await, (404, "not_found".to_owned()), "127: nobody");
        assert_eq!(remove(&bob, &owner).await, (404, String::new()), "a stranger");
        let demoted = service.send("PATCH", &member(&owner), &alice, json!({ "role": "member" })).await;
        assert_eq!(demoted.refusal(), last(), "128");

        let all = service.accounts.organizations().unwrap();
        all.add_member(&OrganizationId::new(&id), &user, "owner", By::Service).await.unwrap();
        assert_eq!(remove(&bob, &owner).await, (204, String::new()), "127: of two");
        assert_eq!(remove(&bob, &user).await, last());
        assert_eq!(members(&service, &id).await, [(user, "owner".to_owned())]);
    }
}

/// 129.
#[tokio::test]
async fn the_active_organization_is_in_the_token() {
    for service in both().await {
        let tokens = service.signed_in(ALICE).await;
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        let bob = service.signed_in(BOB).await.text("access_token");
        let id = service.organization(&access, "acme").await;
        assert_eq!(claims(&access).get("org_id"), None);
        let chosen = service.act_in(&access, json!(id)).await;
        assert_eq!(chosen.json().get("refresh_token"), None);
        let chosen = chosen.text("access_token");
        assert_eq!((&claims(&chosen)["org_id"], &claims(&chosen)["org_role"]), (&json!(id), &json!("owner")));
        assert_eq!(service.acts_in(&chosen).await, id);
        // The refresh token is the same, and its next access token names the organization.
        let refreshed = service.refresh(&refresh).await.text("access_token");
        assert_eq!(claims(&refreshed)["org_id"], json!(id));

        for strange in [json!(id), json!("none")] {
            assert_eq!(service.act_in(&bob, strange).await.refusal(), (404, "not_found".into()));
        }
        assert_eq!(service.acts_in(&bob).await, "none");
        let cleared = service.act_in(&chosen, Value::Null).await.text("access_token");
        assert_eq!(claims(&cleared).get("org_id"), None);
    }
}

/// 130.
#[tokio::test]
async fn what_belongs_to_an_organization_goes_with_it() {
    for service in both().await {
        let tokens = service.signed_in(ALICE).await;
        let access = tokens.text("access_token");
        let bob = service.signed_in(BOB).await.text("access_token");
        let id = service.organization(&access, "acme").await;
        let body = json!({ "email": BOB, "role": "member" });
        assert_eq!(service.send("POST", &path(&id, "/invitations"), &access, body).await.status, 202);
        assert_eq!(service.act_in(&access, json!(id)).await.status, 200);

        assert_eq!(service.send("DELETE", &path(&id, ""), &bob, Value::Null).await.status, 404);
        assert_eq!(service.send("DELETE", &path(&id, ""), &access, Value::Null).await.status, 204);
        assert_eq!(service.get(&path(&id, ""), &access).await.status, 404);
        assert!(members(&service, &id).await.is_empty());
        let accept = json!({ "token": service.mailed(BOB) });
        let refused = service.send("POST", "/auth/invitations/accept", &bob, accept).await;
        assert_eq!(refused.refusal(), (400, "invalid_token".into()));
        let refreshed = service.refresh(&tokens.text("refresh_token")).await.text("access_token");
        assert_eq!(claims(&refreshed).get("org_id"), None);
        service.organization(&bob, "acme").await; // the short name is free
    }
}
