use actix_web::{
    HttpMessage, HttpRequest,
    dev::{Service, ServiceRequest, Transform, forward_ready},
    http::{
        Uri,
        header::{HeaderMap, HeaderName},
        uri::PathAndQuery,
    },
};
use portcullis_core::{CredentialSource, Gate};
use std::{
    future::{Ready, ready},
    sync::Arc,
};

/// The query as it came, with the credentials in it; guards and extractors go by this one.
#[derive(Debug, Clone)]
pub(crate) struct AsItCame {
    query: Arc<str>,
    /// What stands in its place. Where something else does, a middleware has rewritten the address since.
    scrubbed: Option<Arc<str>>,
}

impl AsItCame {
    pub(crate) fn of(request: &HttpRequest) -> Option<Arc<str>> {
        let extensions = request.extensions();
        let came = extensions.get::<Self>().filter(|came| came.scrubbed.as_deref() == request.uri().query());
        came.map(|came| came.query.clone())
    }
}

/// Keeps credentials out of what the middleware further in logs. Made by [`GateExt::scrub`](crate::GateExt::scrub).
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

/// A service that does not see credentials in the address of a request.
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
        for name in self.gate.sources().filter_map(CredentialSource::header_name) {
            mark_sensitive(request.headers_mut(), name);
        }
        if let Some(scrubbed) = self.gate.scrub_query(request.query_string()) {
            // What an outer middleware has scrubbed stays as it came.
            let query = AsItCame::of(request.request()).unwrap_or_else(|| request.query_string().into());
            request.head_mut().uri = with_query(request.uri(), &scrubbed);
            let scrubbed = request.uri().query().map(Into::into);
            request.extensions_mut().insert(AsItCame { query, scrubbed });
        }
        // Actix-web routes by an address of its own. Its path stays, because what was matched refers to it.
        let routed = request.match_info().get_ref().uri();
        if let Some(scrubbed) = routed.query().and_then(|query| self.gate.scrub_query(query)) {
            let scrubbed = with_query(routed, &scrubbed);
            request.match_info_mut().get_mut().update(&scrubbed);
        }
        self.inner.call(request)
    }
}

/// `Debug` of a sensitive value does not show it.
fn mark_sensitive(headers: &mut HeaderMap, name: &str) {
    let Ok(name) = HeaderName::try_from(name) else { return };
    for mut value in headers.remove(&name).collect::<Vec<_>>() {
        value.set_sensitive(true);
        headers.append(name.clone(), value);
    }
}

/// The address with another query, or without one if it is too long for an address.
fn with_query(uri: &Uri, query: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    let target = PathAndQuery::try_from(format!("{}?{query}", uri.path()));
    parts.path_and_query = target.or_else(|_| PathAndQuery::try_from(uri.path())).ok();
    Uri::from_parts(parts).unwrap_or_default()
}
