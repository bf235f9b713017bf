//! The text of an `iss`, before anybody is asked about it.

/// Longer names are not looked up.
const MOST_BYTES: usize = 256;

/// Whether this is the name of a server on the Internet, written in the one plain way: `https://`, a host name in lower case with a
/// dot in it, and a path. No user, no port, no query, no fragment, nothing encoded, and no address in place of the name. What
/// different readers could understand differently is not a name here.
pub(super) fn is_plain(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("https://").filter(|_| name.len() <= MOST_BYTES) else { return false };
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    is_host(host) && path.is_none_or(is_path)
}

fn is_host(host: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(is_inner) && label.trim_matches('-') == label
    };
    // What ends in a number is an IPv4 address, however it is written (URL Standard, 3.5). RFC 6761, section 6.3: this machine.
    let is_top = |top: &str| top.starts_with(|first: char| first.is_ascii_lowercase()) && top != "localhost";
    host.split('.').all(is_label) && host.rsplit_once('.').is_some_and(|(_, top)| is_top(top))
}

fn is_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let mut segments = path.strip_suffix('/').unwrap_or(path).split('/');
    let is_segment = |one: &str| !one.is_empty() && !matches!(one, "." | "..") && one.bytes().all(is_plain);
    path.is_empty() || segments.all(is_segment)
}
