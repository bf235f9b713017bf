//! Cases 131 to 134: the organization in a signed header, as here and as there.

use crate::service::*;
use portcullis::{
    Error, GateBuilder, OrganizationContext, OrganizationVersions, Principal, PrincipalId, PrincipalKind,
    UnexpiringContext,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

const HEADER: &str = "x-org-context";

/// The organization `o-1`: its version, and its members.
#[derive(Debug, Clone, Default)]
struct Organization(Arc<Mutex<(u64, BTreeSet<String>)>>);

impl Organization {
    fn change(&self, change: impl FnOnce(&mut BTreeSet<String>) -> bool) {
        let mut organization = self.0.lock().unwrap();
        organization.0 += 1;
        assert!(change(&mut organization.1));
    }

    fn version(&self) -> u64 {
        self.0.lock().unwrap().0
    }
}

impl OrganizationVersions for Organization {
    async fn version(&self, who: &Principal, organization: &str) -> Result<Option<u64>, Error> {
        let is_member = organization == "o-1" && self.0.lock().unwrap().1.contains(&who.id().to_string());
        Ok(is_member.then(|| self.version()))
    }
}

fn with(mut service: Service, settings: impl FnOnce(GateBuilder) -> GateBuilder) -> Service {
    service.gate = settings(gate(&service.accounts).clock(service.clock.clone())).build().unwrap();
    service
}

/// The answer of the route that says the caller's organization.
async fn organization(service: &Service, access: &str, context: Option<&str>) -> (u16, String) {
    let bearer = format!("Bearer {access}");
    let headers: Vec<_> = [("authorization", &*bearer)].into_iter().chain(context.map(|text| (HEADER, text))).collect();
    let answer = service.ask("GET", "/me", &headers, &Value::Null).await;
    match answer.status {
        200 => (200, answer.json()["org_id"].as_str().unwrap_or("none").to_owned()),
        _ => answer.refusal(),
    }
}

fn said(text: &str) -> (u16, String) {
    (200, text.to_owned())
}

fn refused() -> (u16, String) {
    (401, "invalid_context".to_owned())
}

/// 131 to 133 as here.
#[tokio::test]
async fn a_context_is_for_its_member_and_until_the_members_change() {
    for service in both().await {
        let (alice, bob) = (service.signed_in(ALICE).await, service.signed_in("bob@example.com").await);
        let [alice_access, bob_access] = [&alice, &bob].map(|answer| answer.text("access_token"));
        let user = alice.json()["user"]["id"].as_str().unwrap().to_owned();
        let id = PrincipalId::new(PrincipalKind::User, user).with_issuer("derp");
        let members = Organization::default();
        members.change(|members| members.insert(id.to_string()));
        let contexts = OrganizationContext::new(SECRET, members.clone()).unwrap();
        let service = with(service, |builder| builder.organization_context(HEADER, contexts.clone()));
        let principal = Principal::new(PrincipalKind::User, id.subject()).with_issuer("derp");
        let issue = || contexts.issue(&principal, "o-1", members.version()).unwrap();

        let context = issue();
        assert_eq!(organization(&service, &alice_access, Some(&context)).await, said("o-1"));
        assert_eq!(organization(&service, &alice_access, None).await, said("none"));
        assert_eq!(organization(&service, &bob_access, Some(&context)).await, refused(), "131");
        for wrong in ["o-1:owner", "o-1:owner:xyz", &context[..context.len() - 1], ""] {
            assert_eq!(organization(&service, &alice_access, Some(wrong)).await, refused(), "132: {wrong}");
        }
        // A change of members: alice gets another context. After her removal there is none for her.
        members.change(|members| members.insert("somebody else".to_owned()));
        assert_eq!(organization(&service, &alice_access, Some(&context)).await, refused());
        assert_eq!(organization(&service, &alice_access, Some(&issue())).await, said("o-1"));
        members.change(|all| all.remove(&id.to_string()));
        for context in [context, issue()] {
            assert_eq!(organization(&service, &alice_access, Some(&context)).await, refused(), "133");
        }
        assert_eq!(organization(&service, &alice_access, None).await, said("none"), "the session goes on");
    }
}

/// 131 to 133 as there.
#[tokio::test]
async fn as_there_whatever_is_wrong_is_ignored_and_nothing_ends() {
    for service in both().await {
        let (alice, bob) = (service.signed_in(ALICE).await, service.signed_in("bob@example.com").await);
        let [alice_access, bob_access] = [&alice, &bob].map(|answer| answer.text("access_token"));
        let contexts = UnexpiringContext::new("client-secret").unwrap();
        let service = with(service, |builder| builder.dangerous_unexpiring_context(HEADER, contexts.clone()));
        let context = contexts.sign(alice.json()["user"]["id"].as_str().unwrap(), "o-1", "owner").unwrap();

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
