//! Settings of fetched keys.

use super::{Inner, KeyAddress, RemoteKeys, Settings, snapshot::Snapshot};
use crate::{
    clock::SharedTime,
    error::{Error, quote},
    http::{HttpClient, checked},
    sync::{Cell, Mutex},
};
use std::{sync::Arc, time::Duration};

/// Settings of [`RemoteKeys`]. [`jwks`](Self::jwks), [`discover`](Self::discover) and [`discover_oauth`](Self::discover_oauth) create
/// the keys.
///
/// The defaults suit most issuers. Shorten [`lifetime`](Self::lifetime) if a withdrawn key has to be refused sooner. Shorten
/// [`max_stale`](Self::max_stale) if it is better to refuse everyone than to trust old keys while the issuer is down.
///
/// ```
/// use portcullis_core::{Algorithm, Audience, ErrorKind, Issuer, Jwt, RemoteKeys};
/// # use portcullis_core::{HttpClient, HttpRequest, Reply, testing::TestIssuer};
/// use std::time::Duration;
/// # /// Answers for the issuer, until its time has moved on.
/// # #[derive(Debug)] struct UpOnce(TestIssuer, u64);
/// # impl HttpClient for UpOnce {
/// #     fn send(&self, request: HttpRequest, reply: Reply) {
/// #         if self.0.clock().seconds() == self.1 { self.0.send(request, reply); }
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let tester = TestIssuer::new();
/// # let (clock, start) = (tester.clock(), tester.clock().seconds());
/// # let client = UpOnce(tester.clone(), start);
/// let keys = RemoteKeys::builder()
///     .lifetime(Duration::from_secs(60), Duration::from_secs(600))
///     .max_stale(Duration::from_secs(3600))
///     .discover("https://issuer.test", client)?;
/// let verifier = Jwt::new(Issuer::new(
///     "https://issuer.test",
///     Audience::is("test"),
///     [Algorithm::Es256],
///     keys.clone(),
/// )?);
/// let verifier = verifier.clock(clock.clone());
/// keys.ready().await?;
/// let token = tester.token("alice").expires_in(Duration::from_secs(24 * 3600)).sign();
/// assert!(verifier.verify(&token).is_ok());
///
/// clock.advance(Duration::from_secs(600)); // from now on, the issuer is down
/// assert!(verifier.verify(&token).is_ok());
/// clock.advance(Duration::from_secs(3600));
/// assert!(verifier.verify(&token).is_err_and(|error| error.kind() == ErrorKind::Unavailable));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "keys are made by `jwks`, `discover` or `discover_oauth`"]
pub struct RemoteKeysBuilder {
    floor: Duration,
    ceiling: Duration,
    max_stale: Duration,
    imported: Option<Snapshot>,
}

impl Default for RemoteKeysBuilder {
    fn default() -> Self {
        let [floor, ceiling, max_stale] = [60, 3600, 24 * 3600].map(Duration::from_secs);
        Self { floor, ceiling, max_stale, imported: None }
    }
}

impl RemoteKeysBuilder {
    /// The minimum and maximum time that keys are valid, whatever the issuer says. A minute and an hour by default.
    ///
    /// Between these limits, the issuer decides: `max-age` in `Cache-Control`, or else `Expires`; five minutes if it says
    /// nothing. With `no-cache` or `no-store`, keys are valid for the minimum. `s-maxage` is for shared caches (RFC 9111,
    /// section 5.2.2.10) and not used. A key that the issuer withdraws may stay valid here for as long.
    pub fn lifetime(mut self, floor: Duration, ceiling: Duration) -> Self {
        (self.floor, self.ceiling) = (floor, ceiling.max(floor));
        self
    }

    /// How long expired keys may still be used while the issuer does not answer. A day by default.
    pub fn max_stale(mut self, max_stale: Duration) -> Self {
        self.max_stale = max_stale;
        self
    }

    /// Starts with keys that an earlier process [exported](RemoteKeys::export). Their age continues from there.
    ///
    /// An import is trusted like the issuer itself: keep it where only this service can write.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if this is not an export, or its keys cannot be used.
    pub fn import(mut self, export: &str) -> Result<Self, Error> {
        self.imported = Some(Snapshot::import(export)?);
        Ok(self)
    }

    /// As [`RemoteKeys::jwks`].
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn jwks(self, url: impl Into<String>, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
        Ok(self.at(KeyAddress::At(checked(url.into())?), client))
    }

    /// As [`RemoteKeys::discover`].
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the issuer's name is no HTTP address.
    pub fn discover(self, issuer: impl Into<String>, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
        let issuer = issuer_name(issuer.into())?;
        let document = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(&issuer));
        Ok(self.at(KeyAddress::Discovered { issuer, document }, client))
    }

    /// As [`RemoteKeys::discover_oauth`].
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the issuer's name is no HTTP address.
    pub fn discover_oauth(
        self,
        issuer: impl Into<String>,
        client: impl HttpClient + 'static,
    ) -> Result<RemoteKeys, Error> {
        let issuer = issuer_name(issuer.into())?;
        // RFC 8414, section 3.1: between the host and the path.
        let base = issuer.strip_suffix('/').unwrap_or(&issuer);
        let host = base.find("://").and_then(|scheme| base.get(scheme + 3..)?.find('/').map(|path| scheme + 3 + path));
        let (host, path) = host.and_then(|end| base.split_at_checked(end)).unwrap_or((base, ""));
        let document = format!("{host}/.well-known/oauth-authorization-server{path}");
        Ok(self.at(KeyAddress::Discovered { issuer, document }, client))
    }

    fn at(self, address: KeyAddress, client: impl HttpClient + 'static) -> RemoteKeys {
        let Self { floor, ceiling, max_stale, imported } = self;
        let snapshot = Cell::new(imported.map(|snapshot| Arc::new(snapshot.with_limits(floor, ceiling))));
        let settings = Settings { address, client: Arc::new(client), floor, ceiling, max_stale };
        RemoteKeys(Arc::new(Inner { settings, time: SharedTime::default(), snapshot, schedule: Mutex::default() }))
    }
}

fn issuer_name(issuer: String) -> Result<String, Error> {
    let issuer = checked(issuer)?;
    match issuer.contains(['?', '#']) {
        true => Err(Error::misconfigured(format!("{} is no name of an issuer: it has a query", quote(&issuer)))),
        false => Ok(issuer),
    }
}
