//! A gate with the membership of projects, and what it answers.

use portcullis_core::{
    Authenticator, Credential, Error, Gate, Membership, Principal, PrincipalKind, RequestHead, RoleHierarchy, Scheme,
    policy::{Policy, path, permission, role},
};
use std::borrow::Cow;

pub const ISSUER: &str = "https://id.example.com";

pub const MANAGE: &dyn Policy = &role("manager").on("project", path("id"));
pub const VIEW: &dyn Policy = &role("viewer").on("project", path("id"));
pub const EXPORT: &dyn Policy = &permission("project:export").on("project", path("id"));

pub fn user(subject: &str) -> Principal {
    Principal::new(PrincipalKind::User, subject).with_issuer(ISSUER)
}

/// Can ask anew, as `fresh` requires. Not asked here, since the gates act as a principal.
#[derive(Debug)]
struct Sessions;

impl Authenticator for Sessions {
    async fn authenticate(&self, _: &Credential<'_>) -> Result<Principal, Error> {
        Err(Error::no_account())
    }

    fn asks_anew(&self) -> bool {
        true
    }
}

pub fn gate(projects: impl Membership) -> Gate {
    Gate::builder()
        .scheme(Scheme::new(Sessions).bearer())
        .roles(RoleHierarchy::ranked(["viewer", "manager", "owner"]).unwrap())
        .membership("project", projects)
        .build()
        .unwrap()
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

/// The answer to this principal's request: `200`, or the status and code of the error.
pub async fn answer(gate: &Gate, who: &Principal, policy: impl Policy + 'static, id: &str) -> String {
    match decided(gate, who, policy, id).await {
        Ok(()) => "200".to_owned(),
        Err(error) => format!("{} {}", error.status(), error.code()),
    }
}

pub async fn decided(gate: &Gate, who: &Principal, policy: impl Policy + 'static, id: &str) -> Result<(), Error> {
    let (plan, gate) = (gate.plan(policy)?, gate.acting_as(who.clone()));
    let who = gate.establish_for(&plan, &Head(id)).await;
    gate.authorize(&who, &plan, &Head(id)).await.map(drop)
}

/// Which of these resources this policy allows to the principal.
pub async fn filtered<'a>(
    gate: &Gate,
    who: &Principal,
    policy: impl Policy + 'static,
    ids: &[&'a str],
) -> Result<Vec<&'a str>, Error> {
    let gate = gate.acting_as(who.clone());
    let caller = gate.establish(&Head("")).await.caller(&Head(""))?;
    caller.filter(policy, "id", ids.iter().copied(), |id| *id).await
}
