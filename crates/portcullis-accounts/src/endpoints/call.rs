//! A request to an endpoint, and what is read from it.

use crate::{client::Client, error::Error, id::is_storable};
use bytes::Bytes;
use http::{Request, header};
use portcullis_core::{Error as CoreError, Gate, Principal, RequestHead};
use serde::de::DeserializeOwned;
use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, SocketAddr},
};

/// A request to an endpoint: one of [`Endpoints`](super::Endpoints), or one of your own, which `Routes::endpoint` of an adapter
/// mounts.
///
/// An endpoint of your own is a function over plain HTTP types, the same for every framework:
///
/// ```
/// use bytes::Bytes;
/// use http::{Response, header::SET_COOKIE};
/// use portcullis_accounts::{Accounts, Call, Error, TokenCookies};
///
/// #[derive(serde::Deserialize)]
/// struct Login {
///     name: String,
///     password: String,
/// }
///
/// async fn login(accounts: Accounts, call: Call) -> Result<Response<Bytes>, Error> {
///     let Login { name, password } = call.json()?;
///     let sign_in = accounts.sign_in(&name, &password, &call.client(0)).await?.signed_in()?;
///     let cookies = TokenCookies::new().set_signed_in(&sign_in);
///     let mut answer = Response::builder();
///     for cookie in cookies {
///         answer = answer.header(SET_COOKIE, cookie);
///     }
///     answer.body(Bytes::from_static(b"welcome")).map_err(|_| Error::InvalidRequest)
/// }
/// ```
#[non_exhaustive]
pub struct Call {
    /// The gate of the route.
    pub gate: Gate,
    /// The request, with the path as the client sent it.
    pub request: Request<Bytes>,
    /// The address at the other end of the connection.
    pub peer: Option<IpAddr>,
    /// The caller, where the endpoint [wants to know](super::Endpoint::wants_caller), or why the credential is not valid.
    pub who: Result<Option<Principal>, CoreError>,
    params: Vec<(String, String)>,
}

impl Call {
    /// A request without a caller, from an unknown address.
    #[must_use]
    pub fn new(gate: Gate, request: Request<Bytes>) -> Self {
        Self { gate, request, peer: None, who: Ok(None), params: Vec::new() }
    }

    /// With the address at the other end of the connection.
    #[must_use]
    pub fn with_peer(self, peer: Option<IpAddr>) -> Self {
        Self { peer, ..self }
    }

    /// With the caller, or the error of the credential.
    #[must_use]
    pub fn with_caller(self, who: Result<Option<Principal>, CoreError>) -> Self {
        Self { who, ..self }
    }

    /// With the path parameters, as the guard of the route reads them from this head: what it judges is what the endpoint uses.
    ///
    /// # Errors
    /// If the framework cannot read them, or if two have the same name.
    pub fn with_params(self, head: &dyn RequestHead) -> Result<Self, CoreError> {
        head.param_names()?.into_iter().try_fold(self, |call, name| {
            let value = head.param(&name)?.unwrap_or_default().into_owned();
            Ok(call.with_param(name, value))
        })
    }

    /// With this path parameter, decoded.
    #[must_use]
    pub fn with_param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    /// The identifier in a path parameter. There is nothing with one that no store can keep.
    pub(super) fn id(&self, name: &str) -> Result<&str, Error> {
        let value = self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = value.ok_or_else(|| Error::misconfigured(format!("the call has no path parameter `{name}`")))?;
        if is_storable(value) { Ok(value) } else { Err(Error::NotFound) }
    }

    pub(super) fn caller(&self) -> Result<&Principal, Error> {
        let who = self.who.as_ref().map_err(CoreError::clone)?.as_ref();
        who.ok_or_else(|| Error::misconfigured("the route of the endpoint has no guard"))
    }

    /// Whether a browser may have sent it: then the gate checks the origin of the page, and tokens go into cookies.
    #[must_use]
    pub fn may_be_browser(&self) -> bool {
        let headers = self.request.headers();
        [header::COOKIE.as_str(), header::ORIGIN.as_str(), "sec-fetch-site"]
            .iter()
            .any(|name| headers.contains_key(*name))
    }

    /// Checks that no page of another origin sent it, with a credential or without: to sign somebody in to another account is a
    /// change as well. Adapters do it for each endpoint.
    ///
    /// # Errors
    /// Those of [`Gate::check_origin`].
    pub fn check_origin(&self) -> Result<(), CoreError> {
        if self.may_be_browser() { self.gate.check_origin(self) } else { Ok(()) }
    }

    /// The body, which is JSON and says so.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let kind = self.request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
            return Err(Error::InvalidRequest);
        }
        // The error of the parser could quote the body.
        serde_json::from_slice(self.request.body()).map_err(|_| Error::InvalidRequest)
    }

    /// The same, where a request may have no body.
    pub(super) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Error> {
        if self.request.body().is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// Where the request comes from, with so many proxies of yours that add an address to `X-Forwarded-For`.
    ///
    /// Behind proxies, the address is the one that the outermost of them saw: so many places from the end. Without one, the
    /// header is not read.
    #[must_use]
    pub fn client(&self, proxies: usize) -> Client {
        let headers = self.request.headers();
        let lines = headers.get_all("x-forwarded-for").into_iter();
        let forwarded = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect::<Vec<_>>().join(",");
        // The nth from the end. Every part counts, so that no client moves the others by one that cannot be read.
        let seen = proxies.checked_sub(1).and_then(|place| forwarded.rsplit(',').nth(place)).and_then(address);
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let client = Client { address: seen.or(self.peer), ..Client::unknown() };
        match agent {
            Some(agent) => client.with_user_agent(agent),
            None => client,
        }
    }
}

/// An address, also with a port, as some proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    inside.unwrap_or(text).parse().ok().or_else(with_port)
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} {})", self.request.method(), self.request.uri().path())
    }
}

/// Cookies are read from it: [`TokenCookies::read_refresh`](super::TokenCookies::read_refresh).
impl RequestHead for Call {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn path(&self) -> &str {
        self.request.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.request.uri().query()
    }

    fn authority(&self) -> Option<&str> {
        self.request.uri().authority().map(http::uri::Authority::as_str)
    }

    fn each_header<'h>(&'h self, name: &str, see: &mut dyn FnMut(&'h [u8])) {
        self.request.headers().get_all(name).into_iter().for_each(|value| see(value.as_bytes()));
    }

    fn headers<'h>(&'h self, see: &mut dyn FnMut(&'h str, &'h [u8])) {
        self.request.headers().iter().for_each(|(name, value)| see(name.as_str(), value.as_bytes()));
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, CoreError> {
        let value = self.params.iter().find(|(known, _)| known == name);
        Ok(value.map(|(_, value)| Cow::Borrowed(value.as_str())))
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, CoreError> {
        Ok(self.params.iter().map(|(name, _)| Cow::Borrowed(name.as_str())).collect())
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer
    }
}
