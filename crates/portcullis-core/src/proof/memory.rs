//! Which proofs were used.

use crate::{
    answer::Answer,
    error::{Error, ErrorKind},
    sync::Mutex,
};
use std::{
    collections::{BTreeSet, HashSet},
    fmt,
    future::Future,
    sync::{Arc, PoisonError},
    time::SystemTime,
};

/// Remembers the proofs of [`Dpop`](crate::Dpop), so that none is accepted twice.
///
/// The default is [`RecentProofs`], in the memory of one process. A service of several processes has a store that they share:
///
/// ```
/// use portcullis_core::{Error, ErrorKind, ProofMemory};
/// use std::time::SystemTime;
///
/// # #[derive(Debug)] struct Redis;
/// # impl Redis {
/// #     async fn set_if_absent(&self, _: &[u8], _: SystemTime) -> std::io::Result<bool> { Ok(true) }
/// # }
/// #[derive(Debug)]
/// struct SharedProofs(Redis);
///
/// impl ProofMemory for SharedProofs {
///     async fn remember(
///         &self,
///         proof: [u8; 32],
///         until: SystemTime,
///         _now: SystemTime,
///     ) -> Result<bool, Error> {
///         self.0.set_if_absent(&proof, until).await.map_err(|cause| {
///             Error::new(ErrorKind::Unavailable, "the memory of proofs did not answer")
///                 .with_cause(cause)
///         })
///     }
/// }
/// ```
pub trait ProofMemory: fmt::Debug + Send + Sync + 'static {
    /// Remembers this proof, and returns whether it is new. It may be forgotten after `until`. Both in one step: of two calls
    /// at the same time, one returns `false`.
    ///
    /// The proof is the SHA-256 of its key and its identifier.
    ///
    /// # Errors
    /// If that is not known. The request is then refused.
    fn remember(
        &self,
        proof: [u8; 32],
        until: SystemTime,
        now: SystemTime,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

/// The same, behind a pointer.
pub(super) trait AnyProofMemory: fmt::Debug + Send + Sync {
    fn remember(
        self: Arc<Self>,
        proof: [u8; 32],
        until: SystemTime,
        now: SystemTime,
    ) -> Answer<'static, Result<bool, Error>>;
}

impl<M: ProofMemory> AnyProofMemory for M {
    fn remember(
        self: Arc<Self>,
        proof: [u8; 32],
        until: SystemTime,
        now: SystemTime,
    ) -> Answer<'static, Result<bool, Error>> {
        Answer::begin(async move { ProofMemory::remember(&*self, proof, until, now).await })
    }
}

/// The recent proofs of one process. Clones share them.
///
/// When it is full, requests with a proof are refused with 503 until the oldest proof ends. A proof is never forgotten before.
/// An entry takes about 150 bytes.
///
/// ```
/// use portcullis_core::{ErrorKind, ProofMemory, RecentProofs};
/// use std::time::{Duration, SystemTime};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// let now = SystemTime::UNIX_EPOCH;
/// let until = now + Duration::from_secs(60);
/// let memory = RecentProofs::new(1);
/// assert!(memory.remember([1; 32], until, now).await?);
/// assert!(!memory.remember([1; 32], until, now).await?); // used before
///
/// let full = memory.remember([2; 32], until, now).await;
/// assert!(full.is_err_and(|error| error.kind() == ErrorKind::Unavailable));
/// let later = until + Duration::from_secs(1);
/// assert!(memory.remember([2; 32], later, later).await?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RecentProofs {
    most: usize,
    proofs: Arc<Mutex<Proofs>>,
}

#[derive(Default)]
struct Proofs {
    known: HashSet<[u8; 32]>,
    by_end: BTreeSet<(SystemTime, [u8; 32])>,
}

impl RecentProofs {
    /// At most this many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, proofs: Arc::default() }
    }

    fn remember_now(&self, proof: [u8; 32], until: SystemTime, now: SystemTime) -> Result<bool, Error> {
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        let Proofs { known, by_end } = &mut *proofs;
        while let Some((end, ended)) = by_end.first().copied().filter(|(end, _)| *end < now) {
            by_end.remove(&(end, ended));
            known.remove(&ended);
        }
        if known.contains(&proof) {
            return Ok(false);
        }
        if known.len() >= self.most {
            let first = by_end.first().and_then(|(end, _)| end.duration_since(now).ok());
            let error =
                Error::new(ErrorKind::Unavailable, "the memory of proofs is full; RecentProofs::new sets its size");
            return Err(error.with_retry_after(first.unwrap_or_default()));
        }
        known.insert(proof);
        by_end.insert((until, proof));
        Ok(true)
    }
}

impl ProofMemory for RecentProofs {
    async fn remember(&self, proof: [u8; 32], until: SystemTime, now: SystemTime) -> Result<bool, Error> {
        self.remember_now(proof, until, now)
    }
}

impl fmt::Debug for RecentProofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentProofs").field("most", &self.most).finish_non_exhaustive()
    }
}
