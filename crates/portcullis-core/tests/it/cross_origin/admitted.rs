//! Origins that are allowed by name.

use super::*;

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
        cookies(|builder| builder.dangerous_allow_cross_origin().allow_origin("https://app.example.com")),
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
        let builder = Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).cookie("session"));
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
    let scheme = || Scheme::new(TestIssuer::new().verifier());
    for builder in [
        Gate::builder().scheme(scheme().cookie("session")).dangerous_allow_cross_origin().allow_origin("*"),
        Gate::builder().scheme(scheme().bearer()).allow_origin("https://example.com/"),
        Gate::builder().allow_origin("null").scheme(scheme().cookie("session")),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::Misconfigured);
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
    parts(Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).cookie("session"))).build()
}
