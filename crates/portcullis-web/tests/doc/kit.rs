// Included by the examples in the documentation: a gate, and the head of a request in a framework of its own.

pub use portcullis_core::{Error, Gate, Plan, Principal, RequestHead, policy::*, testing::*};
use portcullis_core::{RoleHierarchy, Scheme};
pub use portcullis_web::*;
use std::borrow::Cow;

/// A gate for tokens of a test issuer, with the role viewer.
pub fn gate() -> Result<Gate, Error> {
    let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
    Gate::builder().scheme(scheme).roles(RoleHierarchy::ranked(["viewer"])?).build()
}

/// A `GET` with or without a token.
#[derive(Debug, Clone, Default)]
pub struct Head {
    authorization: Option<String>,
}

impl Head {
    pub fn bearer(token: &str) -> Self {
        Self { authorization: Some(format!("Bearer {token}")) }
    }
}

impl RequestHead for Head {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.authorization.iter().filter(|_| name == "authorization").for_each(|value| see(value.as_bytes()));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.authorization.iter().for_each(|value| see("authorization", value.as_bytes()));
    }

    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(None)
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(Vec::new())
    }
}
