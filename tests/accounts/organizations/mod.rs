//! Organizations by HTTP: who may do what, and what nobody finds out.

mod contexts;
mod invitations;
mod members;
mod paths;

use crate::{
    request::{Request, delete, get, post, request},
    world::{ALICE, BOB, Login, MODES, Mode, Setup, World, setup},
};
use portcullis::{
    Clock, Gate, GateBuilder, RoleHierarchy,
    accounts::{Accounts, By, Limits, OrganizationId, Organizations, Secret, UserId, store::MemoryStore},
    actix, axum as on_axum,
    testing::FixedClock,
};
use serde_json::{Value, json};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
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
