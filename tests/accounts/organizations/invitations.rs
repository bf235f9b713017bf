//! Invitations, from the mail to the member.

use super::{CAROL, MAIL_SENT, organizations};
use crate::{
    request::{delete, get, post},
    world::{ALICE, BOB, MODES, Mode},
};
use portcullis::accounts::{Limit, Limits};
use serde_json::json;
use std::time::Duration;

#[test]
fn an_invitation_from_the_mail_to_the_member() {
    for mode in MODES {
        organizations(mode, |all| all).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let id = world.organization("acme", &[]).await;
            let path = format!("/auth/organizations/{id}/invitations");
            let invite = |email: &str| post(&path, json!({ "email": email, "role": "admin" }));
            let answer = world.page_as(&login, invite(BOB)).await;
            assert_eq!((answer.status, &*answer.body), (202, MAIL_SENT));
            assert_eq!(world.page_as(&login, invite("no address")).await.code(), "400 invalid_email");
            let accept = |token: &str| post("/auth/invitations/accept", json!({ "token": token }));
            let token = world.mailed(BOB);

            let list = world.page_as(&login, get(&path)).await.json();
            let shown = &list["invitations"][0];
            let expires_at = 1_800_000_000 + 7 * 86_400;
            let alice = world.id(ALICE).await;
            assert_eq!(shown["email"], BOB);
            assert_eq!((&shown["role"], &shown["invited_by"]), (&json!("admin"), &json!(alice.as_str())));
            assert_eq!((&shown["expires_at"], list.to_string().contains(&token)), (&json!(expires_at), false));

            let carol = world.signed_in(CAROL).await;
            assert_eq!(world.page(accept(&token)).await.code(), "401 credential_missing");
            assert_eq!(world.page_as(&carol, accept(&token)).await.code(), "403 not_invited");
            assert_eq!(world.page_as(&carol, accept("no-token")).await.code(), "400 invalid_token");
            assert_eq!(
                world.page_as(&carol, post("/auth/invitations/accept", json!({}))).await.code(),
                "400 invalid_request"
            );
            let bob = world.signed_in(BOB).await;
            let foreign = world.with(&bob, accept(&token)).header("sec-fetch-site", "cross-site");
            assert_eq!(world.send(foreign).await.code(), "403 cross_origin");
            let answer = world.page_as(&bob, accept(&token)).await;
            let user = world.id(BOB).await;
            let member = json!({ "user": user.as_str(), "role": "admin", "since": 1_800_000_000 });
            assert_eq!((answer.status, answer.json()), (201, json!({ "organization": id.as_str(), "member": member })));
            assert_eq!(world.page_as(&bob, accept(&token)).await.code(), "400 invalid_token");
            let members = world.page_as(&bob, get(&format!("/auth/organizations/{id}/members"))).await.json();
            assert_eq!(members["members"][1], member);

            // Once more: a member is not added twice, and the invitation is withdrawn.
            assert_eq!(world.page_as(&login, invite(BOB)).await.status, 202);
            assert_eq!(world.page_as(&bob, accept(&world.mailed(BOB))).await.code(), "409 already_member");
            let list = world.page_as(&bob, get(&path)).await.json();
            let invitation = format!("{path}/{}", list["invitations"][0]["id"].as_str().unwrap());
            assert!(!invitation.contains(BOB));
            // One of another organization is none here.
            let other = world.organization("other", &[]).await;
            let elsewhere = invitation.replace(id.as_str(), other.as_str());
            assert_eq!(world.page_as(&login, delete(&elsewhere)).await.code(), "404 not_found");
            assert_eq!(world.page_as(&bob, delete(&invitation)).await.status, 204);
            assert_eq!(world.page_as(&bob, delete(&invitation)).await.code(), "404 not_found");
            assert_eq!(world.page_as(&bob, accept(&world.mailed(BOB))).await.code(), "400 invalid_token");
        });
    }
}

#[test]
fn invitations_expire_and_are_limited() {
    organizations(Mode::Bodies, |all| all.invitations_valid_for(Duration::ZERO)).run(async |world| {
        let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
        let id = world.organization("acme", &[]).await;
        let path = format!("/auth/organizations/{id}/invitations");
        assert_eq!(world.page_as(&alice, post(&path, json!({ "email": BOB, "role": "member" }))).await.status, 202);
        let accept = post("/auth/invitations/accept", json!({ "token": world.mailed(BOB) }));
        assert_eq!(world.page_as(&bob, accept).await.code(), "400 invalid_token");
        assert_eq!(world.page_as(&alice, get(&path)).await.json(), json!({ "invitations": [] }));
    });
    let two = Limit::new(2, Duration::from_secs(3600));
    let limits = Limits::dangerous_unlimited().organizations_per_account(two).invitations_per_account(two);
    let limited = organizations(Mode::Bodies, |all| all);
    limited.then_accounts(move |accounts| accounts.limits(limits.clone())).run(async |world| {
        let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
        let id = world.organization("acme", &[(BOB, "admin")]).await;
        let path = format!("/auth/organizations/{id}/invitations");
        for (email, status) in [("a@example.com", 202), ("b@example.com", 202), ("c@example.com", 429)] {
            let invite = post(&path, json!({ "email": email, "role": "member" }));
            assert_eq!(world.page_as(&alice, invite).await.status, status, "{email}");
        }
        let invite = post(&path, json!({ "email": "c@example.com", "role": "member" }));
        assert_eq!(world.page_as(&bob, invite).await.status, 202);
        for (slug, status) in [("a", 201), ("b", 201), ("c", 429)] {
            let create = post("/auth/organizations", json!({ "name": "A", "slug": slug }));
            assert_eq!(world.page_as(&alice, create).await.status, status, "{slug}");
        }
    });
}
