use super::{Established, Gate, establish::is_revoked};
use crate::{
    credential::Credential,
    error::{Error, ErrorKind},
    head::RequestHead,
    principal::Principal,
    scheme::Sources,
};
use futures_util::future::{Either, select};
use std::{
    fmt,
    future::{Future, pending},
    pin::pin,
    sync::Arc,
    time::Duration,
};

/// How often is looked again, unless said otherwise.
const USUALLY: Duration = Duration::from_secs(30);

/// No connection is looked after more often, but for what is revoked.
const LEAST: Duration = Duration::from_secs(1);

/// After which nothing is expected any more of who is asked.
const LONGEST_LOOK: Duration = Duration::from_secs(10);

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
    /// Where its credential counts.
    sources: Arc<Sources>,
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
            Some(_) => match gate.read_from(&self.sources, head)? {
                Some((credential, _)) => Some(credential.to_owned()),
                None => {
                    return Err(Error::misconfigured("the request to lease for is another one, without a credential"));
                }
            },
            None => None,
        };
        Ok(Lease { gate, sources: self.sources.clone(), principal, credential, look_every: USUALLY })
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
    ///
    /// Wait on one future for the whole connection: a new one begins with a look, and its five minutes anew.
    pub async fn ended<S: Future>(&self, sleep: impl Fn(Duration) -> S) -> Error {
        let Some(credential) = &self.credential else { return pending().await };
        match select(pin!(self.revoked()), pin!(self.refused(credential, sleep))).await {
            Either::Left((error, _)) | Either::Right((error, _)) => error,
        }
    }

    /// Comes when it is revoked, where that is told.
    async fn revoked(&self) -> Error {
        let Some(revocations) = &self.gate.0.revocations else { return pending().await };
        loop {
            // Before looking, so that nothing is missed between.
            let changed = revocations.clone().changed();
            if let Ok(true) = is_revoked(revocations, &self.principal).await {
                return Error::invalid("the credential was revoked");
            }
            changed.await;
        }
    }

    /// Comes when the gate would refuse it.
    async fn refused<S: Future>(&self, credential: &Credential<'static>, sleep: impl Fn(Duration) -> S) -> Error {
        let mut end = self.principal.expires_at();
        let mut unknown_for = Duration::ZERO;
        loop {
            let unknown = match select(self.gate.authenticate_by(&self.sources, credential), pin!(sleep(LONGEST_LOOK)))
                .await
            {
                Either::Left((who, _)) => match who.principal() {
                    Ok(principal) if principal.id() == self.principal.id() => {
                        end = principal.expires_at();
                        None
                    }
                    Ok(_) => return Error::invalid("the credential is somebody else's now"),
                    Err(error) if error.status() >= 500 => Some(error),
                    Err(error) => return error,
                },
                Either::Right(_) => {
                    unknown_for = unknown_for.saturating_add(LONGEST_LOOK);
                    Some(Error::new(ErrorKind::Unavailable, "nobody said in time whether the credential still holds"))
                }
            };
            let left = end.map(|end| end.duration_since(self.gate.now()).unwrap_or_default());
            let wait = left.unwrap_or(self.look_every).min(self.look_every);
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

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("principal", &self.principal).finish_non_exhaustive()
    }
}
