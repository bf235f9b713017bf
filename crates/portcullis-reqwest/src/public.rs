//! Which IP addresses belong to the public Internet.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// These addresses without those that are not public.
///
/// # Errors
/// If none is left.
pub(crate) fn only_public(addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    let public: Vec<_> = addresses.into_iter().filter(|address| is_public(address.ip())).collect();
    match public.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::PermissionDenied, "the name has no public address")),
        false => Ok(public),
    }
}

/// Whether this is a public unicast address. Everything in the special-purpose registries (RFC 6890) is refused, also where
/// it embeds a public IPv4 address: what a gateway makes of it is not known here.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127, ..] // this network, private, loopback
            | [100, 64..=127, ..] // shared by a carrier's customers (RFC 6598)
            | [169, 254, ..] // link-local, and the metadata of clouds
            | [172, 16..=31, ..] | [192, 168, ..] // private
            | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] // protocols, documentation
            | [192, 88, 99, _] // relays of 6to4
            | [198, 18 | 19, ..] // benchmarks
            | [168, 63, 129, 16] // Azure's address of the host below a virtual machine
            | [224..=255, ..] // multicast, reserved, broadcast
    )
}

/// Only 2000::/3 is assigned as global unicast. Outside of it are loopback, unspecified, IPv4-mapped and -compatible, NAT64,
/// unique local, link-local, site-local and multicast addresses.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, ..=0x01ff | 0x0db8, ..] => false, // protocols (Teredo among them), documentation
        [0x2002, ..] => false,                     // 6to4
        [0x3fff, ..=0x0fff, ..] => false,          // documentation
        [first, ..] => first & 0xe000 == 0x2000,
    }
}
