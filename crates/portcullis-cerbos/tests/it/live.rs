//! A Cerbos itself, with the policy of `tests/servers/cerbos.sh`.

use portcullis_cerbos::Cerbos;
use portcullis_core::{
    Account, Error, Gate, Membership, Principal, RequestHead, RoleHierarchy, Scheme, Standing,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use portcullis_reqwest::Client;
use serde_json::json;
use std::{
    borrow::Cow,
    env,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

/// alice is the owner of projects that 3 divides, and a viewer of the other odd ones. Even projects are of sales.
#[derive(Debug)]
struct Projects;

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        Ok(match (who.id().subject(), id) {
            (_, 1000..) => Standing::missing(),
            ("alice", id) if id.is_multiple_of(3) => Standing::role("owner"),
            ("alice", id) if id % 2 == 1 => Standing::role("viewer"),
            _ => Standing::stranger(),
        }
        .with(if id.is_multiple_of(2) { "sales" } else { "legal" }))
    }
}

struct Head<'a>(&'a str);

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/projects/_"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn each_header<'a>(&'a self, _: &str, _: &mut dyn FnMut(&'a [u8])) {}

    fn headers<'a>(&'a self, _: &mut dyn FnMut(&'a str, &'a [u8])) {}

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok((name == "id").then_some(self.0.into()))
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(vec!["id".into()])
    }
}

fn gate(address: &str) -> Gate {
    let cerbos = Cerbos::new(address, Client::new().unwrap()).unwrap();
    let cerbos = cerbos.principal_attr(|who| Ok(json!({ "department": who.account::<&str>().ok() })));
    let cerbos = cerbos.resource_attr(|on| {
        let department = on.standing().and_then(|standing| standing.row::<&str>());
        Ok(json!({ "department": department, "size": on.id().parse::<u32>().ok() }))
    });
    Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
        .roles(RoleHierarchy::ranked(["viewer", "owner"]).unwrap())
        .membership("project", Projects)
        .engine("cerbos", cerbos)
        .build()
        .unwrap()
}

const READ: &dyn Policy = &engine("cerbos", "read").on("project", path("id"));
const EDIT: &dyn Policy = &engine("cerbos", "edit").on("project", path("id"));
const COMMENT: &dyn Policy = &engine("cerbos", "comment").on("project", path("id"));
const EXPORT: &dyn Policy = &engine("cerbos", "export").on("project", path("id"));

/// The status of the answer to this principal.
async fn answer(gate: &Gate, who: Principal, policy: impl Policy + 'static, id: &str) -> u16 {
    let (plan, gate) = (gate.plan(policy).unwrap(), gate.acting_as(who));
    let who = gate.establish_for(&plan, &Head(id)).await;
    gate.authorize(&who, &plan, &Head(id)).await.map_or_else(|error| error.status(), |_| 200)
}

fn address() -> String {
    env::var("CERBOS_URL").expect("`CERBOS_URL` is not set; `tests/servers/cerbos.sh up` prints it")
}

#[tokio::test]
#[ignore = "asks a server"]
async fn roles_decide() {
    let gate = gate(&address());
    let alice = || acting_as("alice");
    for (id, read, edit) in [("3", 200, 200), ("5", 200, 403), ("4", 403, 403), ("1000", 404, 404)] {
        assert_eq!(answer(&gate, alice(), READ, id).await, read, "{id}");
        assert_eq!(answer(&gate, alice(), EDIT, id).await, edit, "{id}");
    }
    assert_eq!(answer(&gate, acting_as("mallory"), READ, "3").await, 403);
    assert_eq!(answer(&gate, alice(), not(EDIT), "5").await, 200);
    // A role of the principal, and a name that is that of a role on a resource only.
    assert_eq!(answer(&gate, alice(), EXPORT, "3").await, 403);
    assert_eq!(answer(&gate, acting_as("bob").with_role("auditor"), EXPORT, "3").await, 200);
    assert_eq!(answer(&gate, acting_as("mallory").with_role("owner"), EDIT, "3").await, 403);
    assert_eq!(answer(&gate, alice(), engine("cerbos", "export"), "3").await, 403, "there is no policy for it");
}

#[tokio::test]
#[ignore = "asks a server"]
async fn a_list_is_what_its_rows_are() {
    let gate = gate(&address()).acting_as(acting_as("alice"));
    let caller = gate.establish(&Head("1")).await.caller(&Head("1")).unwrap();
    let ids: Vec<u32> = (0..120).chain([3, 1000]).collect();
    for policy in [READ, EDIT] {
        let found = caller.filter(policy, "id", ids.clone(), |id| *id).await.unwrap();
        let mut expected = Vec::new();
        for id in &ids {
            if answer(&gate, acting_as("alice"), policy, &id.to_string()).await == 200 {
                expected.push(*id);
            }
        }
        assert!(expected.len() > 30);
        assert_eq!(found, expected);
    }
}

#[tokio::test]
#[ignore = "asks a server"]
async fn attributes_decide() {
    let gate = gate(&address());
    // The department of the account is that of the project, which has a number up to 9.
    let of = |department: &'static str| acting_as("bob").with_account(Account::new(department));
    for (who, id, status) in [
        (of("sales"), "2", 200),
        (of("sales"), "3", 403),
        (of("legal"), "3", 200),
        (of("legal"), "2", 403),
        (of("sales"), "12", 403),
        (of("sales"), "1000", 404),
        (acting_as("bob"), "2", 403),
    ] {
        assert_eq!(answer(&gate, who, COMMENT, id).await, status, "{id}");
    }
    let gate = gate.acting_as(of("sales"));
    let caller = gate.establish(&Head("1")).await.caller(&Head("1")).unwrap();
    assert_eq!(caller.filter(COMMENT, "id", 0..20, |id| *id).await.unwrap(), [0, 2, 4, 6, 8]);
}

/// A server of one test alone, which may be stopped.
struct OwnServer;

impl OwnServer {
    const PORT: &str = "18475";

    fn turn(to: &str) -> bool {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers/cerbos.sh");
        let turned = Command::new(script).arg(to).env("PORT", Self::PORT).stdout(Stdio::null()).status();
        turned.is_ok_and(|status| status.success())
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        Self::turn("down");
    }
}

#[tokio::test]
#[ignore = "starts and stops a server"]
async fn a_server_that_stops_and_starts_is_never_a_yes_in_between() {
    let _stopped_at_the_end = OwnServer;
    assert!(OwnServer::turn("up"));
    let gate = gate(&format!("http://127.0.0.1:{}", OwnServer::PORT));
    let owner = async |policy| answer(&gate, acting_as("alice"), policy, "3").await;
    let list = async || {
        let gate = gate.acting_as(acting_as("alice"));
        let caller = gate.establish(&Head("1")).await.caller(&Head("1")).unwrap();
        caller.filter(READ, "id", 0..5, |id| *id).await.map_err(|error| error.status())
    };
    for _ in 0..2 {
        assert_eq!(owner(READ).await, 200);
        assert_eq!(list().await, Ok(vec![0, 1, 3]));
        assert_eq!(answer(&gate, acting_as("bob"), READ, "3").await, 403);
        assert!(OwnServer::turn("down"));
        for _ in 0..3 {
            assert_eq!(owner(READ).await, 503);
            assert_eq!(list().await, Err(503));
            assert_eq!(answer(&gate, acting_as("bob"), not(READ), "3").await, 503);
        }
        assert!(OwnServer::turn("up"));
    }
    assert_eq!(owner(READ).await, 200);
}

#[tokio::test]
async fn without_a_server_nothing_is_allowed() {
    // Nothing listens where this listener was.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gate = gate(&format!("http://127.0.0.1:{port}"));
    assert_eq!(answer(&gate, acting_as("alice"), READ, "3").await, 503);
    assert_eq!(answer(&gate, acting_as("alice"), not(READ), "3").await, 503);
    assert_eq!(answer(&gate, acting_as("alice"), any((staff(), READ)), "3").await, 503);
    assert_eq!(answer(&gate, acting_as("root").with_staff(true), any((staff(), READ)), "3").await, 200);
}
