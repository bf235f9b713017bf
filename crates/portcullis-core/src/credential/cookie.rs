use super::source::trim;
use crate::{
    error::{Error, ErrorKind},
    head::RequestHead,
};

/// More cookie text than this is refused unread; browsers send a fraction of it.
const MAX_BYTES: usize = 64 * 1024;

/// The value of the cookie with exactly this name (RFC 6265bis, section 5.8.3). HTTP/2 may split the header into crumbs
/// (RFC 9113, section 8.2.3), so all lines count together. Read by hand and as bytes, because a neighbour's cookie that
/// is not UTF-8 must not matter, and a second one of the same name must.
pub(super) fn read<'h>(head: &'h dyn RequestHead, name: &str) -> Result<Option<&'h [u8]>, Error> {
    let (mut value, mut count, mut bytes) = (None, 0_usize, 0_usize);
    head.each_header("cookie", &mut |line: &'h [u8]| {
        bytes = bytes.saturating_add(line.len());
        if bytes > MAX_BYTES {
            return;
        }
        for pair in line.split(|byte| *byte == b';') {
            let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
            let (found, rest) = pair.split_at_checked(equals).unwrap_or((pair, b""));
            if trim(found) == name.as_bytes() {
                value = rest.get(1..);
                count = count.saturating_add(1);
            }
        }
    });
    if bytes > MAX_BYTES {
        return Err(Error::new(ErrorKind::Malformed, "more than 64 KiB of cookies"));
    }
    if count > 1 {
        return Err(Error::new(ErrorKind::Malformed, format!("the cookie `{name}` is there twice")));
    }
    let Some(value) = value else { return Ok(None) };
    let value = trim(value);
    let value = value.strip_prefix(b"\"").and_then(|inside| inside.strip_suffix(b"\"")).unwrap_or(value);
    Ok(Some(trim(value)).filter(|value| !value.is_empty()))
}
