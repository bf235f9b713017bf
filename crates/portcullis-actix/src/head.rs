use crate::scrub::AsItCame;
use actix_web::{
    HttpRequest,
    dev::{self, Path, Url},
    http::header::{AUTHORIZATION, COOKIE},
};
use portcullis_core::{Error, ErrorKind, RequestHead};
use std::{borrow::Cow, net::IpAddr, sync::Arc};

/// The head of a request with its path parameters.
#[derive(Clone)]
pub(crate) struct Head<'a> {
    head: &'a dev::RequestHead,
    params: &'a Path<Url>,
    scrubbed: Option<Arc<str>>,
}

impl<'a> Head<'a> {
    pub(crate) fn of(request: &'a HttpRequest) -> Self {
        Self { head: request.head(), params: request.match_info(), scrubbed: AsItCame::of(request) }
    }
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.head.method.as_str()
    }

    fn path(&self) -> &str {
        self.head.uri.path()
    }

    fn query(&self) -> Option<&str> {
        self.scrubbed.as_deref().or_else(|| self.head.uri.query())
    }

    fn authority(&self) -> Option<&str> {
        self.head.uri.authority().map(|authority| authority.as_str())
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        let headers = &self.head.headers;
        let values = match name {
            // Names that need not be looked up.
            "authorization" => headers.get_all(AUTHORIZATION),
            "cookie" => headers.get_all(COOKIE),
            _ => headers.get_all(name),
        };
        values.for_each(|value| see(value.as_bytes()));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.head.headers.iter().for_each(|(name, value)| see(name.as_str(), value.as_bytes()));
    }

    /// Nested scopes may each have a parameter of the same name. Which one a handler reads depends on how it takes them. If
    /// the guard picked one, it could check another resource than the handler uses.
    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        let mut found = self.params.iter().enumerate().filter(|(_, (found, _))| *found == name);
        let (first, second) = (found.next(), found.next());
        if second.is_some() {
            let detail = format!("the path has two parameters `{name}`; rename one of them");
            return Err(Error::new(ErrorKind::Misconfigured, detail));
        }
        match first {
            Some((place, (_, value))) if value.contains('%') => self.decoded(place).map(Some),
            found => Ok(found.map(|(_, (_, value))| Cow::Borrowed(value))),
        }
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(self.params.iter().map(|(name, _)| Cow::Borrowed(name)).collect())
    }

    fn peer(&self) -> Option<IpAddr> {
        self.head.peer_addr.map(|peer| peer.ip())
    }
}

impl Head<'_> {
    /// A parameter as `web::Path` decodes it, because that is what handlers read.
    fn decoded(&self, place: usize) -> Result<Cow<'_, str>, Error> {
        let unreadable = || Error::new(ErrorKind::Malformed, "a path parameter cannot be read");
        let params: Vec<String> = self.params.load().map_err(|error| unreadable().with_cause(error))?;
        params.into_iter().nth(place).map(Cow::Owned).ok_or_else(unreadable)
    }
}
