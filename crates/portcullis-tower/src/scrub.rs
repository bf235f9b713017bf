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
struct AsItCame {
    query: Arc<str>,
    /// What stands in its place. Where something else does, a layer has rewritten the address since.
    scrubbed: Option<Arc<str>>,
}

/// The query that guards and extractors go by.
pub(crate) fn query<'a>(uri: &'a Uri, extensions: &'a Extensions) -> Option<&'a str> {
    let as_it_came = extensions.get::<AsItCame>().filter(|came| came.scrubbed.as_deref() == uri.query());
    as_it_came.map_or_else(|| uri.query(), |came| Some(&came.query))
}

/// Where a framework has noted the address of a request once more.
pub type NotedUri = fn(&mut Extensions) -> Option<&mut Uri>;

/// Keeps credentials out of what the layers behind it log. Made by [`GateExt::scrub`](crate::GateExt::scrub).
#[derive(Debug, Clone)]
pub struct ScrubLayer {
    gate: Gate,
    noted: Option<NotedUri>,
}

impl ScrubLayer {
    /// In a framework that notes addresses like this, if at all.
    #[must_use]
    pub fn new(gate: &Gate, noted: Option<NotedUri>) -> Self {
        Self { gate: gate.clone(), noted }
    }
}

impl<S> Layer<S> for ScrubLayer {
    type Service = Scrub<S>;

    fn layer(&self, inner: S) -> Scrub<S> {
        Scrub { inner, scrub: self.clone() }
    }
}

/// A service that does not see credentials in the address of a request.
#[derive(Debug, Clone)]
pub struct Scrub<S> {
    inner: S,
    scrub: ScrubLayer,
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
        let ScrubLayer { gate, noted } = &self.scrub;
        let holds_credential = |name: &HeaderName| gate.sources().any(|s| s.header_name() == Some(name.as_str()));
        for (_, value) in request.headers_mut().iter_mut().filter(|(name, _)| holds_credential(name)) {
            value.set_sensitive(true);
        }
        if let Some(scrubbed) = request.uri().query().and_then(|query| gate.scrub_query(query)) {
            // What an outer layer has scrubbed stays as it came.
            let query = query(request.uri(), request.extensions()).unwrap_or_default().into();
            *request.uri_mut() = with_query(request.uri(), &scrubbed);
            let scrubbed = request.uri().query().map(Into::into);
            request.extensions_mut().insert(AsItCame { query, scrubbed });
        }
        if let Some(noted) = noted.and_then(|noted| noted(request.extensions_mut()))
            && let Some(scrubbed) = noted.query().and_then(|query| gate.scrub_query(query))
        {
            *noted = with_query(noted, &scrubbed);
        }
        self.inner.call(request)
    }
}

/// The address with another query, or without one if it is too long for an address.
fn with_query(uri: &Uri, query: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    let target = PathAndQuery::try_from(format!("{}?{query}", uri.path()));
    parts.path_and_query = target.or_else(|_| PathAndQuery::try_from(uri.path())).ok();
    Uri::from_parts(parts).unwrap_or_default()
}
