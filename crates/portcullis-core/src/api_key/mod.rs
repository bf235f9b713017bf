//! API keys: long-lived credentials that the service hands out itself.
//!
//! A key is found by the SHA-256 of its whole text. `format` knows the text, `store` what is stored of it, `owner` makes and ends
//! keys, `uses` gathers when they were used. What a key may be used for is `rights::KeyScopes`, which policies ask.

mod format;
mod memory;
mod owner;
mod store;
mod uses;

pub use memory::MemoryKeys;
pub use owner::{ApiKey, NewKey, OwnerKeys};
pub use store::{KeyDigest, KeyRow, KeyStore, KeyUse};

use crate::{
    answer::Answer,
    clock::{SharedTime, Time},
    credential::Credential,
    error::{Error, ErrorKind},
    principal::{Principal, PrincipalKind},
};
use format::{Form, Format};
use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};
use store::AnyKeyStore;
use uses::Uses;

/// Makes and verifies API keys, such as `acme_` and 49 letters, digits, `-` and `_`.
///
/// A caller with a key is a [`Principal`] of the kind [`Key`](PrincipalKind::Key), with the issuer and subject of its owner, and
/// the gate asks the [`Directory`](crate::Directory) about it as about others. Give the scheme a name, so that a route
/// accepts keys only where its policy says so:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let keys = ApiKeys::new("acme", MemoryKeys::new())?;
/// let roles = RoleHierarchy::builder().ranked(["editor"]).permits("editor", ["kb:*"]).build()?;
/// # #[derive(Debug)] struct Users;
/// # impl Directory for Users {
/// #     async fn account(&self, _: &Principal) -> Result<Account, Error> { Ok(Account::new(()).role("editor")) }
/// # }
/// let gate = Gate::builder()
///     .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
///     .scheme(Scheme::named("api-key", keys.clone()).header("x-api-key"))
///     .directory(Users) // alice is an editor
///     .roles(roles)
///     .build()?;
///
/// // In a handler, for the caller of the request:
/// let owner = keys.of(&acting_as("alice"))?;
/// let key = owner.create(NewKey::new("import", KeyScopes::new(["kb:read"])?)).await?;
/// println!("{}, which is not shown again", key.expose());
///
/// let ask = |policy: &'static dyn Policy, key: &ApiKey| {
///     std::thread::scope(|scope| {
///         let request = get("/kb").header("x-api-key", key.expose());
///         scope.spawn(|| answer(&gate, policy, request)).join().ok()
///     })
/// };
/// const READ: &dyn Policy = &also_via("api-key", permission("kb:read"));
/// const WRITE: &dyn Policy = &also_via("api-key", permission("kb:write"));
/// const PEOPLE: &dyn Policy = &permission("kb:read");
/// assert_eq!(ask(READ, &key).as_deref(), Some("200"));
/// assert_eq!(ask(WRITE, &key).as_deref(), Some("403 scope_required"));
/// assert_eq!(ask(PEOPLE, &key).as_deref(), Some("401 credential_missing"));
///
/// owner.withdraw(&key.row().id).await?;
/// assert_eq!(ask(READ, &key).as_deref(), Some("401 invalid_key"));
/// # Ok(()) }
/// ```
///
/// A text with this prefix that is no valid key is [`Invalid`](ErrorKind::Invalid), or [`Expired`](ErrorKind::Expired), so no
/// other scheme is asked about it. If its form or its checksum is wrong, the store is not asked either. A text with another prefix
/// is [`Unrecognized`](ErrorKind::Unrecognized).
///
/// The time is the gate's: build the gate before the first use. Clones are the same keys.
#[derive(Clone)]
pub struct ApiKeys(Arc<Inner>);

/// The digest of a text that has not the prefix.
type OtherFormat = fn(&str) -> Result<KeyDigest, Error>;

#[derive(Debug, Clone)]
struct Inner {
    format: Format,
    other: Option<OtherFormat>,
    store: Arc<dyn AnyKeyStore>,
    time: Arc<SharedTime>,
    uses: Arc<Uses>,
}

impl ApiKeys {
    /// Keys with this prefix, in this store.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the prefix is not made of 2 to 20 lower-case letters and digits, the first a letter.
    pub fn new(prefix: &str, store: impl KeyStore) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            format: Format::new(prefix)?,
            other: None,
            store: Arc::new(store),
            time: Arc::default(),
            uses: Arc::default(),
        })))
    }

    /// Accepts keys of another format too, such as those that were made before: the function returns the digest that the store
    /// finds such a key by.
    ///
    /// It is asked about every text without the prefix. An error with [`ErrorKind::Unrecognized`] leaves the text to the next
    /// scheme. New keys have the prefix.
    ///
    /// ```
    /// use portcullis_core::{ApiKeys, Error, ErrorKind, KeyDigest, MemoryKeys};
    ///
    /// # fn main() -> Result<(), Error> {
    /// let keys = ApiKeys::new("acme", MemoryKeys::new())?.other_format(|text| match text.len() {
    ///     43 => Ok(KeyDigest::of(text)),
    ///     _ => Err(Error::new(ErrorKind::Unrecognized, "no key of this service")),
    /// });
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn other_format(self, digest: fn(&str) -> Result<KeyDigest, Error>) -> Self {
        Self(Arc::new(Inner { other: Some(digest), ..(*self.0).clone() }))
    }

    /// Stores which keys were used since the last call, and when.
    ///
    /// A request writes nothing: uses are gathered in memory, for 10 000 keys at most, and stored by this call. Every 1 000 keys
    /// they are stored by the request that was the last of them. Call it before the program ends.
    ///
    /// # Errors
    /// As the store returns. The uses are then kept for the next call.
    pub async fn flush(&self) -> Result<(), Error> {
        let uses: Arc<[KeyUse]> = self.0.uses.take().into();
        if uses.is_empty() {
            return Ok(());
        }
        let noted = self.store().note_uses(uses.clone()).await;
        if noted.is_err() {
            self.0.uses.put_back(&uses);
        }
        noted
    }

    /// [Stores](Self::flush) the uses again and again.
    ///
    /// It never returns. Spawn it once in each instance, with the `sleep` of your runtime. If the store fails, it logs that and
    /// tries again.
    ///
    /// ```
    /// # use portcullis_core::ApiKeys;
    /// # use std::time::Duration;
    /// # async fn sleep(_: Duration) {}
    /// # fn spawn(_: impl Future<Output = ()>) {}
    /// # fn start(keys: &ApiKeys) {
    /// let keys = keys.clone();
    /// spawn(async move { keys.follow(Duration::from_secs(60), sleep).await });
    /// # }
    /// ```
    pub async fn follow<S: Future<Output = ()>>(&self, every: Duration, sleep: impl Fn(Duration) -> S) {
        loop {
            sleep(every).await;
            self.flush_or_warn().await;
        }
    }

    async fn flush_or_warn(&self) {
        if let Err(error) = self.flush().await {
            tracing::warn!(target: "portcullis", error = %error, "the uses of API keys could not be stored");
        }
    }

    /// The principal of this key.
    ///
    /// # Errors
    /// [`ErrorKind::Unrecognized`] for a text with another prefix, [`ErrorKind::Invalid`] (`invalid_key`),
    /// [`ErrorKind::Expired`] (`key_expired`), [`ErrorKind::Unavailable`] if the store failed.
    pub async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.ask(credential).await
    }

    pub(crate) fn ask(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
        let found = match self.digest(credential.expose()) {
            Ok(digest) => self.store().find(digest),
            Err(error) => return Answer::now(Err(error)),
        };
        let keys = self.clone();
        match found.ready().map(|found| keys.judge(found)) {
            Ok(Err(error)) => Answer::now(Err(error)),
            Ok(Ok((principal, false))) => Answer::now(Ok(principal)),
            Ok(Ok((principal, true))) => Answer::later(async move {
                keys.flush_or_warn().await;
                Ok(principal)
            }),
            Err(found) => Answer::later(async move {
                let (principal, many) = keys.judge(found.await)?;
                if many {
                    keys.flush_or_warn().await;
                }
                Ok(principal)
            }),
        }
    }

    fn digest(&self, text: &str) -> Result<KeyDigest, Error> {
        match (self.0.format.form(text), self.0.other) {
            (Form::WellFormed, _) => Ok(KeyDigest::of(text)),
            (Form::Malformed, _) => Err(invalid("the API key has a wrong form or checksum")),
            (Form::Foreign, Some(digest)) => digest(text),
            (Form::Foreign, None) => {
                Err(Error::new(ErrorKind::Unrecognized, "the credential has not the prefix of API keys"))
            }
        }
    }

    /// The principal of the key that was found, and whether so many were used that they should be stored.
    fn judge(&self, found: Result<Option<KeyRow>, Error>) -> Result<(Principal, bool), Error> {
        let found = found.map_err(|error| match error.status() {
            500.. => error,
            _ => Error::new(ErrorKind::Unavailable, "API keys could not be read").with_cause(error),
        })?;
        let (row, now) = (found.ok_or_else(|| invalid("there is no such API key"))?, self.now());
        if row.withdrawn_at.is_some_and(|withdrawn| withdrawn <= now) {
            return Err(invalid("the API key was withdrawn"));
        }
        if !row.is_valid_at(now) {
            return Err(Error::new(ErrorKind::Expired, "the API key has expired").with_code("key_expired"));
        }
        let many = self.0.uses.note(&row.id, now);
        let ends_at = row.ends_at();
        let principal = Principal::of(row.owner.with_kind(PrincipalKind::Key))
            .with_token_id(row.id)
            .with_key_scopes(row.scopes)
            .with_times(None, ends_at);
        Ok((
            match row.organization {
                Some(organization) => principal.with_organization(organization),
                None => principal,
            },
            many,
        ))
    }

    /// The same with the clock of this gate.
    ///
    /// # Errors
    /// If it uses another one.
    pub(crate) fn in_gate(&self, time: &Time) -> Result<Self, Error> {
        if self.0.time.settle(time) {
            return Ok(self.clone());
        }
        Err(Error::misconfigured(
            "the API keys use another clock than the gate: that of another gate, or the system's because they were used before; \
             share one clock, and build the gate before keys are made",
        ))
    }

    fn now(&self) -> SystemTime {
        self.0.time.now()
    }

    fn format(&self) -> &Format {
        &self.0.format
    }

    fn store(&self) -> Arc<dyn AnyKeyStore> {
        self.0.store.clone()
    }
}

fn invalid(detail: &'static str) -> Error {
    Error::invalid(detail).with_code("invalid_key")
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiKeys").field(&self.0.format).finish()
    }
}
