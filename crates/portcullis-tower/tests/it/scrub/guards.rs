//! Guards behind it go by what came, and by nothing else than handlers do.

use super::{SOCKET, address, ask, everywhere, gate, gate_of, get};
use crate::cast::{Names, Text, send};
use http::Request;
use portcullis_core::policy::*;
use portcullis_tower::GateExt;
use std::task::{Context, Poll};
use tower::{Layer, Service, ServiceBuilder, layer::layer_fn};

#[tokio::test]
async fn guards_behind_it_read_what_came() {
    let (names, others) = (Names::default(), Names::slow());
    let gate = gate_of(&names, everywhere);
    // Another gate takes out what it reads, and knows nothing of what the first one did.
    let other = gate_of(&others, |scheme| scheme.query("key"));
    let guard = || gate.require(authenticated());
    let plain = guard().layer(address());
    let once = ServiceBuilder::new().layer(gate.scrub()).layer(guard()).service(address());
    let twice = ServiceBuilder::new().layer(gate.scrub()).layer(gate.scrub()).layer(guard()).service(address());
    let outside = ServiceBuilder::new().layer(guard()).layer(gate.scrub()).service(address());
    let between = ServiceBuilder::new().layer(guard()).layer(gate.scrub()).layer(guard()).service(address());
    let mixed = ServiceBuilder::new().layer(other.scrub()).layer(gate.scrub()).layer(guard()).service(address());
    let mixed_back = ServiceBuilder::new().layer(gate.scrub()).layer(other.scrub()).layer(guard()).service(address());
    for (uri, headers, status) in [
        ("/?token=alice", &[][..], 200),
        ("/?a=b&t%6fken=%61lice&c", &[], 200),
        ("/?access+token%5B%C3%A9%5D=alice", &[], 200),
        ("/?token=broken", &[], 401),
        ("/?token=down", &[], 503),
        ("/?token=alice&token=alice", &[], 400),
        ("/?token=%20", &[], 401),
        ("/?token=", &[], 401),
        ("/", &[], 401),
        ("/?ws=alice", &[], 401),
        ("/?ws=alice", &[SOCKET], 200),
        ("/?ws=broken", &[SOCKET], 401),
        ("/?ws=alice&ws=alice", &[SOCKET], 400),
        ("/", &[SOCKET, ("sec-websocket-protocol", "chat, bearer, alice")], 200),
        ("/", &[SOCKET, ("sec-websocket-protocol", "bearer, broken")], 401),
        ("/", &[("sec-websocket-protocol", "bearer, alice")], 401),
        ("/", &[("authorization", "Bearer alice")], 200),
        ("/?token=alice", &[("authorization", "Bearer alice")], 400),
        ("/", &[("authorization", "Bearer broken")], 401),
        ("/", &[("x-key", "alice")], 200),
        ("/", &[("x-key", "broken")], 401),
        ("/", &[("cookie", "session=alice")], 200),
        ("/", &[("cookie", "a=b"), ("cookie", "session=broken")], 401),
        ("https://example.com/a?token=alice", &[], 200),
        ("https://example.com/a?token=broken", &[], 401),
    ] {
        assert_eq!(send(&plain, get(uri, headers)).await.status, status, "{uri} {headers:?}");
        for (what, answer) in [
            ("once", send(&once, get(uri, headers)).await),
            ("twice", send(&twice, get(uri, headers)).await),
            ("outside", send(&outside, get(uri, headers)).await),
            ("between", send(&between, get(uri, headers)).await),
            ("mixed", send(&mixed, get(uri, headers)).await),
            ("mixed, the other way round", send(&mixed_back, get(uri, headers)).await),
        ] {
            assert_eq!(answer.status, status, "{what}: {uri} {headers:?}");
            // The service sees no credential, wherever the guard stands.
            assert!(!answer.body.contains("alice"), "{what}: {answer:?}");
        }
    }
    // Both take out theirs, and both read theirs.
    for (first, second) in [(&gate, &other), (&other, &gate)] {
        let both = ServiceBuilder::new()
            .layer(first.scrub())
            .layer(second.scrub())
            .layer(gate.require(authenticated()))
            .layer(other.require(staff()))
            .service(address());
        assert_eq!(ask(&both, "/?token=alice&a&key=staff").await.body, "/?token=redac&a&key=redac");
        assert_eq!(ask(&both, "/?token=alice&key=alice").await.status, 403);
        assert_eq!(ask(&both, "/?token=broken&key=staff").await.status, 401);
        assert_eq!(ask(&both, "/?token=alice").await.status, 401);
    }
}

/// Policies ask the query about other things too.
#[tokio::test]
async fn policies_read_the_rest_of_the_query() {
    let gate = gate();
    let on_project = gate.require(role("viewer").on("project", query("project")));
    let guarded = ServiceBuilder::new().layer(gate.scrub()).layer(on_project).service(address());
    for (uri, status) in [
        ("/?token=viewer&project=42", 200),
        ("/?project=42&token=viewer", 200),
        ("/?project=%34%32&token=viewer", 200),
        ("/?project=43&token=viewer", 403),
        ("/?project=42&project=43&token=viewer", 400),
        ("/?token=viewer", 400),
        ("/?project=42&token=alice", 403),
    ] {
        assert_eq!(ask(&guarded, uri).await.status, status, "{uri}");
    }
    // A parameter that holds a credential can be asked for, as it came.
    let named = gate.require(when("the token", |question| question.head().query() == Some("token=alice")));
    let guarded = ServiceBuilder::new().layer(gate.scrub()).layer(named).service(address());
    assert_eq!(ask(&guarded, "/?token=alice").await.status, 200);
    assert_eq!(ask(&guarded, "/?token=alice&a").await.status, 403);
}

/// Puts the query of another request in the place of this one's, as layers do that rewrite addresses.
#[derive(Debug, Clone)]
struct Rewrite<S>(S, &'static str);

impl<S: Service<Request<Text>>> Service<Request<Text>> for Rewrite<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Text>) -> S::Future {
        *request.uri_mut() = self.1.parse().unwrap();
        self.0.call(request)
    }
}

/// A guard that looks at another project than the handler lets people in where they may not go. It depends on the
/// caller here whether there was something to take out.
#[tokio::test]
async fn a_guard_and_a_handler_see_the_same_query_after_it_was_rewritten() {
    let gate = gate();
    let on_project = || gate.require(role("viewer").on("project", query("project")));
    let stack = |to| {
        let rewrite = layer_fn(move |inner| Rewrite(inner, to));
        ServiceBuilder::new().layer(gate.scrub()).layer(rewrite).layer(on_project()).service(address())
    };
    let viewer = [("x-key", "viewer")];
    let closed = stack("/project?project=43");
    assert_eq!(send(&closed, get("/?project=42", &viewer)).await.status, 403);
    // The same with an empty credential in the address, so that there is something to take out.
    assert_eq!(send(&closed, get("/?project=42&token=", &viewer)).await.status, 403);
    assert_eq!(send(&closed, get("/?project=42&ws=x", &viewer)).await.status, 403);
    let open = stack("/project?project=42");
    assert_eq!(send(&open, get("/?project=43", &viewer)).await.status, 200);
    assert_eq!(send(&open, get("/?project=43&token=", &viewer)).await.status, 200);
    assert_eq!(send(&open, get("/?project=43&ws=x", &viewer)).await.status, 200);
}

/// The host of an address in the absolute form and of HTTP/2 is what a page's origin is compared with, also after its
/// query was taken out.
#[tokio::test]
async fn a_cookie_is_for_the_host_that_the_address_names() {
    let gate = gate_of(&Names::default(), |scheme| scheme.cookie("session").query("token"));
    let guarded = gate.require(authenticated());
    let scrubbed = ServiceBuilder::new().layer(gate.scrub()).layer(guarded.clone()).service(address());
    let guarded = guarded.layer(address());
    let (own, evil) = ("https://example.com", "https://evil.test");
    for (uri, host, origin, status) in [
        ("/a", Some("example.com"), Some(own), 200),
        ("/a", Some("example.com"), Some(evil), 403),
        ("/a", Some("example.com"), None, 403),
        ("/a", None, Some(own), 403),
        ("https://example.com/a", None, Some(own), 200),
        ("https://example.com:443/a", None, Some(own), 200),
        ("https://example.com:8443/a", None, Some(own), 403),
        ("https://example.com/a", Some("evil.test"), Some(own), 200),
        ("https://example.com/a", Some("evil.test"), Some(evil), 403),
        ("https://evil.test/a", Some("example.com"), Some(own), 403),
    ] {
        for query in ["", "?token=", "?a=b", "?a=b&token="] {
            let request = || {
                let request = Request::post(format!("{uri}{query}")).header("cookie", "session=alice");
                let request = host.into_iter().fold(request, |request, host| request.header("host", host));
                let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
                request.body(Text::default()).unwrap()
            };
            assert_eq!(send(&guarded, request()).await.status, status, "{uri}{query} {host:?} {origin:?}");
            assert_eq!(send(&scrubbed, request()).await.status, status, "{uri}{query} {host:?} {origin:?}");
        }
    }
}
