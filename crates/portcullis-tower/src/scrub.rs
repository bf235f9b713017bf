use crate::head::{Head, Params};
use http::{Extensions, HeaderValue, Request, Uri, request::Parts};
use portcullis_core::{Gate, Scrubber};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// The original query, with its credentials. Guards and extractors read this one.
#[derive(Debug, Clone)]
struct AsItCame {
    query: Arc<str>,
    /// The query that replaced it. If the request has another one, a layer has rewritten the address since.
    scrubbed: Option<Arc<str>>,
}

/// The query that guards and extractors read.
pub(crate) fn query<'a>(uri: &'a Uri, extensions: &'a Extensions) -> Option<&'a str> {
    let as_it_came = extensions.get::<AsItCame>().filter(|came| came.scrubbed.as_deref() == uri.query());
    as_it_came.map_or_else(|| uri.query(), |came| Some(&came.query))
}

/// How to find a second copy of the address that a framework keeps in a request.
pub type NotedUri = fn(&mut Extensions) -> Option<&mut Uri>;

/// Keeps credentials out of what the inner layers log. Made by [`GateExt::scrub`](crate::GateExt::scrub).
#[derive(Debug, Clone)]
pub struct ScrubLayer {
    gate: Gate,
    noted: Option<NotedUri>,
}

impl ScrubLayer {
    /// `noted` finds the framework's own copy of the address, if it keeps one.
    #[must_use]
    pub fn new(gate: &Gate, noted: Option<NotedUri>) -> Self {
        Self { gate: gate.clone(), noted }
    }

    fn apply(&self, parts: &mut Parts) {
        let scrubber = self.gate.scrubber(&Head::new(parts, &Params::Absent));
        for (name, value) in &mut parts.headers {
            let scrubbed = scrubber.header(name.as_str(), value.as_bytes());
            if let Some(scrubbed) = scrubbed.and_then(|text| HeaderValue::try_from(text).ok()) {
                *value = scrubbed;
            }
            if scrubber.is_sensitive(name.as_str()) {
                value.set_sensitive(true);
            }
        }
        if let Some(scrubbed) = address(&scrubber, &parts.uri) {
            // What an outer layer has scrubbed stays as it came.
            let query = query(&parts.uri, &parts.extensions).unwrap_or_default().into();
            parts.uri = scrubbed;
            let scrubbed = parts.uri.query().map(Into::into);
            parts.extensions.insert(AsItCame { query, scrubbed });
        }
        if let Some(noted) = self.noted.and_then(|noted| noted(&mut parts.extensions))
            && let Some(scrubbed) = address(&scrubber, noted)
        {
            *noted = scrubbed;
        }
    }
}

impl<S> Layer<S> for ScrubLayer {
    type Service = Scrub<S>;

    fn layer(&self, inner: S) -> Scrub<S> {
        Scrub { inner, scrub: self.clone() }
    }
}

/// A service that does not see the credentials in the address of a request.
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

    fn call(&mut self, request: Request<B>) -> S::Future {
        let (mut parts, body) = request.into_parts();
        self.scrub.apply(&mut parts);
        self.inner.call(Request::from_parts(parts, body))
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
