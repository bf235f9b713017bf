//! What a database would know: who has which role on what, and what belongs to what.

use crate::head::Head;
use portcullis_core::{
    Access, Error, ErrorKind, Gate, GateBuilder, Membership, Principal, ResourceRef, Role, policy::Policy,
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

fn name(of: &ResourceRef) -> String {
    format!("{}:{}", of.kind(), of.id())
}

impl Membership for Data {
    async fn role(&self, principal: &Principal, on: &ResourceRef) -> Result<Option<Role>, Error> {
        self.answer()?;
        let held = self.roles.iter().find(|(thing, _)| principal.id().subject() == "alice" && *thing == name(on));
        Ok(held.map(|(_, role)| Role::new(*role)))
    }

    async fn parents(&self, of: &ResourceRef) -> Result<Vec<ResourceRef>, Error> {
        self.answer()?;
        let parents = self.parents.iter().filter(|(thing, _)| *thing == name(of)).flat_map(|(_, parents)| parents);
        Ok(parents.map(|parent| parent.split_once(':').unwrap()).map(|(kind, id)| ResourceRef::new(kind, id)).collect())
    }
}

/// A gate for asking policies: it has everything else that a gate must have.
pub fn gate(parts: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    parts(Gate::builder().bearer().authenticator(TestIssuer::new().authenticator())).build().unwrap()
}

/// Asks a policy as this principal.
pub async fn ask(gate: &Gate, principal: &Principal, policy: &dyn Policy, head: &Head) -> Result<Access, Error> {
    let gate = gate.acting_as(principal.clone());
    let who = gate.establish(head).await;
    gate.authorize(&who, policy, head).await
}

/// The kind and the code of a refusal.
pub fn why<T: std::fmt::Debug>(refused: Result<T, Error>) -> (ErrorKind, String) {
    let error = refused.unwrap_err();
    (error.kind(), error.code().to_owned())
}
