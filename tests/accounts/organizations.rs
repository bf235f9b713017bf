//! Organizations by HTTP: who may do what, and what nobody finds out.

use crate::{
    request::{Request, delete, get, post, request},
    world::{ALICE, BOB, Login, MODES, Mode, Mount, PASSWORD, Setup, World, setup},
};
use portcullis::{
    ApiKeys, Clock, Gate, GateBuilder, KeyScopes, MemoryKeys, NewKey, OrganizationContext, OrganizationVersions,
    RoleHierarchy, Scheme,
    accounts::{Accounts, By, Event, Limit, Limits, OrganizationId, Organizations, Secret, UserId, store::MemoryStore},
    actix, axum as on_axum,
    testing::FixedClock,
};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

const CAROL: &str = "carol@example.com";
const DAVE: &str = "dave@example.com";
const MAIL_SENT: &str = r#"{"status":"mail_sent"}"#;

/// A millisecond later each time, so that lists have an order.
#[derive(Debug)]
struct Ticking(FixedClock);

impl Clock for Ticking {
    fn now(&self) -> SystemTime {
        self.0.advance(Duration::from_millis(1));
        self.0.now()
    }
}

fn organizations(mode: Mode, with: impl Fn(Organizations) -> Organizations + 'static) -> Setup {
    setup(mode)
        .accounts(move |accounts| {
            let all = Organizations::new("https://shop.test", MemoryStore::new());
            let all = all.clock(Ticking(FixedClock::at(1_800_000_000)));
            accounts.organizations(with(all)).limits(Limits::dangerous_unlimited())
        })
        .gate(knowing)
}

/// What a gate needs for the endpoints.
fn knowing(gate: GateBuilder, accounts: &Accounts) -> GateBuilder {
    let all = accounts.organizations().unwrap();
    gate.membership("organization", all.clone()).roles_on("organization", all.hierarchy().build().unwrap())
}

fn patch(path: &str, body: Value) -> Request {
    post(path, body).method("PATCH")
}

fn put(path: &str, body: Value) -> Request {
    post(path, body).method("PUT")
}

impl World {
    fn organizations(&self) -> &Organizations {
        self.accounts.organizations().unwrap()
    }

    /// An organization with alice as its owner, and others.
    async fn organization(&self, slug: &str, others: &[(&str, &str)]) -> OrganizationId {
        let acme = self.organizations().create("Acme", slug, &self.id(ALICE).await).await.unwrap().id;
        for (email, role) in others {
            self.organizations().add_member(&acme, &self.id(email).await, role, By::Service).await.unwrap();
        }
        acme
    }

    async fn codes(&self, callers: &[Login; 4], make: impl AsyncFn() -> Request) -> Vec<String> {
        let mut codes = Vec::new();
        for caller in callers {
            codes.push(self.page_as(caller, make().await).await.code());
        }
        codes
    }

    async fn members_of(&self, id: &OrganizationId) -> Vec<(UserId, String)> {
        let members = self.organizations().members(id).await.unwrap();
        members.into_iter().map(|member| (member.user, member.role)).collect()
    }
}

/// Each request to an organization of its own: by a stranger, a member, an admin and the owner.
#[test]
fn who_may_do_what() {
    for mode in MODES {
        organizations(mode, Organizations::roles_by_organization).run(async |world| {
            let callers = [CAROL, BOB, "adam@example.com", ALICE];
            let mut logins = Vec::new();
            for email in callers {
                logins.push(world.signed_in(email).await);
            }
            world.signed_in(DAVE).await;
            let logins: [Login; 4] = logins.try_into().unwrap();
            let ids = [world.id(ALICE).await, world.id(DAVE).await];
            let [alice, dave] = ids.each_ref().map(UserId::as_str);

            let (unknown, denied) = ("404", "403 permission_required");
            let (press, own) =
                (json!({ "permissions": ["article:publish"] }), json!({ "permissions": ["organization:own"] }));
            let invited = |role: &str| json!({ "email": "eve@example.com", "role": role });
            let role = |role: &str| json!({ "role": role });
            let (above, last) = ("403 role_forbidden", "409 last_owner");
            let table: Vec<(&'static str, String, Value, [&str; 4])> = vec![
                ("GET", "".into(), Value::Null, [unknown, "200", "200", "200"]),
                ("PATCH", "".into(), json!({ "name": "Other" }), [unknown, denied, "200", "200"]),
                ("PATCH", "".into(), json!({ "slug": "taken" }), [unknown, denied, "409 slug_taken", "409 slug_taken"]),
                ("PATCH", "".into(), json!({ "slug": "A" }), [unknown, denied, "400 invalid_slug", "400 invalid_slug"]),
                ("PATCH", "".into(), json!({}), [unknown, denied, "400 invalid_request", "400 invalid_request"]),
                ("DELETE", "".into(), Value::Null, [unknown, denied, denied, "204"]),
                ("GET", "/members".into(), Value::Null, [unknown, "200", "200", "200"]),
                ("PATCH", format!("/members/{dave}"), role("admin"), [unknown, denied, "204", "204"]),
                ("PATCH", format!("/members/{dave}"), role("owner"), [unknown, denied, above, "204"]),
                (
                    "PATCH",
                    format!("/members/{dave}"),
                    role("chief"),
                    [unknown, denied, "400 unknown_role", "400 unknown_role"],
                ),
                (
                    "PATCH",
                    format!("/members/{dave}"),
                    role("\0"),
                    [unknown, denied, "400 unknown_role", "400 unknown_role"],
                ),
                (
                    "PATCH",
                    format!("/members/{dave}"),
                    json!({}),
                    [unknown, denied, "400 invalid_request", "400 invalid_request"],
                ),
                ("PATCH", format!("/members/{alice}"), role("member"), [unknown, denied, above, last]),
                (
                    "PATCH",
                    "/members/nobody".into(),
                    role("member"),
                    [unknown, denied, "404 not_found", "404 not_found"],
                ),
                ("DELETE", format!("/members/{dave}"), Value::Null, [unknown, denied, "204", "204"]),
                ("DELETE", format!("/members/{alice}"), Value::Null, [unknown, denied, above, last]),
                ("DELETE", "/members/nobody".into(), Value::Null, [unknown, denied, "404 not_found", "404 not_found"]),
                ("GET", "/invitations".into(), Value::Null, [unknown, denied, "200", "200"]),
                ("POST", "/invitations".into(), invited("member"), [unknown, denied, "202", "202"]),
                ("POST", "/invitations".into(), invited("owner"), [unknown, denied, above, "202"]),
                (
                    "POST",
                    "/invitations".into(),
                    invited("chief"),
                    [unknown, denied, "400 unknown_role", "400 unknown_role"],
                ),
                (
                    "DELETE",
                    "/invitations/none".into(),
                    Value::Null,
                    [unknown, denied, "404 not_found", "404 not_found"],
                ),
                ("GET", "/roles".into(), Value::Null, [unknown, "200", "200", "200"]),
                ("PUT", "/roles/press".into(), press.clone(), [unknown, denied, denied, "204"]),
                ("PUT", "/roles/press".into(), own, [unknown, denied, denied, "400 invalid_request"]),
                ("PUT", "/roles/press".into(), json!({}), [unknown, denied, denied, "400 invalid_request"]),
                ("PUT", "/roles/owner".into(), press, [unknown, denied, denied, "400 unknown_role"]),
                ("DELETE", "/roles/press".into(), Value::Null, [unknown, denied, denied, "404 not_found"]),
            ];
            world.organization("taken", &[]).await;
            for (place, (method, path, body, expected)) in table.iter().enumerate() {
                let others = [(BOB, "member"), ("adam@example.com", "admin"), (DAVE, "member")];
                let counter = Cell::new(0);
                let make = async || {
                    counter.set(counter.get() + 1);
                    let id = world.organization(&format!("acme-{place}-{}", counter.get()), &others).await;
                    let request = request(method, &format!("/auth/organizations/{id}{path}"));
                    if body.is_null() { request } else { request.json(body) }
                };
                assert_eq!(world.codes(&logins, make).await, *expected, "{method} {path} {body}");
                let nobody = world.page(make().await).await;
                assert_eq!(nobody.code(), "401 credential_missing", "{method} {path}");
                // An organization that there is not looks like one of others.
                let none = format!("/auth/organizations/01920000-0000-7000-8000-000000000000{path}");
                let none = request(method, &none).json(body);
                let stranger = world.page_as(&logins[0], make().await).await.without_random();
                assert_eq!(world.page_as(&logins[3], none).await.without_random(), stranger, "{method} {path}");
                if *method != "GET" {
                    let foreign = world.with(&logins[3], make().await).header("sec-fetch-site", "cross-site");
                    assert_eq!(world.send(foreign).await.code(), "403 cross_origin", "{method} {path}");
                }
            }
        });
    }
}

#[test]
fn an_organization_is_created_shown_changed_and_removed() {
    for mode in MODES {
        organizations(mode, |all| all).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let body = json!({ "name": "Acme", "slug": "acme", "extra": { "plan": "gold" }, "role": "x" });
            let created = world.page_as(&login, post("/auth/organizations", body.clone())).await;
            let id = created.json()["organization"]["id"].as_str().unwrap().to_owned();
            let acme = json!({
                "id": id, "slug": "acme", "name": "Acme", "extra": {}, "created_at": 1_800_000_000, "role": "owner",
                "active": false,
            });
            assert_eq!((created.status, &created.json()["organization"]), (201, &acme));
            let owner = world.id(ALICE).await;
            assert_eq!(world.members_of(&OrganizationId::new(&id)).await, [(owner, "owner".to_owned())]);

            let create = |name: &str, slug: &str| post("/auth/organizations", json!({ "name": name, "slug": slug }));
            for (name, slug, code) in [
                ("Other", "acme", "409 slug_taken"),
                ("Other", "Acme", "400 invalid_slug"),
                ("Other", "a--b", "400 invalid_slug"),
                ("", "other", "400 invalid_request"),
                ("a\0b", "other", "400 invalid_request"),
                (&"x".repeat(256), "other", "400 invalid_request"),
            ] {
                assert_eq!(world.page_as(&login, create(name, slug)).await.code(), code, "{name} {slug}");
            }
            assert_eq!(world.page(create("Other", "other")).await.code(), "401 credential_missing");
            let foreign = world.with(&login, create("Other", "other")).header("sec-fetch-site", "cross-site");
            assert_eq!(world.send(foreign).await.code(), "403 cross_origin");

            let list = world.page_as(&login, get("/auth/organizations")).await;
            assert_eq!((list.status, list.json()), (200, json!({ "organizations": [acme] })));
            assert_eq!(world.page(get("/auth/organizations")).await.code(), "401 credential_missing");
            let bob = world.signed_in(BOB).await;
            let list = world.page_as(&bob, get("/auth/organizations")).await;
            assert_eq!(list.json(), json!({ "organizations": [] }));

            let path = format!("/auth/organizations/{id}");
            let answer = world.page_as(&login, patch(&path, json!({ "name": "Acme Ltd", "slug": "acme-ltd" }))).await;
            let changed = &answer.json()["organization"];
            assert_eq!(
                (&changed["name"], &changed["slug"], &changed["role"]),
                (&json!("Acme Ltd"), &json!("acme-ltd"), &json!("owner"))
            );
            assert_eq!(world.page_as(&login, get(&path)).await.json()["organization"], *changed);
            let members = world.page_as(&login, get(&format!("{path}/members"))).await.json();
            let owner = json!({ "user": world.id(ALICE).await.as_str(), "role": "owner", "since": 1_800_000_000 });
            assert_eq!(members, json!({ "members": [owner] }));
            assert_eq!(world.page_as(&login, delete(&path)).await.status, 204);
            assert_eq!(world.page_as(&login, get(&path)).await.code(), "404");
            assert_eq!(world.page_as(&login, create("Acme", "acme-ltd")).await.status, 201);
        });
    }
}

#[test]
fn a_session_acts_in_an_organization() {
    for mode in MODES {
        organizations(mode, |all| all).run(async |world| {
            let (mut login, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
            let id = world.organization("acme", &[(BOB, "owner")]).await;
            let choose = |id: Value| post("/auth/organizations/active", json!({ "organization": id }));
            let active = async |login: &Login| {
                let list = world.page_as(login, get("/auth/organizations")).await.json();
                list["organizations"][0]["active"].clone()
            };
            let answer = world.page_as(&login, choose(json!(id.as_str()))).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let body = answer.json();
            assert_eq!(body.get("access_token").is_some(), mode == Mode::Bodies);
            assert_eq!(answer.all("set-cookie").len(), usize::from(mode == Mode::TwoCookies));
            assert_eq!(body.get("expires_in"), (mode != Mode::OneSession).then_some(&json!(900)));
            assert!(body.get("refresh_token").is_none() && answer.cookie("__Host-refresh").is_none());
            login.update(&answer);
            assert_eq!((active(&login).await, active(&bob).await), (json!(true), json!(false)));
            if mode != Mode::OneSession {
                let refreshed = world.send(world.refresh_of(&login)).await;
                login.update(&refreshed);
                assert_eq!(active(&login).await, json!(true), "a refresh keeps it");
            }

            let other = world.organizations().create("Other", "other", &world.id(BOB).await).await.unwrap().id;
            for strange in [json!(other.as_str()), json!("none"), json!(""), json!("\0")] {
                assert_eq!(world.page_as(&login, choose(strange)).await.code(), "404 not_found");
            }
            for body in [json!({}), json!({ "organization": 1 }), json!([])] {
                let answer = world.page_as(&login, post("/auth/organizations/active", body)).await;
                assert_eq!(answer.code(), "400 invalid_request");
            }
            assert_eq!(world.page(choose(Value::Null)).await.code(), "401 credential_missing");
            let foreign = world.with(&login, choose(Value::Null)).header("sec-fetch-site", "cross-site");
            assert_eq!(world.send(foreign).await.code(), "403 cross_origin");
            assert_eq!(active(&login).await, json!(true), "nothing of this had an effect");

            let answer = world.page_as(&login, choose(Value::Null)).await;
            login.update(&answer);
            assert_eq!(active(&login).await, json!(false));
            // It is no organization by this name.
            assert!([404, 405].contains(&world.page_as(&login, get("/auth/organizations/active")).await.status));
        });
    }
}

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

/// The guard and the endpoint see the same organization and the same user, however the path is written.
#[test]
fn identifiers_with_odd_encodings() {
    for mount in [Mount::Plain, Mount::Nested, Mount::Enforced] {
        organizations(Mode::Bodies, Organizations::roles_by_organization).mount(mount).run(async |world| {
            let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
            let id = world.organization("acme", &[]).await;
            let other = world.organizations().create("Other", "other", &world.id(BOB).await).await.unwrap().id;
            let (id, other) = (id.as_str(), other.as_str());
            let first = format!("%{:02x}{}", id.as_bytes()[0], &id[1..]);
            let same = [id.replace('-', "%2d"), id.replace('-', "%2D"), first];
            for text in &same {
                let path = format!("/auth/organizations/{text}");
                assert_eq!(world.page_as(&alice, get(&path)).await.json()["organization"]["slug"], "acme", "{text}");
                assert_eq!(world.page_as(&bob, get(&path)).await.code(), "404", "{text}");
            }
            let strange = [
                id.replace('-', "%252d"),
                id.to_uppercase(),
                format!("{id}%00"),
                format!("{id}%20"),
                format!("%09{id}"),
                format!("{other}%2f..%2f{id}"),
                format!("{id}%2F..%2F{other}"),
                format!("{id};x"),
                format!("{id}."),
                "%2e%2e".into(),
                "%00".into(),
                "%".into(),
                "a".repeat(5000),
            ];
            for text in &strange {
                for path in [format!("/auth/organizations/{text}"), format!("/auth/organizations/{text}/members")] {
                    // What one framework does not route at all is unknown as well.
                    let status = world.page_as(&alice, get(&path)).await.status;
                    assert!([400, 404].contains(&status), "{text}: {status}");
                    assert!([400, 404].contains(&world.page_as(&bob, get(&path)).await.status), "{text}");
                }
            }
            // The member, the invitation and the role are decoded in the same way.
            world
                .organizations()
                .add_member(&OrganizationId::new(id), &world.id(BOB).await, "member", By::Service)
                .await
                .unwrap();
            let bobs = world.id(BOB).await;
            let encoded = bobs.as_str().replace('-', "%2D");
            let base = format!("/auth/organizations/{id}");
            for user in [format!("{bobs}%00"), bobs.as_str().replace('-', "%252d"), "%00".into()] {
                assert_eq!(
                    world.page_as(&alice, delete(&format!("{base}/members/{user}"))).await.code(),
                    "404 not_found",
                    "{user}"
                );
            }
            assert_eq!(world.page_as(&bob, delete(&format!("{base}/members/{encoded}"))).await.status, 204);
            let role = json!({ "permissions": ["article:publish"] });
            let define = |name: &str| put(&format!("{base}/roles/{name}"), role.clone());
            assert_eq!(world.page_as(&alice, define("press%20room")).await.status, 204);
            assert_eq!(world.page_as(&alice, define("a%2Fb")).await.status, 204);
            assert_eq!(world.page_as(&alice, define("%00")).await.code(), "404 not_found");
            let list = world.page_as(&alice, get(&format!("{base}/roles"))).await.json();
            assert_eq!((&list["roles"][0]["name"], &list["roles"][1]["name"]), (&json!("a/b"), &json!("press room")));
            assert_eq!(list["roles"][0]["permissions"], json!(["article:publish"]));
            assert_eq!(world.page_as(&alice, delete(&format!("{base}/roles/a%2fb"))).await.status, 204);
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

const TABLE: &str = "\
GET /auth/organizations | authenticated
POST /auth/organizations | authenticated
POST /auth/organizations/active | authenticated
POST /auth/invitations/accept | authenticated
GET /auth/organizations/{id} | READ
PATCH /auth/organizations/{id} | MANAGE
DELETE /auth/organizations/{id} | OWN
GET /auth/organizations/{id}/members | READ
PATCH /auth/organizations/{id}/members/{user} | MANAGE
DELETE /auth/organizations/{id}/members/{user} | own_membership or MANAGE
GET /auth/organizations/{id}/invitations | MANAGE
POST /auth/organizations/{id}/invitations | MANAGE
DELETE /auth/organizations/{id}/invitations/{invitation} | MANAGE
GET /auth/organizations/{id}/roles | READ
PUT /auth/organizations/{id}/roles/{role} | OWN
DELETE /auth/organizations/{id}/roles/{role} | OWN
";

/// At start, and with a text that says what to write.
#[test]
fn a_gate_that_cannot_ask_is_refused_at_start() {
    let all = || Organizations::new("https://shop.test", MemoryStore::new()).roles_by_organization();
    let accounts = |all: Organizations| {
        let secret = Secret::new(crate::world::SECRET).unwrap();
        let builder = Accounts::builder("https://shop.test", secret, MemoryStore::new()).argon2(64, 1, 1);
        builder.dangerous_without_confirmation().organizations(all).build().unwrap()
    };
    let gate = |accounts: &Accounts, with: &dyn Fn(GateBuilder) -> GateBuilder| {
        with(Gate::builder().scheme(accounts).revocations(accounts.revocations())).build().unwrap()
    };
    let plain = accounts(all());
    let found = |gate: Gate| plain.endpoints().list(&gate).err().unwrap().to_string();
    let member_only = RoleHierarchy::ranked(["member"]).unwrap();
    let without_permissions = RoleHierarchy::ranked(["member", "admin", "owner"]).unwrap();
    let cases: [(&str, Gate); 3] = [
        ("need a gate that knows their members", gate(&plain, &|gate| gate)),
        (
            "does not know the role `admin`",
            gate(&plain, &|gate| gate.membership("organization", all()).roles_on("organization", member_only.clone())),
        ),
        (
            "`owner` of the gate does not permit `organization:read`",
            gate(&plain, &|gate| {
                gate.membership("organization", all()).roles_on("organization", without_permissions.clone())
            }),
        ),
    ];
    for (text, gate) in cases {
        let on_both: [Box<dyn Fn()>; 2] = [
            Box::new(|| drop(on_axum::Routes::<()>::new(&gate).accounts("/auth", &plain.endpoints()))),
            Box::new(|| drop(actix::Routes::new(&gate).accounts("/auth", &plain.endpoints()))),
        ];
        for mount in on_both {
            let panic = catch_unwind(AssertUnwindSafe(mount)).expect_err("it starts");
            let message = panic.downcast_ref::<String>().unwrap();
            assert!(message.contains(text), "{message}");
            assert!(message.contains("organizations.hierarchy().build()?"), "{message}");
        }
        assert!(found(gate).contains(text));
    }
    let knows = gate(&plain, &|gate| knowing(gate, &plain));
    for table in [
        on_axum::Routes::<()>::new(&knows).accounts("/auth", &plain.endpoints()).table(),
        actix::Routes::new(&knows).accounts("/auth", &plain.endpoints()).table(),
    ] {
        let rows = table.rows().map(|row| format!("{row} | {}\n", row.policy()));
        let rows: String = rows.filter(|row| row.contains("organization") || row.contains("invitation")).collect();
        let whole = |text: String, name: &str| {
            let short = name.to_uppercase();
            text.replace(&format!("permission organization:{name} on organization, hidden"), &short)
        };
        assert_eq!(["read", "manage", "own"].into_iter().fold(rows, whole), TABLE);
    }
}
