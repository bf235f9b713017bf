//! The syntax of header values.

use super::CredentialSource;
use crate::{
    error::{Error, ErrorKind},
    head::RequestHead,
};

/// The value of a header that may be present once. A second one is refused even if it is equal: no client sends it (RFC 9110,
/// section 5.3), and a proxy that joins the two lines reads another value than we do.
pub(super) fn only<'h>(head: &'h dyn RequestHead, name: &str) -> Result<Option<&'h [u8]>, Error> {
    let (mut value, mut count) = (None, 0_usize);
    head.each_header(name, &mut |found| {
        value = Some(found);
        count = count.saturating_add(1);
    });
    if count > 1 {
        return Err(Error::new(ErrorKind::Malformed, format!("more than one `{name}` header")));
    }
    Ok(value)
}

/// What follows the scheme `Bearer` in `Authorization`, possibly nothing. `None` if the header is absent or has another
/// scheme.
pub(super) fn bearer(head: &dyn RequestHead) -> Result<Option<&[u8]>, Error> {
    let Some(value) = only(head, "authorization")?.map(trim).filter(|value| !value.is_empty()) else { return Ok(None) };
    // The usual spelling, which needs no search for the end of the scheme.
    if let Some((scheme, token)) = value.split_first_chunk::<7>()
        && (scheme == b"Bearer " || scheme.eq_ignore_ascii_case(b"bearer "))
    {
        return Ok(Some(without_spaces(token)));
    }
    of_scheme(value, b"bearer")
}

/// What follows `DPoP` in the authorization header (RFC 9449, section 7.1). `None` if it has another scheme.
pub(super) fn dpop(head: &dyn RequestHead) -> Result<Option<&[u8]>, Error> {
    match only(head, "authorization")?.map(trim).filter(|value| !value.is_empty()) {
        Some(value) => of_scheme(value, b"dpop"),
        None => Ok(None),
    }
}

fn of_scheme<'v>(value: &'v [u8], name: &[u8]) -> Result<Option<&'v [u8]>, Error> {
    let end = value.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(end).unwrap_or((value, b""));
    // RFC 9110, section 11.4: a scheme, then at least one space. Anything else is refused.
    if scheme.is_empty() || !(rest.is_empty() || rest.starts_with(b" ")) {
        return Err(Error::invalid("the authorization header is not `scheme credentials`"));
    }
    Ok(scheme.eq_ignore_ascii_case(name).then_some(without_spaces(rest)))
}

fn without_spaces(text: &[u8]) -> &[u8] {
    text.iter().position(|byte| *byte != b' ').and_then(|start| text.get(start..)).unwrap_or_default()
}

/// The element after `bearer` in the list of subprotocols (RFC 6455, section 11.3.4), which may take several lines.
pub(super) fn websocket_protocol<'h>(head: &'h dyn RequestHead) -> Result<Option<&'h [u8]>, Error> {
    let (mut token, mut count, mut is_next) = (None, 0_usize, false);
    head.each_header("sec-websocket-protocol", &mut |line: &'h [u8]| {
        for protocol in line.split(|byte| *byte == b',').map(trim) {
            if is_next {
                token = Some(protocol);
            }
            // The element after the name is the token, even if it is spelled like the name.
            is_next = !is_next && protocol == CredentialSource::WEBSOCKET_PROTOCOL.as_bytes();
            count = count.saturating_add(usize::from(is_next));
        }
    });
    match (count, token) {
        (0, _) => Ok(None),
        (1, Some(token)) if !token.is_empty() => Ok(Some(token)),
        (1, _) => Err(Error::invalid("the WebSocket subprotocol `bearer` is not followed by a token")),
        _ => Err(Error::new(ErrorKind::Malformed, "the WebSocket subprotocol `bearer` is present twice")),
    }
}

/// A value of visible ASCII, without surrounding white space.
pub(super) fn visible(value: &[u8]) -> Result<&str, Error> {
    let value = trim(value);
    match str::from_utf8(value) {
        Ok(text) if is_visible(value) => Ok(text),
        _ => Err(Error::invalid("the credential has characters that no credential has")),
    }
}

pub(super) fn is_visible(value: &[u8]) -> bool {
    each_is_good(value, |byte| beyond(byte, b'!', b'~'))
}

/// Without the surrounding white space that HTTP knows: spaces and tabs (RFC 9110, section 5.6.3). Code that strips more
/// takes `\x0c__Host-session` for a name that browsers protect.
pub(super) fn trim(value: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !space(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !space(byte)).map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

/// `token68` of RFC 9110, section 11.2: base64 alphabets, then padding.
pub(super) fn token68(token: &[u8]) -> Result<&str, Error> {
    let end = token.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let body = token.get(..end).unwrap_or_default();
    // From `-` to `9` are `-`, `.`, `/` and the digits. Most tokens have no others than these.
    let is_unusual = |byte: u8| beyond(byte | 0x20, b'a', b'z').min(beyond(byte, b'-', b'9')).min(byte ^ b'_');
    let is_bad = |byte: u8| is_unusual(byte).min(byte ^ b'~').min(byte ^ b'+');
    match str::from_utf8(token) {
        Ok(text) if !body.is_empty() && (each_is_good(body, is_unusual) || each_is_good(body, is_bad)) => Ok(text),
        _ => Err(Error::invalid("`Bearer` is not followed by one token (token68, RFC 6750, section 2.1)")),
    }
}

/// The token behind `DPoP`, which has the same characters as one behind `Bearer`.
pub(super) fn dpop_token(token: &[u8]) -> Result<&str, Error> {
    token68(token)
        .map_err(|error| error.with_detail("`DPoP` is not followed by one token (token68, RFC 9449, section 7.1)"))
}

/// Zero for a byte in this range, and for no other.
fn beyond(byte: u8, first: u8, last: u8) -> u8 {
    byte.wrapping_sub(first).saturating_sub(last - first)
}

/// Whether this is zero for each byte. Tokens are long and nearly always valid, so there is no early exit, and the compiler
/// checks sixteen bytes at once; some of the last sixteen twice.
fn each_is_good(bytes: &[u8], is_bad: impl Fn(u8) -> u8) -> bool {
    let Some(last) = bytes.last_chunk::<16>() else { return bytes.iter().all(|byte| is_bad(*byte) == 0) };
    let mut bad = [0; 16];
    let mut add = |block: &[u8; 16]| bad.iter_mut().zip(block).for_each(|(all, byte)| *all |= is_bad(*byte));
    bytes.as_chunks().0.iter().for_each(&mut add);
    add(last);
    bad == [0; 16]
}

/// `tchar` of RFC 9110, section 5.6.2.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::{token68, visible};

    /// Every byte, at every place of texts that are shorter and longer than the blocks that are checked together.
    #[test]
    fn each_byte_is_looked_at() {
        for length in [1, 15, 16, 17, 31, 32, 33, 50] {
            for (place, byte) in (0..length).flat_map(|place| (0..=u8::MAX).map(move |byte| (place, byte))) {
                let mut text = vec![b'a'; length];
                text[place] = byte;
                let is_base64 = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
                let is_padding = byte == b'=' && place > 0 && place == length - 1;
                assert_eq!(token68(&text).is_ok(), is_base64 || is_padding, "{byte} at {place} of {length}");
                let is_trimmed = matches!(byte, b' ' | b'\t') && (place == 0 || place == length - 1);
                assert_eq!(
                    visible(&text).is_ok(),
                    byte.is_ascii_graphic() || is_trimmed,
                    "{byte} at {place} of {length}"
                );
            }
        }
    }
}
