//! What somebody is to a resource: projects of teams, with flights in them.

mod asked;
mod cached;
mod caller;
mod ids;
mod inherited;
mod judged;
mod visitors;

use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    Access, Error, ErrorKind, Gate, GateBuilder, Membership, PermissionSet, Principal, PrincipalKind, Role,
    RoleHierarchy, RoleHierarchyBuilder, Scheme, Standing, policy::Policy, testing::TestIssuer,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// A row, of which policies and handlers may ask.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    kind: &'static str,
    id: u32,
}

/// What the database of a kind answers, by subject and id; `*` stands for everybody. It writes down what it is asked.
#[derive(Debug, Clone)]
struct Table {
    answers: Arc<Mutex<HashMap<(String, u32), Standing>>>,
    permits: Arc<Mutex<HashMap<String, PermissionSet>>>,
    visitors: Arc<Mutex<HashMap<u32, Standing>>>,
    asked: Arc<Mutex<Vec<String>>>,
    is_slow: bool,
}

impl Table {
    fn new() -> Self {
        let (answers, permits, visitors, asked) = Default::default();
        Self { answers, permits, visitors, asked, is_slow: false }
    }

    fn with(self, who: &str, id: u32, standing: Standing) -> Self {
        self.set(who, id, standing);
        self
    }

    fn set(&self, who: &str, id: u32, standing: Standing) {
        self.answers.lock().unwrap().insert((who.to_owned(), id), standing);
    }

    fn with_role(self, role: &str, permits: &[&str]) -> Self {
        self.permits.lock().unwrap().insert(role.to_owned(), PermissionSet::new(permits).unwrap());
        self
    }

    fn for_visitors(self, id: u32, standing: Standing) -> Self {
        self.visitors.lock().unwrap().insert(id, standing);
        self
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

impl Membership for Table {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        self.note(format!("{} {id}", who.id().subject()));
        if self.is_slow {
            // The gate looks once before it waits.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        if *id == 666 {
            return Err(Error::new(ErrorKind::Unavailable, "the database is down"));
        }
        let answers = self.answers.lock().unwrap();
        let of = |who: &str| answers.get(&(who.to_owned(), *id)).cloned();
        Ok(of(who.id().subject()).or_else(|| of("*")).unwrap_or_else(Standing::missing))
    }

    async fn permits(&self, role: &Role, id: &u32) -> Result<Option<PermissionSet>, Error> {
        self.note(format!("role {role} {id}"));
        Ok(self.permits.lock().unwrap().get(role.as_str()).cloned())
    }

    async fn visitor(&self, id: &u32) -> Result<Standing, Error> {
        self.note(format!("nobody {id}"));
        Ok(self.visitors.lock().unwrap().get(id).cloned().unwrap_or_else(Standing::stranger))
    }
}

fn ladder() -> RoleHierarchyBuilder {
    RoleHierarchy::builder().ranked(["viewer", "manager", "owner"]).permits("manager", ["project:write"])
}

fn built(parts: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    let issuer = TestIssuer::new();
    parts(Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).roles(ladder().build().unwrap()))
        .build()
        .unwrap()
}

fn principal(subject: &str) -> Principal {
    Principal::new(PrincipalKind::User, subject)
}

/// Asks a policy as this subject; nobody, if it is empty.
async fn ask(gate: &Gate, subject: &str, policy: impl Policy + 'static, head: &Head) -> Result<Access, Error> {
    let plan = gate.plan(policy).unwrap();
    let gate = if subject.is_empty() { gate.clone() } else { gate.acting_as(principal(subject)) };
    let who = gate.establish_for(&plan, head).await;
    gate.authorize(&who, &plan, head).await
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("an answer at once")
}

/// Status and code of a refusal, and the code that renderers and logs see.
fn why(refused: Result<Access, Error>) -> (u16, String, String) {
    let error = refused.unwrap_err();
    let inner = error.denial().map_or_else(String::new, |denial| denial.code().to_owned());
    (error.status(), error.code().to_owned(), inner)
}

fn said(status: u16, code: &str, inner: &str) -> (u16, String, String) {
    (status, code.to_owned(), inner.to_owned())
}
