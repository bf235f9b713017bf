//! Names in a policy that the gate or the route does not know.

use crate::{assert_accepted, assert_misconfigured, assert_page_shows, assert_refused, send};
use axum::{Router, http::Request, routing::get};
use portcullis::{
    Error, ErrorKind, Gate, GateBuilder, Membership, Principal, Requirement, RoleHierarchy, Scheme, Standing,
    axum::{Authorized, GateExt, Routes},
    policy::{Policy, not, path, role, values::OnResource},
    testing::{TestIssuer, acting_as},
};
use std::{
    any::Any,
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

/// Everybody views project 42.
#[derive(Debug)]
struct Projects;

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
        Ok((*id == 42).then_some("viewer").into())
    }
}

struct Admin;
impl Requirement for Admin {
    const POLICY: &'static dyn Policy = &role("admin");
}

fn builder() -> GateBuilder {
    Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
}

fn ranked() -> Result<RoleHierarchy, Error> {
    RoleHierarchy::ranked(["viewer", "manager", "owner"])
}

fn alice(gate: &Gate, role: &'static str) -> Gate {
    gate.acting_as(acting_as("alice").with_role(role))
}

/// The words of a panic, which has to be at a line of this file.
fn panic_of(run: impl FnOnce()) -> String {
    thread_local! {
        static FILE: RefCell<String> = const { RefCell::new(String::new()) };
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let printing = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            FILE.set(info.location().unwrap().file().to_owned());
            printing(info);
        }));
    });
    let payload: Box<dyn Any + Send> = panic::catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(FILE.take(), file!());
    *payload.downcast::<String>().unwrap()
}

#[tokio::test]
async fn unknown_role() -> Result<(), Error> {
    let gate = builder().roles(ranked()?).build()?;
    assert_page_shows(&panic_of(|| drop(gate.require(role("admin")))));
    assert_page_shows(&panic_of(|| drop(Routes::<()>::new(&gate).route("/", role("admin"), get("welcome")))));
    assert_misconfigured(gate.try_require(role("admin")));

    let no_roles = builder().build()?;
    assert_page_shows(&panic_of(|| drop(no_roles.require(role("admin")))));
    assert_misconfigured(no_roles.try_require(role("admin")));
    let no_membership = gate.clone();
    assert_misconfigured(no_membership.try_require(role("viewer").on("project", path("id"))));

    // In a handler's signature there is no route to stop at.
    let app = |gate: Gate| Router::new().route("/", get(async |_: Authorized<Admin>| "welcome")).with_state(gate);
    let request = || Request::get("/");
    assert_refused(send(&app(alice(&gate, "owner")), request()).await, 500);

    let roles = as_shown!(RoleHierarchy::ranked(["viewer", "manager", "owner", "admin"])?);
    let gate = builder().roles(roles).build()?;
    assert_accepted(send(&app(alice(&gate, "admin")), request()).await);
    assert_eq!(send(&app(alice(&gate, "owner")), request()).await.0, 403);
    let guarded = Routes::new(&alice(&gate, "admin")).route("/", role("admin"), get("welcome")).into_router();
    assert_accepted(send(&guarded, request()).await);
    Ok(())
}

#[tokio::test]
async fn rule_of_ones_own() -> Result<(), Error> {
    async fn is_paid(customer: &str) -> Result<bool, Error> {
        match customer {
            "unknown" => Err(Error::new(ErrorKind::Unavailable, "the books are closed")),
            customer => Ok(customer == "alice"),
        }
    }
    #[derive(Debug)]
    struct Paid;
    items_as_shown! {
        use portcullis::{Decision, Question, policy::{Rule, Verdict}};

        impl Rule for Paid {
            async fn decide(&self, question: &Question<'_>) -> Verdict {
                let paid = is_paid(question.principal().id().subject()).await?;
                Ok(if paid { Decision::allow() } else { Decision::deny("payment_required") })
            }
        }
    }
    let gate = builder().build()?;
    let ask = async |who: &str, policy: Box<dyn Policy>| {
        let routes = Routes::new(&gate.acting_as(acting_as(who))).route("/", policy, get("welcome"));
        send(&routes.into_router(), Request::get("/")).await.0
    };
    assert_eq!(ask("alice", Box::new(Paid)).await, 200);
    assert_eq!(ask("bob", Box::new(Paid)).await, 403);
    assert_eq!(ask("unknown", Box::new(Paid)).await, 503);
    assert_eq!(ask("bob", Box::new(not(Paid))).await, 200);
    assert_eq!(ask("unknown", Box::new(not(Paid))).await, 503);
    Ok(())
}

#[tokio::test]
async fn unknown_path_parameter() -> Result<(), Error> {
    let issuer = TestIssuer::new();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer());
    let gate = gate.roles(ranked()?).membership("project", Projects).build()?;
    let app = |policy: OnResource| Routes::new(&gate).get("/projects/{project_id}", policy, "a project").into_router();
    let by_alice = format!("Bearer {}", issuer.token("alice").sign());
    let request = |path: &str| Request::get(path).header("authorization", &by_alice);

    let said = panic_of(|| drop(app(role("viewer").on("project", path("id")))));
    let (before, after) = said.split_once("tests/mistakes/policies.rs:").unwrap();
    let after = after.trim_start_matches(|place: char| place.is_ascii_digit() || place == ':');
    assert_page_shows(&format!("{before}src/main.rs:14:10{after}"));

    let unchecked = get("a project").layer(gate.require(role("viewer").on("project", path("id"))));
    let mistaken = Router::new().route("/projects/{project_id}", unchecked);
    assert_eq!(send(&mistaken, Request::get("/projects/42")).await.0, 401);
    assert_refused(send(&mistaken, request("/projects/42")).await, 500);

    let fixed = app(as_shown!(role("viewer").on("project", path("project_id"))));
    assert_accepted(send(&fixed, request("/projects/42")).await);
    assert_eq!(send(&fixed, request("/projects/43")).await.0, 403);
    Ok(())
}
