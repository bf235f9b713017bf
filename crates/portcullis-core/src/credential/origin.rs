//! Whether a page may make a request. It decides whether a cookie counts there.

use super::value::only;
use crate::{
    error::{Error, ErrorKind, quote},
    head::{RequestHead, is_websocket},
};
use std::{borrow::Cow, net::Ipv6Addr};

/// The origins whose pages may make requests that carry a cookie, or that change something without a credential. A browser
/// adds cookies to requests of any page. So a gate checks what the browser says about the page: `Sec-Fetch-Site` (Fetch
/// Metadata), and `Origin` where that is missing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    /// Allowed by name, in addition to the origin of the target itself.
    pub(crate) allowed: Vec<String>,
    pub(crate) is_any_allowed: bool,
}

impl Origins {
    /// Checks that each name is one that a browser would send.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.allowed.iter().find(|origin| !is_origin(origin)) {
            None => Ok(()),
            Some(origin) => Err(Error::misconfigured(format!(
                "no browser sends the origin `{origin}`; it is `scheme://host`, in lower case and ASCII (`xn--`), with \
                 `:port` unless it is the usual one, and with nothing after it"
            ))),
        }
    }

    /// Checks whether a page may make this request, which carries a cookie or needs no credential.
    pub(crate) fn admit(&self, head: &dyn RequestHead) -> Result<(), Error> {
        if self.is_any_allowed {
            return Ok(());
        }
        let site = only(head, "sec-fetch-site")?;
        let changes = !matches!(head.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE") || is_websocket(head);
        let refused = match site {
            Some(b"same-origin" | b"none") => return Ok(()),
            Some(b"cross-site") if !changes => is_part_of_a_page(head)?,
            _ => changes,
        };
        if !refused {
            return Ok(());
        }
        match only(head, "origin")? {
            Some(origin) if self.allowed.iter().any(|allowed| allowed.as_bytes() == origin) => Ok(()),
            Some(origin) if site.is_none() && is_target(origin, head)? => Ok(()),
            Some(origin) => Err(cross_origin(format!(
                "a page of {} makes the request; GateBuilder::allow_origin admits an origin by name",
                quote(&String::from_utf8_lossy(origin))
            ))),
            None if site.is_some() => Err(cross_origin("a page of another origin makes the request")),
            None => Err(cross_origin(
                "the request changes something and has neither `Sec-Fetch-Site` nor `Origin`; clients that are not browsers \
                 send a token in a header, or their `Origin`",
            )),
        }
    }
}

fn cross_origin(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::CrossOrigin, detail)
}

/// Whether a page loads the resource into itself: an image, a script, what a script fetches. Following a link is `navigate`,
/// and so is a frame, but not what is embedded.
fn is_part_of_a_page(head: &dyn RequestHead) -> Result<bool, Error> {
    let navigates = matches!(only(head, "sec-fetch-mode")?, None | Some(b"navigate"));
    Ok(!navigates || matches!(only(head, "sec-fetch-dest")?, Some(b"object" | b"embed")))
}

/// Whether the request goes to the origin that it comes from. Schemes are not compared, because a service behind a proxy does
/// not know its own.
fn is_target(origin: &[u8], head: &dyn RequestHead) -> Result<bool, Error> {
    let (from, usual_port): (_, &[u8]) = match (origin.strip_prefix(b"https://"), origin.strip_prefix(b"http://")) {
        (Some(from), _) => (from, b":443"),
        (_, Some(from)) => (from, b":80"),
        _ => return Ok(false),
    };
    let target = match head.authority() {
        Some(authority) => authority.as_bytes(),
        None => only(head, "host")?.unwrap_or_default(),
    };
    let target = target.strip_suffix(usual_port).unwrap_or(target);
    Ok(!from.is_empty() && from.eq_ignore_ascii_case(target))
}

/// As a browser serializes it (RFC 6454, section 6.2).
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).map_or_else(
        || !host.is_empty() && host.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_')),
        is_browsers_ipv6,
    );
    let port = port.is_none_or(|port| {
        port.parse::<u16>().is_ok_and(|number| number.to_string() == port)
            && !matches!((scheme, port), ("http", "80") | ("https", "443"))
    });
    // A WebSocket has the origin of its page, and a file has none.
    let scheme_is_good = !matches!(scheme, "ws" | "wss" | "file")
        && scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
    scheme_is_good && host && port
}

/// Browsers shorten IPv6 addresses as the standard library does, but write an embedded IPv4 address in hexadecimal.
fn is_browsers_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok_and(|address| {
        let [.., high, low] = address.segments();
        match address.to_ipv4_mapped() {
            Some(_) => text == format!("::ffff:{high:x}:{low:x}"),
            None => text == address.to_string(),
        }
    })
}
