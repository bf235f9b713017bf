//! How many attempts are allowed, and where they are counted.

mod memory;

pub use memory::MemoryLimits;

use crate::{
    error::Error,
    store::{StoreError, StoreResult},
};
use async_trait::async_trait;
use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

/// A number of attempts in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    count: u32,
    per: Duration,
}

impl Limit {
    /// At most `count` attempts in each period.
    #[must_use]
    pub const fn new(count: u32, per: Duration) -> Self {
        Self { count, per }
    }

    /// The number of attempts.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The period.
    #[must_use]
    pub const fn per(&self) -> Duration {
        self.per
    }
}

/// The limits of attempts, by network and by account.
///
/// A network is an IPv4 address or a /64 of IPv6. A limit of an account slows attempts and never disables the account.
///
/// ```
/// use portcullis_accounts::{Limit, Limits};
/// use std::time::Duration;
///
/// let limits = Limits::new().sign_ups_per_network(Limit::new(5, Duration::from_secs(3600)));
/// # let _ = limits;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub(crate) sign_ins_per_network: Option<Limit>,
    pub(crate) sign_ins_per_account: Option<Limit>,
    pub(crate) codes_per_account: Option<Limit>,
    pub(crate) sign_ups_per_network: Option<Limit>,
    pub(crate) mails_per_network: Option<Limit>,
    pub(crate) mails_per_address: Option<Limit>,
    pub(crate) refreshes_per_session: Option<Limit>,
    pub(crate) organizations_per_account: Option<Limit>,
    pub(crate) invitations_per_account: Option<Limit>,
}

impl Default for Limits {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        const HOUR: Duration = Duration::from_secs(3600);
        Self::dangerous_unlimited()
            .sign_ins_per_network(Limit::new(30, MINUTE))
            .sign_ins_per_account(Limit::new(10, 5 * MINUTE))
            .codes_per_account(Limit::new(10, 5 * MINUTE))
            .sign_ups_per_network(Limit::new(20, HOUR))
            .mails_per_network(Limit::new(10, HOUR))
            .mails_per_address(Limit::new(3, HOUR))
            .refreshes_per_session(Limit::new(60, MINUTE))
            .organizations_per_account(Limit::new(10, HOUR))
            .invitations_per_account(Limit::new(100, HOUR))
    }
}

impl Limits {
    /// The defaults, which each setter names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No limits, to set some of them. Without a limit of sign-ins, passwords can be guessed as fast as they are hashed.
    #[must_use]
    pub fn dangerous_unlimited() -> Self {
        Self {
            sign_ins_per_network: None,
            sign_ins_per_account: None,
            codes_per_account: None,
            sign_ups_per_network: None,
            mails_per_network: None,
            mails_per_address: None,
            refreshes_per_session: None,
            organizations_per_account: None,
            invitations_per_account: None,
        }
    }

    /// Sign-ins from one network. By default 30 a minute.
    #[must_use]
    pub fn sign_ins_per_network(self, limit: Limit) -> Self {
        Self { sign_ins_per_network: Some(limit), ..self }
    }

    /// Sign-ins with one address that failed. By default 10 in five minutes.
    #[must_use]
    pub fn sign_ins_per_account(self, limit: Limit) -> Self {
        Self { sign_ins_per_account: Some(limit), ..self }
    }

    /// Codes of one account's second factor that were wrong. By default 10 in five minutes.
    #[must_use]
    pub fn codes_per_account(self, limit: Limit) -> Self {
        Self { codes_per_account: Some(limit), ..self }
    }

    /// Sign-ups from one network. By default 20 an hour.
    #[must_use]
    pub fn sign_ups_per_network(self, limit: Limit) -> Self {
        Self { sign_ups_per_network: Some(limit), ..self }
    }

    /// Mails that one network asked for. By default 10 an hour.
    #[must_use]
    pub fn mails_per_network(self, limit: Limit) -> Self {
        Self { mails_per_network: Some(limit), ..self }
    }

    /// Mails to one address. By default 3 an hour.
    #[must_use]
    pub fn mails_per_address(self, limit: Limit) -> Self {
        Self { mails_per_address: Some(limit), ..self }
    }

    /// Refreshes of one session. By default 60 a minute.
    #[must_use]
    pub fn refreshes_per_session(self, limit: Limit) -> Self {
        Self { refreshes_per_session: Some(limit), ..self }
    }

    /// Organizations that one user creates. By default 10 an hour.
    #[must_use]
    pub fn organizations_per_account(self, limit: Limit) -> Self {
        Self { organizations_per_account: Some(limit), ..self }
    }

    /// Invitations that one user sends. By default 100 an hour.
    #[must_use]
    pub fn invitations_per_account(self, limit: Limit) -> Self {
        Self { invitations_per_account: Some(limit), ..self }
    }
}

/// The outcome of [`RateLimits::spend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpendOutcome {
    /// The attempt is within the limit and was counted.
    Within,
    /// The limit is reached. The attempt was not counted.
    Over {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
}

/// Counts attempts. [`MemoryLimits`] does it in one process.
///
/// If it fails, the attempt is counted in the process instead.
#[async_trait]
pub trait RateLimits: fmt::Debug + Send + Sync {
    /// Counts an attempt under this name, unless the limit is reached. The name is a keyed hash: it shows neither an address
    /// nor an account.
    async fn spend(&self, name: &str, limit: Limit, now: SystemTime) -> StoreResult<SpendOutcome>;
    /// Takes back an attempt that succeeded.
    async fn refund(&self, name: &str, limit: Limit, now: SystemTime) -> StoreResult<()>;
}

/// A [`RateLimits`], and the process where it fails.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    shared: Arc<dyn RateLimits>,
    fallback: Arc<MemoryLimits>,
    /// Whether the last attempt was counted in the process, so that an outage is reported once.
    failing: Arc<AtomicBool>,
}

impl Counter {
    pub(crate) fn new(shared: Arc<dyn RateLimits>) -> Self {
        Self { shared, fallback: Arc::default(), failing: Arc::default() }
    }

    /// Counts an attempt, if it is limited.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) async fn spend(&self, name: &str, limit: Option<Limit>, now: SystemTime) -> Result<(), Error> {
        let Some(limit) = limit else { return Ok(()) };
        let outcome = match self.shared.spend(name, limit, now).await {
            Ok(outcome) => {
                self.report(None);
                outcome
            }
            Err(error) => {
                self.report(Some(&error));
                self.fallback.spend(name, limit, now).await?
            }
        };
        match outcome {
            SpendOutcome::Within => Ok(()),
            SpendOutcome::Over { retry_after } => Err(Error::RateLimited { retry_after }),
        }
    }

    /// Takes back an attempt that succeeded.
    pub(crate) async fn refund(&self, name: &str, limit: Option<Limit>, now: SystemTime) {
        let Some(limit) = limit else { return };
        if let Err(error) = self.shared.refund(name, limit, now).await {
            self.report(Some(&error));
            let _ = self.fallback.refund(name, limit, now).await;
        }
    }

    fn report(&self, failure: Option<&StoreError>) {
        if self.failing.load(Ordering::Relaxed) == failure.is_some() {
            return;
        }
        match (self.failing.swap(failure.is_some(), Ordering::Relaxed), failure) {
            (false, Some(error)) => {
                tracing::warn!(target: "portcullis", %error, "attempts are counted in this process only");
            }
            (true, None) => tracing::info!(target: "portcullis", "attempts are counted for all instances again"),
            _ => {}
        }
    }
}

/// What counts as one network: an IPv4 address, or a /64 of IPv6, which one customer has for themselves.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;
    const LIMIT: Limit = Limit::new(3, Duration::from_secs(60));

    #[test]
    fn networks() -> Result<(), Box<dyn std::error::Error>> {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::", "2001:db8:1:3::/64"),
            ("::1", "0:0:0:0::/64"),
        ] {
            assert_eq!(network(address.parse()?), expected);
        }
        Ok(())
    }

    /// Fails while the switch is on.
    #[derive(Debug, Default)]
    struct Flaky(AtomicBool, MemoryLimits);

    impl Flaky {
        fn is_up(&self) -> StoreResult<()> {
            if self.0.load(Ordering::Acquire) { Err(StoreError::new("counting", fmt::Error)) } else { Ok(()) }
        }
    }

    #[async_trait]
    impl RateLimits for Arc<Flaky> {
        async fn spend(&self, name: &str, limit: Limit, now: SystemTime) -> StoreResult<SpendOutcome> {
            self.is_up()?;
            self.1.spend(name, limit, now).await
        }

        async fn refund(&self, name: &str, limit: Limit, now: SystemTime) -> StoreResult<()> {
            self.is_up()?;
            self.1.refund(name, limit, now).await
        }
    }

    #[tokio::test]
    async fn attempts_are_counted_in_the_process_while_the_store_fails() -> Result<(), Error> {
        let flaky = Arc::new(Flaky::default());
        let counter = Counter::new(Arc::new(flaky.clone()));
        let is_over = async || matches!(counter.spend("a", Some(LIMIT), NOW).await, Err(Error::RateLimited { .. }));
        flaky.0.store(true, Ordering::Release);
        for _ in 0..3 {
            counter.spend("a", Some(LIMIT), NOW).await?;
        }
        assert!(is_over().await);
        counter.refund("a", Some(LIMIT), NOW).await;
        counter.spend("a", Some(LIMIT), NOW).await?;
        assert!(is_over().await);
        flaky.0.store(false, Ordering::Release);
        for _ in 0..3 {
            counter.spend("a", Some(LIMIT), NOW).await?;
        }
        assert!(is_over().await);
        Ok(())
    }

    #[tokio::test]
    async fn without_a_limit_nothing_is_counted() -> Result<(), Error> {
        let flaky = Arc::new(Flaky::default());
        let counter = Counter::new(Arc::new(flaky.clone()));
        for _ in 0..1000 {
            counter.spend("a", None, NOW).await?;
        }
        for _ in 0..3 {
            counter.spend("a", Some(LIMIT), NOW).await?;
        }
        Ok(())
    }
}
