//! Which addresses may be asked.

use crate::public::is_public;
use portcullis_core::{Error, ErrorKind};
use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address that may be asked.
pub(crate) struct Address {
    pub(crate) url: Url,
    /// Its host and port, for the log.
    pub(crate) host: String,
}

impl Address {
    /// Errors show nothing of an address but its host: the rest might be a secret.
    pub(crate) fn new(address: &str, allow_http: bool, only_public: bool) -> Result<Self, Error> {
        let misconfigured = |detail| Error::new(ErrorKind::Misconfigured, detail);
        let url = Url::parse(address)
            .map_err(|error| misconfigured("the address to ask is not a URL".to_owned()).with_cause(error))?;
        // The longest name that the DNS has; nothing longer comes into the log.
        let Some(name) = url.host_str().filter(|name| name.len() <= 253) else {
            return Err(misconfigured("the address to ask has no host".to_owned()));
        };
        let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        if !url.username().is_empty() || url.password().is_some() {
            return Err(misconfigured(format!("the address of {host} has a user name or password in it")));
        }
        match url.scheme() {
            "https" => {}
            "http" if allow_http || is_loopback(name) => {}
            "http" => {
                let detail = format!("{host} is not asked over plain http; `dangerous_allow_http()` allows it");
                return Err(misconfigured(detail));
            }
            _ => return Err(misconfigured(format!("{host} is asked over https and nothing else"))),
        }
        // The resolver checks names; it is not asked about these.
        if only_public && literal(name).is_some_and(|address| !is_public(address)) {
            return Err(misconfigured(format!("{host} is not a public address")));
        }
        Ok(Self { url, host })
    }
}

/// The IP address that a host is. `host` is as a URL has it after parsing: in lower case, IPv4 as dotted quads, IPv6 in
/// brackets.
fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse().ok().map(|address: Ipv6Addr| address.into()),
        None => host.parse().ok().map(|address: Ipv4Addr| address.into()),
    }
}

fn is_loopback(host: &str) -> bool {
    is_localhost(host) || literal(host).is_some_and(|address| address.is_loopback())
}

/// The names that mean this machine (RFC 6761, section 6.3).
pub(crate) fn is_localhost(name: &str) -> bool {
    name.strip_suffix("localhost").is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
