//! Behind `scrub`, guard and handler see the same pairs of arbitrary queries, on each of the frameworks. Only the values of
//! credentials differ, and they never become longer.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use actix_web::{App, dev::ServiceResponse, test::TestRequest, web};
use axum::{Router, body::Body, http};
use portcullis::{
    Gate, Scheme,
    policy::{Policy, when},
    testing::{TestIssuer, acting_as},
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

const NAMES: [&str; 2] = ["token", "access token"];
const WS_NAMES: [&str; 2] = ["t", "ws é"];

type Pairs = Vec<(String, String)>;

fn pairs(query: Option<&str>) -> Pairs {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// What a guard or a handler has read last.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Option<Pairs>>>);

impl Seen {
    fn note(&self, query: Option<&str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(pairs(query));
    }

    /// It was reached, and this is what it has seen.
    fn take(&self) -> Pairs {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap()
    }

    fn guard(&self) -> impl Policy + use<> {
        let seen = self.clone();
        when("seen", move |question| {
            seen.note(question.head().query());
            true
        })
    }
}

/// A piece of a query that an address may have.
fn piece() -> impl Strategy<Value = String> {
    let names =
        ["token", "t%6Fken", "%74oken", "access+token", "access%20token", "t", "%74", "ws+é", "ws%20%C3%a9", "project"];
    let odd = [
        "", "%", "%f", "%ff", "%00", "%26", "%3D", "%23", "+", ";", "?", "/", "é", "'", "{|}", "~", "redacted", "=",
        "==",
    ];
    prop_oneof![
        4 => select(names.to_vec()).prop_map(str::to_owned),
        2 => select(odd.to_vec()).prop_map(str::to_owned),
        2 => "[a-zA-Z0-9%+;=._~-]{0,12}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    let pair = (piece(), prop_oneof![Just(None), vec(piece(), 0..3).prop_map(|value| Some(value.concat()))]);
    let pair = pair.prop_map(|(name, value)| value.map_or(name.clone(), |value| format!("{name}={value}")));
    let times = prop_oneof![8 => Just(1_usize), 1 => Just(6000), 1 => Just(20_000)];
    vec((pair, times), 0..8).prop_map(|pairs| {
        let mut query = String::new();
        for (pair, times) in pairs {
            for _ in 0..times {
                // With the path, an address has at most 65534 bytes.
                if query.len() + pair.len() + 1 > 65_000 {
                    return query;
                }
                query += &pair;
                query.push('&');
            }
        }
        query
    })
}

/// The same number, order and names; of a credential, at most as many bytes.
fn hold_together(sent: &Pairs, guard: &Pairs, handler: &Pairs, is_upgrade: bool) -> Result<(), TestCaseError> {
    let fail = |what: &str| Err(TestCaseError::fail(format!("{what}: {sent:?}, {guard:?}, {handler:?}")));
    if guard != sent {
        return fail("the guard does not see what was sent");
    }
    if guard.len() != handler.len() {
        return fail("the handler sees more or fewer pairs");
    }
    for ((name, value), (seen_name, seen)) in guard.iter().zip(handler) {
        let is_credential = NAMES.contains(&&**name) || is_upgrade && WS_NAMES.contains(&&**name);
        let value_fits = match is_credential {
            false => value == seen,
            true => "redacted".starts_with(seen.as_str()) && value.is_empty() == seen.is_empty(),
        };
        if name != seen_name || !value_fits {
            return fail("the handler sees another pair");
        }
    }
    Ok(())
}

fn gate() -> Gate {
    let scheme = NAMES.iter().fold(Scheme::new(TestIssuer::new().verifier()), |scheme, name| scheme.query(name));
    let scheme = WS_NAMES.iter().fold(scheme, |scheme, name| scheme.websocket_query(name));
    Gate::builder().scheme(scheme).build().unwrap().acting_as(acting_as("alice"))
}

/// Arbitrary queries, half of them with the upgrade to a WebSocket. What is sent comes back as guard and handler see it, if
/// the framework takes such an address at all.
fn run(send: impl Fn(&str, bool) -> Option<(Pairs, Pairs)>) {
    let mut runner = TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() });
    let judged = runner.run(&(query(), any::<bool>()), |(query, is_upgrade)| {
        let uri = format!("/p?{query}");
        let Ok(uri) = uri.parse::<http::Uri>() else { return Ok(()) };
        let Some((guard, handler)) = send(&uri.to_string(), is_upgrade) else { return Ok(()) };
        hold_together(&pairs(uri.query()), &guard, &handler, is_upgrade)
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
    // What was seen once: the guard decided by 42, and the handler got no query.
    for pair in ["&t", "&t=", "&t=a", "&token", "&token=", "&token=a", "&%74", "&"] {
        for is_upgrade in [false, true] {
            let query = format!("project=42{}", pair.repeat(6000));
            let (guard, handler) = send(&format!("/p?{query}"), is_upgrade).unwrap();
            assert_eq!(handler[0], ("project".to_owned(), "42".to_owned()), "{pair}");
            hold_together(&pairs(Some(&query)), &guard, &handler, is_upgrade).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

fn request<B>(uri: &str, is_upgrade: bool, body: B) -> http::Request<B> {
    let request = http::Request::get(uri);
    let request = if is_upgrade { request.header("upgrade", "websocket") } else { request };
    request.body(body).unwrap()
}

#[test]
fn on_tower() {
    use portcullis::tower::GateExt;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (gate, guard, handler) = (gate(), Seen::default(), Seen::default());
    let noting = handler.clone();
    let inner = service_fn(move |request: http::Request<()>| {
        noting.note(request.uri().query());
        async { Ok::<_, Infallible>(http::Response::new(Body::empty())) }
    });
    let service = ServiceBuilder::new().layer(gate.scrub()).layer(gate.require(guard.guard())).service(inner);
    run(|uri, is_upgrade| {
        let response = runtime.block_on(service.clone().oneshot(request(uri, is_upgrade, ()))).unwrap();
        assert_eq!(response.status(), 200);
        Some((guard.take(), handler.take()))
    });
}

#[test]
fn on_axum() {
    use axum::{extract::OriginalUri, routing::get};
    use portcullis::axum::{GateExt, Routes};
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (gate, guard, handler) = (gate(), Seen::default(), Seen::default());
    let noting = handler.clone();
    let handle = async move |uri: http::Uri, OriginalUri(original): OriginalUri| {
        assert_eq!(uri.query(), original.query());
        noting.note(uri.query());
    };
    let routes = Routes::new(&gate).route("/p", guard.guard(), get(handle)).into_router();
    let inside: Router = routes.clone().layer(gate.scrub());
    let around = gate.scrub().layer(routes);
    run(|uri, is_upgrade| {
        let response = runtime.block_on(around.clone().oneshot(request(uri, is_upgrade, Body::empty()))).unwrap();
        assert_eq!(response.status(), 200);
        let seen = (guard.take(), handler.take());
        let response = runtime.block_on(inside.clone().oneshot(request(uri, is_upgrade, Body::empty()))).unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(seen, (guard.take(), handler.take()));
        Some(seen)
    });
}

#[test]
fn on_actix_web() {
    use actix_web::{dev::Service, test::init_service};
    use portcullis::actix::{GateExt, Routes};
    let system = actix_web::rt::System::new();
    let (gate, guard, handler) = (gate(), Seen::default(), Seen::default());
    let noting = handler.clone();
    let handle = move |request: actix_web::HttpRequest, seen: web::Query<Pairs>| {
        noting.note(request.uri().query());
        // As actix-web itself reads it, and by the other address that it keeps.
        assert_eq!(pairs(Some(request.query_string())), seen.into_inner());
        assert_eq!(request.match_info().get_ref().uri().query(), request.uri().query());
        async { "" }
    };
    let routes = Routes::new(&gate).route("/p", guard.guard(), web::get().to(handle));
    let app = App::new().configure(routes.into_config()).wrap(gate.scrub());
    let app = system.block_on(init_service(app));
    run(|uri, is_upgrade| {
        // Its version of `http` takes ASCII only.
        uri.parse::<actix_web::http::Uri>().ok()?;
        let sent = TestRequest::with_uri(uri);
        let sent = if is_upgrade { sent.insert_header(("upgrade", "websocket")) } else { sent };
        let response: ServiceResponse<_> = system.block_on(app.call(sent.to_request())).unwrap();
        assert_eq!(response.status(), 200);
        Some((guard.take(), handler.take()))
    });
}
