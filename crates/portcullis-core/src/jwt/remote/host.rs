//! Where an address in a discovery document leads.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a URL leads to this machine or to its local link, where cloud services keep what only this machine may know, or is
/// written so that it is not clear. Names are not looked up here.
pub(super) fn may_be_here(url: &str) -> bool {
    let authority =
        url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((v6, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return v6.parse().map_or(true, |address: Ipv6Addr| is_here(IpAddr::V6(address)));
    }
    let name = authority.split_once(':').map_or(authority, |(name, _)| name).to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    // Percent signs and backslashes are read by some as something else.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return true;
    }
    // RFC 6761, section 6.3. And what ends in a number is an IPv4 address, however it is written (URL Standard, 3.5).
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    match name.parse::<Ipv4Addr>() {
        Ok(address) => is_here(IpAddr::V4(address)),
        Err(_) => is_number || last == "localhost",
    }
}

fn is_here(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.octets().first() == Some(&0),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}
