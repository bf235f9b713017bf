//! What the modules of this crate share.

use portcullis_core::{Claims, Error, ErrorKind, Principal};

pub(crate) fn misconfigured(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Misconfigured, detail.into())
}

pub(crate) fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, detail.into())
}

/// The claims of a verified token. Every principal of an issuer has them.
pub(crate) fn claims(principal: &Principal) -> Result<&Claims, Error> {
    principal.token_claims().ok_or_else(|| invalid("the credential has no claims"))
}

/// A part of an address: letters, digits, `-`, `_` and `.`, and not only dots.
pub(crate) fn is_name(text: &str) -> bool {
    !text.bytes().all(|byte| byte == b'.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// A host without a port, such as `shop.eu.auth0.com`.
pub(crate) fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

/// The text form of a UUID (RFC 9562, section 4) in lower case.
pub(crate) fn is_uuid(text: &str) -> bool {
    let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => is_hex(&byte),
        })
}

/// An HTTPS address without a slash at its end, as a base of others.
pub(crate) fn base<'a>(what: &str, address: &'a str) -> Result<&'a str, Error> {
    let base = address.strip_suffix('/').unwrap_or(address);
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")).unwrap_or_default();
    let is_sound = rest.split('/').next().is_some_and(|host| !host.is_empty())
        && rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'\\'));
    if is_sound { Ok(base) } else { Err(misconfigured(format!("{what} is no HTTP address without a query"))) }
}
