//! What a request finds out about its caller and its resource is asked once, and handlers read it.

use crate::{
    cast::{self, Names, later},
    wire::{expect, get_as},
};
use axum::{Router, routing::get};
use portcullis_axum::{Authenticated, Authorized, GateExt, Rejection, Visitor};
use portcullis_core::{
    Account, Directory, Error, Gate, Membership, Principal, Requirement, RoleHierarchy, Scheme, Standing, TokenCache,
    policy::{values::OnResource, *},
    testing::TestIssuer,
};
use std::{
    mem::take,
    sync::{Arc, Mutex},
};

/// Who was asked about what, since the last time.
#[derive(Debug, Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    async fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
        later().await;
    }

    fn take(&self) -> Vec<String> {
        take(&mut self.0.lock().unwrap())
    }
}

struct Document {
    title: String,
}

/// Documents 1 and 2 have viewers and owners. The first may be viewed by everybody; there is no other.
#[derive(Debug, Clone)]
struct Documents(Asked);

impl Documents {
    fn found(id: u32, role: Option<&'static str>) -> Standing {
        match id {
            1 => Standing::role(role.unwrap_or("viewer")).with(Document { title: "the plan".into() }),
            2 => Standing::from(role).with(Document { title: "the secret".into() }),
            _ => Standing::missing(),
        }
    }
}

impl Membership for Documents {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        self.0.note(format!("{} {id}", who.id().subject())).await;
        Ok(Self::found(*id, ["viewer", "owner"].into_iter().find(|role| *role == who.id().subject())))
    }

    async fn visitor(&self, id: &u32) -> Result<Standing, Error> {
        self.0.note(format!("nobody {id}")).await;
        Ok(Self::found(*id, None))
    }
}

struct User {
    nickname: String,
}

#[derive(Debug, Clone)]
struct Users(Asked);

impl Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        self.0.note(who.id().subject().to_owned()).await;
        match who.id().subject() {
            "unknown" => Err(Error::no_account()),
            "new" => Ok(Account::none()),
            name => Ok(Account::new(User { nickname: format!("little {name}") })),
        }
    }
}

const READ: OnResource = role("viewer").on("document", path("id"));

/// Viewers of the document in the path.
struct Read;
impl Requirement for Read {
    const POLICY: &'static dyn Policy = &READ;
}

/// Its owners.
struct Write;
impl Requirement for Write {
    const POLICY: &'static dyn Policy = &role("owner").on("document", path("id"));
}

/// Its viewers, and visitors if it is open to them.
struct Visit;
impl Requirement for Visit {
    const POLICY: &'static dyn Policy = &visitors(READ.hidden());
}

async fn read(access: Authorized<Read>) -> Result<String, Rejection> {
    Ok(access.row::<Document>()?.title.clone())
}

async fn write(access: Authorized<Read>, same: Authorized<Write>) -> Result<String, Rejection> {
    assert!(std::ptr::eq(access.row::<Document>()?, same.row::<Document>()?));
    Ok(format!("{} as {}", same.row::<Document>()?.title, same.role().unwrap()))
}

async fn visit(access: Authorized<Visit>) -> Result<String, Rejection> {
    let who = access.visitor().map_or("nobody", |who| who.id().subject());
    Ok(format!("{who} sees {}", access.row::<Document>()?.title))
}

fn documents(gate: &Gate) -> Router {
    Router::new()
        .route("/read/{id}", get(read))
        .route("/guarded/{id}", get(read).layer(gate.require(READ)))
        .route("/write/{id}", get(write).layer(gate.require(READ)))
        .route("/both/{id}", get(write))
        .route("/visit/{id}", get(visit).layer(gate.require(Visit::POLICY)))
        .route(
            "/sign/{id}",
            get(async |access: Authorized<Visit>| access.principal().map(|_| ()).map_err(Rejection::from)),
        )
        .route(
            "/wrong/{id}",
            get(async |access: Authorized<Read>| access.row::<User>().map(|_| ()).map_err(Rejection::from)),
        )
        .with_state(gate.clone())
}

fn gate(scheme: Scheme, asked: &Asked) -> portcullis_core::GateBuilder {
    let roles = RoleHierarchy::ranked(["viewer", "owner"]).unwrap();
    Gate::builder().scheme(scheme).roles(roles).membership("document", Documents(asked.clone()))
}

#[tokio::test]
async fn guard_and_extractors_ask_a_membership_once_and_the_handler_has_its_row() {
    for names in [Names::default(), Names::slow()] {
        let asked = Asked::default();
        let app = documents(&gate(cast::scheme(&names), &asked).build().unwrap());
        for (path, who, status, body, question) in [
            ("/read/2", "viewer", 200, "the secret", Some("viewer 2")),
            ("/guarded/2", "viewer", 200, "the secret", Some("viewer 2")),
            ("/guarded/002", "viewer", 200, "the secret", Some("viewer 2")),
            ("/write/2", "owner", 200, "the secret as owner", Some("owner 2")),
            ("/both/2", "owner", 200, "the secret as owner", Some("owner 2")),
            ("/both/2", "viewer", 403, "role_required", Some("viewer 2")),
            ("/both/2", "alice", 403, "not_a_member", Some("alice 2")),
            ("/write/2", "viewer", 403, "role_required", Some("viewer 2")),
            ("/write/2", "alice", 403, "not_a_member", Some("alice 2")),
            ("/write/3", "owner", 404, "", Some("owner 3")),
            ("/write/x", "owner", 400, "invalid_id", None),
            ("/wrong/2", "viewer", 500, "", Some("viewer 2")),
            ("/write/2", "", 401, "credential_missing", None),
            ("/write/2", "broken", 401, "invalid_token", None),
        ] {
            let answer = get_as(&app, path, who).await;
            assert_eq!(answer.status, status, "{path} as {who:?}: {answer:?}");
            assert!(answer.body.contains(body), "{path} as {who:?}: {answer:?}");
            assert_eq!(asked.take(), Vec::from_iter(question), "{path} as {who:?} {names:?}");
        }
    }
}

/// Whom the cache knows is established once all the same, so that extractors share what was found.
#[tokio::test]
async fn a_cache_of_tokens_has_nobody_ask_twice() {
    let (issuer, asked) = (TestIssuer::new(), Asked::default());
    let builder = gate(Scheme::new(issuer.verifier()).bearer(), &asked).cache(TokenCache::new(10));
    let app = documents(&builder.build().unwrap());
    let owner = issuer.token("owner").sign();
    for path in ["/both/2", "/both/2", "/write/2", "/write/2"] {
        assert_eq!(get_as(&app, path, &owner).await.body, "the secret as owner", "{path}");
        assert_eq!(asked.take(), ["owner 2"], "{path}");
    }
}

#[tokio::test]
async fn visitors_see_what_is_open_to_them() {
    for names in [Names::default(), Names::slow()] {
        let asked = Asked::default();
        let app = documents(&gate(cast::scheme(&names), &asked).build().unwrap());
        for (path, who, status, body, question) in [
            ("/visit/1", "", 200, "nobody sees the plan", &["nobody 1"][..]),
            ("/visit/1", "alice", 200, "alice sees the plan", &["alice 1"]),
            ("/visit/2", "viewer", 200, "viewer sees the secret", &["viewer 2"]),
            ("/visit/2", "", 401, "credential_missing", &["nobody 2"]),
            ("/visit/3", "", 401, "credential_missing", &["nobody 3"]),
            // As nobody she would see what is open to all.
            ("/visit/2", "alice", 404, "", &["alice 2", "nobody 2"]),
            ("/visit/1", "broken", 401, "invalid_token", &[]),
            ("/visit/1", "down", 503, "unavailable", &[]),
            ("/read/1", "", 401, "credential_missing", &[]),
            ("/sign/1", "alice", 200, "", &["alice 1"]),
            ("/sign/1", "", 401, "credential_missing", &["nobody 1"]),
        ] {
            let answer = get_as(&app, path, who).await;
            assert_eq!(answer.status, status, "{path} as {who:?}: {answer:?}");
            assert!(answer.body.contains(body), "{path} as {who:?}: {answer:?}");
            assert_eq!(asked.take(), question, "{path} as {who:?} {names:?}");
        }
    }
}

async fn me(Authenticated(who): Authenticated, Visitor(same): Visitor) -> Result<String, Rejection> {
    assert!(std::ptr::eq(who.account::<User>()?, same.unwrap().account::<User>()?));
    Ok(who.account::<User>()?.nickname.clone())
}

#[tokio::test]
async fn a_directory_is_asked_once_and_the_handler_has_the_account() {
    for names in [Names::default(), Names::slow()] {
        let asked = Asked::default();
        let builder = Gate::builder().scheme(cast::scheme(&names)).directory(Users(asked.clone()));
        let gate = builder.build().unwrap();
        let is_little = account("grown", |user: &User| user.nickname.starts_with("little"));
        let app = Router::new()
            .route("/me", get(me))
            .route("/guarded", get(me).layer((gate.require(authenticated()), gate.require(is_little))))
            .route("/public", get(async || "open").layer(gate.require(anyone())))
            .with_state(gate);
        for path in ["/me", "/guarded"] {
            for (who, status, body, question) in [
                ("alice", 200, "little alice", Some("alice")),
                ("alice", 200, "little alice", Some("alice")),
                ("unknown", 401, "user_not_found", Some("unknown")),
                ("new", 500, "", Some("new")),
                ("broken", 401, "invalid_token", None),
                ("", 401, "credential_missing", None),
            ] {
                let answer = get_as(&app, path, who).await;
                assert_eq!(answer.status, status, "{path} as {who:?}: {answer:?}");
                assert!(answer.body.contains(body), "{path} as {who:?}: {answer:?}");
                assert_eq!(asked.take(), Vec::from_iter(question), "{path} as {who:?} {names:?}");
            }
        }
        expect(&app, "alice", &[("GET /public", 200)]).await;
        assert!(asked.take().is_empty());
    }
}
