//! By the method, and by what the browser says of the page.

use super::*;

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
