//! What verifies credentials.
//!
//! The verifiers of this library and an [`Authenticator`] of the application stand behind one type, [`Verifier`]. A gate stores
//! that one, so it has no type parameters. It treats a [`Jwt`] on its own where that saves work: its answers need no future,
//! and can be cached.

use crate::{
    answer::Answer,
    api_key::ApiKeys,
    clock::Time,
    credential::Credential,
    error::Error,
    introspection::{Asks, Introspection, WhoAmI},
    jwt::{Issuer, Jwt, TrustedIssuers},
    principal::Principal,
    shared_secret::SharedSecret,
};
use futures_util::future::try_join_all;
use std::{fmt, future::Future, sync::Arc};

/// Turns a credential into a principal; implement it for credentials of your own.
///
/// Written with plain `async fn`. A gate asks the schemes of a source in order. An authenticator that does not know this kind of
/// credential returns an error of the kind [`ErrorKind::Unrecognized`](crate::ErrorKind::Unrecognized), and the next scheme is
/// asked. Any other error refuses the request. So a credential that was recognized and is not valid is never tried elsewhere.
///
/// ```
/// use portcullis_core::{
///     Authenticator, Credential, Error, ErrorKind, Principal, PrincipalKind,
/// };
///
/// # #[derive(Debug)] struct Store;
/// # impl Store { async fn owner_of(&self, key: &str) -> Result<Option<String>, Error> { unimplemented!() } }
/// #[derive(Debug)]
/// struct ApiKeys(Store);
///
/// impl Authenticator for ApiKeys {
///     async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
///         match self.0.owner_of(credential.expose()).await? {
///             Some(owner) => Ok(Principal::new(PrincipalKind::Key, owner)),
///             None => {
///                 Err(Error::new(ErrorKind::Unrecognized, "not an API key of this service"))
///             }
///         }
///     }
/// }
/// ```
///
/// # The end of a credential
///
/// The gate does **not** refuse a principal whose [`expires_at`](Principal::expires_at) has passed. The verifiers of this
/// library have checked that time before they return; an authenticator of yours checks it itself, by a clock of its own. The
/// time in the principal only ends connections: a [`Lease`](crate::Lease) ends at it.
///
/// ```
/// use portcullis_core::testing::FixedClock;
/// use portcullis_core::{
///     Authenticator, Clock, Credential, CredentialSource, Error, ErrorKind, Principal,
///     PrincipalKind,
/// };
/// use std::{
///     sync::Arc,
///     time::{Duration, SystemTime},
/// };
///
/// # struct Row { owner: String, ends: SystemTime }
/// # #[derive(Debug)] struct Store;
/// # impl Store {
/// #     async fn find(&self, key: &str) -> Result<Option<Row>, Error> {
/// #         let ends = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
/// #         Ok((key == "key-of-the-exporter").then(|| Row { owner: "exporter".to_owned(), ends }))
/// #     }
/// # }
/// #[derive(Debug)]
/// struct ApiKeys {
///     store: Store,
///     clock: Arc<dyn Clock>,
/// }
///
/// impl Authenticator for ApiKeys {
///     async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
///         let Some(row) = self.store.find(credential.expose()).await? else {
///             return Err(Error::new(
///                 ErrorKind::Unrecognized,
///                 "not an API key of this service",
///             ));
///         };
///         if row.ends <= self.clock.now() {
///             return Err(Error::new(ErrorKind::Expired, "the API key has expired"));
///         }
///         Ok(Principal::new(PrincipalKind::Key, row.owner).with_times(None, Some(row.ends)))
///     }
///
///     fn asks_anew(&self) -> bool {
///         true // the store is asked each time, so routes with `fresh` can use this
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let clock = FixedClock::at(999);
/// let keys = ApiKeys { store: Store, clock: Arc::new(clock.clone()) };
/// let key = Credential::new("key-of-the-exporter", CredentialSource::header("x-api-key"));
/// assert_eq!(keys.authenticate(&key).await?.id().subject(), "exporter");
///
/// clock.advance(Duration::from_secs(1));
/// assert!(keys.authenticate(&key).await.is_err_and(|error| error.kind() == ErrorKind::Expired));
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` verifies no credentials",
    note = "write `impl Authenticator for {Self}`, or name a `Jwt`, `SharedSecret`, `Introspection`, `WhoAmI` or a provider"
)]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// The principal that this credential names. An authenticator with a cache uses no answer older than
    /// [`Credential::max_age`]. It refuses an expired credential itself: see [above](Self#the-end-of-a-credential).
    ///
    /// # Errors
    /// `Unrecognized` if the credential is not for this authenticator, `Invalid` or `Expired` if it is not valid (401),
    /// `Unavailable` if it could not be checked (503). Never answer an outage with `Invalid`: clients would throw away a
    /// credential that is valid.
    fn authenticate(&self, credential: &Credential<'_>) -> impl Future<Output = Result<Principal, Error>> + Send;

    /// Whether this asks again, a database for example, where [`Credential::max_age`] requires it. By default it does not,
    /// and a route cannot get a [`fresh`](crate::policy::fresh) identity from it.
    fn asks_anew(&self) -> bool {
        false
    }

    /// Waits until this can verify: see [`Gate::ready`](crate::Gate::ready). Ready at once by default. An authenticator
    /// around another one calls that one's.
    ///
    /// # Errors
    /// If it cannot yet.
    fn ready(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }
}

impl<A: Authenticator> Authenticator for Arc<A> {
    fn authenticate(&self, credential: &Credential<'_>) -> impl Future<Output = Result<Principal, Error>> + Send {
        (**self).authenticate(credential)
    }

    fn asks_anew(&self) -> bool {
        (**self).asks_anew()
    }

    fn ready(&self) -> impl Future<Output = Result<(), Error>> + Send {
        (**self).ready()
    }
}

/// [`Authenticator`] as a gate stores it. Its futures own what they need, so they borrow nothing from the request.
pub(crate) trait AnyAuthenticator: fmt::Debug + Send + Sync {
    fn authenticate(self: Arc<Self>, credential: Credential<'static>) -> Answer<'static, Result<Principal, Error>>;
    fn asks_anew(&self) -> bool;
    fn ready(self: Arc<Self>) -> Answer<'static, Result<(), Error>>;
}

impl<A: Authenticator> AnyAuthenticator for A {
    fn authenticate(self: Arc<Self>, credential: Credential<'static>) -> Answer<'static, Result<Principal, Error>> {
        Answer::begin(async move { Authenticator::authenticate(&*self, &credential).await })
    }

    fn asks_anew(&self) -> bool {
        Authenticator::asks_anew(self)
    }

    fn ready(self: Arc<Self>) -> Answer<'static, Result<(), Error>> {
        Answer::begin(async move { Authenticator::ready(&*self).await })
    }
}

/// What verifies the credentials of a gate: an [`Authenticator`] of yours, a [`Jwt`], [`TrustedIssuers`],
/// [`ApiKeys`], a [`SharedSecret`], an [`Introspection`], a [`WhoAmI`], or a provider.
///
/// An authenticator around another one stores it as a `Verifier`:
///
/// ```
/// use portcullis_core::{
///     Authenticator, Credential, CredentialSource, Error, ErrorKind, Principal, PrincipalKind,
///     SharedSecret, Verifier, testing::TestIssuer,
/// };
///
/// /// Accepts people only, with any verifier.
/// #[derive(Debug)]
/// struct PeopleOnly(Verifier);
///
/// impl Authenticator for PeopleOnly {
///     async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
///         let principal = self.0.authenticate(credential).await?;
///         match principal.kind() {
///             PrincipalKind::User => Ok(principal),
///             _ => Err(Error::new(ErrorKind::Invalid, "the credential of a program")),
///         }
///     }
///
///     fn asks_anew(&self) -> bool {
///         self.0.asks_anew()
///     }
///
///     async fn ready(&self) -> Result<(), Error> {
///         self.0.ready().await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let by = |text: String| Credential::new(text, CredentialSource::bearer());
/// let issuer = TestIssuer::new();
/// let people = PeopleOnly(issuer.verifier().into());
/// assert_eq!(
///     people.authenticate(&by(issuer.token("alice").sign())).await?.id().subject(),
///     "alice"
/// );
///
/// let secret = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";
/// let program = PeopleOnly(SharedSecret::new("role-sync", secret)?.into());
/// assert!(
///     program
///         .authenticate(&by(secret.to_owned()))
///         .await
///         .is_err_and(|error| error.kind() == ErrorKind::Invalid)
/// );
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Verifier(Kind);

/// The kinds that a gate treats differently.
#[derive(Clone)]
pub(crate) enum Kind {
    /// Verifies signatures, without waiting once the keys are there.
    Tokens(Jwt),
    /// The same for issuers that are known at run time.
    Trusted(TrustedIssuers),
    Secret(SharedSecret),
    Keys(ApiKeys),
    /// Asks an issuer: an [`Introspection`] or a [`WhoAmI`].
    Asks(Arc<dyn Asks>),
    /// An [`Authenticator`] of the application or of a provider.
    Own(Arc<dyn AnyAuthenticator>),
}

impl Verifier {
    /// The principal that this credential names.
    ///
    /// # Errors
    /// As [`Authenticator::authenticate`].
    pub async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.ask(credential).await
    }

    /// Whether it asks again where [`Credential::max_age`] requires it. A verifier of signatures does not; a shared secret
    /// is always compared.
    #[must_use]
    pub fn asks_anew(&self) -> bool {
        match &self.0 {
            Kind::Tokens(_) | Kind::Trusted(_) => false,
            Kind::Secret(_) | Kind::Keys(_) | Kind::Asks(_) => true,
            Kind::Own(own) => own.asks_anew(),
        }
    }

    /// Waits until it can verify: see [`Gate::ready`](crate::Gate::ready).
    ///
    /// # Errors
    /// As [`Authenticator::ready`]; [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if an issuer did not return
    /// keys.
    pub async fn ready(&self) -> Result<(), Error> {
        match &self.0 {
            Kind::Tokens(jwt) => try_join_all(jwt.issuers().iter().map(Issuer::ready)).await.map(drop),
            Kind::Asks(asks) => asks.issuer().ready().await,
            Kind::Trusted(_) | Kind::Secret(_) | Kind::Keys(_) => Ok(()),
            Kind::Own(own) => own.clone().ready().await,
        }
    }

    /// The same without a boxed future where nothing has to be waited for.
    pub(crate) fn ask(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
        match &self.0 {
            Kind::Tokens(jwt) => jwt.ask(credential),
            Kind::Trusted(issuers) => issuers.ask(credential),
            Kind::Secret(secret) => Answer::now(secret.compare(credential)),
            Kind::Keys(keys) => keys.ask(credential),
            Kind::Asks(asks) => asks.ask(credential),
            Kind::Own(own) => own.clone().authenticate(credential.to_owned()),
        }
    }

    /// The clock that it was given.
    pub(crate) fn time(&self) -> Option<&Time> {
        let time = match &self.0 {
            Kind::Tokens(jwt) => jwt.time(),
            Kind::Trusted(issuers) => issuers.time(),
            Kind::Asks(asks) => asks.time(),
            Kind::Secret(_) | Kind::Keys(_) | Kind::Own(_) => return None,
        };
        Some(time).filter(|time| !time.is_system())
    }

    /// The same in a gate with this clock, which asks for the proofs of bound tokens or not.
    ///
    /// # Errors
    /// If it shares a part that uses another clock.
    pub(crate) fn in_gate(&self, time: &Time, has_proofs: bool) -> Result<Self, Error> {
        Ok(Self(match &self.0 {
            Kind::Tokens(jwt) => Kind::Tokens(jwt.in_gate(time)?),
            Kind::Trusted(issuers) => Kind::Trusted(issuers.in_gate(time)),
            Kind::Asks(asks) => Kind::Asks(asks.in_gate(time, has_proofs)?),
            Kind::Keys(keys) => Kind::Keys(keys.in_gate(time)?),
            kind @ (Kind::Secret(_) | Kind::Own(_)) => kind.clone(),
        }))
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// The verifier of signatures, if it is nothing else. What it accepts then depends only on the token, its keys and the
    /// time.
    pub(crate) fn jwt(&self) -> Option<&Jwt> {
        match &self.0 {
            Kind::Tokens(jwt) => Some(jwt),
            _ => None,
        }
    }

    /// How many bytes a credential may have, if there is a limit.
    pub(crate) fn longest(&self) -> Option<usize> {
        self.jwt().map(Jwt::longest)
    }

    /// Whether it only verifies signatures, so that its answers may be in the cache of a gate.
    pub(crate) fn is_jwt(&self) -> bool {
        matches!(self.0, Kind::Tokens(_) | Kind::Trusted(_))
    }
}

impl<A: Authenticator> From<A> for Verifier {
    fn from(own: A) -> Self {
        Self(Kind::Own(Arc::new(own)))
    }
}

impl From<Jwt> for Verifier {
    fn from(jwt: Jwt) -> Self {
        Self(Kind::Tokens(jwt))
    }
}

impl From<TrustedIssuers> for Verifier {
    fn from(issuers: TrustedIssuers) -> Self {
        Self(Kind::Trusted(issuers))
    }
}

impl From<SharedSecret> for Verifier {
    fn from(secret: SharedSecret) -> Self {
        Self(Kind::Secret(secret))
    }
}

impl From<ApiKeys> for Verifier {
    fn from(keys: ApiKeys) -> Self {
        Self(Kind::Keys(keys))
    }
}

impl From<Introspection> for Verifier {
    fn from(introspection: Introspection) -> Self {
        Self(Kind::Asks(introspection.asks()))
    }
}

impl From<WhoAmI> for Verifier {
    fn from(who_am_i: WhoAmI) -> Self {
        Self(Kind::Asks(who_am_i.asks()))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tokens(jwt) => jwt.fmt(f),
            Kind::Trusted(issuers) => issuers.fmt(f),
            Kind::Secret(secret) => secret.fmt(f),
            Kind::Keys(keys) => keys.fmt(f),
            Kind::Asks(asks) => asks.fmt(f),
            Kind::Own(own) => own.fmt(f),
        }
    }
}
