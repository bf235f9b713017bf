use super::{Established, Gate};
use crate::{
    answer::Answer,
    credential::Credential,
    error::{Error, ErrorKind},
    head::RequestHead,
    principal::Principal,
};
use futures_util::future::select;
use std::{
    fmt,
    future::{Future, pending},
    pin::pin,
    time::{Duration, SystemTime},
};

/// How often is looked again, unless said otherwise.
const USUALLY: Duration = Duration::from_secs(30);

/// No connection is looked after more often, but for what is revoked.
const LEAST: Duration = Duration::from_secs(1);

/// How long a connection goes on while nobody can say whether it may.
const GRACE: Duration = Duration::from_secs(300);

/// Who is at the other end of a connection that outlives its request, such as a WebSocket, and for how long.
///
/// It ends when the credential expires, when it is revoked, and when it does not hold any more for another reason: a key that
/// was withdrawn, a session that its issuer says is over. For that the gate looks at it again: at once when something is
/// [revoked](crate::Revocations), when it expires, and from time to time. While nobody can say, as when the issuer is down,
/// the connection goes on for five minutes, and never beyond the expiry.
///
/// Extractors bring it; it is the connection's part to wait for the end and close:
///
/// ```
/// # use portcullis_core::Lease;
/// # use std::{future::Future, time::Duration};
/// # async fn receive() -> Option<String> { None }
/// # async fn close(reason: &str) {}
/// # async fn select<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> Result<A, B> { unimplemented!() }
/// async fn serve(lease: Lease, sleep: impl Fn(Duration) -> std::pin::Pin<Box<dyn Future<Output = ()>>>) {
///     let serving = async { while let Some(_message) = receive().await {} };
///     if let Err(error) = select(serving, lease.ended(sleep)).await {
///         close(error.code()).await;
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Lease {
    gate: Gate,
    principal: Principal,
    /// None for who is known without.
    credential: Option<Credential<'static>>,
    look_every: Duration,
}

impl Established {
    /// What a connection that this request opens goes on with; the head is that of the request.
    ///
    /// # Errors
    /// As [`principal`](Self::principal).
    pub fn lease(&self, head: &dyn RequestHead) -> Result<Lease, Error> {
        let (gate, principal) = (self.gate.clone(), self.principal()?.clone());
        let credential = match self.source() {
            Some(_) => gate.read(head)?.map(|credential| credential.to_owned()),
            None => None,
        };
        Ok(Lease { gate, principal, credential, look_every: USUALLY })
    }
}

impl Lease {
    /// Looks again after this time where nothing else is a reason to; half a minute unless said otherwise, a second at least.
    #[must_use]
    pub fn look_every(mut self, time: Duration) -> Self {
        self.look_every = time.max(LEAST);
        self
    }

    /// Who is at the other end.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Comes when the connection has to end, with why: [`ErrorKind::Expired`], [`ErrorKind::Invalid`], or
    /// [`ErrorKind::Unavailable`] after five minutes of that. `sleep` is the runtime's, such as `tokio::time::sleep`.
    pub async fn ended<S: Future>(&self, sleep: impl Fn(Duration) -> S) -> Error {
        let Some(credential) = &self.credential else { return pending().await };
        let mut unknown_for = Duration::ZERO;
        loop {
            // Before looking, so that nothing is missed between.
            let changed = self.changed();
            let error = match self.gate.authenticate(credential.clone()).await.principal() {
                Ok(principal) if principal.subject() == self.principal.subject() => None,
                Ok(_) => return Error::invalid("the credential is somebody else's now"),
                Err(error) if error.kind() == ErrorKind::Unavailable => Some(error),
                Err(error) => return error,
            };
            let left = self.principal.expires_at().map(|end| end.duration_since(SystemTime::now()).unwrap_or_default());
            let wait = left.unwrap_or(self.look_every).clamp(LEAST, self.look_every);
            unknown_for = match error {
                Some(_) if left == Some(Duration::ZERO) => {
                    return Error::new(ErrorKind::Expired, "the credential expired");
                }
                Some(error) if unknown_for >= GRACE => return error,
                Some(_) => unknown_for.saturating_add(wait),
                None => Duration::ZERO,
            };
            select(pin!(changed), pin!(sleep(wait))).await;
        }
    }

    fn changed(&self) -> Answer<'static, ()> {
        match &self.gate.0.revocations {
            Some(revocations) => revocations.changed(),
            None => Answer::later(pending()),
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("principal", &self.principal).finish_non_exhaustive()
    }
}
