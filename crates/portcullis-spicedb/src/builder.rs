//! Settings of a [`SpiceDb`].

use crate::{
    client::{Settings, SpiceDb},
    freshness::Freshness,
    names::{Subject, misconfigured},
};
use portcullis_core::{Error, Principal, PrincipalKind};
use std::{fmt, sync::Arc, time::Duration};
use tonic::{metadata::AsciiMetadataValue, transport::Channel};

pub(crate) type Subjects = Arc<dyn Fn(&Principal) -> Result<Option<Subject>, Error> + Send + Sync>;

/// Builds a [`SpiceDb`]; see [`SpiceDb::builder`].
#[must_use]
pub struct SpiceDbBuilder {
    channel: Channel,
    token: Option<String>,
    subjects: Option<Subjects>,
    time_limit: Duration,
    max_resources: usize,
    minimize_latency: bool,
}

impl SpiceDbBuilder {
    pub(crate) fn new(channel: Channel) -> Self {
        Self {
            channel,
            token: None,
            subjects: None,
            time_limit: Duration::from_secs(2),
            max_resources: 1_000,
            minimize_latency: false,
        }
    }

    /// The preshared key of the server. It is sent with each request, so the channel should be TLS.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The users of this issuer are the subjects `user:SUBJECT`. All other principals are strangers everywhere: users of
    /// other issuers, services and keys.
    ///
    /// A subject that SpiceDB does not allow as an id is an error, such as one with `@`. Set [`subjects`](Self::subjects)
    /// instead where an issuer has such.
    pub fn issuer(self, issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        self.subjects(move |who| {
            let is_ours = who.kind() == PrincipalKind::User && who.id().issuer() == Some(&*issuer);
            is_ours.then(|| Subject::new("user", who.id().subject())).transpose()
        })
    }

    /// The subject of a principal; `None` makes it a stranger everywhere.
    ///
    /// Compare kind and issuer: a subject is unique only at its issuer.
    ///
    /// ```
    /// use portcullis_core::PrincipalKind;
    /// use portcullis_spicedb::{SpiceDb, Subject};
    /// use tonic::transport::Channel;
    ///
    /// # async fn connect(channel: Channel) -> Result<SpiceDb, portcullis_core::Error> {
    /// SpiceDb::builder(channel)
    ///     .subjects(|who| match (who.kind(), who.id().issuer()) {
    ///         (PrincipalKind::User, Some("https://id.example.com")) => {
    ///             Subject::new("user", who.id().subject()).map(Some)
    ///         }
    ///         (PrincipalKind::Service, Some("https://id.example.com")) => {
    ///             Subject::new("service", who.id().subject()).map(Some)
    ///         }
    ///         _ => Ok(None),
    ///     })
    ///     .build()
    /// # }
    /// ```
    pub fn subjects(
        mut self,
        subjects: impl Fn(&Principal) -> Result<Option<Subject>, Error> + Send + Sync + 'static,
    ) -> Self {
        self.subjects = Some(Arc::new(subjects));
        self
    }

    /// How long a request may take. 2 seconds by default.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// How many resources [`SpiceDb::resources`] returns at most. 1 000 by default.
    pub fn max_resources(mut self, resources: usize) -> Self {
        self.max_resources = resources;
        self
    }

    /// While no write is known, SpiceDB answers from its caches. It then sees changes late, by default up to 5 seconds.
    ///
    /// Without this setting such checks are fully consistent, which costs the database of SpiceDB more.
    pub fn minimize_latency(mut self) -> Self {
        self.minimize_latency = true;
        self
    }

    /// Builds it. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) without [`issuer`](Self::issuer) or
    /// [`subjects`](Self::subjects), and if the token cannot be sent.
    pub fn build(self) -> Result<SpiceDb, Error> {
        let subjects = self.subjects.ok_or_else(|| {
            misconfigured("nothing says who the subjects of SpiceDB are; set `.issuer(…)` or `.subjects(…)`")
        })?;
        let authorization = self.token.map(|token| {
            let mut value: AsciiMetadataValue = format!("Bearer {token}").parse().map_err(|_| {
                misconfigured("the token of SpiceDB has characters that cannot be sent; it has to be visible ASCII")
            })?;
            value.set_sensitive(true);
            Ok(value)
        });
        Ok(SpiceDb::new(Settings {
            channel: self.channel,
            authorization: authorization.transpose()?,
            subjects,
            time_limit: self.time_limit,
            max_resources: self.max_resources,
            freshness: Freshness::new(self.minimize_latency),
        }))
    }
}

impl fmt::Debug for SpiceDbBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpiceDbBuilder")
            .field("time_limit", &self.time_limit)
            .field("max_resources", &self.max_resources)
            .field("minimize_latency", &self.minimize_latency)
            .finish_non_exhaustive()
    }
}
