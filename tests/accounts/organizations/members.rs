//! Members: their roles, keys and events, and who can leave.

use super::{CAROL, knowing, organizations, patch, put};
use crate::{
    request::{Request, delete, get, post},
    world::{ALICE, BOB, MODES, Mode, PASSWORD, setup},
};
use portcullis::{
    ApiKeys, KeyScopes, MemoryKeys, NewKey, Scheme,
    accounts::{By, Event, OrganizationId, Organizations, UserId},
};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    rc::Rc,
    sync::{Arc, Mutex},
};

#[test]
fn everybody_can_leave_but_the_last_owner() {
    for mode in MODES {
        organizations(mode, |all| all).run(async |world| {
            let (alice, bob, carol) =
                (world.signed_in(ALICE).await, world.signed_in(BOB).await, world.signed_in(CAROL).await);
            let id = world.organization("acme", &[(BOB, "member")]).await;
            let ids = [world.id(ALICE).await, world.id(BOB).await, world.id(CAROL).await];
            let [one, two, three] = ids.map(|user| format!("/auth/organizations/{id}/members/{user}"));
            // The last owner neither leaves nor becomes something else.
            assert_eq!(world.page_as(&alice, delete(&one)).await.code(), "409 last_owner");
            assert_eq!(world.page_as(&alice, patch(&one, json!({ "role": "admin" }))).await.code(), "409 last_owner");
            // A stranger does not learn whether the organization exists.
            let none = three.replace(id.as_str(), "01920000-0000-7000-8000-000000000000");
            let stranger = world.page_as(&carol, delete(&three)).await;
            assert_eq!((stranger.code(), &*stranger.body), ("404".to_owned(), ""));
            assert_eq!(world.page_as(&carol, delete(&none)).await.without_random(), stranger.without_random());

            assert_eq!(world.page_as(&bob, delete(&two)).await.status, 204);
            assert_eq!(world.page_as(&bob, delete(&two)).await.code(), "404");
            assert_eq!(world.page_as(&bob, get(&format!("/auth/organizations/{id}"))).await.code(), "404");
            world.organizations().add_member(&id, &world.id(BOB).await, "owner", By::Service).await.unwrap();
            assert_eq!(world.page_as(&alice, delete(&one)).await.status, 204);
            assert_eq!(world.page_as(&bob, delete(&two)).await.code(), "409 last_owner");
        });
    }
}

/// Roles that an organization defines count in the guards, and cannot become an owner's.
#[test]
fn roles_of_the_organization() {
    organizations(Mode::Bodies, Organizations::roles_by_organization).run(async |world| {
        let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
        let id = world.organization("acme", &[]).await;
        let base = format!("/auth/organizations/{id}");
        let role = |permissions: Value| put(&format!("{base}/roles/press"), json!({ "permissions": permissions }));
        assert_eq!(world.page_as(&alice, role(json!(["article:publish"]))).await.status, 204);
        world.organizations().add_member(&id, &world.id(BOB).await, "press", By::Service).await.unwrap();
        assert_eq!(world.page_as(&bob, get(&base)).await.code(), "403 permission_required");
        assert_eq!(world.page_as(&alice, role(json!(["organization:read"]))).await.status, 204);
        assert_eq!(world.page_as(&bob, get(&base)).await.json()["organization"]["role"], "press");
        for above in ["organization:manage", "organization:own", "organization:*", "*", "nothing"] {
            assert_eq!(world.page_as(&alice, role(json!([above]))).await.code(), "400 invalid_request", "{above}");
        }
        let remove = delete(&format!("{base}/roles/press"));
        assert_eq!(world.page_as(&alice, remove.clone()).await.code(), "409 role_in_use");
        let leave = delete(&format!("{base}/members/{}", world.id(BOB).await));
        assert_eq!(world.page_as(&bob, leave).await.status, 204);
        assert_eq!(world.page_as(&alice, remove).await.status, 204);
    });
    // Elsewhere these are unknown paths.
    organizations(Mode::Bodies, |all| all).run(async |world| {
        let alice = world.signed_in(ALICE).await;
        let id = world.organization("acme", &[]).await;
        let answer = world.page_as(&alice, get(&format!("/auth/organizations/{id}/roles"))).await;
        assert_eq!((answer.status, &*answer.body), (404, ""));
    });
    setup(Mode::Bodies).run(async |world| {
        let alice = world.signed_in(ALICE).await;
        for path in ["/auth/organizations", "/auth/organizations/x"] {
            assert_eq!(world.page_as(&alice, get(path)).await.status, 404, "{path}");
        }
    });
}

/// dembrane 59 and 64. Its last owner's demotion is 400 there.
#[test]
fn dembrane_roles_apart_and_roles_above() {
    let setup = organizations(Mode::Bodies, |all| all.apart(["external", "observer"]).unwrap());
    setup.run(async |world| {
        let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
        world.signed_in(CAROL).await;
        let id = world.organization("acme", &[(BOB, "admin")]).await;
        let member = |user: UserId| format!("/auth/organizations/{id}/members/{user}");
        let owner = member(world.id(ALICE).await);
        assert_eq!(
            world.page_as(&bob, patch(&owner, json!({ "role": "member" }))).await.code(),
            "403 role_forbidden",
            "59"
        );
        assert_eq!(
            world.page_as(&alice, patch(&owner, json!({ "role": "member" }))).await.code(),
            "409 last_owner",
            "59"
        );
        for apart in ["external", "observer"] {
            world.organizations().add_member(&id, &world.id(CAROL).await, apart, By::Service).await.unwrap();
            let carol = member(world.id(CAROL).await);
            assert_eq!(
                world.page_as(&alice, patch(&carol, json!({ "role": "member" }))).await.code(),
                "400 roles_apart",
                "64"
            );
            assert_eq!(world.page_as(&alice, delete(&carol)).await.status, 204);
            world.organizations().add_member(&id, &world.id(CAROL).await, "member", By::Service).await.unwrap();
            assert_eq!(
                world.page_as(&alice, patch(&carol, json!({ "role": apart }))).await.code(),
                "400 roles_apart",
                "64"
            );
            assert_eq!(world.page_as(&alice, patch(&carol, json!({ "role": "admin" }))).await.status, 204);
            assert_eq!(world.page_as(&alice, delete(&carol)).await.status, 204);
        }
        // A member apart reads, and leaves.
        let carol = world.sign_in(CAROL, PASSWORD).await;
        let carol = world.login(&carol);
        world.organizations().add_member(&id, &world.id(CAROL).await, "external", By::Service).await.unwrap();
        assert_eq!(world.page_as(&carol, get(&format!("/auth/organizations/{id}"))).await.status, 200);
        assert_eq!(
            world.page_as(&carol, delete(&member(world.id(ALICE).await))).await.code(),
            "403 permission_required"
        );
        assert_eq!(world.page_as(&carol, delete(&member(world.id(CAROL).await))).await.status, 204);
    });
}

/// A key of a user reads what its owner may read, and changes nothing.
#[test]
fn keys_of_members() {
    let made: Rc<RefCell<Option<ApiKeys>>> = Rc::default();
    let for_gate = made.clone();
    organizations(Mode::Bodies, |all| all)
        .then_accounts(move |accounts| {
            let keys = ApiKeys::new("shop", MemoryKeys::new()).unwrap();
            *made.borrow_mut() = Some(keys.clone());
            accounts.keys(keys)
        })
        // Without a name, so that keys count on every route.
        .gate(move |gate, accounts| {
            let keys = for_gate.borrow().clone().unwrap();
            knowing(gate, accounts).scheme(Scheme::new(keys).header("x-api-key"))
        })
        .run(async |world| {
            let alice = world.signed_in(ALICE).await;
            world.signed_in(BOB).await;
            let id = world.organization("acme", &[(BOB, "member")]).await;
            let who = world.principal(&alice).await;
            let key = world.accounts.add_key(&who, NewKey::new("all", KeyScopes::all_rights())).await.unwrap();
            let by_key = async |request: Request| {
                let request = request.header("x-api-key", key.expose());
                world.send(request).await.code()
            };
            let base = format!("/auth/organizations/{id}");
            let bob = format!("{base}/members/{}", world.id(BOB).await);
            let own = format!("{base}/members/{}", world.id(ALICE).await);
            for request in [
                get("/auth/organizations"),
                post("/auth/organizations", json!({ "name": "Other", "slug": "other" })),
                post("/auth/organizations/active", json!({ "organization": id.as_str() })),
                post("/auth/invitations/accept", json!({ "token": "a-token" })),
                patch(&base, json!({ "name": "Other" })),
                delete(&base),
                patch(&bob, json!({ "role": "owner" })),
                delete(&bob),
                delete(&own),
                post(&format!("{base}/invitations"), json!({ "email": CAROL, "role": "owner" })),
                delete(&format!("{base}/invitations/none")),
            ] {
                let name = format!("{} {}", request.method, request.path);
                assert_eq!(by_key(request).await, "403 not_for_keys", "{name}");
            }
            assert_eq!(by_key(get(&base)).await, "200");
            let other = world.organizations().create("Other", "other", &world.id(BOB).await).await.unwrap().id;
            assert_eq!(by_key(get(&format!("/auth/organizations/{other}"))).await, "404");
            assert_eq!(world.members_of(&id).await.len(), 2);
        });
}

/// What happened to members is told once, with who did it.
#[test]
fn events_of_members() {
    let heard: Arc<Mutex<Vec<Event>>> = Arc::default();
    let to = heard.clone();
    organizations(Mode::Bodies, |all| all)
        .then_accounts(move |accounts| {
            let to = to.clone();
            accounts.on_event(move |event, _| {
                if matches!(event, Event::MemberChanged { .. }) {
                    to.lock().unwrap().push(event.clone());
                }
            })
        })
        .run(async |world| {
            let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
            let (owner, user) = (world.id(ALICE).await, world.id(BOB).await);
            let created = world.page_as(&alice, post("/auth/organizations", json!({ "name": "A", "slug": "a" }))).await;
            let id = created.json()["organization"]["id"].as_str().unwrap().to_owned();
            let base = format!("/auth/organizations/{id}");
            let invite = post(&format!("{base}/invitations"), json!({ "email": BOB, "role": "admin" }));
            assert_eq!(world.page_as(&alice, invite).await.status, 202);
            let accept = post("/auth/invitations/accept", json!({ "token": world.mailed(BOB) }));
            assert_eq!(world.page_as(&bob, accept.clone()).await.status, 201);
            assert_eq!(world.page_as(&bob, accept).await.status, 400);
            let member = format!("{base}/members/{user}");
            assert_eq!(world.page_as(&bob, patch(&member, json!({ "role": "owner" }))).await.status, 403);
            assert_eq!(world.page_as(&alice, patch(&member, json!({ "role": "owner" }))).await.status, 204);
            assert_eq!(world.page_as(&bob, delete(&member)).await.status, 204);
            assert_eq!(world.page_as(&alice, delete(&format!("{base}/members/{owner}"))).await.status, 409);

            let told = std::mem::take(&mut *heard.lock().unwrap());
            let changed =
                |user: &UserId, before: Option<&str>, after: Option<&str>, by: &UserId| Event::MemberChanged {
                    organization: OrganizationId::new(&id),
                    user: user.clone(),
                    before: before.map(str::to_owned),
                    after: after.map(str::to_owned),
                    by: Some(by.clone()),
                };
            assert_eq!(
                told,
                [
                    changed(&owner, None, Some("owner"), &owner),
                    changed(&user, None, Some("admin"), &user),
                    changed(&user, Some("admin"), Some("owner"), &owner),
                    changed(&user, Some("owner"), None, &user),
                ]
            );
        });
}
