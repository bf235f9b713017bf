//! By `Origin` and the host that a request is for.

use super::*;

/// Older browsers say no site. Then the page has to be of the host that the request is for.
#[test]
fn an_origin_is_compared_with_the_host() {
    let gate = cookies(|builder| builder);
    let rows: &[(&[u8], &str, Read)] = &[
        (b"https://example.com", "example.com", READ),
        // Behind a proxy that ends TLS, nobody knows the scheme.
        (b"http://example.com", "example.com", READ),
        (b"https://example.com", "EXAMPLE.Com", READ),
        (b"https://EXAMPLE.com", "example.com", READ),
        (b"https://a_b.example.com", "a_b.example.com", READ),
        (b"https://example.com.", "example.com.", READ),
        (b"http://localhost", "localhost", READ),
        (b"http://127.0.0.1:8080", "127.0.0.1:8080", READ),
        (b"http://127.0.0.1", "127.0.0.2", CROSS),
        (b"http://127.0.0.1", "localhost", CROSS),
        // Ports: the usual one of the origin's scheme may be said in the host. Browsers never say it in the origin.
        (b"https://example.com", "example.com:443", READ),
        (b"http://example.com", "example.com:80", READ),
        (b"https://example.com", "example.com:80", CROSS),
        (b"http://example.com", "example.com:443", CROSS),
        (b"https://example.com:443", "example.com", CROSS),
        (b"http://example.com:80", "example.com", CROSS),
        (b"https://example.com:80", "example.com", CROSS),
        (b"https://example.com:8443", "example.com:8443", READ),
        (b"https://example.com:8443", "example.com:8444", CROSS),
        (b"https://example.com:8443", "example.com:443", CROSS),
        (b"https://example.com:8443", "example.com", CROSS),
        (b"https://example.com", "example.com:8443", CROSS),
        (b"https://example.com:1", "example.com:1443", CROSS),
        (b"https://example.com", "example.com:1443", CROSS),
        (b"https://example.com", "example.com:4430", CROSS),
        (b"https://example.com:", "example.com", CROSS),
        (b"https://example.com", "example.com:", CROSS),
        // IPv6, with colons that are no port.
        (b"http://[::1]", "[::1]", READ),
        (b"http://[::1]", "[::1]:80", READ),
        (b"https://[::1]", "[::1]:443", READ),
        (b"http://[::1]:3000", "[::1]:3000", READ),
        (b"http://[2001:DB8::443]", "[2001:db8::443]", READ),
        (b"http://[::1]:3000", "[::1]:3001", CROSS),
        (b"http://[::1]", "[::2]", CROSS),
        (b"http://[::1]", "::1", CROSS),
        (b"https://[2001:db8::443]", "[2001:db8:]", CROSS),
        // Names that begin or end like ours.
        (b"https://example.com.evil.test", "example.com", CROSS),
        (b"https://evil-example.com", "example.com", CROSS),
        (b"https://evilexample.com", "example.com", CROSS),
        (b"https://example.comevil.test", "example.com", CROSS),
        (b"https://example.co", "example.com", CROSS),
        (b"https://xample.com", "example.com", CROSS),
        (b"https://example.com.", "example.com", CROSS),
        (b"https://.example.com", "example.com", CROSS),
        // The same site is not the same origin: who has a subdomain does not have the rest.
        (b"https://app.example.com", "example.com", CROSS),
        (b"https://example.com", "app.example.com", CROSS),
        (b"https://com", "example.com", CROSS),
        // What is no origin, although our name is in it.
        (b"https://example.com/", "example.com", CROSS),
        (b"https://example.com/path", "example.com", CROSS),
        (b"https://example.com?a", "example.com", CROSS),
        (b"https://example.com#a", "example.com", CROSS),
        (b"https://evil.test/example.com", "example.com", CROSS),
        (b"https://evil.test#example.com", "example.com", CROSS),
        (b"https://evil.test\\example.com", "example.com", CROSS),
        (b"https://user@example.com", "example.com", CROSS),
        (b"https://example.com@evil.test", "example.com", CROSS),
        (b"https://example.com:443@evil.test", "example.com", CROSS),
        (b"https://example.com", "user@example.com", CROSS),
        (b"https://example.com", "example.com@evil.test", CROSS),
        // RFC 6454, section 7.1 lets a list be sent. No browser does, and it would not be known who of them asks.
        (b"https://example.com https://example.com", "example.com", CROSS),
        (b"https://example.com https://evil.test", "example.com", CROSS),
        (b"https://evil.test https://example.com", "example.com", CROSS),
        (b"https://example.com, https://evil.test", "example.com", CROSS),
        (b"https://example.com", "example.com, evil.test", CROSS),
        (b"https://example.com\0", "example.com", CROSS),
        (b"https://example.com\xff", "example.com", CROSS),
        (b"https://ex\xc3\xa4mple.com", "xn--exmple-cua.com", CROSS),
        (b"https://xn--exmple-cua.com", "xn--exmple-cua.com", READ),
        (b"https://example%2ecom", "example.com", CROSS),
        // A sandboxed frame, a redirect, a file, a `data:` address: `null` is everybody's name.
        (b"null", "example.com", CROSS),
        (b"null", "null", CROSS),
        (b"NULL", "null", CROSS),
        (b"", "example.com", CROSS),
        (b"", "", CROSS),
        (b"*", "example.com", CROSS),
        (b"*", "*", CROSS),
        (b"example.com", "example.com", CROSS),
        (b"//example.com", "example.com", CROSS),
        (b"https:example.com", "example.com", CROSS),
        (b"https:/example.com", "example.com", CROSS),
        (b"https:///example.com", "example.com", CROSS),
        (b"https://", "", CROSS),
        (b"https://", ":443", CROSS),
        (b"http://", ":80", CROSS),
        (b"https://", "example.com", CROSS),
        (b"https://example.com", "", CROSS),
        // Pages of other schemes that are named like our host: extensions, applications, files.
        (b"HTTPS://example.com", "example.com", CROSS),
        (b"ftp://example.com", "example.com", CROSS),
        (b"wss://example.com", "example.com", CROSS),
        (b"file://example.com", "example.com", CROSS),
        (b"chrome-extension://example.com", "example.com", CROSS),
        (b"httpss://example.com", "example.com", CROSS),
    ];
    for (origin, host, expected) in rows {
        let what = format!("{} at {host:?}", origin.escape_ascii());
        check(&gate, &what, &post(&[("host", host)]).header("origin", origin), *expected);
        // What only reads does not ask for it.
        check(&gate, &what, &get(&[("host", host)]).header("origin", origin), READ);
    }
    check(&gate, "no host at all", &post(&[("origin", "https://example.com")]), CROSS);
    check(&gate, "no host and no origin", &post(&[("origin", "")]), CROSS);
}

/// RFC 9112, section 3.2.2: a target that names the host outranks the header. What proxies add does not count: whoever
/// asks without a proxy writes it himself.
#[test]
fn the_target_itself_says_whom_it_is_for() {
    let gate = cookies(|builder| builder);
    let own = ("origin", "https://example.com");
    let evil = ("origin", "https://evil.test");
    for (what, authority, headers, expected) in [
        ("the target alone", Some("example.com"), &[own][..], READ),
        ("the target, in capitals", Some("EXAMPLE.COM"), &[own], READ),
        ("the target with its port", Some("example.com:443"), &[own], READ),
        ("the target on another port", Some("example.com:8443"), &[own], CROSS),
        ("the target of another", Some("evil.test"), &[own], CROSS),
        ("the target as the page", Some("evil.test"), &[evil], READ),
        ("a target with somebody's name", Some("user@example.com"), &[own], CROSS),
        ("a target that is ours and a host that is not", Some("example.com"), &[("host", "evil.test"), own], READ),
        ("the same for their page", Some("example.com"), &[("host", "evil.test"), evil], CROSS),
        ("a host that is ours and a target that is not", Some("evil.test"), &[("host", "example.com"), own], CROSS),
        ("two hosts beside a target", Some("example.com"), &[("host", "a"), ("host", "b"), own], READ),
        ("an empty target", Some(""), &[("host", "example.com"), own], CROSS),
        ("the host alone", None, &[("host", "example.com"), own], READ),
        ("what a proxy says", None, &[("x-forwarded-host", "example.com"), own], CROSS),
        ("against a proxy", None, &[("host", "a.internal"), ("x-forwarded-host", "example.com"), own], CROSS),
        ("by RFC 7239", None, &[("host", "a.internal"), ("forwarded", "host=example.com"), own], CROSS),
        ("not for evil either", None, &[("host", "example.com"), ("x-forwarded-host", "evil.test"), evil], CROSS),
        ("and not against us", None, &[("host", "example.com"), ("x-forwarded-host", "evil.test"), own], READ),
    ] {
        let head = authority.into_iter().fold(post(headers), Head::authority);
        check(&gate, what, &head, expected);
    }
}
