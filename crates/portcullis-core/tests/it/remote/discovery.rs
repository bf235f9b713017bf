//! Keys whose place a discovery document names (OpenID Connect Discovery 1.0, section 4).

use super::*;
use log::{Listener, listen};
use portcullis_core::{HttpClient, HttpRequest, Reply};
use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

const DOCUMENT: &str = "https://issuer.test/.well-known/openid-configuration";

pub(super) fn document(issuer: &str, keys: &str) -> HttpResponse {
    ok(format!(r#"{{"issuer":"{issuer}","authorization_endpoint":"https://issuer.test/a","jwks_uri":"{keys}"}}"#))
}

fn good() -> Does {
    Does::Give(document(ISSUER, URL))
}

#[test]
fn two_requests_and_then_one() {
    let rig = Rig::discovering(Does::Give(keys(&[1])));
    rig.issuer.next([good()]);
    rig.expect("first", &[(&token(1), PASSES), (&token(1), PASSES)], 2);
    let asked = rig.issuer.asked();
    let headers: Vec<_> = asked.iter().map(|asked| asked.headers.clone()).collect();
    let accept = |value: &str| vec![("accept".to_owned(), value.to_owned())];
    assert_eq!(headers, [accept("application/json"), accept(KEYS_ACCEPT.1)]);
    rig.advance(100);
    rig.expect("renewed", &[(&token(1), PASSES)], 3);
    assert_eq!(rig.issuer.urls(), [DOCUMENT, URL, URL], "where the keys are is remembered");
}

#[test]
fn who_waits_waits_through_both() {
    let rig = Rig::discovering(Does::Keep);
    let mut waiting: Vec<Asking> = (0..100).map(|_| rig.asking(&token(1))).collect();
    assert!(waiting.iter_mut().all(|asking| poll(asking).is_none()));
    rig.issuer.answer_next(document(ISSUER, URL));
    assert!(waiting.iter_mut().all(|asking| poll(asking).is_none()));
    assert_eq!((rig.verify(&token(1)), rig.issuer.count()), (UNAVAILABLE, 2));
    // All leave, and it goes on.
    drop(waiting);
    rig.issuer.answer_next(keys(&[1]));
    assert_eq!((rig.at_once(&token(1)), rig.issuer.count()), (PASSES, 2));
}

/// Byte for byte, and only that document.
#[test]
fn documents_that_do_not_count() {
    let body = |text: &str| ok(text.to_owned());
    for (what, answer) in [
        ("another issuer", document("https://other.test", URL)),
        ("a slash", document("https://issuer.test/", URL)),
        ("upper case", document("https://ISSUER.test", URL)),
        ("a port", document("https://issuer.test:443", URL)),
        ("http", document("http://issuer.test", URL)),
        ("a space", document(" https://issuer.test", URL)),
        ("a prefix", document("https://issuer.tes", URL)),
        ("a template", document("https://{tenant}.test", URL)),
        ("empty issuer", document("", URL)),
        ("no issuer", body(&format!(r#"{{"jwks_uri":"{URL}"}}"#))),
        ("a number as issuer", body(&format!(r#"{{"issuer":5,"jwks_uri":"{URL}"}}"#))),
        ("an array as issuer", body(&format!(r#"{{"issuer":["{ISSUER}"],"jwks_uri":"{URL}"}}"#))),
        ("issuer twice", body(&format!(r#"{{"issuer":"{ISSUER}","issuer":"{ISSUER}","jwks_uri":"{URL}"}}"#))),
        ("jwks_uri twice", body(&format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{URL}","jwks_uri":"{URL}"}}"#))),
        ("a duplicate inside", body(&format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{URL}","x":{{"a":1,"a":1}}}}"#))),
        ("no jwks_uri", body(&format!(r#"{{"issuer":"{ISSUER}"}}"#))),
        ("jwks_uri a number", body(&format!(r#"{{"issuer":"{ISSUER}","jwks_uri":5}}"#))),
        ("jwks_uri inside", body(&format!(r#"{{"issuer":"{ISSUER}","x":{{"jwks_uri":"{URL}"}}}}"#))),
        ("an array", body(&format!(r#"[{{"issuer":"{ISSUER}","jwks_uri":"{URL}"}}]"#))),
        ("not JSON", body("SENTINEL")),
        ("HTML", body("<title>SENTINEL</title>")),
        ("empty", body("")),
        ("a key set", keys(&[1])),
        ("invalid UTF-8", ok([0xff, 0xfe])),
        ("404", HttpResponse::new(404, format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{URL}"}}"#))),
        ("304", status(304)),
        ("302", status(302).with_header("location", URL)),
        ("503", status(503)),
    ] {
        let rig = Rig::discovering(Does::Give(answer));
        let heard = listen(|| rig.expect(what, &[(&token(1), UNAVAILABLE), (&token(1), UNAVAILABLE)], 1));
        assert_eq!(heard.len(), 1, "{what}: {heard:?}");
        Listener::assert_quiet(what, &heard);
        rig.issuer.next([good()]);
        rig.issuer.now(Does::Give(keys(&[1])));
        rig.advance(1);
        rig.expect(what, &[(&token(1), PASSES)], 3);
        assert_eq!(rig.issuer.urls(), [DOCUMENT, DOCUMENT, URL], "{what}");
    }
}

/// What `jwks` takes for an address is what a document may name: the client is handed nothing else.
#[test]
fn keys_are_at_no_other_place_than_the_web() {
    for place in [
        "",
        " ",
        "/keys",
        "keys",
        "ftp://issuer.test/keys",
        "file:///etc/passwd",
        "data:application/json,{}",
        "javascript:1",
        "https://",
        "https://issuer.test/a b",
        "https://issuer.test/\\r\\nx: y",
        "https://issuer.test/\\u0000",
        "http://issuer.test/keys",
        "http://169.254.169.254/",
    ] {
        let rig = Rig::discovering(Does::Give(keys(&[1])));
        rig.issuer.next([Does::Give(document(ISSUER, place))]);
        let heard = listen(|| rig.expect(place, &[(&token(1), UNAVAILABLE)], 1));
        Listener::assert_bounded(place, &heard);
    }
}

#[test]
fn a_failure_is_discovered_anew() {
    let rig = Rig::discovering(Does::Give(keys(&[1])));
    rig.issuer.next([good()]);
    rig.expect("first", &[(&token(1), PASSES)], 2);
    // The keys have moved.
    let elsewhere = "https://issuer.test/elsewhere";
    rig.issuer.next([Does::Give(status(404)), Does::Give(document(ISSUER, elsewhere)), Does::Give(keys(&[2]))]);
    rig.advance(95);
    rig.expect("gone", &[(&token(1), PASSES)], 3);
    rig.advance(1);
    rig.expect("found", &[(&token(1), PASSES)], 5);
    rig.expect("and used", &[(&token(2), PASSES)], 5);
    assert_eq!(rig.issuer.urls()[2..], [URL, DOCUMENT, elsewhere]);
}

/// A tag belongs to the address that it came from (RFC 9110, section 8.8.3).
#[test]
fn a_tag_is_not_sent_to_another_address() {
    let rig = Rig::discovering(Does::Give(status(304)));
    rig.issuer.next([good(), Does::Give(keys(&[1]).with_header("etag", "\"1\""))]);
    rig.expect("first", &[(&token(1), PASSES)], 2);
    let elsewhere = "https://issuer.test/elsewhere";
    rig.issuer.next([Does::Give(status(404)), Does::Give(document(ISSUER, elsewhere)), Does::Keep]);
    rig.advance(95);
    rig.expect("gone", &[(&token(1), PASSES)], 3);
    rig.advance(1);
    rig.expect("moved", &[(&token(1), PASSES)], 5);
    assert_eq!(rig.issuer.urls()[4], elsewhere);
    assert_eq!(rig.issuer.last_header("if-none-match"), None);
}

#[test]
fn where_documents_are() {
    for (issuer, document) in [
        ("https://a.test", "https://a.test/.well-known/openid-configuration"),
        ("https://a.test/", "https://a.test/.well-known/openid-configuration"),
        ("https://a.test/realms/x", "https://a.test/realms/x/.well-known/openid-configuration"),
        ("https://a.test/realms/x/", "https://a.test/realms/x/.well-known/openid-configuration"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/.well-known/openid-configuration"),
    ] {
        let client = Scripted::new(Does::Keep);
        let keys = RemoteKeys::discover(issuer, client.clone()).unwrap();
        assert!(poll(&mut Box::pin(keys.ready())).is_none());
        assert_eq!(client.urls(), [document]);
    }
}

#[test]
fn the_issuer_has_the_name_that_is_discovered() {
    let client = Scripted::new(Does::Keep);
    let of = |discovered: &str, name: &str| {
        let keys = RemoteKeys::discover(discovered, client.clone()).unwrap();
        Issuer::new(name.to_owned(), Audience::is("test"), [Algorithm::EdDsa], keys)
    };
    assert!(of(ISSUER, ISSUER).is_ok());
    for other in ["https://other.test", "https://issuer.test/", "https://ISSUER.test", "issuer.test"] {
        assert_eq!(of(ISSUER, other).unwrap_err().kind(), ErrorKind::Misconfigured, "{other}");
        assert!(RemoteKeys::jwks(URL, client.clone()).is_ok());
    }
    assert!(of("https://issuer.test/", "https://issuer.test/").is_ok());
    // Settings keep what was discovered.
    let keys = RemoteKeys::builder().max_stale(seconds(1)).discover(ISSUER, client.clone()).unwrap();
    assert!(Issuer::new("https://other.test", Audience::is("test"), [Algorithm::EdDsa], keys).is_err());
    assert_eq!(client.count(), 0);
}

#[test]
fn addresses() {
    let client = Scripted::new(Does::Keep);
    for bad in [
        "",
        " ",
        "issuer.test",
        "//issuer.test",
        "/keys",
        "ftp://issuer.test",
        "file:///keys",
        "https:",
        "https:/issuer.test",
        "https://",
        "http://",
        "https://issuer.test/ keys",
        " https://issuer.test",
        "https://issuer.test\n",
        "https://issuer.test/\r\nx: y",
        "https://issuer.test/\0",
        "https://bücher.test",
    ] {
        let refused = [RemoteKeys::jwks(bad, client.clone()), RemoteKeys::discover(bad, client.clone())];
        for keys in refused {
            assert_eq!(keys.unwrap_err().kind(), ErrorKind::Misconfigured, "{bad:?}");
        }
    }
    for good in ["https://issuer.test", "http://localhost:8080/keys", "https://[::1]/", "https://a.test/keys?x=1"] {
        assert!(RemoteKeys::jwks(good, client.clone()).is_ok(), "{good}");
    }
    assert_eq!(client.count(), 0);
}

/// A password in an address would be in every log line about it.
#[test]
fn an_address_shows_no_password() {
    let url = "https://user:swordfish@issuer.test/keys";
    let client = Scripted::new(Does::Fail);
    for keys in [RemoteKeys::jwks(url, client.clone()), RemoteKeys::discover(url, client.clone())] {
        let Ok(keys) = keys else { continue };
        let heard = listen(|| drop(keys.ready().now_or_never()));
        assert!(!format!("{keys:?} {heard:?}").contains("swordfish"), "{keys:?} {heard:?}");
    }
}

/// Nowhere is a document of an address with a query or a fragment.
#[test]
fn an_issuer_is_no_address_with_a_query() {
    let client = Scripted::new(Does::Keep);
    for bad in ["https://issuer.test?x=1", "https://issuer.test/#x", "https:///keys", "https://?x", "https://#"] {
        assert!(RemoteKeys::discover(bad, client.clone()).is_err(), "{bad}");
    }
    assert_eq!(client.count(), 0);
}

/// An HTTPS issuer has nobody ask this machine, or what is on its link, unless it is there itself.
#[test]
fn keys_are_not_on_this_machine() {
    let here = [
        "https://127.0.0.1/keys",
        "https://127.8.8.8:8443/keys",
        "https://localhost/keys",
        "https://LOCALHOST:8443/keys",
        "https://a.localhost./keys",
        "https://[::1]/keys",
        "https://[::ffff:127.0.0.1]/keys",
        "https://[fe80::1]/keys",
        "https://[fe80::1%25eth0]/keys",
        "https://[::]/keys",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/keys",
        "https://0/keys",
        "https://2130706433/keys",
        "https://127.1/keys",
        "https://0x7f000001/keys",
        "https://0x7f.0.0.1/keys",
        "https://0177.0.0.1/keys",
        "https://%6cocalhost/keys",
        "https://127.0.0.1\\\\.issuer.test/keys",
        "https://127.0.0.1?x=/keys",
    ];
    let elsewhere = [
        "https://issuer.test:8443/keys",
        "https://10.0.0.7/keys",
        "https://[2001:db8::1]:8443/keys",
        "https://localhost.issuer.test/keys",
        "https://127.0.0.1.issuer.test/keys",
        "https://ISSUER.test./keys",
    ];
    for (places, is_here) in [(&here[..], true), (&elsewhere[..], false)] {
        for place in places {
            let rig = Rig::discovering(Does::Give(keys(&[1])));
            rig.issuer.next([Does::Give(document(ISSUER, place))]);
            let (says, requests) = if is_here { (UNAVAILABLE, 1) } else { (PASSES, 2) };
            let heard = listen(|| rig.expect(place, &[(&token(1), says)], requests));
            assert_eq!(
                heard.iter().any(|line| line.contains("leads to this machine or its link")),
                is_here,
                "{heard:?}"
            );
            // An issuer of a developer's machine has its keys there.
            let client = Scripted::new(Does::Give(keys(&[1])));
            client.next([Does::Give(document("https://localhost:8443", place))]);
            let own = RemoteKeys::discover("https://localhost:8443", client.clone()).unwrap();
            assert!(own.ready().now_or_never().unwrap().is_ok(), "{place}");
        }
    }
}

/// Each says what to do.
#[test]
fn the_way_out() {
    for (issuer, way) in [
        ("https://id.example.com/realms/a", "with `RemoteKeys::jwks`"),
        ("https://login.example.com/{tenantid}/v2.0", "an issuer is one tenant, whose id stands in its name"),
    ] {
        let rig = Rig::discovering(Does::Give(document(issuer, URL)));
        let heard = listen(|| rig.expect(issuer, &[(&token(1), UNAVAILABLE)], 1));
        assert!(heard[0].contains(way), "{heard:?}");
    }
}

/// Answers nothing, and remembers the addresses that it was asked for.
#[derive(Debug, Clone, Default)]
struct Addresses(Arc<Mutex<Vec<String>>>);

impl HttpClient for Addresses {
    fn send(&self, request: HttpRequest, reply: Reply) {
        self.0.lock().unwrap().push(request.url().to_owned());
        reply.give(Ok(HttpResponse::new(404, "")));
    }
}

/// RFC 8414, section 3.1.
#[test]
fn metadata_of_authorization_servers_stand_before_the_path() {
    for (issuer, document) in [
        ("https://id.test", "https://id.test/.well-known/oauth-authorization-server"),
        ("https://id.test/", "https://id.test/.well-known/oauth-authorization-server"),
        ("https://id.test:8443/a/b", "https://id.test:8443/.well-known/oauth-authorization-server/a/b"),
        ("https://id.test/a/", "https://id.test/.well-known/oauth-authorization-server/a"),
        ("http://[::1]:80/a", "http://[::1]:80/.well-known/oauth-authorization-server/a"),
    ] {
        let client = Addresses::default();
        let keys = RemoteKeys::discover_oauth(issuer, client.clone()).unwrap();
        assert!(
            pin!(keys.ready()).poll(&mut Context::from_waker(Waker::noop())).map(|ready| ready.is_err())
                == Poll::Ready(true)
        );
        assert_eq!(*client.0.lock().unwrap(), [document], "{issuer}");
    }
    for issuer in [
        "id.test",
        "https://",
        "https:///a",
        "https://id.test?a",
        "https://id.test/a#b",
        "https://a@id.test",
        "ftp://id.test",
    ] {
        assert!(RemoteKeys::discover_oauth(issuer, Addresses::default()).is_err(), "{issuer}");
    }
}
