//! A request's head to read from, header by header.

use portcullis_core::{Error, ErrorKind, RequestHead};
use std::{borrow::Cow, net::IpAddr};

/// A `GET /`, unless a test says otherwise, with what it adds. Header values are bytes, because attackers send those.
#[derive(Debug, Clone, Default)]
pub struct Head {
    method: Option<&'static str>,
    authority: Option<&'static str>,
    path: Option<&'static str>,
    peer: Option<IpAddr>,
    headers: Vec<(String, Vec<u8>)>,
    query: Option<String>,
    params: Vec<(String, String)>,
}

impl Head {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn of(headers: &[(&str, &str)]) -> Self {
        headers.iter().fold(Self::new(), |head, (name, value)| head.header(name, value))
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    pub fn method(mut self, method: &'static str) -> Self {
        self.method = Some(method);
        self
    }

    pub fn path(mut self, path: &'static str) -> Self {
        self.path = Some(path);
        self
    }

    pub fn peer(mut self, peer: &str) -> Self {
        self.peer = Some(peer.parse().unwrap());
        self
    }

    pub fn authority(mut self, authority: &'static str) -> Self {
        self.authority = Some(authority);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Whether this is the token of a bearer header.
    pub fn says(&self, token: &str) -> bool {
        self.headers.iter().any(|(_, value)| value.strip_prefix(b"Bearer ") == Some(token.as_bytes()))
    }

    pub fn query(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    /// A path parameter; the value `%` stands for one that cannot be decoded.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl RequestHead for Head {
    fn method(&self) -> &'static str {
        self.method.unwrap_or("GET")
    }

    fn authority(&self) -> Option<&str> {
        self.authority
    }

    fn path(&self) -> &'static str {
        self.path.unwrap_or("/")
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.headers.iter().filter(|(found, _)| found == name).for_each(|(_, value)| see(value));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.headers.iter().for_each(|(name, value)| see(name, value));
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        match self.params.iter().find(|(found, _)| found == name) {
            Some((_, value)) if value == "%" => Err(Error::new(ErrorKind::Malformed, "the path is no UTF-8")),
            found => Ok(found.map(|(_, value)| value.as_str().into())),
        }
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(self.params.iter().map(|(name, _)| name.as_str().into()).collect())
    }
}
