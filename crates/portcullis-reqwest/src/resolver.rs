//! Looks up names.

use crate::address::is_localhost;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// The system's resolver, except for `localhost` and the names below it. These mean this machine and are not looked up: plain
/// http is allowed to them, and a DNS may say something else.
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0 stands for that of the address.
            let addresses: Addrs = if is_localhost(name.as_str()) {
                Box::new([SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), (Ipv6Addr::LOCALHOST, 0).into()].into_iter())
            } else {
                // Collected, because what `lookup_host` gives borrows the name.
                Box::new(tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>().into_iter())
            };
            Ok(addresses)
        })
    }
}
