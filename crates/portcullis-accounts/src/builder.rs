//! How accounts are put together.

use crate::{
    access::{AccessTokens, RefreshTokens},
    accounts::{Accounts, Inner, Options},
    ended::EndedSessions,
    error::Error,
    event::{Event, OnEvent},
    limit::{Counter, Limits, MemoryLimits, RateLimits},
    mailer::{Links, Mailer},
    one_time::Purpose,
    organization::Organizations,
    password::{Costs, Hasher, Legacy, PasswordRules},
    secret::Secret,
    session::SessionRules,
    store::Stores,
};
use portcullis_core::{ApiKeys, Clock, RevocationList, SystemClock};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Builds [`Accounts`]; see [`Accounts::builder`].
#[must_use]
pub struct AccountsBuilder {
    issuer: Arc<str>,
    secret: Secret,
    stores: Stores,
    access: AccessTokens,
    sessions: SessionRules,
    passwords: PasswordRules,
    costs: Costs,
    legacy: Option<Legacy>,
    clock: Arc<dyn Clock>,
    mailer: Option<(Arc<dyn Mailer>, Links)>,
    limits: Limits,
    rate_limits: Arc<dyn RateLimits>,
    ended_sessions: Option<Arc<dyn EndedSessions>>,
    options: Options,
    organizations: Option<Organizations>,
    on_event: Vec<OnEvent>,
    keys: Option<ApiKeys>,
    #[cfg(feature = "sign-in")]
    providers: Vec<crate::provider::NewProvider>,
    #[cfg(feature = "sign-in")]
    expects_providers: bool,
}

impl Accounts {
    /// Accounts of this issuer, such as the service's own address, with its secret and its store.
    ///
    /// Addresses have to be confirmed, so a mailer is needed, unless the builder says otherwise.
    pub fn builder(issuer: impl Into<Arc<str>>, secret: Secret, stores: impl Into<Stores>) -> AccountsBuilder {
        AccountsBuilder {
            issuer: issuer.into(),
            secret,
            stores: stores.into(),
            access: AccessTokens::new(),
            sessions: SessionRules::new(),
            passwords: PasswordRules::new(),
            costs: Costs::default(),
            legacy: None,
            clock: Arc::new(SystemClock::default()),
            mailer: None,
            limits: Limits::new(),
            rate_limits: Arc::new(MemoryLimits::default()),
            ended_sessions: None,
            options: Options {
                sign_up: true,
                confirmation: true,
                confirm_with_link_alone: false,
                approval: false,
                sign_in_unconfirmed: false,
                magic_links: false,
                totp_name: None,
                default_role: String::new(),
                lives: Vec::new(),
            },
            organizations: None,
            on_event: Vec::new(),
            keys: None,
            #[cfg(feature = "sign-in")]
            providers: Vec::new(),
            #[cfg(feature = "sign-in")]
            expects_providers: false,
        }
    }
}

impl AccountsBuilder {
    /// What access tokens contain.
    pub fn access_tokens(self, access: AccessTokens) -> Self {
        Self { access, ..self }
    }

    /// How long sessions live, and what happens when a refresh token is used again.
    pub fn sessions(self, sessions: SessionRules) -> Self {
        Self { sessions, ..self }
    }

    /// Which passwords may be set.
    pub fn passwords(self, passwords: PasswordRules) -> Self {
        Self { passwords, ..self }
    }

    /// The costs of Argon2id: memory in KiB, passes, lanes. By default 19,456 KiB, 2 and 1. A password whose hash has other
    /// costs is hashed again at the next sign-in. Until then, the time of a sign-in tells that the account has such a hash.
    pub fn argon2(self, memory_kib: u32, passes: u32, lanes: u32) -> Self {
        Self { costs: Costs { memory_kib, passes, lanes }, ..self }
    }

    /// Verifies hashes of another algorithm, such as bcrypt. The function gets the password and the hash, and returns `None`
    /// for a hash that it does not know. A password that fits is hashed again. Until then, the time of a sign-in tells that the
    /// account has such a hash.
    pub fn legacy(self, verify: impl Fn(&str, &str) -> Option<bool> + Send + Sync + 'static) -> Self {
        Self { legacy: Some(Arc::new(verify)), ..self }
    }

    /// Who sends mails, and where their links lead.
    pub fn mailer(self, mailer: impl Mailer + 'static, links: Links) -> Self {
        Self { mailer: Some((Arc::new(mailer), links)), ..self }
    }

    /// How many attempts are allowed.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Where attempts are counted. By default in this process: [`MemoryLimits`].
    pub fn rate_limits(self, counts: impl RateLimits + 'static) -> Self {
        Self { rate_limits: Arc::new(counts), ..self }
    }

    /// A faster way than the store to hear of sessions that ended in other instances. By default there is none.
    pub fn ended_sessions(self, ended: impl EndedSessions + 'static) -> Self {
        Self { ended_sessions: Some(Arc::new(ended)), ..self }
    }

    /// How long single-use tokens for this purpose are valid. [`Purpose`] says the default of each.
    pub fn valid_for(mut self, purpose: Purpose, life: Duration) -> Self {
        self.options.lives.push((purpose, life));
        self
    }

    /// The role of new users. By default none.
    pub fn default_role(mut self, role: impl Into<String>) -> Self {
        self.options.default_role = role.into();
        self
    }

    /// Refuses sign-up: administrators create accounts.
    pub fn without_sign_up(mut self) -> Self {
        self.options.sign_up = false;
        self
    }

    /// Does not confirm addresses. Anybody can take the address of somebody else, and a sign-up tells whether an address has an
    /// account.
    pub fn dangerous_without_confirmation(mut self) -> Self {
        self.options.confirmation = false;
        self
    }

    /// Confirms an address by the link alone, and keeps the password. Somebody who signed up with the address of another person
    /// can sign in once that person opens the link.
    pub fn dangerous_confirm_with_link_alone(mut self) -> Self {
        self.options.confirm_with_link_alone = true;
        self
    }

    /// Signs a new user in at once. Later sign-ins need the confirmed address. Use it with a
    /// [baseline](portcullis_core::GateBuilder::baseline) for what needs a confirmed address.
    ///
    /// A sign-up then tells whether an address has an account: only a new one gets tokens.
    pub fn sign_in_unconfirmed(mut self) -> Self {
        self.options.sign_in_unconfirmed = true;
        self
    }

    /// Requires that an administrator approves an account before its user can sign in.
    pub fn approval(mut self) -> Self {
        self.options.approval = true;
        self
    }

    /// Allows sign-in by a link in a mail. It creates an account if there is none and sign-up is open.
    pub fn magic_links(mut self) -> Self {
        self.options.magic_links = true;
        self
    }

    /// The name of the service in authenticator apps, for the [second factor](Accounts::enrol_totp). By default the issuer without
    /// its scheme.
    pub fn totp_name(mut self, name: impl Into<String>) -> Self {
        self.options.totp_name = Some(name.into());
        self
    }

    /// Tells the application what has happened, and when, for an audit table of its own. Each call adds a function, and each
    /// function gets all events.
    ///
    /// It is called once after the fact, by the request that did it. Make it quick: send the event on to a task that writes it.
    /// A panic is logged, and the request goes on.
    ///
    /// ```
    /// use portcullis_accounts::{Accounts, Event, Secret, store::MemoryStore};
    /// use std::sync::mpsc;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (send, receive) = mpsc::channel();
    /// # let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
    /// let accounts = Accounts::builder("https://shop.example.com", secret, MemoryStore::new())
    ///     .on_event(move |event, at| drop(send.send((event.clone(), at))))
    ///     # .dangerous_without_confirmation()
    ///     .build()?;
    /// # let client = &portcullis_accounts::Client::unknown();
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let refused = accounts.sign_in("alice@example.com", "a guess", client).await;
    /// # assert!(refused.is_err());
    /// # });
    /// let (event, _) = receive.try_recv()?;
    /// assert!(matches!(event, Event::SignInFailed { user: None, .. }));
    /// assert!(receive.try_recv().is_err()); // nothing else has happened
    /// # Ok(()) }
    /// ```
    pub fn on_event(mut self, listen: impl Fn(&Event, SystemTime) + Send + Sync + 'static) -> Self {
        self.on_event.push(Arc::new(listen));
        self
    }

    /// Lets users make API keys, by [`Accounts::add_key`] and by the endpoints. A gate takes the same keys as a named scheme. The
    /// [directory](Accounts::directory) refuses the keys of users that are disabled or deleted.
    ///
    /// ```
    /// use portcullis_accounts::{Accounts, Secret, store::MemoryStore};
    /// use portcullis_core::{ApiKeys, Gate, MemoryKeys, Scheme};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
    /// let keys = ApiKeys::new("shop", MemoryKeys::new())?; // in a service `SqliteStore`
    /// let accounts = Accounts::builder("https://shop.example.com", secret, MemoryStore::new())
    ///     .keys(keys.clone())
    ///     # .dangerous_without_confirmation()
    ///     .build()?;
    /// let gate = Gate::builder()
    ///     .scheme(&accounts)
    ///     .scheme(Scheme::named("api-key", keys).header("x-api-key"))
    ///     .directory(accounts.directory())
    ///     .revocations(accounts.revocations())
    ///     .build()?;
    /// # let _ = gate;
    /// # Ok(()) }
    /// ```
    pub fn keys(self, keys: ApiKeys) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// Organizations of these users: a session can have an active one, invitations are sent by mail, and there are endpoints. The
    /// functions of [`on_event`](Self::on_event) are told of [changed members](Event::MemberChanged), by whichever clone.
    pub fn organizations(self, organizations: Organizations) -> Self {
        Self { organizations: Some(organizations), ..self }
    }

    /// Lets users sign in at an OpenID provider. The name is that in the paths of the endpoints, and the redirect URI the address
    /// of `oauth/{name}/callback`, as it is registered there. Call it once for each provider.
    ///
    /// An address that the provider has verified leads to the account that has confirmed it: see
    /// [`finish_sign_in`](Accounts::finish_sign_in). The provider needs the scope `email`.
    ///
    /// ```
    /// use portcullis_accounts::{Accounts, Secret, store::MemoryStore};
    /// # use portcullis_core::testing::TestIssuer;
    /// use portcullis_sign_in::Provider;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = TestIssuer::new();
    /// let google = Provider::new("https://accounts.google.com", "shop", client)?.scopes(["email"]);
    /// let builder = || {
    ///     # let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes").expect("a secret");
    ///     Accounts::builder("https://shop.example.com", secret, MemoryStore::new())
    ///         # .dangerous_without_confirmation()
    /// };
    /// let callback = "https://shop.example.com/auth/oauth/google/callback";
    /// assert!(builder().provider("google", google.clone(), callback).build().is_ok());
    /// assert!(builder().provider("google", google, "/callback").build().is_err()); // no address
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "sign-in")]
    pub fn provider(
        self,
        name: impl Into<String>,
        provider: portcullis_sign_in::Provider,
        redirect_uri: impl Into<String>,
    ) -> Self {
        self.add_provider(name.into(), provider, redirect_uri.into(), true)
    }

    /// As [`provider`](Self::provider), where the addresses of the provider do not count: users sign in there after they have
    /// [linked](Accounts::begin_link) it to their account, and it makes no new accounts.
    #[cfg(feature = "sign-in")]
    pub fn linked_provider(
        self,
        name: impl Into<String>,
        provider: portcullis_sign_in::Provider,
        redirect_uri: impl Into<String>,
    ) -> Self {
        self.add_provider(name.into(), provider, redirect_uri.into(), false)
    }

    #[cfg(feature = "sign-in")]
    pub(crate) fn expect_providers(self) -> Self {
        Self { expects_providers: true, ..self }
    }

    #[cfg(feature = "sign-in")]
    fn add_provider(
        mut self,
        name: String,
        provider: portcullis_sign_in::Provider,
        redirect_uri: String,
        addresses_count: bool,
    ) -> Self {
        self.providers.push(crate::provider::NewProvider { name, provider, redirect_uri, addresses_count });
        self
    }

    /// The clock. By default the system's. Give the gate the same one.
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The accounts. It starts the threads that hash passwords.
    ///
    /// # Errors
    /// [`Error::Core`] of kind [`Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if a mailer is needed and missing,
    /// or if a setting cannot work.
    pub fn build(self) -> Result<Accounts, Error> {
        let options = self.options;
        if self.mailer.is_none() && (options.confirmation || options.magic_links) {
            return Err(Error::misconfigured(
                "confirmation and sign-in by mail need a mailer; name one by `.mailer(..)`, or leave confirmation out by \
                 `.dangerous_without_confirmation()`",
            ));
        }
        if self.issuer.is_empty() {
            return Err(Error::misconfigured(
                "the issuer of accounts needs a name, such as the address of the service",
            ));
        }
        if self.organizations.as_ref().is_some_and(|organizations| organizations.issuer() != &*self.issuer) {
            return Err(Error::misconfigured("the organizations have users of another issuer than the accounts"));
        }
        for (organizations, listen) in
            self.organizations.iter().flat_map(|all| self.on_event.iter().map(move |listen| (all, listen)))
        {
            organizations.listeners.add(listen.clone());
        }
        self.access.check()?;
        if let Some((_, links)) = &self.mailer {
            links.check()?;
        }
        #[cfg(feature = "sign-in")]
        if self.expects_providers && self.providers.is_empty() {
            return Err(Error::misconfigured(
                "the settings name providers, which nobody asks; give them `.with_providers(&config, client)`",
            ));
        }
        #[cfg(feature = "sign-in")]
        let providers = crate::provider::Providers::new(self.providers, &self.secret)?;
        let jwt = self.access.verifier(&self.issuer, &self.secret)?;
        Ok(Accounts(Arc::new(Inner {
            revocations: RevocationList::new(self.access.life.saturating_add(Duration::from_secs(60))),
            refresh: RefreshTokens::new(self.sessions.format, &self.secret)?,
            hasher: Hasher::start(self.costs, self.legacy)?,
            jwt,
            issuer: self.issuer,
            secret: self.secret,
            stores: self.stores,
            access: self.access,
            sessions: self.sessions,
            passwords: self.passwords,
            clock: self.clock,
            mailer: self.mailer,
            limits: self.limits,
            counter: Counter::new(self.rate_limits),
            ended_sessions: self.ended_sessions,
            options,
            organizations: self.organizations,
            on_event: self.on_event,
            keys: self.keys,
            #[cfg(feature = "sign-in")]
            providers,
        })))
    }
}

impl fmt::Debug for AccountsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountsBuilder")
            .field("issuer", &self.issuer)
            .field("stores", &self.stores)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
