//! Whom to trust, and within which bounds.

use super::{
    TrustedIssuers,
    lookup::{AnyLookup, IssuerLookup},
};
use crate::{
    clock::{Clock, Time},
    error::{Error, quote},
    http::HttpClient,
    jwt::{Algorithm, Audience, Issuer},
};
use std::{collections::HashSet, sync::Arc, time::Duration};

type Predicate = dyn Fn(&str) -> bool + Send + Sync;
type Shape = dyn Fn(Issuer) -> Result<Issuer, Error> + Send + Sync;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) audience: Audience,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) client: Arc<dyn HttpClient>,
    pub(super) listed: HashSet<Arc<str>>,
    pub(super) lookup: Option<Arc<dyn AnyLookup>>,
    pub(super) predicate: Option<Arc<Predicate>>,
    pub(super) shape: Arc<Shape>,
    pub(super) max_bytes: usize,
    pub(super) max_issuers: usize,
    pub(super) fetches_per_minute: u32,
    pub(super) trusted_for: Duration,
    pub(super) refused_for: Duration,
    pub(super) time: Time,
}

impl TrustedIssuers {
    /// Trusts these issuers. They keep their keys whatever others do, and nobody is asked about them. A name is compared byte for
    /// byte. It has to be HTTPS, and it may have a port.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if a name is no HTTPS address.
    pub fn trust<S: Into<Arc<str>>>(self, names: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let names: Vec<Arc<str>> = names.into_iter().map(Into::into).collect();
        for name in &names {
            if !name.starts_with("https://") || name.contains('\\') {
                return Err(Error::misconfigured(format!("the issuer {} is no HTTPS address", quote(name))));
            }
            self.issuer(name)?;
        }
        Ok(self.with(|settings| settings.listed.extend(names)))
    }

    /// Trusts the issuers that this look-up knows. It is asked about issuers that are not on the [list](Self::trust). An earlier
    /// look-up is replaced.
    ///
    /// If it fails, the request is answered with 503.
    #[must_use]
    pub fn trust_with(self, lookup: impl IssuerLookup) -> Self {
        self.with(|settings| settings.lookup = Some(Arc::new(lookup)))
    }

    /// Trusts every issuer whose name this accepts. The name is a plain HTTPS address from a token that is not verified.
    ///
    /// Dangerous, because a text is easily accepted by mistake: `starts_with("https://example.com")` also accepts
    /// `https://example.com.evil.net`, and `ends_with("example.com")` also `https://evilexample.com`. And whoever can
    /// publish a page below an accepted name can sign tokens. Anybody can make up accepted names, so
    /// [requests](Self::fetches_per_minute) may be used up by them. Prefer a list or a look-up.
    ///
    /// ```
    /// use portcullis_core::{Algorithm, Audience, TrustedIssuers};
    /// # use portcullis_core::{Credential, CredentialSource, testing::TestIssuer};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let good = TestIssuer::new().named("https://a.example.com").on_system_time();
    /// # let evil = TestIssuer::new().named("https://evilexample.com").on_system_time();
    /// # let client = good.clone();
    /// # let by = |token| Credential::new(token, CredentialSource::bearer());
    /// let issuers = TrustedIssuers::new(Audience::is("test"), [Algorithm::Es256], client)?
    ///     .dangerous_trust_if(|name| name.ends_with(".example.com"));
    /// assert!(issuers.authenticate(&by(good.token("alice").sign())).await.is_ok());
    /// assert!(issuers.authenticate(&by(evil.token("alice").sign())).await.is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_trust_if(self, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.predicate = Some(Arc::new(accepts)))
    }

    /// Gives each issuer other settings than the defaults of [`Issuer`], such as a claim map, rules or a token type. The function
    /// may look at [`Issuer::name`]. It is tried at once with the name `https://issuer.invalid`. The longest token that is read is
    /// one that this sample accepts.
    ///
    /// ```
    /// use portcullis_core::{Algorithm, Audience, ClaimMap, Error, HttpClient, TrustedIssuers};
    /// use std::time::Duration;
    ///
    /// fn issuers(
    ///     leeway: Duration,
    ///     client: impl HttpClient + 'static,
    /// ) -> Result<TrustedIssuers, Error> {
    ///     let map = ClaimMap::new().roles("roles")?;
    ///     TrustedIssuers::new(Audience::is("orders"), [Algorithm::Es256], client)?
    ///         .settings(move |issuer| issuer.claim_map(map.clone()).leeway(leeway))
    /// }
    /// # use portcullis_core::testing::TestIssuer;
    /// assert!(issuers(Duration::from_secs(10), TestIssuer::new()).is_ok());
    /// assert!(issuers(Duration::from_secs(3600), TestIssuer::new()).is_err()); // too much
    /// ```
    ///
    /// # Errors
    /// That of the function, and [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it makes the issuer accept other
    /// names than its own.
    pub fn settings(
        self,
        shape: impl Fn(Issuer) -> Result<Issuer, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        self.with(|settings| settings.shape = Arc::new(shape)).tried()
    }

    /// How long a look-up counts that said yes, and one that said no. A minute and ten seconds by default.
    ///
    /// A withdrawn approval takes effect within the first time, and a new one within the second, at most.
    #[must_use]
    pub fn remember_for(self, trusted: Duration, refused: Duration) -> Self {
        self.with(|settings| (settings.trusted_for, settings.refused_for) = (trusted, refused))
    }

    /// How many issuers are kept that are not on the list. 100 by default, and at least one.
    ///
    /// Have it greater than the number of issuers that are in use at the same time. If there are more, the one that was used least
    /// recently makes room, and its keys are fetched again for its next token. The set of an issuer has at most 1 MiB.
    #[must_use]
    pub fn max_issuers(self, most: usize) -> Self {
        self.with(|settings| settings.max_issuers = most.max(1))
    }

    /// How many requests all issuers together get in a minute. 60 by default, and at least two: a new issuer takes two.
    ///
    /// Over this, keys that are there are used as while an issuer is down, and other tokens are answered with 503.
    #[must_use]
    pub fn fetches_per_minute(self, most: u32) -> Self {
        self.with(|settings| settings.fetches_per_minute = most.max(2))
    }

    /// Uses another clock than the system's, if there is no gate. In a gate, the [clock of the gate](crate::GateBuilder::clock)
    /// counts.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        self.with(|settings| settings.time = Time::by(clock))
    }
}
