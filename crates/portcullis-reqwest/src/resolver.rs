//! Looks up names.

use crate::{address::is_localhost, public::only_public};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// The system's resolver, except for `localhost` and the names below it. These mean this machine and are not looked up: plain
/// http is allowed to them, and a DNS may say something else.
pub(crate) struct Resolver {
    /// Whether other addresses than public ones are dropped. Connections are made to what is returned here.
    pub(crate) only_public: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let filtered = self.only_public;
        Box::pin(async move {
            // Port 0 stands for that of the address.
            let addresses: Vec<SocketAddr> = if is_localhost(name.as_str()) {
                vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]
            } else {
                // Collected, because what `lookup_host` gives borrows the name.
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect()
            };
            let addresses = if filtered { only_public(addresses)? } else { addresses };
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
