//! Policies of gatehouse as an engine: what is granted, denied and undecided, on routes and in lists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[allow(dead_code, unreachable_pub, reason = "of the core's examples")]
mod kit {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../portcullis-core/tests/doc/kit.rs"));
}

use gatehouse::{
    EvalCtx, FactKey, FactLoadError, FactLoadResult, FactRegistry, FactSource, GrantResult, PermissionChecker,
    Policy as Rule, PolicyBuilder, PolicyDomain,
};
use kit::*;
use portcullis_core::{EngineRequest, ErrorKind};
use portcullis_gatehouse::{Gatehouse, Inputs};
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

struct Projects;

impl PolicyDomain for Projects {
    type Subject = String;
    type Action = &'static str;
    type Resource = u32;
    type Context = ();
}

/// Of which projects somebody is a reader.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ReaderOf(String);

impl FactKey for ReaderOf {
    type Value = Vec<u32>;
    const NAME: &'static str = "reader_of";
}

/// alice reads projects 1 and 3.
#[derive(Default)]
struct Readers {
    loads: AtomicUsize,
    is_down: AtomicBool,
}

#[async_trait::async_trait]
impl FactSource<ReaderOf> for Readers {
    async fn load_many(&self, keys: &[ReaderOf]) -> Vec<FactLoadResult<Vec<u32>>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let is_down = self.is_down.load(Ordering::SeqCst);
        let load = |key: &ReaderOf| match key.0.as_str() {
            _ if is_down => FactLoadResult::Error(FactLoadError::backend_message("the database is down")),
            "alice" => FactLoadResult::Found(vec![1, 3]),
            _ => FactLoadResult::Missing,
        };
        keys.iter().map(load).collect()
    }
}

struct ReadersRead;

#[async_trait::async_trait]
impl Rule<Projects> for ReadersRead {
    async fn evaluate(&self, ctx: &EvalCtx<'_, Projects>) -> GrantResult {
        match ctx.fact(ReaderOf(ctx.subject.clone())).await {
            FactLoadResult::Found(projects) if projects.contains(ctx.resource) && *ctx.action == "read" => {
                ctx.grant("a reader")
            }
            _ => ctx.not_applicable("no reader"),
        }
    }

    fn policy_type(&self) -> Cow<'static, str> {
        "ReadersRead".into()
    }
}

fn inputs(request: &EngineRequest) -> Result<Inputs<Projects>, Error> {
    let project = request.resource().and_then(|on| on.id().parse().ok());
    let project =
        project.ok_or_else(|| Error::new(ErrorKind::Misconfigured, "the policies are about projects with a number"))?;
    Ok((request.principal().id().subject().to_owned(), request.action(), project, ()))
}

const READ: &dyn Policy = &engine("gatehouse", "read").on("project", path("project_id"));
const WRITE: &dyn Policy = &engine("gatehouse", "write").on("project", path("project_id"));

/// A gate that acts as this caller, without a membership of projects.
fn gate_of(who: &str, source: &Arc<Readers>) -> Gate {
    let mut checker = PermissionChecker::named("projects");
    checker.add_policy(ReadersRead);
    let locked = PolicyBuilder::<Projects>::new("NobodyReadsThree").subjects(|who: &String| who == "eve");
    checker.add_veto(locked.build_veto());
    let facts = FactRegistry::builder().with_arc::<ReaderOf>(source.clone()).build();
    let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
    let gate = Gate::builder().scheme(scheme).engine("gatehouse", Gatehouse::new(checker, inputs).facts(facts));
    gate.build().unwrap().acting_as(acting_as(who))
}

#[test]
fn granted_and_denied() {
    let source = Arc::default();
    let [alice, bob] = ["alice", "bob"].map(|who| gate_of(who, &source));
    assert_eq!(answer(&alice, READ, project(1)), "200");
    assert_eq!(answer(&alice, READ, project(2)), "403 engine_denied");
    assert_eq!(answer(&alice, WRITE, project(1)), "403 engine_denied");
    assert_eq!(answer(&bob, READ, project(1)), "403 engine_denied");
    assert_eq!(answer(&bob, not(READ), project(1)), "200");
    assert!(alice.plan(engine("gatehaus", "read")).is_err());
}

#[test]
fn what_cannot_be_decided_is_neither_a_yes_nor_a_no() {
    let source: Arc<Readers> = Arc::default();
    let alice = gate_of("alice", &source);
    source.is_down.store(true, Ordering::SeqCst);
    for policy in [READ, WRITE] {
        assert_eq!(answer(&alice, policy, project(1)), "503 unavailable");
        assert_eq!(answer(&alice, not(policy), project(1)), "503 unavailable");
        assert_eq!(answer(&alice, any((staff(), policy)), project(1)), "503 unavailable");
        assert_eq!(answer(&alice, any((authenticated(), policy)), project(1)), "200");
    }
    source.is_down.store(false, Ordering::SeqCst);
    assert_eq!(answer(&alice, READ, project(1)), "200");
}

#[test]
fn inputs_that_cannot_be_made_are_an_error() {
    let alice = gate_of("alice", &Arc::default());
    for id in ["x", "1'; --", "99999999999", "-1"] {
        let request = || get("/projects/_").param("project_id", id);
        assert_eq!(answer(&alice, READ, request()), "500 misconfigured", "{id}");
        assert_eq!(answer(&alice, not(READ), request()), "500 misconfigured", "{id}");
    }
    assert_eq!(answer(&alice, engine("gatehouse", "read"), get("/")), "500 misconfigured");
}

#[test]
fn a_list_loads_a_fact_once() {
    let source: Arc<Readers> = Arc::default();
    let alice = gate_of("alice", &source);
    let caller = now(alice.establish(&get("/projects"))).caller(&get("/projects")).unwrap();
    let shown = now(caller.filter(READ, "project_id", 0..5_u32, |id| *id)).unwrap();
    assert_eq!((shown, source.loads.load(Ordering::SeqCst)), (vec![1, 3], 1));
    source.is_down.store(true, Ordering::SeqCst);
    assert_eq!(now(caller.filter(READ, "project_id", 0..5_u32, |id| *id)).unwrap_err().status(), 503);
}

#[test]
fn debug_shows_the_name_alone() {
    let engine = Gatehouse::new(PermissionChecker::<Projects>::named("projects"), inputs);
    assert_eq!(format!("{engine:?}"), "Gatehouse { checker: Some(\"projects\"), .. }");
}
