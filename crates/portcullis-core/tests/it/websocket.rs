//! Tokens of pages that open a WebSocket, which cannot send a header of their own.

use crate::{
    cross_origin::{self, CROSS},
    head::Head,
    sources::{ABSENT, CONFLICT, MALFORMED, Read, UNUSABLE, check, gate, gate_with, text},
};
use portcullis_core::{CredentialSource, ErrorKind, Gate, GateBuilder, Scheme, testing::TestIssuer};

fn upgrade() -> Head {
    Head::of(&[("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")])
}

fn offers(protocols: &str) -> Head {
    upgrade().header("sec-websocket-protocol", protocols)
}

/// RFC 6455, section 4.2.1: `Upgrade` contains `websocket` in any case. RFC 8441, section 4: `CONNECT` in HTTP/2. In a
/// doubt it is one: what is asked more of WebSockets than of others must not be avoided by how it is spelled.
#[test]
fn tokens_for_websockets_are_read_from_upgrades_alone() {
    let protocol = gate(Scheme::websocket_protocol);
    let query = gate(|scheme| scheme.websocket_query("token"));
    let both = |head: Head| head.header("sec-websocket-protocol", "bearer, abc").query("token=abc");
    let with = |value: &str| both(Head::of(&[("upgrade", value)]));
    let found = text("abc");
    for (what, head, expected) in [
        ("as it is written", with("websocket"), found),
        ("as the old draft had it", with("WebSocket"), found),
        ("in capitals", with("WEBSOCKET"), found),
        ("with a version", with("websocket/13"), found),
        ("last of several", with("h2c, websocket"), found),
        ("first of several", with("websocket, h2c"), found),
        ("of several without spaces", with("h2c,WebSocket,tls/1.0"), found),
        ("in a second line", both(Head::of(&[("upgrade", "h2c"), ("upgrade", "websocket")])), found),
        ("in a first line", both(Head::of(&[("upgrade", "websocket"), ("upgrade", "h2c")])), found),
        ("twice", both(Head::of(&[("upgrade", "websocket"), ("upgrade", "websocket")])), found),
        ("with white space", with("\twebsocket "), found),
        ("in other words", with("xwebsockets"), found),
        ("by another method", with("websocket").method("POST"), found),
        ("with CONNECT", both(Head::new()).method("CONNECT"), found),
        ("nothing", both(Head::new()), ABSENT),
        ("a POST", both(Head::new()).method("POST"), ABSENT),
        ("connect in lower case", both(Head::new()).method("connect"), ABSENT),
        ("empty", with(""), ABSENT),
        ("another protocol", with("h2c"), ABSENT),
        ("nearly", with("websocke"), ABSENT),
        ("in two words", with("web socket"), ABSENT),
        ("over two lines", both(Head::of(&[("upgrade", "webs"), ("upgrade", "ocket")])), ABSENT),
        ("the connection alone", both(Head::of(&[("connection", "upgrade, websocket")])), ABSENT),
        ("the key alone", both(Head::of(&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")])), ABSENT),
        ("the mode alone", both(Head::of(&[("sec-fetch-mode", "websocket")])), ABSENT),
        ("the version alone", both(Head::of(&[("sec-websocket-version", "13")])), ABSENT),
    ] {
        check(&protocol, [(what, head.clone(), expected)]);
        check(&query, [(what, head, expected)]);
    }
    // What cannot be read does not matter there either.
    for line in ["bearer", "bearer, a b", "bearer, abc, bearer, def"] {
        check(&protocol, [(line, Head::of(&[("sec-websocket-protocol", line)]), ABSENT)]);
        assert!(protocol.read(&offers(line)).is_err(), "{line}");
    }
}

/// RFC 6455, section 11.3.4: a list of subprotocols, which may take several lines.
#[test]
fn the_subprotocol_after_bearer_is_the_token() {
    let gate = gate(Scheme::websocket_protocol);
    let rows: &[(&[&[u8]], Read)] = &[
        (&[b"bearer, abc"], text("abc")),
        (&[b"bearer,abc"], text("abc")),
        (&[b"bearer ,abc"], text("abc")),
        (&[b"  bearer \t,\t abc  "], text("abc")),
        (
            &[b"bearer, eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln_-~"],
            text("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln_-~"),
        ),
        // Others around it.
        (&[b"chat, bearer, abc"], text("abc")),
        (&[b"bearer, abc, chat"], text("abc")),
        (&[b"chat, bearer, abc, superchat"], text("abc")),
        (&[b"Bearer, x, bearer, abc"], text("abc")),
        // Lines are one list (RFC 9110, section 5.3).
        (&[b"bearer", b"abc"], text("abc")),
        (&[b"chat, bearer", b"abc, superchat"], text("abc")),
        (&[b"chat", b"bearer", b"abc"], text("abc")),
        (&[b"chat", b"bearer, abc"], text("abc")),
        // What follows is the token, even if it is called like the name before it.
        (&[b"bearer, bearer"], text("bearer")),
        (&[b"bearer", b"bearer"], text("bearer")),
        (&[b"bearer, bearer, abc"], text("bearer")),
        // Empty elements that nobody asks for.
        (&[b"bearer, abc,"], text("abc")),
        (&[b", bearer, abc"], text("abc")),
        (&[b",,bearer,abc,,"], text("abc")),
        // No `bearer`, and names that are not it: subprotocols are case-sensitive.
        (&[], ABSENT),
        (&[b""], ABSENT),
        (&[b","], ABSENT),
        (&[b"abc"], ABSENT),
        (&[b"chat, superchat"], ABSENT),
        (&[b"Bearer, abc"], ABSENT),
        (&[b"BEARER, abc"], ABSENT),
        (&[b"bearer2, abc"], ABSENT),
        (&[b"xbearer, abc"], ABSENT),
        (&[b"bearer.abc"], ABSENT),
        (&[b"bearer abc"], ABSENT),
        (&[b"bearer;abc"], ABSENT),
        (&[b"bearer=abc"], ABSENT),
        (&[b"\"bearer\", abc"], ABSENT),
        (&[b"bearer\xff, abc"], ABSENT),
        (&[b"bearer\x0c, abc"], ABSENT),
        (&[b"bearer\0, abc"], ABSENT),
        // It says that a token follows, and none does.
        (&[b"bearer"], UNUSABLE),
        (&[b"bearer,"], UNUSABLE),
        (&[b"bearer, "], UNUSABLE),
        (&[b"bearer, \t"], UNUSABLE),
        (&[b"bearer", b""], UNUSABLE),
        (&[b"bearer, , abc"], UNUSABLE),
        (&[b"bearer,,abc"], UNUSABLE),
        (&[b"bearer", b"", b"abc"], UNUSABLE),
        (&[b"chat, bearer"], UNUSABLE),
        (&[b"abc, bearer"], UNUSABLE),
        (&[b"abc", b"bearer"], UNUSABLE),
        // What follows is no token.
        (&[b"bearer, a b"], UNUSABLE),
        (&[b"bearer, a\tb"], UNUSABLE),
        (&[b"bearer, a\0b"], UNUSABLE),
        (&[b"bearer, a\x7fb"], UNUSABLE),
        (&[b"bearer, \x0cabc"], UNUSABLE),
        (&[b"bearer, \xc3\xa9"], UNUSABLE),
        (&[b"bearer, abc\xff"], UNUSABLE),
        (&[b"bearer, \xa0"], UNUSABLE),
        // Two of them: whoever reads the first goes by another one than who reads the last.
        (&[b"bearer, abc, bearer, def"], MALFORMED),
        (&[b"bearer, abc, bearer, abc"], MALFORMED),
        (&[b"bearer, abc", b"bearer, def"], MALFORMED),
        (&[b"bearer, abc, bearer"], MALFORMED),
        (&[b"bearer, abc, chat, bearer,"], MALFORMED),
        (&[b"bearer, bearer, bearer"], MALFORMED),
        (&[b"bearer, bearer, bearer, abc"], MALFORMED),
        (&[b"bearer, , bearer, abc"], MALFORMED),
        (&[b"bearer, a b, bearer, abc"], MALFORMED),
    ];
    for (lines, expected) in rows {
        let head = lines.iter().fold(upgrade(), |head, line| head.header("sec-websocket-protocol", line));
        let what: Vec<_> = lines.iter().map(|line| line.escape_ascii().to_string()).collect();
        check(&gate, [(what.join(" | ").as_str(), head, *expected)]);
    }
    check(&gate, [("as a bearer header", upgrade().bearer("abc"), ABSENT)]);
    check(&gate, [("in the address", upgrade().query("bearer=abc&token=abc"), ABSENT)]);
}

#[test]
fn the_query_of_a_websocket_is_that_of_an_upgrade() {
    let gate = gate(|scheme| scheme.websocket_query("token"));
    let rows = [
        ("token=abc", text("abc")),
        ("a=1&t%6fken=a%62c&b=2", text("abc")),
        ("", ABSENT),
        ("token=", ABSENT),
        ("token", ABSENT),
        ("Token=abc&token2=def&token[]=ghi", ABSENT),
        ("token=a+b", UNUSABLE),
        ("token=%20", UNUSABLE),
        ("token=%00", UNUSABLE),
        ("token=%FF", UNUSABLE),
        ("token=abc&token=def", MALFORMED),
        ("token=abc&token=abc", MALFORMED),
        ("token=&token=abc", MALFORMED),
        ("token=abc&%74oken=def", MALFORMED),
    ];
    for (query, expected) in rows {
        check(&gate, [(query, upgrade().query(query), expected)]);
        // Elsewhere it is a parameter like any other.
        check(&gate, [(query, Head::new().query(query), ABSENT)]);
        check(&gate, [(query, Head::new().method("POST").query(query), ABSENT)]);
    }
}

/// RFC 6750, section 2: one method in a request. A parameter that is not read is no method.
#[test]
fn a_header_and_the_query_of_a_websocket_are_refused_together() {
    for (what, gate) in [
        ("bearer first", gate(|scheme| scheme.bearer().websocket_query("token"))),
        ("query first", gate(|scheme| scheme.websocket_query("token").bearer())),
        ("the cookie before both", gate(|scheme| scheme.cookie("session").bearer().websocket_query("token"))),
    ] {
        check(
            &gate,
            [
                (what, upgrade().bearer("abc").query("token=def"), MALFORMED),
                (what, upgrade().bearer("abc").query("token=abc"), MALFORMED),
                (what, upgrade().bearer("abc").query("token=d&token=e"), MALFORMED),
                (what, upgrade().header("authorization", "Bearer").query("token=def"), MALFORMED),
                (what, upgrade().header("authorization", "Basic eA==").query("token=def"), text("def")),
                (what, upgrade().bearer("abc").query("token="), text("abc")),
                (what, upgrade().bearer("abc").query("other=def"), text("abc")),
                (what, upgrade().query("token=def"), text("def")),
                (what, Head::new().bearer("abc").query("token=def"), text("abc")),
                (what, Head::new().bearer("abc").query("token=d&token=e"), text("abc")),
                (what, Head::new().query("token=def"), ABSENT),
            ],
        );
    }
    // One that is read everywhere is refused everywhere, beside one that is not.
    let both = gate(|scheme| scheme.query("token").websocket_query("ws").bearer());
    check(
        &both,
        [
            ("the first", Head::new().bearer("abc").query("token=def"), MALFORMED),
            ("the second", Head::new().bearer("abc").query("ws=def"), text("abc")),
            ("the second of an upgrade", upgrade().bearer("abc").query("ws=def"), MALFORMED),
            ("both", Head::new().query("ws=def&token=abc"), text("abc")),
            ("both of an upgrade", upgrade().query("ws=def&token=abc"), text("abc")),
        ],
    );
}

#[test]
fn the_order_of_the_sources_holds_for_websockets_too() {
    let protocol_first = gate(|scheme| scheme.websocket_protocol().websocket_query("token").cookie("session"));
    let cookie_first = gate(|scheme| scheme.cookie("session").websocket_query("token").websocket_protocol());
    let ours = |head: Head| head.header("cookie", "session=ghi").header("sec-fetch-site", "same-origin");
    let all = || ours(offers("chat, bearer, abc")).query("token=def");
    check(
        &protocol_first,
        [
            ("all", all(), text("abc")),
            ("no token among the subprotocols", ours(offers("chat")).query("token=def"), text("def")),
            ("an empty parameter", ours(offers("chat")).query("token="), text("ghi")),
            ("a broken one is not skipped", ours(offers("bearer")).query("token=def"), UNUSABLE),
            ("a broken parameter is not skipped", ours(upgrade()).query("token=%20"), UNUSABLE),
            (
                "no upgrade",
                ours(Head::of(&[("sec-websocket-protocol", "bearer, abc")])).query("token=def"),
                text("ghi"),
            ),
            // Not even a broken one counts where no WebSocket is asked for.
            ("no upgrade, broken", ours(Head::of(&[("sec-websocket-protocol", "bearer")])), text("ghi")),
        ],
    );
    check(
        &cookie_first,
        [
            ("all", all(), text("ghi")),
            ("an empty cookie", offers("bearer, abc").header("cookie", "session=").query("token=def"), text("def")),
            ("the subprotocol alone", offers("bearer, abc"), text("abc")),
            ("a broken subprotocol after a good cookie", ours(offers("bearer")), text("ghi")),
        ],
    );
    let strict = gate_with(
        |scheme| scheme.cookie("session").websocket_protocol().websocket_query("token"),
        GateBuilder::reject_conflicts,
    );
    check(
        &strict,
        [
            ("all equal", ours(offers("bearer, ghi")).query("token=ghi"), text("ghi")),
            ("the subprotocol differs", ours(offers("bearer, abc")).query("token=ghi"), CONFLICT),
            ("the parameter differs", ours(offers("bearer, ghi")).query("token=abc"), CONFLICT),
            ("no upgrade, all differ", ours(Head::new()).query("token=abc"), text("ghi")),
        ],
    );
}

/// Cross-site WebSocket hijacking: the page of a stranger opens the socket, the browser adds the cookie, and no
/// preflight asks.
#[test]
fn a_websocket_by_cookie_has_to_come_from_a_page_of_ours() {
    let gate = gate_with(
        |scheme| scheme.cookie("session").websocket_protocol().websocket_query("token"),
        |gate| gate.allow_origin("https://app.example.com"),
    );
    let read = text("abc");
    let site = |value| ("sec-fetch-site", value);
    let (host, own) = (("host", "example.com"), ("origin", "https://example.com"));
    let (app, evil) = (("origin", "https://app.example.com"), ("origin", "https://evil.test"));
    let mode = ("sec-fetch-mode", "websocket");
    for (headers, expected) in [
        (&[site("same-origin"), mode][..], read),
        (&[site("none")], read),
        (&[site("same-site"), mode], CROSS),
        (&[site("cross-site"), mode], CROSS),
        (&[site("cross-site")], CROSS),
        (&[site("cross-site"), ("sec-fetch-mode", "navigate")], CROSS),
        (&[site("same-site"), app, mode], read),
        (&[site("cross-site"), app, mode], read),
        (&[site("cross-site"), evil, mode], CROSS),
        // The name of the service itself does not help against what the browser says.
        (&[site("cross-site"), host, own], CROSS),
        // Browsers send no `Sec-Fetch-Site` to addresses that they do not trust, such as `ws://example.com`.
        (&[host, own], read),
        (&[host, ("origin", "http://example.com")], read),
        (&[host, app], read),
        (&[host, evil], CROSS),
        (&[host, ("origin", "null")], CROSS),
        (&[host, ("origin", "wss://example.com")], CROSS),
        (&[host], CROSS),
        (&[], CROSS),
        (&[host, own, own], MALFORMED),
        (&[site("none"), site("none")], MALFORMED),
    ] {
        let add = |head: Head| headers.iter().fold(head, |head, (name, value)| head.header(name, value));
        let cookie = |head: Head| add(head).header("cookie", "session=abc");
        let heads = ["websocket", "WebSocket", "h2c, websocket"].map(|value| Head::of(&[("upgrade", value)]));
        for head in heads.into_iter().chain([Head::new().method("CONNECT")]) {
            cross_origin::check(&gate, &format!("{headers:?}"), &cookie(head), expected);
        }
        // Tokens that the page has to know are read from every page, as long as they are there.
        let known = text("def");
        check(&gate, [("a subprotocol", add(offers("bearer, def")), known)]);
        check(&gate, [("a parameter", add(upgrade().query("token=def")), known)]);
        // The cookie stands first here.
        cross_origin::check(&gate, &format!("{headers:?}"), &cookie(offers("bearer, def")), expected);
        // What is no upgrade, and what the browser does not say is another site's, only reads.
        let reads = headers.iter().all(|header| *header != site("cross-site") && *header != site("none"));
        if reads {
            cross_origin::check(&gate, &format!("{headers:?}"), &cookie(Head::new()), read);
        }
    }
    let protocol_first = crate::sources::gate(|scheme| scheme.websocket_protocol().cookie("session"));
    let evil = || offers("bearer, def").header("cookie", "session=abc").header("origin", "https://evil.test");
    check(&protocol_first, [("the subprotocol first", evil(), text("def"))]);
    let without = upgrade().header("cookie", "session=abc").header("origin", "https://evil.test");
    cross_origin::check(&protocol_first, "the cookie alone", &without, CROSS);
}

#[test]
fn a_source_says_where_it_is() {
    let sources = [
        (CredentialSource::cookie("session"), Some("cookie"), "cookie `session`"),
        (CredentialSource::bearer(), Some("authorization"), "bearer header"),
        (CredentialSource::header("X-Key"), Some("x-key"), "header `x-key`"),
        (CredentialSource::query("token"), None, "query parameter `token`"),
        (CredentialSource::websocket_protocol(), Some("sec-websocket-protocol"), "WebSocket subprotocol"),
        (CredentialSource::websocket_query("ws"), None, "query parameter `ws` of a WebSocket"),
    ];
    let all = gate(|scheme| sources.iter().fold(scheme, |scheme, (source, ..)| scheme.source(source.clone())));
    assert!(all.sources().eq(sources.iter().map(|(source, ..)| source)));
    for (source, header, shown) in &sources {
        assert_eq!((source.header_name(), source.to_string().as_str()), (*header, *shown));
    }
    assert_eq!(CredentialSource::WEBSOCKET_PROTOCOL, "bearer");
    for (head, source, shown) in [
        (offers("chat, bearer, s3cret"), &sources[4].0, "WebSocket subprotocol"),
        (upgrade().query("ws=s3cret"), &sources[5].0, "query parameter `ws` of a WebSocket"),
    ] {
        let read = all.read(&head).unwrap().unwrap();
        assert_eq!((read.expose(), read.source()), ("s3cret", source));
        assert_eq!(format!("{read:?}"), format!("Credential(.. from {shown})"));
    }
    for head in [
        offers("bearer, s3cret, bearer, s3cret"),
        offers("bearer, s3cr\u{e9}t"),
        upgrade().query("ws=s3cret&ws=s3cret"),
    ] {
        let error = all.read(&head).unwrap_err();
        assert!(error.credential_source().is_some());
        assert!(!format!("{error} {error:?}").contains("s3cr"), "{error:?}");
    }
}

#[test]
fn a_websocket_source_is_named_once() {
    type With = fn(Scheme) -> Scheme;
    let accepted: &[With] = &[
        |scheme| scheme.websocket_protocol(),
        |scheme| scheme.websocket_query("access token[\u{e9}]"),
        |scheme| scheme.websocket_protocol().websocket_query("a").websocket_query("b").bearer().cookie("a"),
    ];
    let refused: &[With] = &[
        |scheme| scheme.websocket_protocol().websocket_protocol(),
        |scheme| scheme.websocket_protocol().bearer().source(CredentialSource::websocket_protocol()),
        |scheme| scheme.websocket_query("a").websocket_query("a"),
        |scheme| scheme.websocket_query(""),
        |scheme| scheme.bearer().websocket_query(""),
    ];
    for with in accepted {
        gate(with);
    }
    for with in refused {
        let built = Gate::builder().scheme(with(Scheme::new(TestIssuer::new().verifier()))).build();
        assert_eq!(built.unwrap_err().kind(), ErrorKind::Misconfigured);
    }
}
