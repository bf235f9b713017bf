use crate::head::AsItCame;
use actix_web::{
    HttpMessage,
    dev::{Service, ServiceRequest, Transform, forward_ready},
    http::{
        Uri,
        header::{HeaderMap, HeaderName},
        uri::PathAndQuery,
    },
};
use portcullis_core::{CredentialSource, Gate};
use std::future::{Ready, ready};

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
        let query = request.query_string();
        if let Some(scrubbed) = self.gate.scrub_query(query) {
            let as_it_came = AsItCame(query.into());
            // What an outer middleware has scrubbed stays as it came.
            if !request.extensions().contains::<AsItCame>() {
                request.extensions_mut().insert(as_it_came);
            }
            request.head_mut().uri = with_query(request.uri(), &scrubbed);
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

/// The address with another query, or without one if that cannot be in an address.
fn with_query(uri: &Uri, query: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    let target = PathAndQuery::try_from(format!("{}?{query}", uri.path()));
    parts.path_and_query = Some(target.unwrap_or_else(|_| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
}
