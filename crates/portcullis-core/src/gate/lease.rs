//! Connections that outlive their request.
//!
//! A [`Watch`] runs two loops side by side: one waits for revocations, one asks the gate again from time to time. Neither
//! depends on a runtime: the caller brings the timer.

use super::{Authentication, Gate, establish::is_revoked};
use crate::{
    credential::Credential,
    error::{Error, ErrorKind},
    head::{OwnedHead, RequestHead},
    policy::Plan,
    principal::Principal,
};
use futures_util::future::{Either, select};
use std::{
    fmt,
    future::{Future, pending},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

/// The default time between two checks.
const USUALLY: Duration = Duration::from_secs(30);

/// The least time between two checks, except after a revocation.
const LEAST: Duration = Duration::from_secs(1);

/// How long a check may take.
const LONGEST_LOOK: Duration = Duration::from_secs(10);

/// How long a connection may continue while no check can be made.
const GRACE: Duration = Duration::from_secs(300);

/// A caller's right to a connection that outlives its request, such as a WebSocket.
///
/// The connection has to end when the credential expires or is [revoked](crate::Revocations), when its key is withdrawn,
/// when its issuer ends the session, and when a guard of the route no longer allows the caller: a disabled account, a
/// removed member. Guards around the route's own count too, if they are of the same gate. The gate checks all of this at once
/// after a revocation, when the credential expires, and every 30 seconds. While it cannot check, because the issuer is down
/// for example, the connection continues for five minutes, and never beyond the expiry.
///
/// An extractor of the adapters provides it. The handler waits for the end and closes the connection:
///
/// ```
/// # use portcullis_core::Lease;
/// # use std::{future::{Future, pending}, pin::{Pin, pin}, time::Duration};
/// use futures_util::future::{Either, select};
///
/// # async fn receive() -> Option<String> { pending().await }
/// # async fn close(reason: &str) {}
/// async fn serve(
///     lease: Lease,
///     sleep: fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>,
/// ) {
///     let mut end = lease.watch(sleep); // `tokio::time::sleep` where tokio is the runtime
///     loop {
///         match select(&mut end, pin!(receive())).await {
///             Either::Left((error, _)) => return close(error.code()).await,
///             Either::Right((Some(_message), _)) => {}
///             Either::Right((None, _)) => return,
///         }
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Lease {
    who: Authentication,
    principal: Principal,
    /// None for a caller that is known without one.
    credential: Option<Credential<'static>>,
    /// The policies of the route, in the order in which the request has passed them.
    plans: Vec<Plan>,
    head: OwnedHead,
    check_every: Duration,
}

impl Authentication {
    /// A lease for the connection that this request opens, on a route with these policies.
    ///
    /// `head` is that of the request; a copy without its credentials is kept.
    ///
    /// # Errors
    /// As [`principal`](Self::principal).
    pub fn lease<'p>(&self, plans: impl IntoIterator<Item = &'p Plan>, head: &dyn RequestHead) -> Result<Lease, Error> {
        let principal = self.principal()?.clone();
        let plans: Vec<_> = plans.into_iter().filter(|plan| !plan.is_public()).cloned().collect();
        let credential = match self.source() {
            Some(_) => match self.gate.read_from(self.sources(), head)? {
                Some((credential, _)) => {
                    Some(credential.to_owned().with_max_age(plans.iter().filter_map(Plan::max_age).min()))
                }
                None => {
                    return Err(Error::misconfigured(
                        "this request has no credential; pass the one that was authenticated",
                    ));
                }
            },
            None => None,
        };
        let head = OwnedHead::copy(head, &self.gate.credential_scrubber(head));
        Ok(Lease { who: self.clone(), principal, credential, plans, head, check_every: USUALLY })
    }
}

impl Lease {
    /// The longest time between two checks: 30 seconds by default, at least one second.
    ///
    /// Each check verifies the credential and asks the policies of the route again. Choose a shorter time where a removed
    /// member may see nothing more. A revocation is noticed at once, whatever the time is.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::{
    ///     sync::atomic::{AtomicBool, Ordering::Relaxed},
    ///     time::Duration,
    /// };
    ///
    /// static IS_MEMBER: AtomicBool = AtomicBool::new(true);
    /// let standing =
    ///     |_| if IS_MEMBER.load(Relaxed) { Standing::role("viewer") } else { Standing::stranger() };
    /// let gate =
    ///     builder()?.membership("project", By(standing)).build()?.acting_as(acting_as("alice"));
    /// let plan = gate.plan(role("viewer").on("project", path("project_id")))?;
    /// let who = now(gate.establish_for(&plan, &project(1)));
    /// let lease = who.lease(Some(&plan), &project(1))?.check_every(Duration::from_secs(5));
    ///
    /// // The first check allows alice. She is removed before the second one.
    /// let sleep = |time| async move { IS_MEMBER.store(time != Duration::from_secs(5), Relaxed) };
    /// assert_eq!(now(lease.watch(sleep)).code(), "not_a_member");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn check_every(mut self, time: Duration) -> Self {
        self.check_every = time.max(LEAST);
        self
    }

    /// The caller.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// A future that resolves when the connection has to end, with the reason.
    ///
    /// `sleep` is that of the runtime, such as `tokio::time::sleep`.
    ///
    /// Make one for each connection: it starts with a check, and with five minutes of its own. In a test, a clock that is moved
    /// takes the place of the timer:
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let issuer = TestIssuer::new();
    /// let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
    /// let token = issuer.token("alice").expires_in(Duration::from_secs(60)).sign();
    /// let request = get("/feed").bearer(&token);
    /// let lease = now(gate.establish(&request)).lease(None, &request)?;
    ///
    /// let (clock, start) = (issuer.clock(), issuer.clock().seconds());
    /// let sleep = move |time| {
    ///     let clock = clock.clone();
    ///     async move { clock.advance(time) }
    /// };
    /// assert_eq!(now(lease.watch(sleep)).code(), "token_expired");
    /// assert!(issuer.clock().seconds() >= start + 60); // and not earlier
    /// // without a credential there is none
    /// assert!(now(gate.establish(&get("/feed"))).lease(None, &get("/feed")).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// Make one for each connection: it starts with a check, and with five minutes of its own.
    pub fn watch<S>(&self, sleep: impl Fn(Duration) -> S + Send + 'static) -> Watch
    where
        S: Future + Send + 'static,
    {
        let lease = self.clone();
        Watch(State::Waiting(Box::pin(async move {
            match select(pin!(lease.revoked()), pin!(lease.refused(sleep))).await {
                Either::Left((error, _)) | Either::Right((error, _)) => error,
            }
        })))
    }

    fn gate(&self) -> &Gate {
        &self.who.gate
    }

    /// Resolves when the credential is revoked, if the gate has revocations.
    async fn revoked(&self) -> Error {
        let Some(revocations) = self.gate().0.revocations.as_ref().filter(|_| self.credential.is_some()) else {
            return pending().await;
        };
        loop {
            // Before the check, so that nothing is missed between.
            let changed = revocations.clone().changed();
            if let Ok(true) = is_revoked(revocations, &self.principal).await {
                return Error::invalid("the credential was revoked");
            }
            changed.await;
        }
    }

    /// The caller as it is now, if it is still allowed.
    async fn check(&self) -> Result<Principal, Error> {
        let who = match &self.credential {
            Some(credential) => {
                let who = self.gate().authenticate_by(self.who.sources(), credential).await;
                match (&self.gate().0.context, self.principal.chosen_organization()) {
                    (Some(context), Some(chosen)) => context.stay(who, chosen).await,
                    _ => who,
                }
            }
            None => self.who.without_standings(),
        };
        let principal = who.principal()?.clone();
        if principal.id() != self.principal.id() {
            return Err(Error::invalid("the credential names another principal now"));
        }
        for plan in &self.plans {
            let baseline = self.gate().baseline_of(plan);
            self.gate().authorize_beyond(baseline, &who, plan, &self.head).await?;
        }
        Ok(principal)
    }

    /// Resolves when the gate would refuse the caller.
    async fn refused<S: Future>(&self, sleep: impl Fn(Duration) -> S) -> Error {
        if self.credential.is_none() && self.plans.is_empty() {
            return pending().await;
        }
        let mut end = self.principal.expires_at();
        let mut unknown_for = Duration::ZERO;
        loop {
            let unknown = match select(pin!(self.check()), pin!(sleep(LONGEST_LOOK))).await {
                Either::Left((Ok(principal), _)) => {
                    end = principal.expires_at();
                    None
                }
                Either::Left((Err(error), _)) if error.status() >= 500 => Some(error),
                Either::Left((Err(error), _)) => return error,
                Either::Right(_) => {
                    unknown_for = unknown_for.saturating_add(LONGEST_LOOK);
                    Some(Error::new(
                        ErrorKind::Unavailable,
                        "the check whether the caller is still allowed took too long",
                    ))
                }
            };
            let left = end.map(|end| end.duration_since(self.gate().now()).unwrap_or_default());
            let wait = left.unwrap_or(self.check_every).min(self.check_every);
            let wait = match unknown {
                None => {
                    unknown_for = Duration::ZERO;
                    wait.max(LEAST)
                }
                Some(_) if left == Some(Duration::ZERO) => {
                    return Error::new(ErrorKind::Expired, "the credential expired");
                }
                Some(error) if unknown_for >= GRACE => return error,
                Some(_) => {
                    let wait = wait.min(GRACE.saturating_sub(unknown_for)).max(LEAST);
                    unknown_for = unknown_for.saturating_add(wait);
                    wait
                }
            };
            sleep(wait).await;
        }
    }
}

/// The end of a connection. See [`Lease::watch`].
///
/// It keeps its state when it is polled through `&mut`, as `select!` does, and stays ready once it is.
#[must_use = "futures do nothing unless polled"]
pub struct Watch(State);

enum State {
    Waiting(Pin<Box<dyn Future<Output = Error> + Send>>),
    Ended(Error),
}

impl Future for Watch {
    type Output = Error;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Error> {
        let error = match &mut self.0 {
            State::Waiting(end) => ready!(end.as_mut().poll(context)),
            State::Ended(error) => return Poll::Ready(error.clone()),
        };
        self.0 = State::Ended(error.clone());
        Poll::Ready(error)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Waiting(_) => "Watch(..)",
            State::Ended(_) => "Watch(ended)",
        })
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("principal", &self.principal).finish_non_exhaustive()
    }
}
