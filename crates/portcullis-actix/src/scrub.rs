use crate::head::Head;
use actix_web::{
    HttpMessage, HttpRequest,
    dev::{Service, ServiceRequest, Transform, forward_ready},
    http::{
        Uri,
        header::{HeaderMap, HeaderValue},
    },
};
use portcullis_core::{Gate, Scrubber};
use std::{
    future::{Ready, ready},
    sync::Arc,
};

/// The original query, with its credentials. Guards and extractors read this one.
#[derive(Debug, Clone)]
pub(crate) struct AsItCame {
    query: Arc<str>,
    /// The query that replaced it. If the request has another one, a middleware has rewritten the address since.
    scrubbed: Arc<str>,
}

impl AsItCame {
    pub(crate) fn of(request: &HttpRequest) -> Option<Arc<str>> {
        let query = request.uri().query()?; // scrubbing leaves no address without its query
        let extensions = request.extensions();
        let came = extensions.get::<Self>().filter(|came| *came.scrubbed == *query);
        came.map(|came| came.query.clone())
    }
}

/// Keeps credentials out of what the inner middleware logs. Made by [`GateExt::scrub`](crate::GateExt::scrub).
#[derive(Debug, Clone)]
pub struct Scrub(Gate);

impl Scrub {
    pub(crate) fn new(gate: &Gate) -> Self {
        Self(gate.clone())
    }
}

impl<S: Service<ServiceRequest>> Transform<S, ServiceRequest> for Scrub {
    type Response = S::Response;
    type Error = S::Error;
    type Transform = ScrubMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<ScrubMiddleware<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(ScrubMiddleware { inner, gate: self.0.clone() }))
    }
}

/// A service that does not see the credentials in the address of a request.
#[derive(Debug)]
pub struct ScrubMiddleware<S> {
    inner: S,
    gate: Gate,
}

impl<S: Service<ServiceRequest>> Service<ServiceRequest> for ScrubMiddleware<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    forward_ready!(inner);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        apply(&self.gate, &mut request);
        self.inner.call(request)
    }
}

fn apply(gate: &Gate, request: &mut ServiceRequest) {
    let scrubber = gate.scrubber(&Head::of(request.request()));
    scrub_headers(&scrubber, request.headers_mut());
    if let Some(scrubbed) = address(&scrubber, request.uri()) {
        // What an outer middleware has scrubbed stays as it came.
        let query = AsItCame::of(request.request()).unwrap_or_else(|| request.query_string().into());
        request.head_mut().uri = scrubbed;
        let scrubbed = request.query_string().into();
        request.extensions_mut().insert(AsItCame { query, scrubbed });
    }
    // Actix-web routes by an address of its own. Its path stays, because what was matched refers to it.
    if let Some(scrubbed) = address(&scrubber, request.match_info().get_ref().uri()) {
        request.match_info_mut().get_mut().update(&scrubbed);
    }
}

fn scrub_headers(scrubber: &Scrubber<'_>, headers: &mut HeaderMap) {
    let names = headers.iter().filter_map(|(name, value)| {
        let touched =
            scrubber.is_sensitive(name.as_str()) || scrubber.header(name.as_str(), value.as_bytes()).is_some();
        touched.then(|| name.clone())
    });
    for name in names.collect::<Vec<_>>() {
        for mut value in headers.remove(&name).collect::<Vec<_>>() {
            let scrubbed = scrubber.header(name.as_str(), value.as_bytes());
            if let Some(scrubbed) = scrubbed.and_then(|text| HeaderValue::try_from(text).ok()) {
                value = scrubbed;
            }
            if scrubber.is_sensitive(name.as_str()) {
                // `Debug` of a sensitive value does not show it.
                value.set_sensitive(true);
            }
            headers.append(name.clone(), value);
        }
    }
}

/// The same address without the values of credentials; `None` if it has none.
fn address(scrubber: &Scrubber<'_>, uri: &Uri) -> Option<Uri> {
    let scrubbed = scrubber.address(uri.path_and_query()?.as_str().as_bytes())?;
    let mut parts = uri.clone().into_parts();
    // INVARIANT: letters in place of other bytes, and no more of them, make an address of an address.
    parts.path_and_query = scrubbed.try_into().ok();
    Uri::from_parts(parts).ok()
}
