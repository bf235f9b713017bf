//! Credentials that stand in the address or in headers are not for the log of whoever stands behind.

use crate::{
    cast::{Inner, Names, Projects, Text, Wire, echo, send},
    log::Log,
};
use http::{HeaderName, Request, Response, Uri};
use portcullis_core::{CredentialSource, Gate, GateBuilder, RoleHierarchy, policy::*, testing::acting_as};
use portcullis_tower::GateExt;
use std::{
    convert::Infallible,
    fmt::{self, Write},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use tower::{Layer, Service, ServiceBuilder, layer::layer_fn, service_fn};
use tracing::{Event, Instrument, Metadata, Subscriber, callsite, field, span};

fn gate_of(names: &Names, sources: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    let roles = RoleHierarchy::ranked(["viewer", "owner"]).unwrap();
    sources(Gate::builder()).authenticator(names.clone()).roles(roles).membership(Projects).build().unwrap()
}

/// Reads credentials everywhere.
fn everywhere(builder: GateBuilder) -> GateBuilder {
    builder
        .bearer()
        .header("X-Key")
        .query("token")
        .query("access token[é]")
        .websocket_query("ws")
        .websocket_protocol()
        .cookie("session")
}

fn gate() -> Gate {
    gate_of(&Names::default(), everywhere)
}

/// Says back the address that it was asked for.
fn address() -> impl Inner + use<> {
    service_fn(|request: Request<Text>| async move {
        Ok::<_, Infallible>(Response::new(Text::from(request.uri().to_string())))
    })
}

fn get(uri: &str, headers: &[(&str, &str)]) -> Request<Text> {
    let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
    request.body(Text::from("hello")).unwrap()
}

async fn ask(service: &impl Inner, uri: &str) -> Wire {
    send(service, get(uri, &[])).await
}

const SOCKET: (&str, &str) = ("upgrade", "websocket");

#[tokio::test]
async fn the_values_of_credentials_are_taken_out_and_nothing_else() {
    let gate = gate();
    let scrubbed = gate.scrub().layer(address());
    for (came, seen) in [
        ("/?token=abc", "/?token=redacted"),
        ("/a/b?token=abc", "/a/b?token=redacted"),
        ("/?a=1&token=abc&b=2", "/?a=1&token=redacted&b=2"),
        ("/?token=abc&a=1", "/?token=redacted&a=1"),
        // Names are decoded, as where they are read. They stay as they were written.
        ("/?t%6fken=abc", "/?t%6fken=redacted"),
        ("/?%74%6F%6B%65%6E=abc", "/?%74%6F%6B%65%6E=redacted"),
        ("/?access+token%5B%C3%A9%5D=abc", "/?access+token%5B%C3%A9%5D=redacted"),
        ("/?access%20token[%c3%a9]=abc", "/?access%20token[%c3%a9]=redacted"),
        // All of them: two are refused, and were presented all the same.
        ("/?token=abc&token=def", "/?token=redacted&token=redacted"),
        ("/?token=abc&t%6fken=def&ws=ghi", "/?token=redacted&t%6fken=redacted&ws=redacted"),
        ("/?ws=abc", "/?ws=redacted"),
        // The whole value, whatever is in it.
        ("/?token=a=b==", "/?token=redacted"),
        ("/?token=a%3Db%26c%3Dd", "/?token=redacted"),
        ("/?token=abc;token=def", "/?token=redacted"),
        ("/?token=abc?token=def", "/?token=redacted"),
        ("/?token=a/b/../c", "/?token=redacted"),
        ("/?token=%zz%", "/?token=redacted"),
        ("/?token=%FF%00", "/?token=redacted"),
        ("/?token=abc&&a", "/?token=redacted&&a"),
        ("/?&&token=abc&", "/?&&token=redacted&"),
        ("/?a&token=abc&=", "/?a&token=redacted&="),
        ("/?token==abc", "/?token=redacted"),
        // Other parameters are kept byte for byte.
        ("/?q=%20+%2B%zz~'{}|^&token=abc&x=%26token=def", "/?q=%20+%2B%zz~'{}|^&token=redacted&x=%26token=def"),
        ("/é?access+token[é]=abc&q=é", "/é?access+token[é]=redacted&q=é"),
        ("/a%2Fb/%2e%2e;c=d?token=abc", "/a%2Fb/%2e%2e;c=d?token=redacted"),
        ("//a//b?token=abc", "//a//b?token=redacted"),
        // The form that proxies and HTTP/2 use.
        ("http://example.com:8080/a?token=abc", "http://example.com:8080/a?token=redacted"),
        ("https://[::1]:8443/?token=abc&b", "https://[::1]:8443/?token=redacted&b"),
        ("https://example.com?token=abc", "https://example.com/?token=redacted"),
    ] {
        assert_eq!(ask(&scrubbed, came).await.body, seen, "{came}");
        // Nothing is left to take out.
        assert_eq!(ask(&scrubbed, seen).await.body, seen, "{came}");
        let query = |uri: &str| uri.parse::<Uri>().unwrap().query().map(str::to_owned);
        assert_eq!(gate.scrub_query(&query(came).unwrap()), query(seen), "{came}");
    }
    for untouched in [
        "/",
        "/?",
        "/a?",
        "/?a=1&b=2",
        "/?a=%20+%2B%zz&&=&b",
        "/token=abc",
        "/token/abc?a",
        "/?a=token=abc",
        "/?a=1;token=abc",
        "/?a=%26token=abc",
        "/?a%26token=abc",
        "/?a?token=abc",
        "/?Token=abc",
        "/?TOKEN=abc",
        "/?xtoken=abc&token2=abc&token[]=abc&token.a=abc",
        "/?token%00=abc",
        "/?+token=abc",
        "/?%FFtoken=abc",
        "/?to%zzken=abc",
        "/?=token",
        "/?session=abc&x-key=abc&authorization=abc",
        "http://example.com/a?b=c",
        "https://example.com:8443/?",
    ] {
        assert_eq!(ask(&scrubbed, untouched).await.body, untouched.parse::<Uri>().unwrap().to_string());
        let query = untouched.parse::<Uri>().unwrap().query().map(str::to_owned);
        assert_eq!(query.and_then(|query| gate.scrub_query(&query)), None, "{untouched}");
    }
    // `OPTIONS *`, and where a proxy is asked for a tunnel.
    for target in ["*", "example.com:443"] {
        assert_eq!(ask(&scrubbed, target).await.body, target);
    }
    // A gate that reads no query has nothing in it.
    let other = gate_of(&Names::default(), |builder| builder.bearer().cookie("token").header("token"));
    assert_eq!(ask(&other.scrub().layer(address()), "/?token=abc").await.body, "/?token=abc");
    assert_eq!(other.scrub_query("token=abc"), None);
}

/// Without a value there is no credential, and what is written instead of it is none either.
#[tokio::test]
async fn empty_credentials_stay_empty_for_those_who_read_them() {
    let gate = gate();
    let guarded = ServiceBuilder::new().layer(gate.scrub()).layer(gate.require(authenticated())).service(address());
    for came in ["/?token=", "/?token", "/?a&token&b"] {
        let answer = ask(&guarded, came).await;
        assert_eq!(answer.status, 401, "{came}");
        assert!(answer.body.contains("credential_missing"), "{came}: {answer:?}");
    }
    // The word itself is a name like any other.
    assert_eq!(ask(&guarded, "/?token=redacted").await.body, "/?token=redacted");
}

#[tokio::test]
async fn guards_behind_it_read_what_came() {
    let (names, others) = (Names::default(), Names::slow());
    let gate = gate_of(&names, everywhere);
    // Another gate takes out what it reads, and knows nothing of what the first one did.
    let other = gate_of(&others, |builder| builder.query("key"));
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
        assert_eq!(ask(&both, "/?token=alice&a&key=staff").await.body, "/?token=redacted&a&key=redacted");
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

/// `token=` is shorter than `token=redacted`, and an address is at most 65534 bytes long. Whoever fills it up must not
/// be led to another path than he asked for: what stands outside has decided by that one.
#[tokio::test]
async fn an_address_that_becomes_too_long_keeps_its_path() {
    let scrubbed = gate().scrub().layer(address());
    for uri in
        [format!("/admin?{}", "ws&".repeat(20_000)), format!("https://example.com/admin?{}", "ws&".repeat(20_000))]
    {
        let seen: Uri = ask(&scrubbed, &uri).await.body.parse().unwrap();
        let came: Uri = uri.parse().unwrap();
        assert_eq!((seen.path(), seen.authority()), ("/admin", came.authority()));
    }
    // And no longer than that: the value is gone whatever its length.
    let long = format!("/admin?token={}", "a".repeat(65_000));
    assert_eq!(ask(&scrubbed, &long).await.body, "/admin?token=redacted");
}

/// What is marked is left out of debug texts, and HTTP/2 does not compress it (RFC 7541, section 7.1.3).
#[tokio::test]
async fn headers_with_credentials_are_marked() {
    let seen = Arc::new(Mutex::new(String::new()));
    let writing = seen.clone();
    let inner = service_fn(move |request: Request<Text>| {
        let (parts, _) = request.into_parts();
        let marked = |(name, value): (&HeaderName, &http::HeaderValue)| format!("{name} {}\n", value.is_sensitive());
        *writing.lock().unwrap() = parts.headers.iter().map(marked).collect::<String>() + &format!("{parts:?}");
        async { Ok::<_, Infallible>(Response::new(Text::default())) }
    });
    let secret = "hunter2";
    let all = [
        ("authorization", "Bearer hunter2"),
        ("authorization", "Basic hunter2"),
        ("x-key", "hunter2"),
        ("cookie", "a=b"),
        ("cookie", "session=hunter2"),
        ("sec-websocket-protocol", "bearer"),
        ("sec-websocket-protocol", "hunter2"),
        ("x-other", "public"),
        ("x-key-id", "public"),
        SOCKET,
    ];
    let gate = gate();
    let scrubbed = gate.scrub().layer(inner.clone());
    send(&scrubbed, get("/a?token=hunter2&b=public&ws=hunter2", &all)).await;
    let text = seen.lock().unwrap().clone();
    assert!(!text.contains(secret), "{text}");
    assert!(text.contains("/a?token=redacted&b=public&ws=redacted"), "{text}");
    for (name, _) in all {
        let public = ["x-other", "x-key-id", "upgrade"].contains(&name);
        assert!(text.contains(&format!("{name} {}\n", !public)), "{name} in {text}");
        assert!(!text.contains(&format!("{name} {public}\n")), "{name} in {text}");
    }
    // The values are what they were, and only those that this gate reads are marked.
    let other = gate_of(&Names::default(), |builder| builder.header("x-other"));
    send(&other.scrub().layer(inner.clone()), get("/?token=hunter2", &all)).await;
    let text = seen.lock().unwrap().clone();
    assert!(text.contains("x-other true") && text.contains("x-key false") && text.contains("cookie false"), "{text}");
    assert!(text.contains(secret) && text.contains("/?token=hunter2"), "{text}");
    // A gate for tests takes out what the gate takes out that it was made of.
    send(&gate.acting_as(acting_as("bob")).scrub().layer(inner), get("/?token=hunter2", &all)).await;
    assert!(!seen.lock().unwrap().contains(secret));
    let names: Vec<_> = gate.sources().filter_map(CredentialSource::header_name).collect();
    assert_eq!(names, ["authorization", "x-key", "sec-websocket-protocol", "cookie"]);
}

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
            ("/kb?page=7", &[("cookie", "theme=dark; session=hunter2")], 200),
            ("/kb?page=7", &[("cookie", "session=hunter2; session=hunter2")], 400),
            ("/kb?page=7", &[("cookie", "session=hunter2"), SOCKET, ("origin", "https://evil.test")], 403),
            ("/kb?page=7&ws=hunter2", &[SOCKET], 200),
            ("/kb?page=7&ws=hunter2", &[], 401),
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

/// The host of an address in the absolute form and of HTTP/2 is what a page's origin is compared with, also after its
/// query was taken out.
#[tokio::test]
async fn a_cookie_is_for_the_host_that_the_address_names() {
    let gate = gate_of(&Names::default(), |builder| builder.cookie("session").query("token"));
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
