//! A browser adds cookies to requests whoever made them, so a cookie counts only if a page of ours made the request.

use crate::{
    head::Head,
    sources::{ABSENT, CONFLICT, MALFORMED, Read, UNUSABLE, gate, text},
};
use portcullis_core::{
    Answer, Authenticator, Credential, CredentialSource, Error, ErrorKind, Gate, GateBuilder, Principal, Refusal,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use std::{
    fmt::{self, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use tracing::{Event, Level, Metadata, Subscriber, field, span};

pub const CROSS: Read = Err((ErrorKind::CrossOrigin, "cross_origin"));
const READ: Read = text("abc");

const SAFE: [&str; 4] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/// What a request says of itself, and what is read from it by a safe method and by another one.
type Row<'a> = (&'a [(&'a str, &'a str)], Read, Read);

/// A request of this method with the cookie of a visitor.
fn with_cookie(method: &'static str, headers: &[(&str, &str)]) -> Head {
    let head = Head::new().method(method).header("cookie", "session=abc");
    headers.iter().fold(head, |head, (name, value)| head.header(name, value))
}

fn post(headers: &[(&str, &str)]) -> Head {
    with_cookie("POST", headers)
}

fn get(headers: &[(&str, &str)]) -> Head {
    with_cookie("GET", headers)
}

fn cookies(parts: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    gate(|builder| parts(builder.cookie("session")))
}

/// Reads the head and compares what came of it, with the status and where the log says that it was.
#[track_caller]
pub fn check(gate: &Gate, what: &str, head: &Head, expected: Read) {
    let read = gate.read(head);
    let found = match &read {
        Ok(credential) => Ok(credential.as_ref().map(Credential::expose)),
        Err(error) => Err((error.kind(), error.code())),
    };
    assert_eq!(found, expected, "{what}");
    if let Err(error) = read {
        let status = match expected {
            CROSS => 403,
            UNUSABLE => 401,
            _ => 400,
        };
        assert_eq!(error.status(), status, "{what}");
        let cookie = CredentialSource::cookie("session");
        assert!(
            expected != CROSS || error.credential_source() == Some(&cookie),
            "{what}: the log would not know where"
        );
    }
}

/// By the method, and by what the browser says. Safe are those of RFC 9110, section 9.2.1, as they are spelled there:
/// methods are case-sensitive, and what a framework makes of `get` is not known here.
#[test]
fn what_may_change_something_has_to_come_from_a_page_of_ours() {
    let gate = cookies(|builder| builder);
    let others = [
        "POST", "PUT", "PATCH", "DELETE", "CONNECT", "QUERY", "PROPFIND", "MKCOL", "LINK", "BREW", "post", "get",
        "Get", "head", "options", "trace", "GETS", "GE", "", "GET ",
    ];
    let host = ("host", "example.com");
    let rows: &[Row<'_>] = &[
        (&[("sec-fetch-site", "same-origin")], READ, READ),
        (&[("sec-fetch-site", "none")], READ, READ),
        (&[("sec-fetch-site", "same-site")], READ, CROSS),
        (&[("sec-fetch-site", "cross-site")], READ, CROSS),
        // A link, and a form that is sent by a page of somebody else.
        (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], READ, CROSS),
        (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], CROSS, CROSS),
        (&[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "no-cors")], READ, READ),
        (&[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")], READ, CROSS),
        (&[], READ, CROSS),
        (&[host], READ, CROSS),
        (&[host, ("origin", "https://example.com")], READ, READ),
        (&[host, ("origin", "https://evil.test")], READ, CROSS),
        (&[host, ("origin", "null")], READ, CROSS),
        // A referrer proves nothing: pages may leave it out, and some proxies do.
        (&[host, ("referer", "https://example.com/form")], READ, CROSS),
        (&[host, ("x-requested-with", "XMLHttpRequest")], READ, CROSS),
    ];
    for (headers, safe, other) in rows {
        for method in SAFE {
            check(&gate, &format!("{method} {headers:?}"), &with_cookie(method, headers), *safe);
        }
        for method in others {
            check(&gate, &format!("{method:?} {headers:?}"), &with_cookie(method, headers), *other);
        }
    }
}

/// `Sec-Fetch-Site` is one of four words. Any other one does not speak for the page, and `Origin` is not asked then: it
/// stands in where the header is missing.
#[test]
fn only_two_words_of_the_browser_admit_a_page() {
    let gate = cookies(|builder| builder);
    let own = [("host", "example.com"), ("origin", "https://example.com")];
    let none: [(&str, &str); 0] = [];
    for beside in [&own[..], &none] {
        let from = |value: &[u8]| post(beside).header("sec-fetch-site", value);
        for value in ["same-origin", "none"] {
            check(&gate, value, &from(value.as_bytes()), READ);
        }
        for value in [
            "same-site",
            "cross-site",
            "",
            "null",
            "unknown",
            "same",
            "same-origin-x",
            "xsame-origin",
            "SAME-ORIGIN",
            "Same-Origin",
            "NONE",
            "None",
            "same-origin, same-origin",
            "same-origin,none",
            "same-origin;a=b",
            "\"same-origin\"",
            "?1",
            "same_origin",
        ] {
            check(&gate, value, &from(value.as_bytes()), CROSS);
        }
        check(&gate, "not ASCII", &from(b"same-origin\xff"), CROSS);
        check(&gate, "a zero byte", &from(b"none\0"), CROSS);
    }
    // What the browser says outranks the name of the page: a page may not be told from its name by everybody.
    let foreign = [("host", "example.com"), ("origin", "https://evil.test"), ("sec-fetch-site", "same-origin")];
    check(&gate, "same-origin with another name", &post(&foreign), READ);
    check(&gate, "the user, with another name", &post(&[("origin", "null"), ("sec-fetch-site", "none")]), READ);
}

/// Two of them: whoever reads the first goes by another one than who reads the last.
#[test]
fn headers_that_say_who_asks_are_there_once() {
    let gate = cookies(|builder| builder.allow_origin("https://app.example.com"));
    for [first, second] in [
        ["same-origin", "same-origin"],
        ["same-origin", "cross-site"],
        ["cross-site", "same-origin"],
        ["none", ""],
        ["", ""],
    ] {
        let sites = [("sec-fetch-site", first), ("sec-fetch-site", second)];
        for method in SAFE.into_iter().chain(["POST", "DELETE", "get"]) {
            check(&gate, &format!("{method} {first} {second}"), &with_cookie(method, &sites), MALFORMED);
        }
    }
    let cross = ("sec-fetch-site", "cross-site");
    let app = ("origin", "https://app.example.com");
    let own = ("origin", "https://example.com");
    let host = ("host", "example.com");
    let [navigate, cors] = [("sec-fetch-mode", "navigate"), ("sec-fetch-mode", "cors")];
    for (what, head, expected) in [
        ("two modes", get(&[cross, navigate, navigate]), MALFORMED),
        ("two modes that differ", get(&[cross, cors, navigate]), MALFORMED),
        ("one mode", get(&[cross, navigate]), READ),
        ("modes do not matter to what changes something", post(&[cross, cors, navigate, app]), READ),
        ("two origins", post(&[host, own, own]), MALFORMED),
        ("two origins that differ", post(&[host, own, app]), MALFORMED),
        ("two allowed origins", post(&[app, app]), MALFORMED),
        ("two allowed origins across sites", post(&[cross, app, app]), MALFORMED),
        ("one of them", post(&[host, own]), READ),
        ("one allowed", post(&[cross, app]), READ),
        // RFC 9112, section 3.2: more than one host is answered 400.
        ("two hosts", post(&[host, host, own]), MALFORMED),
        ("two hosts that differ", post(&[host, ("host", "evil.test"), own]), MALFORMED),
        ("two hosts, and nobody asks for them", post(&[host, host, app]), READ),
        ("two origins, and the browser has said enough", post(&[own, own, ("sec-fetch-site", "same-origin")]), READ),
    ] {
        check(&gate, what, &head, expected);
    }
}

/// What another site loads into its pages is not what somebody who follows a link wants to see.
#[test]
fn across_sites_only_links_are_followed_with_a_cookie() {
    let gate = cookies(|builder| builder.allow_origin("https://app.example.com"));
    for method in SAFE {
        for (mode, cross) in [
            ("navigate", READ),
            ("no-cors", CROSS),
            ("cors", CROSS),
            ("same-origin", CROSS),
            ("websocket", CROSS),
            ("", CROSS),
            ("NAVIGATE", CROSS),
            ("Navigate", CROSS),
            ("navigate, navigate", CROSS),
            ("nested-navigate", CROSS),
            ("webtransport", CROSS),
        ] {
            let mode = ("sec-fetch-mode", mode);
            let from = |site| with_cookie(method, &[("sec-fetch-site", site), mode]);
            check(&gate, &format!("{method} {mode:?}"), &from("cross-site"), cross);
            for near in ["same-site", "same-origin", "none", "unknown"] {
                check(&gate, &format!("{method} {near} {mode:?}"), &from(near), READ);
            }
            // Browsers that do not say where a page is from send no mode either; then nothing is known.
            check(&gate, &format!("{method} {mode:?}"), &with_cookie(method, &[mode]), READ);
            // A page of ours that reads from another site says its name (CORS), and so does a stranger.
            for (origin, expected) in [
                ("https://app.example.com", READ),
                ("https://evil.test", cross),
                ("null", cross),
                // Its own name does not make a page that the browser calls another site's our own.
                ("https://example.com", cross),
            ] {
                let named = from("cross-site").header("origin", origin).header("host", "example.com");
                check(&gate, &format!("{method} {mode:?} {origin}"), &named, expected);
            }
        }
        let nameless = with_cookie(method, &[("sec-fetch-site", "cross-site")]);
        check(&gate, &format!("{method} without a mode"), &nameless, READ);
    }
}

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

#[test]
fn allowed_origins_are_admitted_wherever_the_browser_sees_them() {
    let gate = cookies(|builder| {
        builder
            .allow_origin("https://app.example.com")
            .allow_origin("http://localhost:3000")
            .allow_origin("http://[::1]:3000")
            .allow_origin("chrome-extension://abcdefghijklmnop")
    });
    let closed = cookies(|builder| builder);
    let sites = [None, Some("same-site"), Some("cross-site"), Some("unknown"), Some("")];
    for site in sites {
        let from = |origin: &str| {
            let head = post(&[("host", "api.example.com"), ("origin", origin)]);
            site.into_iter().fold(head, |head, site| head.header("sec-fetch-site", site))
        };
        for origin in [
            "https://app.example.com",
            "http://localhost:3000",
            "http://[::1]:3000",
            "chrome-extension://abcdefghijklmnop",
        ] {
            check(&gate, &format!("{origin} {site:?}"), &from(origin), READ);
            check(&closed, &format!("{origin} {site:?}"), &from(origin), CROSS);
        }
        // Named origins are compared byte by byte: browsers write them in one way only.
        for origin in [
            "http://app.example.com",
            "https://app.example.com:443",
            "https://app.example.com:8443",
            "https://app.example.com/",
            "https://app.example.com/api",
            "https://APP.example.com",
            "https://app.example.com.",
            "https://app.example.com.evil.test",
            "https://evil-app.example.com",
            "https://x.app.example.com",
            "https://example.com",
            "https://app.example.com http://localhost:3000",
            "https://app.example.com, https://evil.test",
            "app.example.com",
            "https://localhost:3000",
            "http://localhost",
            "http://localhost:30000",
            "http://127.0.0.1:3000",
            "chrome-extension://abcdefghijklmno",
            "null",
            "",
        ] {
            check(&gate, &format!("{origin} {site:?}"), &from(origin), CROSS);
        }
        // The service's own pages need no name, as long as the browser does not speak against them.
        let own = if site.is_none() { READ } else { CROSS };
        check(&gate, &format!("its own {site:?}"), &from("https://api.example.com"), own);
    }
    for site in ["same-origin", "none"] {
        for origin in ["https://app.example.com", "https://evil.test"] {
            check(&gate, site, &post(&[("sec-fetch-site", site), ("origin", origin)]), READ);
        }
    }
    // Without a name nobody is admitted by name.
    check(&gate, "across sites and nameless", &post(&[("sec-fetch-site", "cross-site")]), CROSS);
    check(&gate, "nameless", &post(&[("host", "api.example.com")]), CROSS);
}

#[test]
fn every_origin_can_be_let_in() {
    let open = [
        cookies(GateBuilder::dangerous_allow_cross_origin),
        gate(|builder| {
            builder.dangerous_allow_cross_origin().allow_origin("https://app.example.com").cookie("session")
        }),
    ];
    let closed = cookies(|builder| builder);
    let site = |site| ("sec-fetch-site", site);
    for headers in [
        &[][..],
        &[site("cross-site")],
        &[site("cross-site"), ("sec-fetch-mode", "no-cors")],
        &[("origin", "null")],
        &[("host", "example.com"), ("origin", "https://evil.test")],
        &[("upgrade", "websocket"), ("origin", "https://evil.test")],
        &[site("a"), site("b"), ("origin", "c"), ("origin", "d")],
    ] {
        for gate in &open {
            check(gate, &format!("{headers:?}"), &post(headers), READ);
        }
        assert!(closed.read(&post(headers)).is_err(), "{headers:?}");
    }
    // Nothing else is let go.
    let twice = post(&[]).header("cookie", "session=def");
    check(&open[0], "two cookies", &twice, MALFORMED);
    check(&open[0], "no cookie", &Head::new().method("POST"), ABSENT);
}

#[test]
fn origins_that_no_browser_sends_fail_the_build() {
    let build = |origin: &str| {
        let builder = Gate::builder().cookie("session").authenticator(TestIssuer::new().authenticator());
        builder.allow_origin("https://good.example").allow_origin(origin).build()
    };
    for origin in [
        "https://app.example.com",
        "http://app.example.com",
        "https://localhost",
        "http://localhost:3000",
        "http://a_b.test",
        "http://127.0.0.1:8080",
        "http://[::1]",
        "http://[::1]:3000",
        "https://[2001:db8::1]:8443",
        "https://xn--bcher-kva.example",
        // The usual port of another scheme is not the usual one.
        "http://example.com:443",
        "https://example.com:80",
        "https://example.com:65535",
        "chrome-extension://abcdefghijklmnop",
        "moz-extension://0f1b2c3d-0000-4000-8000-000000000000",
        "capacitor://localhost",
        "tauri://localhost",
        "app://.",
    ] {
        assert!(build(origin).is_ok(), "{origin}");
    }
    for origin in [
        "",
        " ",
        "*",
        "null",
        "https",
        "https:",
        "https://",
        "https:///",
        "://example.com",
        "//example.com",
        "example.com",
        "app.example.com:443",
        "https:example.com",
        "https:/example.com",
        "https://example.com/",
        "https://example.com/app",
        "https://example.com?a",
        "https://example.com#a",
        "https://example.com\\",
        "https://*",
        "https://*.example.com",
        "https://Example.com",
        "HTTPS://example.com",
        "Https://example.com",
        "1https://example.com",
        "ht tps://example.com",
        " https://example.com",
        "https://example.com ",
        "https://exam ple.com",
        "https://example.com\n",
        "https://example.com\0",
        "https://example.com:443",
        "http://example.com:80",
        "https://[::1]:443",
        "https://example.com:",
        "https://example.com:08443",
        "https://example.com:+8443",
        "https://example.com:-1",
        "https://example.com:65536",
        "https://example.com:http",
        "https://example.com:8443:8443",
        "https://:8443",
        "https://user@example.com",
        "https://user:word@example.com",
        "https://b\u{fc}cher.example",
        "https://\u{212a}.example",
        "https://example\u{3002}com",
        "https://example.com,https://evil.test",
        "https://a.test https://b.test",
        "https://::1",
        "https://[::1",
        "https://::1]",
        "https://[]",
        "https://[::1]x",
        "https://[::1]]",
        "https://[example.com]",
        "https://[::1%25eth0]",
        // Other spellings of addresses that browsers write in one way.
        "http://[0:0:0:0:0:0:0:1]",
        "http://[::0001]",
        "http://[2001:DB8::1]",
    ] {
        let error = build(origin).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Misconfigured, "misconfigured"), "{origin}");
        // It says which one, and how they are written.
        let message = error.to_string();
        for part in [&format!("`{origin}`"), "`scheme://host`", "lower case", "`:port`", "nothing after it"] {
            assert!(message.contains(part), "{message}");
        }
    }
    // Also where the name would not matter, and whatever the order of the calls.
    for builder in [
        Gate::builder().cookie("session").dangerous_allow_cross_origin().allow_origin("*"),
        Gate::builder().bearer().allow_origin("https://example.com/"),
        Gate::builder().allow_origin("null").cookie("session"),
    ] {
        let built = builder.authenticator(TestIssuer::new().authenticator()).build();
        assert_eq!(built.unwrap_err().kind(), ErrorKind::Misconfigured);
    }
}

/// The URL standard writes the last four bytes of such an address in hexadecimal (`new
/// URL("http://[::ffff:1.2.3.4]").origin` is `http://[::ffff:102:304]`), and Rust writes them with dots. There is one
/// spelling here too.
#[test]
fn an_ipv4_address_in_ipv6_is_written_as_browsers_write_it() {
    let build = |origin: &str| cookies_or_error(|builder| builder.allow_origin(origin));
    for origin in
        ["http://[::ffff:102:304]:8080", "http://[::ffff:0:0]", "http://[::102:304]", "http://[64:ff9b::102:304]"]
    {
        assert!(build(origin).is_ok(), "{origin}");
    }
    for origin in [
        "http://[::ffff:1.2.3.4]:8080",
        "http://[::1.2.3.4]",
        "http://[64:ff9b::1.2.3.4]",
        "http://[::FFFF:102:304]",
        "http://[::ffff:0102:0304]",
        "http://[0:0:0:0:0:ffff:102:304]",
        "http://[0000:0000:0000:0000:0000:ffff:0102:0304]",
        "http://[::0:ffff:102:304]",
    ] {
        assert!(build(origin).is_err(), "{origin}");
    }
}

/// The origin of a page that opens a WebSocket is that of the page: `https://…`. Who allows `wss://…` allows nobody and
/// learns it from users. The origin of a file is `null`.
#[test]
fn not_every_scheme_has_an_origin() {
    for origin in ["wss://app.example.com", "ws://localhost:3000", "file://localhost", "file:///srv"] {
        assert!(cookies_or_error(|builder| builder.allow_origin(origin)).is_err(), "{origin}");
    }
    for origin in ["wsx://app.example.com", "profile://localhost", "w://a"] {
        assert!(cookies_or_error(|builder| builder.allow_origin(origin)).is_ok(), "{origin}");
    }
}

fn cookies_or_error(parts: impl FnOnce(GateBuilder) -> GateBuilder) -> Result<Gate, Error> {
    parts(Gate::builder().cookie("session")).authenticator(TestIssuer::new().authenticator()).build()
}

/// Only the credential that decides is asked where it comes from, and only if a browser would have added it.
#[test]
fn what_only_its_owner_can_send_is_read_from_everywhere() {
    let cookie_first = gate(|builder| builder.cookie("session").bearer().header("x-key").query("token"));
    let bearer_first = gate(|builder| builder.bearer().header("x-key").query("token").cookie("session"));
    let strict_cookie_first = gate(|builder| builder.cookie("session").bearer().reject_conflicts());
    let strict_bearer_first = gate(|builder| builder.bearer().cookie("session").reject_conflicts());
    let without = gate(|builder| builder.bearer().header("x-key").query("token").websocket_protocol());
    let other = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test"), ("sec-fetch-mode", "cors")];
    let ours = [("sec-fetch-site", "same-origin")];
    let from = |headers: &[(&str, &str)]| headers.iter().fold(Head::new().method("POST"), |h, (n, v)| h.header(n, v));
    let cookie = |head: Head| head.header("cookie", "session=abc");
    let key = |head: Head| head.header("x-key", "def");
    let (theirs, own) = (|| from(&other), || from(&ours));
    for (what, gate, head, expected) in [
        ("a cookie", &cookie_first, cookie(theirs()), CROSS),
        ("a cookie of ours", &cookie_first, cookie(own()), READ),
        ("a cookie before a header", &cookie_first, cookie(theirs()).bearer("def"), CROSS),
        ("the same of ours", &cookie_first, cookie(own()).bearer("def"), READ),
        (
            "an empty cookie before a header",
            &cookie_first,
            theirs().header("cookie", "session=").bearer("def"),
            text("def"),
        ),
        ("another cookie before a header", &cookie_first, theirs().header("cookie", "a=b").bearer("def"), text("def")),
        ("a header", &cookie_first, theirs().bearer("def"), text("def")),
        ("a key", &cookie_first, key(theirs()), text("def")),
        ("a parameter", &cookie_first, theirs().query("token=def"), text("def")),
        ("a cookie before a parameter", &cookie_first, cookie(theirs()).query("token=def"), CROSS),
        ("a header before a cookie", &bearer_first, cookie(theirs()).bearer("def"), text("def")),
        ("a key before a cookie", &bearer_first, key(cookie(theirs())), text("def")),
        ("a parameter before a cookie", &bearer_first, cookie(theirs()).query("token=def"), text("def")),
        ("an empty parameter before a cookie", &bearer_first, cookie(theirs()).query("token="), CROSS),
        (
            "another scheme before a cookie",
            &bearer_first,
            cookie(theirs()).header("authorization", "Basic eA=="),
            CROSS,
        ),
        ("the cookie alone", &bearer_first, cookie(theirs()), CROSS),
        ("the cookie alone of ours", &bearer_first, cookie(own()), READ),
        // A broken header is not skipped for a cookie, whoever asks.
        (
            "a broken header before a cookie",
            &bearer_first,
            cookie(theirs()).header("authorization", "Bearer"),
            UNUSABLE,
        ),
        ("both the same", &strict_cookie_first, cookie(theirs()).bearer("abc"), CROSS),
        ("both the same of ours", &strict_cookie_first, cookie(own()).bearer("abc"), READ),
        ("both the same, the header first", &strict_bearer_first, cookie(theirs()).bearer("abc"), READ),
        ("two that differ", &strict_cookie_first, cookie(theirs()).bearer("def"), CONFLICT),
        ("two that differ, the header first", &strict_bearer_first, cookie(theirs()).bearer("def"), CONFLICT),
        ("the cookie alone, strictly", &strict_bearer_first, cookie(theirs()), CROSS),
        // A gate that reads no cookie does not look at who asks, not even at what is there twice.
        ("no cookies, a cookie", &without, cookie(theirs()), ABSENT),
        ("no cookies, a header", &without, cookie(theirs()).bearer("abc"), READ),
        ("no cookies, a key", &without, key(cookie(theirs())), text("def")),
        ("no cookies, a parameter", &without, cookie(theirs()).query("token=def"), text("def")),
        ("no cookies, two sites", &without, theirs().header("sec-fetch-site", "none").bearer("abc"), READ),
        ("cookies, two sites, a header", &cookie_first, theirs().header("sec-fetch-site", "none").bearer("abc"), READ),
        ("cookies, two sites, a cookie", &cookie_first, cookie(theirs()).header("sec-fetch-site", "none"), MALFORMED),
        (
            "no cookies, a subprotocol",
            &without,
            cookie(theirs()).header("upgrade", "websocket").header("sec-websocket-protocol", "bearer, def"),
            text("def"),
        ),
    ] {
        check(gate, what, &head, expected);
    }
}

#[test]
fn without_a_cookie_nobody_is_asked_where_he_is_from() {
    let gate = cookies(|builder| builder.cookie("old"));
    let theirs = |line: &str| {
        let head = Head::new().method("POST").header("sec-fetch-site", "cross-site");
        head.header("origin", "https://evil.test").header("cookie", line)
    };
    for (what, line, expected) in [
        ("another cookie", "theme=dark", ABSENT),
        ("a cookie of nearly the name", "Session=abc; session2=abc; xsession=abc", ABSENT),
        ("an empty cookie", "session=", ABSENT),
        ("a quoted empty cookie", "session=\"\"", ABSENT),
        ("a blank cookie", "session= ", ABSENT),
        ("a cookie", "session=abc", CROSS),
        ("an empty one before a good one", "session=; old=abc", CROSS),
        // It is refused in any case, and it is told as what it is.
        ("a cookie that cannot be read", "session=a b", UNUSABLE),
        ("two cookies", "session=abc; session=abc", MALFORMED),
    ] {
        let read = gate.read(&theirs(line)).map(|read| read.map(|read| read.expose().to_owned()));
        let expected = expected.map(|read| read.map(str::to_owned));
        assert_eq!(
            read.map_err(|error| (error.kind(), error.code().to_owned())),
            expected.map_err(|(k, c)| (k, c.to_owned())),
            "{what}"
        );
    }
    let error = gate.read(&theirs("session=; old=abc")).unwrap_err();
    assert_eq!(error.credential_source(), Some(&CredentialSource::cookie("old")));
    let nobody = gate.establish(&theirs("session=")).ready().unwrap();
    assert!(nobody.visitor().unwrap().is_none());
    let missing = nobody.principal().unwrap_err();
    assert_eq!((missing.kind(), missing.status(), missing.code()), (ErrorKind::Missing, 401, "credential_missing"));
}

/// Counts how often it is asked, and knows `abc`.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Authenticator for Counting {
    fn authenticate<'a>(&'a self, credential: &'a Credential<'_>) -> Answer<'a, Result<Principal, Error>> {
        self.0.fetch_add(1, SeqCst);
        Answer::now(match credential.expose() {
            "abc" => Ok(acting_as("alice").with_staff(true)),
            _ => Err(Error::new(ErrorKind::Invalid, "it does not hold")),
        })
    }
}

/// Before anything is verified: a stranger's page learns nothing about the cookie, and costs nothing.
#[tokio::test]
async fn a_page_of_another_origin_is_refused_before_its_cookie_is_verified() {
    let counting = Counting::default();
    let gate = Gate::builder().cookie("session").bearer().authenticator(counting.clone()).build().unwrap();
    let request = |site, cookie: &str| {
        Head::new().method("POST").header("sec-fetch-site", site).header("cookie", format!("session={cookie}"))
    };
    for (site, cookie, expected, asked) in [
        ("same-origin", "abc", Ok(Some("alice")), 1),
        ("same-origin", "def", Err(ErrorKind::Invalid), 1),
        ("cross-site", "abc", Err(ErrorKind::CrossOrigin), 0),
        ("cross-site", "def", Err(ErrorKind::CrossOrigin), 0),
        ("same-site", "abc", Err(ErrorKind::CrossOrigin), 0),
        ("cross-site", "", Ok(None), 0),
    ] {
        let head = request(site, cookie);
        let who = gate.establish(&head).await;
        // A visitor who is refused is not a visitor without a name: a page that greets everybody does not greet him.
        let visitor = who.visitor().map(|visitor| visitor.map(Principal::subject));
        assert_eq!(visitor.map_err(|error| error.kind()), expected, "{site} {cookie}");
        assert_eq!(counting.0.swap(0, SeqCst), asked, "{site} {cookie}");
        let kind = expected.and_then(|visitor| visitor.map(|_| ()).ok_or(ErrorKind::Missing));
        assert_eq!(who.principal().map(|_| ()).map_err(|error| error.kind()), kind, "{site} {cookie}");
        for policy in [
            &authenticated() as &dyn Policy,
            &staff(),
            &hidden(staff()),
            &any((when("always", |_| true), staff())),
            &not(scope("write")),
        ] {
            let access = gate.authorize(&who, policy, &head).await;
            assert_eq!(access.map(|_| ()).map_err(|error| error.kind()), kind, "{site} {cookie} {policy:?}");
        }
        assert!(gate.authorize(&who, &anyone(), &head).await.is_ok(), "{site} {cookie}");
    }
    // The same token from the same page in the place that only its owner can fill.
    let head = Head::new().method("POST").header("sec-fetch-site", "cross-site").bearer("abc");
    assert_eq!(gate.establish(&head).await.principal().unwrap().subject(), "alice");
    // Tests of handlers need no browser.
    let acting = gate.acting_as(acting_as("bob"));
    let head = request("cross-site", "abc");
    assert_eq!(acting.establish(&head).await.principal().unwrap().subject(), "bob");
    assert_eq!(gate.establish(&head).await.principal().unwrap_err().kind(), ErrorKind::CrossOrigin);
}

#[tokio::test]
async fn the_answer_is_403_and_asks_for_no_other_credential() {
    let issuer = TestIssuer::new();
    let build = |parts: fn(GateBuilder) -> GateBuilder| {
        let builder = Gate::builder().cookie("session").realm("here").authenticator(issuer.authenticator());
        parts(builder).build().unwrap()
    };
    let plain = build(|builder| builder);
    let own = build(|builder| {
        builder.render(|error, default| match error.kind() {
            ErrorKind::CrossOrigin => default.with_body("text/plain", error.code()),
            _ => Refusal::new(500),
        })
    });
    let head = || post(&[("sec-fetch-site", "cross-site")]);
    for policy in [&authenticated() as &dyn Policy, &hidden(staff())] {
        let refuse = async |gate: &Gate| {
            let head = head();
            let who = gate.establish(&head).await;
            gate.refuse(&gate.authorize(&who, policy, &head).await.unwrap_err())
        };
        let refusal = refuse(&plain).await;
        let headers: Vec<_> = refusal.headers().collect();
        assert_eq!((refusal.status(), headers), (403, vec![("content-type", "application/problem+json")]));
        let body: serde_json::Value = serde_json::from_slice(refusal.body()).unwrap();
        assert_eq!(body, serde_json::json!({ "title": "Forbidden", "status": 403, "code": "cross_origin" }));
        let refusal = refuse(&own).await;
        assert_eq!((refusal.status(), refusal.body()), (403, &b"cross_origin"[..]));
    }
    let error = plain.read(&head()).unwrap_err();
    assert_eq!((error.challenge(Some("here")), error.scope(), error.retry_after()), (None, None, None));
    // Headers that are there twice are a malformed request, with the challenge of one.
    let twice = plain.read(&head().header("sec-fetch-site", "none")).unwrap_err();
    assert_eq!(twice.challenge(None).as_deref(), Some("Bearer error=\"invalid_request\""));
}

/// Everything that is said on this thread, one line for each event.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<(Level, String)>>>);

struct Line(String);

impl field::Visit for Line {
    fn record_debug(&mut self, field: &field::Field, value: &dyn fmt::Debug) {
        write!(self.0, "{}={value:?}; ", field.name()).unwrap();
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
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push((*event.metadata().level(), line.0));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn the_log_says_that_it_was_a_cookie_and_not_which() {
    let gate = Gate::builder().cookie("session").authenticator(Counting::default()).build().unwrap();
    let secret = "hunter2-hunter2";
    let requests = [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
        &[("origin", "null")],
        &[],
    ];
    let refuse = |headers: &[(&str, &str)]| {
        let head = Head::new().method("POST").header("cookie", format!("theme=dark; session={secret}; id={secret}"));
        let head = headers.iter().fold(head, |head, (name, value)| head.header(name, value));
        let who = gate.establish(&head).ready().unwrap();
        let error = gate.authorize(&who, &authenticated(), &head).ready().unwrap().unwrap_err();
        let refusal = gate.refuse(&error);
        format!("{who:?} {error} {error:?} {refusal:?} {}", String::from_utf8_lossy(refusal.body()))
    };
    // Once before anybody listens: where the event comes from has to be known to all threads.
    refuse(&[]);
    for headers in requests {
        let listener = Listener::default();
        let shown = tracing::subscriber::with_default(listener.clone(), || refuse(headers));
        let heard = listener.0.lock().unwrap().clone();
        let [(Level::INFO, line)] = &heard[..] else { panic!("{heard:?}") };
        for part in ["code=\"cross_origin\"", "status=403", "source=cookie `session`", "message=refused: "] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert!(!line.contains("issuer") && !line.contains("cause"), "{line}");
        assert!(!line.contains("hunter2") && !line.contains("dark"), "{line}");
        assert!(!shown.contains("hunter2") && !shown.contains("dark"), "{shown}");
    }
}
