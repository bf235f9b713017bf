use http::request::Parts;
use portcullis_core::{Error, ErrorKind, RequestHead};
use std::{borrow::Cow, sync::Arc};

/// The path parameters of a request, as a framework tells them.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Params {
    /// There are none.
    #[default]
    Absent,
    /// They are not UTF-8 once decoded.
    Unreadable,
    /// Names and decoded values.
    Read(Vec<(Arc<str>, String)>),
}

/// How a framework tells path parameters.
pub type ReadParams = fn(&mut Parts) -> Params;

/// The head of an [`http::Request`] with its path parameters.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    parts: &'a Parts,
    params: &'a Params,
}

impl<'a> Head<'a> {
    /// The head of a request with these path parameters.
    #[must_use]
    pub fn new(parts: &'a Parts, params: &'a Params) -> Self {
        Self { parts, params }
    }
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    fn path(&self) -> &str {
        self.parts.uri.path()
    }

    fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.parts.headers.get_all(name).iter().for_each(|value| see(value.as_bytes()));
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        match self.params {
            Params::Absent => Ok(None),
            Params::Unreadable => Err(Error::new(ErrorKind::Malformed, "a path parameter is not UTF-8")),
            Params::Read(params) => {
                let found = params.iter().find(|(found, _)| **found == *name);
                Ok(found.map(|(_, value)| Cow::Borrowed(value.as_str())))
            }
        }
    }
}
