//! Cases 131 to 134: the organization in a signed header, as here and as there. `members.rs` has users of Cognito and Clerk.

use crate::service::*;
use portcullis::{
    Gate, RoleHierarchy, Scheme, UnexpiringContext,
    accounts::{By, OrganizationId, UserId},
};
use serde_json::{Value, json};

const HEADER: &str = "x-org-context";
const BOB: &str = "bob@example.com";

/// A request of a user with a context, or without one.
async fn with(service: &Service, path: &str, access: &str, context: Option<&str>) -> Answer {
    let bearer = format!("Bearer {access}");
    let headers: Vec<_> = [("authorization", &*bearer)].into_iter().chain(context.map(|text| (HEADER, text))).collect();
    service.ask("GET", path, &headers, &Value::Null).await
}

/// The answer of the route that says the caller's organization.
async fn organization(service: &Service, access: &str, context: Option<&str>) -> (u16, String) {
    let answer = with(service, "/me", access, context).await;
    match answer.status {
        200 => said(answer.json()["org_id"].as_str().unwrap_or("none")),
        _ => answer.refusal(),
    }
}

/// The answer of a route for owners.
async fn invoices(service: &Service, access: &str, context: Option<&str>) -> (u16, String) {
    let answer = with(service, "/invoices", access, context).await;
    if answer.status == 200 { said("the invoices") } else { answer.refusal() }
}

fn said(text: &str) -> (u16, String) {
    (200, text.to_owned())
}

fn refused() -> (u16, String) {
    (401, "invalid_context".to_owned())
}

async fn asked(service: &Service, access: &str, organization: &str) -> Answer {
    service.send("POST", &format!("/organizations/{organization}/context"), access, Value::Null).await
}

/// 131 to 133 as here.
#[tokio::test]
async fn a_context_is_for_its_member_and_until_the_members_change() {
    for service in both().await {
        let [alice, bob] = [service.signed_in(ALICE).await, service.signed_in(BOB).await];
        let [alice, bob] = [alice, bob].map(|answer| answer.text("access_token"));
        let (id, user) = (service.organization(&alice, "acme").await, service.user(BOB).await.id);
        let context = asked(&service, &alice, &id).await.text("context");
        assert_eq!(organization(&service, &alice, Some(&context)).await, said(&id));
        assert_eq!(organization(&service, &alice, None).await, said("none"));
        assert_eq!(organization(&service, &bob, Some(&context)).await, refused(), "131");
        for wrong in ["o-1:owner", "o-1:owner:xyz", &context[..context.len() - 1], ""] {
            assert_eq!(organization(&service, &alice, Some(wrong)).await, refused(), "132: {wrong}");
        }
        // A stranger gets the answer of an organization that does not exist.
        let strange = asked(&service, &bob, &id).await;
        let missing = asked(&service, &bob, "none").await;
        assert_eq!((strange.status, &strange.body), (404, &missing.body));
        assert_eq!((missing.status, asked(&service, "no-token", &id).await.status), (404, 401));

        // A change of members: everybody gets another context.
        let (all, organization_id) = (&service.served.organizations, OrganizationId::new(&id));
        all.add_member(&organization_id, &user, "member", By::Service).await.unwrap();
        assert_eq!(organization(&service, &alice, Some(&context)).await, refused());
        let context = asked(&service, &alice, &id).await.text("context");
        let of_bob = asked(&service, &bob, &id).await.text("context");
        assert_eq!(organization(&service, &bob, Some(&of_bob)).await, said(&id));
        // It only chooses. The role is that of the member.
        assert_eq!(invoices(&service, &alice, Some(&context)).await, said("the invoices"));
        assert_eq!(invoices(&service, &bob, Some(&of_bob)).await, (403, "role_required".into()));
        assert_eq!(invoices(&service, &alice, None).await, (400, "parameter_missing".into()));

        all.remove_member(&organization_id, &user, By::Service).await.unwrap();
        assert_eq!(organization(&service, &bob, Some(&of_bob)).await, refused(), "133");
        assert_eq!(asked(&service, &bob, &id).await.status, 404, "133");
        assert_eq!(organization(&service, &bob, None).await, said("none"), "the session goes on");
        // After five minutes it ends by itself.
        let context = asked(&service, &alice, &id).await.text("context");
        service.pass(299);
        assert_eq!(organization(&service, &alice, Some(&context)).await, said(&id));
        service.pass(1);
        assert_eq!(organization(&service, &alice, Some(&context)).await, refused());
    }
}

/// A token that names an organization acts in no other one.
#[tokio::test]
async fn the_active_organization_stays() {
    for service in both().await {
        let alice = service.signed_in(ALICE).await.text("access_token");
        let [acme, other] = [service.organization(&alice, "acme").await, service.organization(&alice, "other").await];
        let contexts = [&acme, &other].map(|id| asked(&service, &alice, id));
        let [of_acme, of_other] = contexts;
        let (of_acme, of_other) = (of_acme.await.text("context"), of_other.await.text("context"));
        let active = service.act_in(&alice, json!(acme)).await.text("access_token");
        assert_eq!(organization(&service, &active, Some(&of_acme)).await, said(&acme));
        assert_eq!(organization(&service, &active, Some(&of_other)).await, refused());
        assert_eq!(invoices(&service, &active, None).await, said("the invoices"));
        assert_eq!(organization(&service, &alice, Some(&of_other)).await, said(&other));
    }
}

/// 131 to 133 as there.
#[tokio::test]
async fn as_there_whatever_is_wrong_is_ignored_and_nothing_ends() {
    for mut service in both().await {
        let (alice, bob) = (service.signed_in(ALICE).await, service.signed_in(BOB).await);
        let [alice_access, bob_access] = [&alice, &bob].map(|answer| answer.text("access_token"));
        let contexts = UnexpiringContext::new("client-secret").unwrap();
        let (accounts, organizations) = (&service.accounts, &service.served.organizations);
        let gate = Gate::builder()
            .scheme(Scheme::new(accounts).cookie("__Host-access").bearer())
            .revocations(accounts.revocations())
            .directory(accounts.directory())
            .roles(
                RoleHierarchy::builder()
                    .role("default", [])
                    .role("admin", [])
                    .permits("admin", ["teams:read"])
                    .build()
                    .unwrap(),
            )
            .membership("organization", organizations.clone())
            .roles_on("organization", organizations.hierarchy().build().unwrap())
            .dangerous_unexpiring_context(HEADER, contexts.clone());
        service.served.gate = gate.clock(service.clock.clone()).build().unwrap();
        let user = UserId::new(alice.json()["user"]["id"].as_str().unwrap());
        let context = contexts.sign(user.as_str(), "o-1", "owner").unwrap();

        assert_eq!(organization(&service, &alice_access, Some(&context)).await, said("o-1"));
        assert_eq!(organization(&service, &bob_access, Some(&context)).await, said("none"), "131");
        for wrong in ["o-1:owner", "o-1:owner:xyz", &context[..context.len() - 1], ""] {
            assert_eq!(organization(&service, &alice_access, Some(wrong)).await, said("none"), "132: {wrong}");
        }
        // 133: nobody is asked who is a member.
        service.pass(600);
        assert_eq!(organization(&service, &alice_access, Some(&context)).await, said("o-1"));
    }
}

/// 131, the vector, and 134.
#[test]
fn the_format_of_there() {
    let contexts = UnexpiringContext::new("client-secret").unwrap();
    let vector = "o-1:owner:df3145c7b6558a04282ad5d59b3d9536362939bfcacec5a02a8583f6fb40e7e0";
    assert_eq!(contexts.sign("u-1", "o-1", "owner").unwrap(), vector);
    assert!(contexts.sign("u-1", "o-1", "owner:admin").is_err());
}
