//! The other end of a request.

use std::{fmt, net::IpAddr};

/// Where a request comes from, as far as that is known.
///
/// It is shown in lists of sessions and counted by limits. It never decides who a caller is.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// The network address, behind the proxies that the service trusts.
    pub address: Option<IpAddr>,
    /// `User-Agent`, at most 255 characters of it.
    pub user_agent: Option<String>,
    /// The cookie of a browser that has signed in before: [`SignIn::device`](crate::SignIn::device).
    pub device: Option<String>,
}

impl Client {
    /// A client of which nothing is known. Nothing is counted for its address.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// A client with this address.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self { address: Some(address), ..Self::default() }
    }

    /// With this `User-Agent`, cut after 255 characters.
    #[must_use]
    pub fn with_user_agent(self, agent: &str) -> Self {
        Self { user_agent: Some(agent.chars().take(255).collect()), ..self }
    }

    /// With the cookie of [`SignIn::device`](crate::SignIn::device).
    #[must_use]
    pub fn with_device(self, device: impl Into<String>) -> Self {
        Self { device: Some(device.into()), ..self }
    }

    /// For what is kept or shown: the cookie is a secret of its browser.
    pub(crate) fn without_device(&self) -> Self {
        Self { device: None, ..self.clone() }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
