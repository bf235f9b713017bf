//! Routes that change something without a credential ask about the page themselves.

use super::*;

fn bare(method: &'static str, headers: &[(&str, &str)]) -> Head {
    headers.iter().fold(Head::new().method(method), |head, (name, value)| head.header(name, value))
}

const SITES: [Option<&str>; 6] =
    [None, Some("same-origin"), Some("none"), Some("same-site"), Some("cross-site"), Some("")];
const ORIGINS: [Option<&str>; 5] = [
    None,
    Some("https://api.example.com"),
    Some("https://app.example.com"),
    Some("https://evil.example"),
    Some("null"),
];

/// With or without a credential, the answer is that for a cookie.
#[test]
fn what_is_checked_is_what_a_cookie_needs() {
    let gates = [
        cookies(|builder| builder),
        cookies(|builder| builder.allow_origin("https://app.example.com")),
        cookies(GateBuilder::dangerous_allow_cross_origin),
    ];
    let (mut passed, mut refused) = (0, 0);
    for (gate, method, site, origin, mode) in gates.iter().flat_map(|gate| {
        let methods = SAFE.into_iter().chain(["POST", "PUT", "DELETE"]);
        let sites = methods.flat_map(|method| SITES.map(|site| (method, site)));
        let origins = sites.flat_map(|(method, site)| ORIGINS.map(|origin| (method, site, origin)));
        origins.flat_map(move |(method, site, origin)| {
            [None, Some("navigate"), Some("cors")].map(|mode| (gate, method, site, origin, mode))
        })
    }) {
        let headers = [("sec-fetch-site", site), ("origin", origin), ("sec-fetch-mode", mode)];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let headers: Vec<_> = headers.chain([("host", "api.example.com")]).collect();
        let read = gate.read(&with_cookie(method, &headers)).map(drop);
        let read = read.map_err(|error| (error.kind(), error.to_string()));
        for head in [bare(method, &headers), with_cookie(method, &headers), bare(method, &headers).bearer("abc")] {
            let checked = gate.check_origin(&head).map_err(|error| (error.kind(), error.to_string()));
            assert_eq!(checked, read, "{method} {headers:?}");
        }
        if read.is_ok() { passed += 1 } else { refused += 1 }
    }
    assert!(passed > 100 && refused > 100, "{passed} {refused}");
}

#[test]
fn signing_in_from_a_page_of_another_origin_is_refused() {
    let gate = cookies(|builder| builder.allow_origin("https://app.example.com"));
    let host = ("host", "api.example.com");
    for (headers, expected) in [
        (&[("sec-fetch-site", "same-origin")][..], Ok(())),
        (&[("sec-fetch-site", "none")], Ok(())),
        (&[("origin", "https://api.example.com"), host], Ok(())),
        (&[("sec-fetch-site", "same-site"), ("origin", "https://app.example.com")], Ok(())),
        (&[("sec-fetch-site", "same-site")], Err("another origin")),
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], Err("`https://evil.example`")),
        (&[("origin", "https://evil.example"), host], Err("GateBuilder::allow_origin")),
        (&[("origin", "null"), host], Err("`null`")),
        (&[host], Err("neither `Sec-Fetch-Site` nor `Origin`")),
    ] {
        let found = gate.check_origin(&bare("POST", headers));
        match (found, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(text)) => {
                assert_eq!((error.kind(), error.status()), (ErrorKind::CrossOrigin, 403), "{headers:?}");
                assert!(error.to_string().contains(text) && !error.to_string().contains("cookie"), "{error}");
                assert!(error.credential_source().is_none(), "{headers:?}");
            }
            (found, _) => panic!("{headers:?}: {found:?}"),
        }
        for method in SAFE {
            assert!(gate.check_origin(&bare(method, headers)).is_ok(), "{method} {headers:?}");
        }
    }
    // A WebSocket is opened with GET, and is no safe request.
    let socket = bare("GET", &[("upgrade", "websocket"), ("origin", "https://evil.example"), host]);
    assert_eq!(gate.check_origin(&socket).unwrap_err().kind(), ErrorKind::CrossOrigin);
    let twice = bare("POST", &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")]);
    assert_eq!(gate.check_origin(&twice).unwrap_err().kind(), ErrorKind::Malformed);
}

/// A gate that reads no cookie has the same setting.
#[test]
fn the_settings_are_those_for_cookies() {
    let build = |parts: fn(GateBuilder) -> GateBuilder| gate_with(Scheme::bearer, parts);
    let head = bare("POST", &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example.com")]);
    for (gate, is_ok) in [
        (build(|builder| builder), false),
        (build(|builder| builder.allow_origin("https://www.example.com")), false),
        (build(|builder| builder.allow_origin("https://app.example.com")), true),
        (build(GateBuilder::dangerous_allow_cross_origin), true),
    ] {
        assert_eq!(gate.check_origin(&head).is_ok(), is_ok);
    }
    assert!(build(GateBuilder::dangerous_allow_cross_origin).check_origin(&bare("POST", &[])).is_ok());
    assert!(build(|builder| builder).check_origin(&bare("POST", &[])).is_err());
}
