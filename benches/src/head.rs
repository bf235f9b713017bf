//! The head of a request.

use portcullis_core::{Error, RequestHead};
use std::borrow::Cow;

/// `GET /documents/7`, with a bearer token, another header and a query where there are any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) authorization: String,
    pub(crate) other: Option<(String, String)>,
    pub(crate) query: Option<String>,
}

impl Head {
    /// The number in its path.
    pub(crate) const DOCUMENT: usize = 7;

    pub(crate) fn bearer(token: &str) -> Self {
        Self { authorization: format!("Bearer {token}"), ..Self::default() }
    }

    pub(crate) fn token(&self) -> &str {
        self.authorization.strip_prefix("Bearer ").expect("it was made so")
    }
}

impl RequestHead for Head {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/documents/7"
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        if name == "authorization" && !self.authorization.is_empty() {
            see(self.authorization.as_bytes());
        } else if let Some((_, value)) = self.other.as_ref().filter(|(other, _)| name == other) {
            see(value.as_bytes());
        }
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        see("authorization", self.authorization.as_bytes());
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok((name == "id").then_some(Cow::Borrowed("7")))
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(vec![Cow::Borrowed("id")])
    }
}
