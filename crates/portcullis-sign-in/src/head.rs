//! A request as the gate's check of origins reads it.

use bytes::Bytes;
use http::Request;
use portcullis_core::{Error, RequestHead};
use std::borrow::Cow;

pub(crate) struct Head<'r>(pub(crate) &'r Request<Bytes>);

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn path(&self) -> &str {
        self.0.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.0.uri().query()
    }

    fn authority(&self) -> Option<&str> {
        self.0.uri().authority().map(http::uri::Authority::as_str)
    }

    fn each_header<'h>(&'h self, name: &str, see: &mut dyn FnMut(&'h [u8])) {
        self.0.headers().get_all(name).into_iter().for_each(|value| see(value.as_bytes()));
    }

    fn headers<'h>(&'h self, see: &mut dyn FnMut(&'h str, &'h [u8])) {
        self.0.headers().iter().for_each(|(name, value)| see(name.as_str(), value.as_bytes()));
    }

    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(None)
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(Vec::new())
    }
}
