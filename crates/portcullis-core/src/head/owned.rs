//! The copy of a head that outlives its request.

use super::RequestHead;
use crate::{credential::Scrubber, error::Error};
use std::{borrow::Cow, net::IpAddr, sync::Arc};

/// A copy of a request's head without its credentials, for policies that are asked after the request. Clones share it.
#[derive(Clone)]
pub(crate) struct OwnedHead(Arc<Parts>);

struct Parts {
    method: String,
    path: String,
    query: Option<String>,
    authority: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    params: Result<Vec<(String, Param)>, Error>,
    peer: Option<IpAddr>,
}

/// A path parameter, as the framework decoded it or failed to.
type Param = Result<Option<String>, Error>;

impl OwnedHead {
    pub(crate) fn copy(head: &dyn RequestHead, scrubber: &Scrubber<'_>) -> Self {
        let mut headers = Vec::new();
        head.headers(&mut |name, value| {
            if !scrubber.is_sensitive(name) {
                headers.push((name.to_owned(), scrubber.header(name, value).unwrap_or_else(|| value.to_owned())));
            }
        });
        let param = |name: Cow<'_, str>| (name.to_string(), head.param(&name).map(|value| value.map(Cow::into_owned)));
        Self(Arc::new(Parts {
            method: head.method().to_owned(),
            path: head.path().to_owned(),
            query: head.query().map(|query| scrubber.query(query).unwrap_or_else(|| query.to_owned())),
            authority: head.authority().map(str::to_owned),
            headers,
            params: head.param_names().map(|names| names.into_iter().map(param).collect()),
            peer: head.peer(),
        }))
    }
}

impl RequestHead for OwnedHead {
    fn method(&self) -> &str {
        &self.0.method
    }

    fn path(&self) -> &str {
        &self.0.path
    }

    fn query(&self) -> Option<&str> {
        self.0.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        self.0.authority.as_deref()
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.0.headers.iter().filter(|(found, _)| found == name).for_each(|(_, value)| see(value));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.headers.iter().for_each(|(name, value)| see(name, value));
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        let params = self.0.params.as_ref().map_err(Clone::clone)?;
        let Some((_, value)) = params.iter().find(|(found, _)| found == name) else { return Ok(None) };
        value.as_ref().map(|value| value.as_deref().map(Cow::Borrowed)).map_err(Clone::clone)
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        let params = self.0.params.as_ref().map_err(Clone::clone)?;
        Ok(params.iter().map(|(name, _)| Cow::Borrowed(&**name)).collect())
    }

    fn peer(&self) -> Option<IpAddr> {
        self.0.peer
    }
}
