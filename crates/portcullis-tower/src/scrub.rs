use http::{Extensions, HeaderName, Request, Uri, uri::PathAndQuery};
use portcullis_core::Gate;
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// The query as it came, with the credentials in it; guards and extractors go by this one.
#[derive(Debug, Clone)]
struct AsItCame(Arc<str>);

pub(crate) fn scrubbed_query(extensions: &Extensions) -> Option<&str> {
    extensions.get::<AsItCame>().map(|query| &*query.0)
}

/// Keeps credentials out of what the layers behind it log. Made by [`GateExt::scrub`](crate::GateExt::scrub).
#[derive(Debug, Clone)]
pub struct ScrubLayer(Gate);

impl ScrubLayer {
    pub(crate) fn new(gate: &Gate) -> Self {
        Self(gate.clone())
    }
}

impl<S> Layer<S> for ScrubLayer {
    type Service = Scrub<S>;

    fn layer(&self, inner: S) -> Scrub<S> {
        Scrub { inner, gate: self.0.clone() }
    }
}

/// A service that does not see credentials in the address of a request.
#[derive(Debug, Clone)]
pub struct Scrub<S> {
    inner: S,
    gate: Gate,
}

impl<S, B> Service<Request<B>> for Scrub<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let holds_credential = |name: &HeaderName| self.gate.sources().any(|s| s.header_name() == Some(name.as_str()));
        for (_, value) in request.headers_mut().iter_mut().filter(|(name, _)| holds_credential(name)) {
            value.set_sensitive(true);
        }
        let scrubbed = request.uri().query().and_then(|query| Some((query.into(), self.gate.scrub_query(query)?)));
        if let Some((query, scrubbed)) = scrubbed {
            // Which an outer layer has scrubbed stays as it came.
            request.extensions_mut().get_or_insert_with(|| AsItCame(query));
            *request.uri_mut() = with_query(request.uri(), &scrubbed);
        }
        self.inner.call(request)
    }
}

/// The address with another query, or without one if that cannot be in an address.
fn with_query(uri: &Uri, query: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    let target = PathAndQuery::try_from(format!("{}?{query}", uri.path()));
    parts.path_and_query = Some(target.unwrap_or_else(|_| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
}
