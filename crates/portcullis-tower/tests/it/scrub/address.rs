//! The address that those behind it see.

use super::{SOCKET, address, ask, gate, gate_of, get};
use crate::cast::{Names, send};
use http::{Method, Uri};
use portcullis_core::policy::*;
use portcullis_tower::GateExt;
use tower::{Layer, ServiceBuilder};

#[tokio::test]
async fn the_values_of_credentials_are_taken_out_and_nothing_else() {
    let gate = gate();
    let scrubbed = gate.scrub().layer(address());
    for (came, seen) in [
        ("/?token=abc-defg", "/?token=redacted"),
        // Never longer than what came.
        ("/?token=abc", "/?token=red"),
        ("/?token=%61", "/?token=red"),
        ("/?token=a&token=abcdefg", "/?token=r&token=redacte"),
        ("/?token=abcdefghi", "/?token=redacted"),
        ("/a/b?token=abcdefgh", "/a/b?token=redacted"),
        ("/?a=1&token=abcdefgh&b=2", "/?a=1&token=redacted&b=2"),
        ("/?token=abcdefgh&a=1", "/?token=redacted&a=1"),
        // Names are decoded, as where they are read. They stay as they were written.
        ("/?t%6fken=abcdefgh", "/?t%6fken=redacted"),
        ("/?%74%6F%6B%65%6E=abcdefgh", "/?%74%6F%6B%65%6E=redacted"),
        ("/?access+token%5B%C3%A9%5D=abcdefgh", "/?access+token%5B%C3%A9%5D=redacted"),
        ("/?access%20token[%c3%a9]=abcdefgh", "/?access%20token[%c3%a9]=redacted"),
        // All of them: two are refused, and were presented all the same.
        ("/?token=abcdefgh&token=defghijk", "/?token=redacted&token=redacted"),
        ("/?token=abcdefgh&t%6fken=defghijk&ws=ghijklmn", "/?token=redacted&t%6fken=redacted&ws=redacted"),
        ("/?ws=abcdefgh", "/?ws=redacted"),
        // The whole value, whatever is in it.
        ("/?token=a=b==", "/?token=redac"),
        ("/?token=a%3Db%26c%3Dd", "/?token=redacted"),
        ("/?token=abcdefgh;token=defghijk", "/?token=redacted"),
        ("/?token=abcdefgh?token=defghijk", "/?token=redacted"),
        ("/?token=a/b/../c", "/?token=redacted"),
        ("/?token=%zz%", "/?token=reda"),
        ("/?token=%FF%00", "/?token=redact"),
        ("/?token=abcdefgh&&a", "/?token=redacted&&a"),
        ("/?&&token=abcdefgh&", "/?&&token=redacted&"),
        ("/?a&token=abcdefgh&=", "/?a&token=redacted&="),
        ("/?token==abcdefgh", "/?token=redacted"),
        // Other parameters are kept byte for byte.
        ("/?q=%20+%2B%zz~'{}|^&token=abcdefgh&x=%26token=def", "/?q=%20+%2B%zz~'{}|^&token=redacted&x=%26token=def"),
        ("/é?access+token[é]=abcdefgh&q=é", "/é?access+token[é]=redacted&q=é"),
        ("/a%2Fb/%2e%2e;c=d?token=abcdefgh", "/a%2Fb/%2e%2e;c=d?token=redacted"),
        ("//a//b?token=abcdefgh", "//a//b?token=redacted"),
        // The form that proxies and HTTP/2 use.
        ("http://example.com:8080/a?token=abcdefgh", "http://example.com:8080/a?token=redacted"),
        ("https://[::1]:8443/?token=abcdefgh&b", "https://[::1]:8443/?token=redacted&b"),
        ("https://example.com?token=abcdefgh", "https://example.com/?token=redacted"),
    ] {
        assert_eq!(send(&scrubbed, get(came, &[SOCKET])).await.body, seen, "{came}");
        // Nothing is left to take out.
        assert_eq!(send(&scrubbed, get(seen, &[SOCKET])).await.body, seen, "{came}");
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
        // Without a value there is nothing to take out, and nothing is added.
        "/?token",
        "/?token=",
        "/?token&token=&ws&ws=&a",
        "/?session=abc&x-key=abc&authorization=abc",
        "http://example.com/a?b=c",
        "https://example.com:8443/?",
    ] {
        let seen = send(&scrubbed, get(untouched, &[SOCKET])).await.body;
        assert_eq!(seen, untouched.parse::<Uri>().unwrap().to_string());
    }
    // `OPTIONS *`, and where a proxy is asked for a tunnel.
    for target in ["*", "example.com:443"] {
        assert_eq!(ask(&scrubbed, target).await.body, target);
    }
    // A gate that reads no query has nothing in it.
    let other = gate_of(&Names::default(), |scheme| scheme.bearer().cookie("token").header("token"));
    assert_eq!(ask(&other.scrub().layer(address()), "/?token=abcdefgh").await.body, "/?token=abcdefgh");
}

/// On other requests a parameter of that name is the application's own.
#[tokio::test]
async fn parameters_for_websockets_are_touched_on_upgrades_only() {
    let scrubbed = gate().scrub().layer(address());
    let (came, seen) = ("/?ws=abcdefgh&a=1", "/?ws=redacted&a=1");
    for (headers, expected) in [
        (&[][..], came),
        (&[("connection", "upgrade")], came),
        (&[("upgrade", "h2c")], came),
        (&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")], came),
        (&[SOCKET], seen),
        (&[("upgrade", "h2c, WebSocket")], seen),
        (&[("upgrade", "h2c"), ("upgrade", "websocket")], seen),
    ] {
        assert_eq!(send(&scrubbed, get(came, headers)).await.body, expected, "{headers:?}");
    }
    // In HTTP/2 and 3 (RFC 8441, RFC 9220).
    let mut connect = get(came, &[]);
    *connect.method_mut() = Method::CONNECT;
    assert_eq!(send(&scrubbed, connect).await.body, seen);
    assert_eq!(ask(&scrubbed, "/?ws=abcdefgh&token=abcdefgh").await.body, "/?ws=abcdefgh&token=redacted");
}

/// Whoever fills an address up to the 65534 bytes that it may have gets no other one than he asked for.
#[tokio::test]
async fn an_address_never_becomes_longer() {
    let scrubbed = gate().scrub().layer(address());
    for pair in ["ws&", "ws=&", "ws=a&", "token&", "token=a&", "t%6fken=%61&", "&", "=&", "a&"] {
        for start in ["/admin?project=42&", "https://example.com/admin?project=42&"] {
            let came = format!("{start}{}", pair.repeat((65_534 - start.len()) / pair.len()));
            for headers in [&[SOCKET][..], &[]] {
                let seen = send(&scrubbed, get(&came, headers)).await.body;
                assert!(seen.starts_with(start) && seen.len() == came.len(), "{pair} of {start}: {}", seen.len());
            }
        }
    }
    let long = format!("/admin?token={}", "a".repeat(65_000));
    assert_eq!(ask(&scrubbed, &long).await.body, "/admin?token=redacted");
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
