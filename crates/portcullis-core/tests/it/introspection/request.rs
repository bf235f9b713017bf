//! What the issuer is sent, and what nobody else is shown of it.

use super::{URL, active, ask, asking, begun, client::*, without_keys};
use crate::{asking::decide, head::Head, log::heard_by};
use base64::{Engine, engine::general_purpose::STANDARD};
use portcullis_core::{ErrorKind, Gate, HttpRequest, Introspection, Scheme, policy::staff};
use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};
use tracing::{Event, Metadata, Subscriber, field, span};

fn header(request: &HttpRequest, name: &str) -> Vec<String> {
    request.headers().filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned()).collect()
}

#[test]
fn a_form_with_the_token_is_posted() {
    for (token, encoded) in [
        ("abc", "abc"),
        ("a+b/c==", "a%2Bb%2Fc%3D%3D"),
        ("a-b_c.d~e", "a-b_c.d%7Ee"),
        ("a b", "a+b"),
        ("a&token=b", "a%26token%3Db"),
        ("a;b#c?d%41", "a%3Bb%23c%3Fd%2541"),
        ("a\r\nx: y", "a%0D%0Ax%3A+y"),
        ("é€", "%C3%A9%E2%82%AC"),
        ("", ""),
    ] {
        let endpoint = Endpoint::saying(active(&[]));
        assert!(ask(&asking(&endpoint), token).is_ok(), "{token}");
        let request = endpoint.last();
        assert_eq!((request.method(), request.url(), endpoint.asked()), ("POST", URL, 1), "{token}");
        assert_eq!(request.body(), format!("token={encoded}&token_type_hint=access_token"));
        assert_eq!(header(&request, "content-type"), ["application/x-www-form-urlencoded"]);
        assert_eq!(header(&request, "accept"), ["application/json"]);
        assert_eq!(header(&request, "authorization").len(), 0, "nobody asks, by default");
        assert_eq!(request.headers().count(), 2);
    }
}

/// RFC 6749, section 2.3.1: both are form-encoded before they are joined, so that a colon in one of them joins nothing.
#[test]
fn the_client_says_who_it_is() {
    for (id, secret, pair) in [
        ("orders", "swordfish", "orders:swordfish"),
        ("a:b", "c:d", "a%3Ab:c%3Ad"),
        // The example of appendix B.
        ("x", " %&+£€", "x:+%25%26%2B%C2%A3%E2%82%AC"),
        ("two words", "tab\tand\nline", "two+words:tab%09and%0Aline"),
        ("ä", "~-._*", "%C3%A4:%7E-._*"),
        ("", "", ":"),
        ("https://a.test/", "a/b+c==", "https%3A%2F%2Fa.test%2F:a%2Fb%2Bc%3D%3D"),
    ] {
        let endpoint = Endpoint::saying(active(&[]));
        assert!(ask(&asking(&endpoint).client(id, secret), "abc").is_ok());
        let authorization = format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(header(&endpoint.last(), "authorization"), [authorization], "{id} {secret}");
        assert_eq!(endpoint.asked(), 1);
    }
    let endpoint = Endpoint::saying(active(&[]));
    assert!(ask(&asking(&endpoint).client_token("a.b.c").unwrap(), "abc").is_ok());
    assert_eq!(header(&endpoint.last(), "authorization"), ["Bearer a.b.c"]);
    // One header, whatever was said before.
    let twice = asking(&endpoint).client("orders", "swordfish").client_token("mine").unwrap();
    assert!(ask(&twice, "abc").is_ok());
    assert_eq!(header(&endpoint.last(), "authorization"), ["Bearer mine"]);
    assert!(ask(&twice.clone().client("orders", "swordfish"), "abc").is_ok());
    assert_eq!(header(&endpoint.last(), "authorization"), [format!("Basic {}", STANDARD.encode("orders:swordfish"))]);
    assert_eq!(endpoint.asked(), 3);
    // In the form, and then in no header; or the other way round.
    let in_body = twice.client_in_body("a b", "c/d");
    assert!(ask(&in_body, "abc").is_ok());
    let (request, form) = (endpoint.last(), "token=abc&token_type_hint=access_token&client_id=a+b&client_secret=c%2Fd");
    assert_eq!((request.body(), header(&request, "authorization").len()), (form, 0));
    assert!(!format!("{in_body:?} {request:?}").contains("c/d") && !format!("{request:?}").contains("c%2Fd"));
    assert!(ask(&in_body.client("orders", "swordfish"), "abc").is_ok());
    assert_eq!(endpoint.last().body(), "token=abc&token_type_hint=access_token");
    assert_eq!(header(&endpoint.last(), "authorization").len(), 1);
}

#[test]
fn a_token_that_no_header_can_carry_is_refused_where_it_is_set() {
    let endpoint = Endpoint::saying(active(&[]));
    for token in ["a-b._~+/c==", "a.b.c", "x"] {
        assert!(asking(&endpoint).client_token(token).is_ok(), "{token:?}");
    }
    for token in ["", " ", "mine\n", "mine\r\n", " mine", "two words", "m\u{e9}", "mine\0", "\"mine\"", "=", "a=b"] {
        let error = asking(&endpoint).client_token(token).unwrap_err();
        assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("trim"), "{token:?}: {error}");
        assert!(!error.to_string().contains("mine"));
    }
    assert_eq!(endpoint.asked(), 0);
}

#[test]
fn only_an_http_address_can_be_asked() {
    let new = |url: &str| Introspection::new(without_keys(), url, Endpoint::later());
    for url in ["https://issuer.test/introspect", "http://localhost:8080/i?x=y"] {
        assert!(new(url).is_ok(), "{url}");
    }
    // Addresses are shown, so there is no place for a secret in them.
    for url in ["https://orders:swordfish@issuer.test/i", "http://orders@issuer.test"] {
        let error = new(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{url:?}");
        assert!(!format!("{error} {error:?}").contains("swordfish"));
    }
    for url in ["", "issuer.test", "https://", "ftp://issuer.test", "https://a b", "https://é.test", "https://a\n"] {
        assert_eq!(new(url).unwrap_err().kind(), ErrorKind::Misconfigured, "{url:?}");
    }
}

/// Keeps the text of every event.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<String>>);

impl field::Visit for Listener {
    fn record_debug(&mut self, field: &field::Field, value: &dyn Debug) {
        self.0.lock().unwrap().push_str(&format!("{field}={value:?}\n"));
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

const TOKEN: &str = "hunter2-hunter2-hunter2";
const SECRET: &str = "swordfish.swordfish";

#[test]
fn neither_token_nor_secret_is_shown() {
    let bodies = [
        (200, active(&[])),
        (200, "{\"active\":false}".to_owned()),
        (200, active(&[("aud", "\"other\"")])),
        (200, active(&[("sub", "")])),
        (200, active(&[("token_type", "\"refresh_token\"")])),
        (200, format!("{{\"active\":true,\"{TOKEN}")),
        (500, format!("cannot read {TOKEN} of {SECRET}")),
    ];
    let (mut shown, mut events) = (String::new(), 0);
    let listener = Listener::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    heard_by(listener.clone(), || {
        for (status, body) in bodies {
            for who in ["secret", "token"] {
                let body = body.clone();
                let endpoint =
                    Endpoint::answering(move |_| Ok(portcullis_core::HttpResponse::new(status, body.clone())));
                let asking = asking(&endpoint);
                let asking = if who == "secret" {
                    asking.client("orders", SECRET)
                } else {
                    asking.client_token(SECRET).unwrap()
                };
                let gate = Gate::builder().scheme(Scheme::new(asking.clone()).bearer()).build().unwrap();
                let head = Head::new().bearer(TOKEN);
                let who = runtime.block_on(gate.establish(&head));
                let error = runtime.block_on(decide(&gate, &who, staff(), &head)).unwrap_err();
                let refusal = gate.refuse(&error);
                events += 1;
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let body = String::from_utf8_lossy(refusal.body()).into_owned();
                shown += &format!("{asking:?} {gate:?} {who:?} {who} {error} {error:?} {cause:?} {refusal:?} {body}");
                shown += &format!("{:?} {:?}", endpoint.last(), who.visitor());
                assert!(endpoint.last().body().contains(TOKEN));
            }
        }
        // While it is under way, too.
        let endpoint = Endpoint::later();
        let asking = asking(&endpoint).client("orders", SECRET);
        let waiting = begun(&asking, TOKEN);
        shown += &format!("{asking:?} {:?} {:?}", endpoint.take(TOKEN), endpoint.last());
        drop(waiting);
    });
    let heard = listener.0.lock().unwrap().clone();
    assert_eq!(heard.matches("code=").count(), events, "{heard}");
    assert!(shown.contains(URL) && shown.len() > 3000);
    let encoded = [STANDARD.encode(TOKEN), STANDARD.encode(SECRET), STANDARD.encode("orders:swordfish%3Aswordfish")];
    for secret in [TOKEN, SECRET, "hunter2", "swordfish", "Basic", "b3JkZXJz"]
        .into_iter()
        .chain(encoded.iter().map(|text| &**text))
    {
        assert!(!shown.contains(secret), "{secret}: {shown}");
        assert!(!heard.contains(secret), "{secret}: {heard}");
    }
}
