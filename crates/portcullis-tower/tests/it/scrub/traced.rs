//! What a layer behind it traces.

use super::{SOCKET, everywhere, gate_of, get};
use crate::{
    cast::{Names, Text, echo, send},
    log::Log,
};
use http::Request;
use portcullis_core::policy::*;
use portcullis_tower::GateExt;
use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use tower::{Service, ServiceBuilder, layer::layer_fn};
use tracing::{Event, Instrument, Metadata, Subscriber, callsite, field, span};

/// A layer as `tower_http::trace` is one, talkative: a span around the service and events in it.
#[derive(Debug, Clone)]
struct Traced<S>(S);

impl<S> Service<Request<Text>> for Traced<S>
where
    S: Service<Request<Text>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = tracing::instrument::Instrumented<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Text>) -> Self::Future {
        let span = tracing::trace_span!(
            "request",
            method = %request.method(),
            uri = %request.uri(),
            query = request.uri().query(),
            headers = ?request.headers(),
        );
        tracing::trace!(parent: &span, request = ?request, extensions = ?request.extensions(), "started processing");
        self.0.call(request).instrument(span)
    }
}

/// Everything that is said on this thread, by whomever, with the fields of spans.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl field::Visit for Line<'_> {
    fn record_debug(&mut self, field: &field::Field, value: &dyn fmt::Debug) {
        writeln!(self.0, "{}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Line(&mut self.0.lock().unwrap()));
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(&mut self.0.lock().unwrap()));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Runs something while everything is heard; tells what was.
fn hear(run: impl AsyncFnOnce()) -> String {
    // Two that listen: where one listens alone, what is cached for a place in the code is what the first thread there
    // wants.
    Log::listen();
    let everything = Everything::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tracing::subscriber::with_default(everything.clone(), || {
        callsite::rebuild_interest_cache();
        runtime.block_on(run());
    });
    everything.0.lock().unwrap().clone()
}

#[test]
fn what_is_traced_behind_it_has_no_credential_in_it() {
    let names = [Names::default(), Names::slow()];
    for names in names {
        let gate = gate_of(&names, everywhere);
        let guard = || gate.require(authenticated());
        let quiet = ServiceBuilder::new()
            .layer(gate.scrub())
            .layer(gate.enforce())
            .layer(layer_fn(Traced))
            .layer(guard())
            .layer(layer_fn(Traced))
            .service(echo(&Arc::default()));
        let loud = ServiceBuilder::new()
            .layer(layer_fn(Traced))
            .layer(gate.scrub())
            .layer(guard())
            .service(echo(&Arc::default()));
        // Some that hold, and some that do not: what is refused is logged too.
        for (uri, headers, status) in [
            ("/kb?token=hunter2&page=7", &[][..], 200),
            ("/kb?page=7&t%6fken=hunter2", &[], 200),
            ("/kb?token=hunter2&token=hunter2&page=7", &[], 400),
            ("/kb?token=hunter2%20&page=7", &[], 401),
            ("/kb?token=hunter2&page=7", &[("authorization", "Bearer hunter2")], 400),
            ("/kb?page=7", &[("authorization", "Bearer hunter2")], 200),
            ("/kb?page=7", &[("authorization", "Bearer hunter2 hunter2")], 401),
            ("/kb?page=7", &[("x-key", "hunter2")], 200),
            ("/kb?page=7", &[("x-key", "alice"), ("referer", "https://example.com/?token=hunter2")], 200),
            ("/kb?page=7", &[("x-key", "alice"), ("x-forwarded-uri", "/api/kb?page=7&token=hunter2")], 200),
            ("/kb?page=7", &[("x-original-url", "/api/kb?ws=hunter2"), ("x-key", "alice"), SOCKET], 200),
            ("/kb?page=7", &[("cookie", "theme=dark; session=hunter2")], 200),
            ("/kb?page=7", &[("cookie", "session=hunter2; session=hunter2!")], 400),
            ("/kb?page=7", &[("cookie", "session=hunter2"), SOCKET, ("origin", "https://evil.test")], 403),
            ("/kb?page=7&ws=hunter2", &[SOCKET], 200),
            ("/kb?page=7", &[SOCKET, ("sec-websocket-protocol", "bearer, hunter2")], 200),
            ("/kb?page=7", &[("sec-websocket-protocol", "bearer, hunter2")], 401),
        ] {
            let heard =
                hear(async || assert_eq!(send(&quiet, get(uri, headers)).await.status, status, "{uri} {headers:?}"));
            assert!(heard.contains("page=7") && heard.contains("started processing"), "{heard}");
            assert!(!heard.contains("hunter2"), "{uri} {headers:?}: {heard}");
            // It would be found if it were there.
            let heard =
                hear(async || assert_eq!(send(&loud, get(uri, headers)).await.status, status, "{uri} {headers:?}"));
            assert!(heard.contains("hunter2"), "{uri} {headers:?}: {heard}");
        }
    }
}
