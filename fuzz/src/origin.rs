use crate::request::{Everybody, Request};
use portcullis_core::{ErrorKind, Gate, Scheme};
use std::sync::LazyLock;

const ALLOWED: &str = "https://app.example.com";

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let gate = Gate::builder().scheme(Scheme::new(Everybody).cookie("session").bearer()).allow_origin(ALLOWED).build();
    gate.expect("the gate is sound")
});

/// Whether a cookie counts, by `Sec-Fetch-*`, `Origin` and the host that the request is for.
pub fn origin(data: &[u8]) -> bool {
    let bare = Request::read(data);
    let head = bare.clone().with("cookie", "session=of-somebody");
    let read = GATE.read(&head);
    let is_ours = matches!(&read, Ok(Some(credential)) if credential.source().header_name() == Some("cookie"));
    let [site, origin, mode, destination] =
        ["sec-fetch-site", "origin", "sec-fetch-mode", "sec-fetch-dest"].map(|name| head.all(name));
    let is_own = matches!(site[..], [b"same-origin" | b"none"]);
    let is_allowed = matches!(origin[..], [origin] if origin == ALLOWED.as_bytes());
    if is_ours {
        assert!(site.len() < 2, "several sites: {head:?}");
        let to_itself = site.is_empty() && is_target(&head, &origin);
        if !matches!(&*head.method, "GET" | "HEAD" | "OPTIONS" | "TRACE") || head.is_websocket() {
            assert!(is_own || to_itself || is_allowed, "{head:?}");
        }
        // What another site's page loads into itself.
        if site == [b"cross-site"] && !matches!(mode[..], [] | [b"navigate"]) {
            assert!(is_allowed, "{head:?}");
        }
        if site == [b"cross-site"] && matches!(destination[..], [b"object" | b"embed"]) {
            assert!(is_allowed, "{head:?}");
        }
    }
    // The same request, and a browser that says whose page makes it.
    let worse = head.clone().with("sec-fetch-site", "cross-site");
    if site.is_empty() && worse.method == "POST" && !is_allowed {
        assert!(
            !matches!(GATE.read(&worse), Ok(Some(found)) if found.source().header_name() == Some("cookie")),
            "{worse:?}"
        );
    }
    // With one cookie and nothing that is there twice, it is read or refused for where it comes from.
    let is_plain = bare.all("cookie").is_empty() && bare.all("host").len() < 2;
    if is_plain && [&site, &origin, &mode, &destination].iter().all(|values| values.len() < 2) {
        match &read {
            Ok(found) => assert!(found.is_some(), "{head:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::CrossOrigin, "{head:?}"),
        }
        assert!(read.is_ok() || !is_own && !is_allowed, "{head:?}");
    }
    // Without the cookie, nothing of that matters.
    if let Err(error) = GATE.read(&bare) {
        assert!(error.kind() != ErrorKind::CrossOrigin || !bare.all("cookie").is_empty(), "{bare:?}");
    }
    is_ours
}

/// Whether this origin is that of the target, port by port; the scheme only says which port is the usual one.
fn is_target(head: &Request, origin: &[&[u8]]) -> bool {
    let [origin] = origin else { return false };
    let host = head.all("host").first().map(|host| String::from_utf8_lossy(host).into_owned());
    let target = head.authority.clone().or(host).unwrap_or_default().to_ascii_lowercase();
    let origin = String::from_utf8_lossy(origin);
    let (usual, from) = match (origin.strip_prefix("https://"), origin.strip_prefix("http://")) {
        (Some(from), _) => (":443", from.to_ascii_lowercase()),
        (_, Some(from)) => (":80", from.to_ascii_lowercase()),
        _ => return false,
    };
    let with_port = |name: &str| match name.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
        _ => format!("{name}{usual}"),
    };
    !from.is_empty() && with_port(&from) == with_port(&target)
}
