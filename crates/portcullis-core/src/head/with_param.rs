//! The head of a request with another path parameter.

use super::RequestHead;
use crate::error::Error;
use std::{borrow::Cow, net::IpAddr};

/// A head as if its path named this resource.
pub(crate) struct WithParam<'h> {
    pub(crate) head: &'h dyn RequestHead,
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

impl RequestHead for WithParam<'_> {
    fn method(&self) -> &str {
        self.head.method()
    }

    fn path(&self) -> &str {
        self.head.path()
    }

    fn query(&self) -> Option<&str> {
        self.head.query()
    }

    fn authority(&self) -> Option<&str> {
        self.head.authority()
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.head.each_header(name, see);
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.head.headers(see);
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        if name == self.name { Ok(Some(Cow::Borrowed(&self.value))) } else { self.head.param(name) }
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        let mut names = self.head.param_names()?;
        if !names.iter().any(|name| name == self.name) {
            names.push(self.name.into());
        }
        Ok(names)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.head.peer()
    }
}
