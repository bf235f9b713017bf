//! Headers that hold a credential, and headers that repeat an address.

use super::{SOCKET, gate, gate_of, get};
use crate::cast::{Names, Text, send};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use portcullis_core::{CredentialSource, Gate, testing::acting_as};
use portcullis_tower::GateExt;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};
use tower::{Layer, ServiceExt, service_fn};

/// What is marked is left out of debug texts, and HTTP/2 does not compress it (RFC 7541, section 7.1.3).
#[tokio::test]
async fn headers_with_credentials_are_marked() {
    let seen = Arc::new(Mutex::new(String::new()));
    let writing = seen.clone();
    let inner = service_fn(move |request: Request<Text>| {
        let (parts, _) = request.into_parts();
        let marked = |(name, value): (&HeaderName, &HeaderValue)| format!("{name} {}\n", value.is_sensitive());
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
    assert!(text.contains("/a?token=redacte&b=public&ws=redacte"), "{text}");
    for (name, _) in all {
        let public = ["x-other", "x-key-id", "upgrade"].contains(&name);
        assert!(text.contains(&format!("{name} {}\n", !public)), "{name} in {text}");
        assert!(!text.contains(&format!("{name} {public}\n")), "{name} in {text}");
    }
    // The values are what they were, and only those that this gate reads are marked.
    let other = gate_of(&Names::default(), |scheme| scheme.header("x-other"));
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

/// What those behind it see of one header.
async fn seen(gate: &Gate, name: &'static str, uri: &str, headers: &[(&str, &str)]) -> Vec<String> {
    let inner = service_fn(move |request: Request<Text>| async move {
        let values = request.headers().get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        Ok::<_, Infallible>(Response::new(Text::from(values.collect::<Vec<_>>().join("\n"))))
    });
    let body = send(&gate.scrub().layer(inner), get(uri, headers)).await.body;
    body.split('\n').map(str::to_owned).collect()
}

/// The page before is one of ours as well, and proxies note the address that they were asked for.
#[tokio::test]
async fn headers_that_repeat_an_address_lose_the_credential_too() {
    let gate = gate();
    for name in ["referer", "referrer", "x-original-url", "x-forwarded-uri", "x-rewrite-url", "x-envoy-original-path"] {
        for (came, expected) in [
            ("https://example.com/a?b=1&token=abcdefgh", "https://example.com/a?b=1&token=redacted"),
            ("/a?t%6fken=abcdefgh&b=1", "/a?t%6fken=redacted&b=1"),
            ("?token=abc", "?token=red"),
            ("/a?token=abcdefgh#token=b", "/a?token=redacted#token=b"),
            ("/a?b#?token=abc", "/a?b#?token=abc"),
            ("/a?token=&token", "/a?token=&token"),
            ("https://example.com/token=abc", "https://example.com/token=abc"),
            ("/a?ws=abcdefgh", "/a?ws=abcdefgh"),
            ("", ""),
        ] {
            assert_eq!(seen(&gate, name, "/", &[(name, came)]).await, [expected], "{name}: {came}");
        }
        let two = [(name, "/a?token=abcdefgh"), (name, "/b?token=abcdefgh")];
        assert_eq!(seen(&gate, name, "/", &two).await, ["/a?token=redacted", "/b?token=redacted"]);
        let socket = [SOCKET, (name, "/a?ws=abcdefgh")];
        assert_eq!(seen(&gate, name, "/", &socket).await, ["/a?ws=redacted"]);
        let other = gate_of(&Names::default(), |scheme| scheme.bearer().websocket_query("ws"));
        assert_eq!(seen(&other, name, "/", &[(name, "/a?token=abcdefgh")]).await, ["/a?token=abcdefgh"]);
    }
    // Where an address stands in a header of the application's own, it is the application's matter.
    let own = [("x-callback", "https://example.com/?token=abcdefgh")];
    assert_eq!(seen(&gate, "x-callback", "/", &own).await, [own[0].1]);
}

/// A header value need not be UTF-8.
#[tokio::test]
async fn a_header_that_is_not_text_loses_the_credential_too() {
    let mut request = get("/", &[]);
    request.headers_mut().insert("referer", HeaderValue::from_bytes(b"/\xff?token=abcdefgh&a=\xfe").unwrap());
    let inner = service_fn(|request: Request<Text>| async move {
        Ok::<_, Infallible>(Response::new(Text::from(request.headers()["referer"].as_bytes().to_vec())))
    });
    let answer = gate().scrub().layer(inner).oneshot(request).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), &b"/\xff?token=redacted&a=\xfe"[..]);
}
