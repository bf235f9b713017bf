use crate::scrub;
use http::{
    Extensions, Request, Uri,
    header::{AUTHORIZATION, COOKIE},
    request::Parts,
    uri::Authority,
};
use portcullis_core::{Error, ErrorKind, RequestHead};
use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// The path parameters of a request, as read by a framework.
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
    /// Not read yet: no policy has announced that it reads them.
    OnDemand(ReadParams),
}

impl Params {
    fn unreadable() -> Error {
        Error::new(ErrorKind::Malformed, "a path parameter is not UTF-8")
    }

    /// Nested services may each have a parameter of the same name. Which one a handler reads depends on how it takes them. If
    /// the guard picked one, it could check another resource than the handler uses.
    fn named(&self, name: &str) -> Result<Option<&str>, Error> {
        let params = match self {
            Self::Absent | Self::OnDemand(_) => return Ok(None),
            Self::Unreadable => return Err(Self::unreadable()),
            Self::Read(params) => params,
        };
        let mut values = params.iter().filter(|(found, _)| **found == *name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => {
                let detail = format!("the path has two parameters `{name}`; rename one of them");
                Err(Error::new(ErrorKind::Misconfigured, detail))
            }
            (value, None) => Ok(value),
        }
    }
}

/// How to read path parameters in a framework.
pub type ReadParams = fn(&mut Parts) -> Params;

/// How to read the address as the client sent it, for frameworks that shorten the one in the parts.
pub type ReadAddress = fn(&Extensions) -> Option<&Uri>;

/// How to read the address of the connection.
pub type ReadPeer = fn(&Extensions) -> Option<SocketAddr>;

/// What a framework knows about a request beside its parts.
#[derive(Debug, Clone, Copy)]
pub struct Framework {
    pub(crate) params: ReadParams,
    pub(crate) address: ReadAddress,
    pub(crate) peer: ReadPeer,
}

impl Framework {
    /// A framework with these functions.
    #[must_use]
    pub const fn new(params: ReadParams, address: ReadAddress, peer: ReadPeer) -> Self {
        Self { params, address, peer }
    }
}

/// The head of an [`http::Request`] with its path parameters. `Debug` shows method and path.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    parts: &'a Parts,
    params: &'a Params,
    address: Option<ReadAddress>,
    peer: ReadPeer,
}

impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head({} {})", self.parts.method, self.parts.uri.path())
    }
}

impl<'a> Head<'a> {
    /// The head of a request with these path parameters. Its peer is the [`SocketAddr`] in the extensions, if a server puts
    /// one there.
    #[must_use]
    pub fn new(parts: &'a Parts, params: &'a Params) -> Self {
        Self { parts, params, address: None, peer: |extensions| extensions.get().copied() }
    }

    /// The same head in a framework.
    pub(crate) fn within(self, framework: Framework) -> Self {
        Self { address: Some(framework.address), peer: framework.peer, ..self }
    }
}

impl Head<'_> {
    /// A policy only borrows the request, but frameworks need their own parts to read parameters. They get new parts with the
    /// same extensions.
    fn on_demand(&self, read: ReadParams) -> Params {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.extensions = self.parts.extensions.clone();
        read(&mut parts)
    }
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    fn path(&self) -> &str {
        let address = self.address.and_then(|address| address(&self.parts.extensions));
        address.unwrap_or(&self.parts.uri).path()
    }

    fn query(&self) -> Option<&str> {
        scrub::query(&self.parts.uri, &self.parts.extensions)
    }

    fn authority(&self) -> Option<&str> {
        self.parts.uri.authority().map(Authority::as_str)
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        let headers = &self.parts.headers;
        // Nearly no request has a header twice.
        if headers.len() == headers.keys_len() {
            let value = match name {
                // Names that need not be looked up.
                "authorization" => headers.get(AUTHORIZATION),
                "cookie" => headers.get(COOKIE),
                _ => headers.get(name),
            };
            return value.into_iter().for_each(|value| see(value.as_bytes()));
        }
        headers.get_all(name).iter().for_each(|value| see(value.as_bytes()));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.parts.headers.iter().for_each(|(name, value)| see(name.as_str(), value.as_bytes()));
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        let Params::OnDemand(read) = self.params else { return Ok(self.params.named(name)?.map(Cow::Borrowed)) };
        Ok(self.on_demand(*read).named(name)?.map(|value| Cow::Owned(value.to_owned())))
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        let read;
        let params = match self.params {
            Params::OnDemand(on_demand) => {
                read = self.on_demand(*on_demand);
                &read
            }
            params => params,
        };
        match params {
            Params::Unreadable => Err(Params::unreadable()),
            Params::Read(params) => Ok(params.iter().map(|(name, _)| Cow::Owned(name.to_string())).collect()),
            Params::Absent | Params::OnDemand(_) => Ok(Vec::new()),
        }
    }

    fn peer(&self) -> Option<IpAddr> {
        (self.peer)(&self.parts.extensions).map(|peer| peer.ip())
    }
}
