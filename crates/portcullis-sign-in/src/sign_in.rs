//! Sign-in with a session.

use crate::{
    browser_flow::BrowserFlow, endpoints::SeenTokens, provider::Provider, refresh::Renewals, seal::SealingKeys,
    store::SessionStore,
};
use portcullis_core::{Error, RevocationList};
use std::{fmt, sync::Arc, time::Duration};

/// Sign-in at a provider, with sessions for a gate.
///
/// A gate takes it as a scheme that reads the cookie `__Host-session`, and its [`revocations`](Self::revocations). The adapters'
/// `Routes::sign_in` mounts its endpoints: `GET login`, `GET callback`, `POST refresh`, `POST logout` and
/// `POST backchannel-logout`.
///
/// By default the session is sealed in the cookie, and ends eight hours after the sign-in, whatever happens.
///
/// ```
/// # use portcullis_core::testing::TestIssuer;
/// use portcullis_core::Gate;
/// use portcullis_sign_in::{MemorySessions, Provider, SealingKeys, SignIn};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let keys = SealingKeys::new("a-secret-of-at-least-thirty-two-bytes")?;
/// # let client = TestIssuer::new();
/// let provider = Provider::new("https://id.example.com", "shop", client)?;
/// let callback = "https://shop.example.com/auth/callback";
/// let sign_in = SignIn::new(provider.clone(), callback, keys.clone())?
///     .keep_claims(["email"])
///     .lifetime(Duration::from_secs(12 * 3600))
///     .store(MemorySessions::new());
/// let gate = Gate::builder().scheme(&sign_in).revocations(sign_in.revocations()).build()?;
///
/// assert!(SignIn::new(provider, "/auth/callback", keys).is_err()); // no address
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SignIn(pub(crate) Arc<Inner>);

#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) provider: Provider,
    pub(crate) flow: BrowserFlow,
    pub(crate) keys: SealingKeys,
    pub(crate) lifetime: Duration,
    pub(crate) kept: Vec<String>,
    pub(crate) acr_values: Vec<String>,
    pub(crate) refreshes: bool,
    pub(crate) store: Option<Arc<dyn SessionStore>>,
    pub(crate) after_sign_out: Option<String>,
    pub(crate) revocations: RevocationList,
    pub(crate) renewals: Arc<Renewals>,
    pub(crate) seen: Arc<SeenTokens>,
}

impl SignIn {
    /// The name of the session's cookie.
    pub const COOKIE: &'static str = "__Host-session";

    /// Sign-in at this provider, with the address of the endpoint `callback` as it is registered there.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if that is no absolute address.
    pub fn new(provider: Provider, redirect_uri: impl Into<String>, keys: SealingKeys) -> Result<Self, Error> {
        let flow = BrowserFlow::new(provider.clone(), redirect_uri, keys.clone(), "__Host-sign-in-")?;
        let lifetime = Duration::from_secs(8 * 3600);
        Ok(Self(Arc::new(Inner {
            provider,
            flow,
            keys,
            lifetime,
            kept: Vec::new(),
            acr_values: Vec::new(),
            refreshes: false,
            store: None,
            after_sign_out: None,
            revocations: RevocationList::new(lifetime),
            renewals: Arc::default(),
            seen: Arc::default(),
        })))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// When a session ends after the sign-in. By default after eight hours.
    ///
    /// [`revocations`](Self::revocations) keep an entry for this long. Call it before those go to a gate.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        self.with(|inner| (inner.lifetime, inner.revocations) = (lifetime, RevocationList::new(lifetime)))
    }

    /// Claims of the ID token that the session keeps, for [`SignedIn`](crate::SignedIn). By default none.
    #[must_use]
    pub fn keep_claims<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.with(|inner| inner.kept = names.into_iter().map(Into::into).collect())
    }

    /// What the parameter `acr_values` of the endpoint `login` may ask for: the [factors](portcullis_core::policy::factor) that
    /// policies require. By default nothing, since a link of a stranger can have the parameter too.
    #[must_use]
    pub fn acr_values<S: Into<String>>(self, values: impl IntoIterator<Item = S>) -> Self {
        self.with(|inner| inner.acr_values = values.into_iter().map(Into::into).collect())
    }

    /// The session has to be refreshed before the provider's tokens end, by the endpoint `refresh`. By default it is not, and
    /// the provider is asked again at the next sign-in.
    ///
    /// Pages that are open in several tabs may ask at once: a process asks the provider once. With a provider that replaces
    /// refresh tokens, several processes need a [`store`](Self::store).
    #[must_use]
    pub fn refreshed(self) -> Self {
        self.with(|inner| inner.refreshes = true)
    }

    /// Sessions go into a store, and the cookie has only the key. By default they are sealed in the cookie.
    #[must_use]
    pub fn store(self, store: impl SessionStore + 'static) -> Self {
        self.with(|inner| inner.store = Some(Arc::new(store)))
    }

    /// Where the provider sends the browser after a sign-out, as it is registered there. By default the provider decides.
    #[must_use]
    pub fn after_sign_out(self, address: impl Into<String>) -> Self {
        self.with(|inner| inner.after_sign_out = Some(address.into()))
    }

    /// The sessions that ended before their time, for [`GateBuilder::revocations`](portcullis_core::GateBuilder::revocations).
    #[must_use]
    pub fn revocations(&self) -> RevocationList {
        self.0.revocations.clone()
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.0.provider
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn")
            .field("provider", &self.0.provider)
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}
