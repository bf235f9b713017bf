//! Addresses to be signed.
//!
//! Clients change some addresses before they send them: browsers resolve `..` and encode spaces. Such an address would never be
//! valid, or would be signed for another path than the one that it is used for. It is an error.

use crate::{error::Error, head::RequestHead};
use std::borrow::Cow;

/// A request to be signed: a method, and an address that all clients send as it is.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(super) fn new(method: &'a str, address: &'a str) -> Result<Self, Error> {
        let (path, query) = address.split_once('?').map_or((address, None), |(path, query)| (path, Some(query)));
        let problem = if method == "HEAD" {
            "an address for HEAD is signed for GET, which serves HEAD as well"
        } else if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
            "the method to be signed is not written in capital letters"
        } else if !path.starts_with('/') || path.starts_with("//") {
            "the address to be signed does not begin with one `/`; leave scheme and host out"
        } else if path.split('/').any(is_dots) {
            "the address to be signed has a part `.` or `..`, which clients resolve"
        } else if !is_sent_as_is(path, b"!$&'()*+,;=:@/")
            || !query.is_none_or(|query| is_sent_as_is(query, b"!$&()*+,;=:@/?"))
        {
            "the address to be signed has a character that clients would encode; percent-encode it first"
        } else {
            return Ok(Self { method, path, query });
        };
        Err(Error::misconfigured(problem))
    }
}

/// Whether a parameter of this name is written the same everywhere.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Browsers also take encoded dots for dots.
fn is_dots(part: &str) -> bool {
    part.len() <= 6 && matches!(&*part.to_ascii_lowercase().replace("%2e", "."), "." | "..")
}

/// Unreserved characters, these, and percent-encoded bytes (RFC 3986, section 3.3). Browsers encode `'` in a query.
fn is_sent_as_is(text: &str, others: &[u8]) -> bool {
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return true,
            [b'%', a, b, rest @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest,
            [byte, rest @ ..] if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || others.contains(byte) => {
                rest
            }
            _ => return false,
        }
    }
}

impl RequestHead for Target<'_> {
    fn method(&self) -> &str {
        self.method
    }

    fn path(&self) -> &str {
        self.path
    }

    fn query(&self) -> Option<&str> {
        self.query
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn each_header<'a>(&'a self, _: &str, _: &mut dyn FnMut(&'a [u8])) {}

    fn headers<'a>(&'a self, _: &mut dyn FnMut(&'a str, &'a [u8])) {}

    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(None)
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(Vec::new())
    }
}
