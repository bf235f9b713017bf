//! What a database would know: who has which role on what, and what belongs to what.

use crate::head::Head;
use portcullis_core::{
    Access, Authentication, Error, ErrorKind, Gate, GateBuilder, Membership, Principal, Question, Scheme, Standing,
    policy::{Policy, Rule, Verdict},
    testing::TestIssuer,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

/// Roles of `alice` on things such as `project:1`, and their parents.
#[derive(Debug, Clone, Default)]
pub struct Data {
    roles: Vec<(String, &'static str)>,
    parents: Vec<(String, Vec<&'static str>)>,
    down: bool,
    asked: Arc<AtomicUsize>,
}

impl Data {
    pub fn role(mut self, on: &str, role: &'static str) -> Self {
        self.roles.push((on.to_owned(), role));
        self
    }

    pub fn parents(mut self, of: &str, parents: &[&'static str]) -> Self {
        self.parents.push((of.to_owned(), parents.to_vec()));
        self
    }

    pub fn down() -> Self {
        Self { down: true, ..Self::default() }
    }

    /// How often it was asked for anything.
    pub fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    fn answer(&self) -> Result<(), Error> {
        self.asked.fetch_add(1, SeqCst);
        if self.down { Err(Error::new(ErrorKind::Unavailable, "the database is down")) } else { Ok(()) }
    }
}

/// The resources of one kind in the data.
#[derive(Debug)]
struct OfKind(&'static str, Data);

impl Membership for OfKind {
    type Id = String;

    async fn standing(&self, principal: &Principal, id: &String) -> Result<Standing, Error> {
        let Self(kind, data) = self;
        data.answer()?;
        let is_this = |name: &String| *name == format!("{kind}:{id}");
        let held = data.roles.iter().find(|(of, _)| principal.id().subject() == "alice" && is_this(of));
        let parents = data.parents.iter().filter(|(of, _)| is_this(of)).flat_map(|(_, parents)| parents);
        let standing = Standing::from(held.map(|(_, role)| *role));
        Ok(parents
            .map(|parent| parent.split_once(':').unwrap())
            .fold(standing, |standing, (kind, id)| standing.under(kind, id)))
    }
}

/// The kinds of resources that there are.
const KINDS: [&str; 6] = ["project", "team", "org", "Team", "company", "kb"];

/// Gates over such data.
pub trait Members {
    fn members(self, data: &Data) -> GateBuilder;
}

impl Members for GateBuilder {
    fn members(self, data: &Data) -> GateBuilder {
        KINDS.into_iter().fold(self, |gate, kind| gate.membership(kind, OfKind(kind, data.clone())))
    }
}

/// A gate for asking policies: it has everything else that a gate must have.
pub fn gate(parts: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    parts(Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer())).build().unwrap()
}

/// A policy of a table that is asked more than once.
pub fn shared(policy: impl Policy + 'static) -> Arc<dyn Policy> {
    Arc::new(policy)
}

/// Asks another policy and names it nowhere, so that what is wrong with that one shows at the request.
#[derive(Debug)]
pub struct Quiet(pub Arc<dyn Policy>);

impl Rule for Quiet {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        question.ask(&self.0).await
    }
}

/// Decides about a request as a route of this policy does; what is wrong with the policy is an error as well.
pub async fn decide(
    gate: &Gate,
    who: &Authentication,
    policy: impl Policy + 'static,
    head: &Head,
) -> Result<Access, Error> {
    gate.authorize(who, &gate.plan(policy)?, head).await
}

/// Asks a policy as this principal.
pub async fn ask(
    gate: &Gate,
    principal: &Principal,
    policy: impl Policy + 'static,
    head: &Head,
) -> Result<Access, Error> {
    let gate = gate.acting_as(principal.clone());
    decide(&gate, &gate.establish(head).await, policy, head).await
}

/// The kind and the code of a refusal.
pub fn why<T: std::fmt::Debug>(refused: Result<T, Error>) -> (ErrorKind, String) {
    let error = refused.unwrap_err();
    (error.kind(), error.code().to_owned())
}
