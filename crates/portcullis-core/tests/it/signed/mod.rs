//! Signed addresses: what they are valid for, and for nothing else.

mod bound;
mod changed;
mod policies;
mod signing;
mod vectors;

use futures_util::FutureExt;
use portcullis_core::{
    Error, Gate, GateBuilder, RequestHead, RoleHierarchy, Scheme, SignedUrls, policy::Policy, testing::TestIssuer,
};
use std::{borrow::Cow, time::Duration};

pub const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";
pub const NOON: u64 = 1_700_000_000;
pub const LIFE: Duration = Duration::from_secs(600);

/// A request as a client sends it.
#[derive(Debug, Clone)]
pub struct Sent {
    method: String,
    path: String,
    query: Option<String>,
    bearer: Option<String>,
}

pub fn sent(method: &str, address: &str) -> Sent {
    let (path, query) = address.split_once('?').map_or((address, None), |(path, query)| (path, Some(query.to_owned())));
    Sent { method: method.to_owned(), path: path.to_owned(), query, bearer: None }
}

pub fn get(address: &str) -> Sent {
    sent("GET", address)
}

impl Sent {
    pub fn bearer(self, token: &str) -> Self {
        Self { bearer: Some(format!("Bearer {token}")), ..self }
    }
}

impl RequestHead for Sent {
    fn method(&self) -> &str {
        &self.method
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.bearer.iter().filter(|_| name == "authorization").for_each(|value| see(value.as_bytes()));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.bearer.iter().for_each(|value| see("authorization", value.as_bytes()));
    }

    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(None)
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(Vec::new())
    }
}

pub fn keys() -> SignedUrls {
    SignedUrls::new("a", SECRET).unwrap()
}

pub fn issuer() -> TestIssuer {
    let issuer = TestIssuer::new();
    issuer.clock().set(NOON);
    issuer
}

/// A gate at noon that is still to be built.
pub fn builder() -> GateBuilder {
    let roles = RoleHierarchy::ranked(["viewer", "manager"]).unwrap();
    Gate::builder().scheme(Scheme::new(issuer().verifier()).bearer()).roles(roles)
}

pub fn gate(tiles: SignedUrls) -> Gate {
    builder().signer("tiles", tiles).build().unwrap()
}

pub fn url(gate: &Gate, address: &str) -> String {
    gate.sign("tiles", "GET", address, LIFE).unwrap().expose().to_owned()
}

/// `200`, or the status and the code.
pub fn answer(gate: &Gate, policy: impl Policy + 'static, request: &Sent) -> String {
    let plan = gate.plan(policy).unwrap();
    let who = gate.establish_for(&plan, request).ready().unwrap();
    match gate.authorize(&who, &plan, request).now_or_never().unwrap() {
        Ok(_) => "200".to_owned(),
        Err(error) => format!("{} {}", error.status(), error.code()),
    }
}
