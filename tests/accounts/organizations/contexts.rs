//! Signed contexts.

use super::{knowing, organizations};
use crate::{
    request::{delete, get},
    world::{ALICE, BOB, Login, Mode},
};
use portcullis::{OrganizationContext, OrganizationVersions};
use std::{cell::RefCell, rc::Rc};

/// A signed context chooses an organization. It follows the members, unless it is trusted until it expires.
#[test]
fn signed_contexts_and_members_who_leave() {
    const KEY: &str = "another-secret-of-at-least-thirty-two-bytes";
    const HEADER: &str = "x-org-context";
    for offline in [false, true] {
        // The gate gives its clock to it.
        let made: Rc<RefCell<Option<OrganizationContext>>> = Rc::default();
        let contexts = made.clone();
        organizations(Mode::Bodies, |all| all)
            .gate(move |gate, accounts| {
                let contexts = match offline {
                    false => OrganizationContext::new(KEY, accounts.organizations().unwrap().clone()).unwrap(),
                    true => OrganizationContext::offline(KEY).unwrap(),
                };
                *made.borrow_mut() = Some(contexts.clone());
                knowing(gate, accounts).organization_context(HEADER, contexts)
            })
            .run(async |world| {
                let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
                let id = world.organization("acme", &[(BOB, "admin")]).await;
                let issue = async |login: &Login| {
                    let who = world.principal(login).await;
                    let version = world.organizations().version(&who, id.as_str()).await.unwrap();
                    let contexts = contexts.borrow().clone().unwrap();
                    version.map(|version| contexts.issue(&who, id.as_str(), version).unwrap())
                };
                // The list marks the organization in which the caller acts.
                let acts = async |login: &Login, context: &str| {
                    let answer = world.page_as(login, get("/auth/organizations").header(HEADER, context)).await;
                    match answer.status {
                        200 => format!("200 {}", answer.json()["organizations"][0]["active"]),
                        _ => answer.code(),
                    }
                };
                let (of_alice, of_bob) = (issue(&alice).await.unwrap(), issue(&bob).await.unwrap());
                assert_eq!(acts(&bob, &of_bob).await, "200 true");
                assert_eq!(acts(&bob, &of_alice).await, "401 invalid_context");
                let member = format!("/auth/organizations/{id}/members/{}", world.id(BOB).await);
                assert_eq!(world.page_as(&alice, delete(&member)).await.status, 204);
                assert_eq!(issue(&bob).await, None);
                // Bob is out at once, or when his context expires. What he may do there asks the store in any case.
                let (until_then, after) =
                    if offline { ("200 null", "200 true") } else { ("401 invalid_context", "401 invalid_context") };
                assert_eq!(acts(&bob, &of_bob).await, until_then);
                let organization = get(&format!("/auth/organizations/{id}")).header(HEADER, &of_bob);
                assert_eq!(
                    world.page_as(&bob, organization).await.code(),
                    if offline { "404" } else { "401 invalid_context" }
                );
                assert_eq!(acts(&alice, &of_alice).await, after, "the version is another one");
                assert_eq!(acts(&alice, &issue(&alice).await.unwrap()).await, "200 true");
                world.pass(301);
                assert_eq!(acts(&bob, &of_bob).await, "401 invalid_context");
                assert_eq!(acts(&alice, &of_alice).await, "401 invalid_context");
            });
    }
}
