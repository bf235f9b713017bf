//! The threads that hash passwords.

use super::{
    MAX_BYTES,
    worker::{Costs, Legacy, Match, NoMemory, Worker},
};
use crate::error::Error;
use futures_channel::oneshot;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// Hashes passwords on threads of its own, one for each core and at most eight.
///
/// The threads bound the memory, whichever runtime calls and whoever hangs up meanwhile: a permit of a semaphore would be
/// given back when the caller goes, although the hash goes on. They end with the last clone.
#[derive(Clone)]
pub(crate) struct Hasher(Arc<Shared>);

struct Shared {
    jobs: mpsc::Sender<Job>,
    taken: Arc<AtomicUsize>,
    places: usize,
    /// How long the whole queue takes.
    patience: Duration,
}

type Job = Box<dyn FnOnce(&Worker) + Send>;

/// A place in the queue. Whoever uses up a single-use token takes the place first, so that a full queue costs nobody their
/// token.
#[must_use]
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Hasher {
    /// The queue takes about two seconds, as measured at the start.
    const QUEUE: Duration = Duration::from_secs(2);
    const MAX_THREADS: usize = 8;

    /// Starts the threads. It hashes four times itself.
    ///
    /// # Errors
    /// [`Error::Core`] of kind `Misconfigured` if Argon2 does not take these costs, or if no thread can be started.
    pub(crate) fn start(costs: Costs, legacy: Option<Legacy>) -> Result<Self, Error> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(Self::MAX_THREADS);
        Self::with_threads(costs, legacy, threads, Self::QUEUE)
    }

    fn with_threads(costs: Costs, legacy: Option<Legacy>, threads: usize, queue: Duration) -> Result<Self, Error> {
        let worker = Arc::new(Worker::new(costs, legacy)?);
        // The least of three, since the processor may be busy with the start of the program.
        let hash = |_| {
            let start = Instant::now();
            let _ = worker.hash("");
            start.elapsed()
        };
        let cost = (0..3).map(hash).min().unwrap_or_default().max(Duration::from_micros(1));
        let a_thread = usize::try_from(queue.as_micros() / cost.as_micros()).unwrap_or(usize::MAX).max(1);

        let (jobs, waiting) = mpsc::channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let (waiting, worker) = (waiting.clone(), worker.clone());
            let run = move || {
                loop {
                    let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    // A closure of the application may panic. Its caller sees that no result comes.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&worker)));
                }
            };
            thread::Builder::new()
                .name("portcullis-argon2".into())
                .spawn(run)
                .map_err(|error| Error::misconfigured(format!("no thread to hash passwords: {}", error.kind())))?;
        }
        let places = a_thread.saturating_mul(threads);
        Ok(Self(Arc::new(Shared { jobs, taken: Arc::default(), places, patience: cost.max(Self::QUEUE) })))
    }

    /// Takes a place in the queue.
    ///
    /// # Errors
    /// [`Error::Busy`] if there is none.
    pub(crate) fn reserve(&self) -> Result<Slot, Error> {
        let taken = self.0.taken.fetch_add(1, Ordering::AcqRel);
        // Gives the place back when it is dropped.
        let slot = Slot(self.0.taken.clone());
        if taken < self.0.places { Ok(slot) } else { Err(self.busy()) }
    }

    fn busy(&self) -> Error {
        Error::Busy { retry_after: self.0.patience }
    }

    /// The hash of a password, in the PHC string format.
    ///
    /// # Errors
    /// [`Error::PasswordRejected`] if the password has more than 1 024 bytes. [`Error::Busy`] if there is no memory.
    pub(crate) async fn hash(&self, slot: Slot, password: &str) -> Result<String, Error> {
        if password.len() > MAX_BYTES {
            return Err(Error::PasswordRejected(vec!["too_long"]));
        }
        let password = Zeroizing::new(password.to_owned());
        let hash = move |worker: &Worker| worker.hash(&password);
        self.run(slot, hash).await.and_then(Result::ok).ok_or_else(|| self.busy())
    }

    /// Whether the password fits the hash. Without a hash it does not, which takes as long.
    ///
    /// A password of more than 1 024 bytes never fits, whatever the hash is, and takes no time. Hashes of other costs or of
    /// another algorithm take the time that they take.
    ///
    /// # Errors
    /// [`Error::Busy`] if there is no memory.
    pub(crate) async fn verify(&self, slot: Slot, password: &str, hash: Option<&str>) -> Result<Match, Error> {
        if password.len() > MAX_BYTES {
            return Ok(Match::default());
        }
        let password = Zeroizing::new(password.to_owned());
        let hash = hash.map(str::to_owned);
        let verify = move |worker: &Worker| worker.verify(&password, hash.as_deref());
        match self.run(slot, verify).await {
            Some(Ok(it)) => Ok(it),
            Some(Err(NoMemory)) => Err(self.busy()),
            None => Ok(Match::default()),
        }
    }

    /// The result, or `None` if the job panicked.
    async fn run<T: Send + 'static>(&self, slot: Slot, work: impl FnOnce(&Worker) -> T + Send + 'static) -> Option<T> {
        let (result, answer) = oneshot::channel();
        let job = move |worker: &Worker| {
            // Nothing is hashed for a caller that has gone.
            if result.is_canceled() {
                return;
            }
            let value = work(worker);
            drop(slot);
            let _ = result.send(value);
        };
        self.0.jobs.send(Box::new(job)).ok()?;
        answer.await.ok()
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("places", &self.0.places).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
    use futures_util::FutureExt;
    use std::{panic::resume_unwind, sync::atomic::AtomicU32};

    const CHEAP: Costs = Costs { memory_kib: 64, passes: 1, lanes: 1 };
    const PASSWORD: &str = "correct horse battery staple";
    /// Room for as many jobs as a test has.
    const ROOM: Duration = Duration::from_secs(3600);

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn hasher(costs: Costs, legacy: Option<Legacy>) -> Result<Hasher, Error> {
        Hasher::with_threads(costs, legacy, 1, ROOM)
    }

    async fn verify(hasher: &Hasher, password: &str, hash: Option<&str>) -> Result<Match, Error> {
        hasher.verify(hasher.reserve()?, password, hash).await
    }

    async fn hash(hasher: &Hasher, password: &str) -> Result<String, Error> {
        hasher.hash(hasher.reserve()?, password).await
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() -> TestResult {
        let hasher = hasher(CHEAP, None)?;
        let stored = hash(&hasher, PASSWORD).await?;
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        assert_ne!(stored, hash(&hasher, PASSWORD).await?, "each hash has a salt of its own");
        assert_eq!(verify(&hasher, PASSWORD, Some(&stored)).await?, Match { fits: true, is_outdated: false });
        assert_eq!(verify(&hasher, "correct horse", Some(&stored)).await?, Match::default());
        assert_eq!(verify(&hasher, PASSWORD, None).await?, Match::default());
        assert_eq!(verify(&hasher, "", Some("")).await?, Match::default());
        Ok(())
    }

    #[tokio::test]
    async fn hashes_of_other_costs_or_variants_fit_and_are_outdated() -> TestResult {
        let ours = hasher(CHEAP, None)?;
        for costs in [Costs { memory_kib: 128, ..CHEAP }, Costs { passes: 2, ..CHEAP }, Costs { lanes: 2, ..CHEAP }] {
            let stored = hash(&hasher(costs, None)?, PASSWORD).await?;
            assert_eq!(verify(&ours, PASSWORD, Some(&stored)).await?, Match { fits: true, is_outdated: true });
            assert_eq!(verify(&ours, "wrong", Some(&stored)).await?, Match::default());
        }
        for (algorithm, version) in [
            (Algorithm::Argon2i, Version::V0x13),
            (Algorithm::Argon2d, Version::V0x13),
            (Algorithm::Argon2id, Version::V0x10),
        ] {
            let argon2 = Argon2::new(algorithm, version, Params::new(64, 1, 1, None)?);
            let stored = argon2.hash_password(PASSWORD.as_bytes())?.to_string();
            assert_eq!(verify(&ours, PASSWORD, Some(&stored)).await?, Match { fits: true, is_outdated: true });
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_hash_that_is_not_computed_takes_as_long_as_one_that_is() -> TestResult {
        let hasher = hasher(Costs::default(), None)?;
        let stored = hash(&hasher, PASSWORD).await?;
        let time = async |hash: Option<String>| {
            let start = Instant::now();
            let it = verify(&hasher, PASSWORD, hash.as_deref()).await?;
            Ok::<_, Error>((it.fits, start.elapsed()))
        };
        let mut usual = Duration::MAX;
        for _ in 0..3 {
            let (fits, taken) = time(Some(stored.clone())).await?;
            assert!(fits);
            usual = usual.min(taken);
        }
        let costs = |costs: &str| stored.replace("m=19456,t=2,p=1", costs);
        let without_output = stored.rsplit_once('$').map(|(left, _)| left.to_owned());
        for hash in [
            None,
            without_output,
            Some(costs("m=262145,t=2,p=1")),
            Some(costs("m=4294967295,t=2,p=1")),
            Some(costs("m=19456,t=17,p=1")),
            Some(costs("m=19456,t=4294967295,p=1")),
            Some(costs("m=19456,t=2,p=17")),
            Some(costs("m=1,t=2,p=1")),
            Some(costs("m=19456,t=2") + "$$"),
            Some(stored.replace("v=19", "v=7")),
            Some(stored.replace("argon2id", "argon2x")),
            Some("$argon2".into()),
            Some("$2b$12$abcdefghijklmnopqrstuv".into()),
            Some(String::new()),
        ] {
            let shown = format!("{hash:?}");
            let (fits, taken) = time(hash).await?;
            assert!(!fits, "{shown}");
            // Nothing computed would take microseconds. The rest is room for a busy machine.
            assert!(taken * 10 > usual, "{taken:?} instead of {usual:?}: {shown}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn costs_above_the_bounds_are_computed_if_they_are_ours() -> TestResult {
        let costs = Costs { memory_kib: 256, passes: 20, lanes: 17 };
        let hasher = hasher(costs, None)?;
        let stored = hash(&hasher, PASSWORD).await?;
        assert_eq!(verify(&hasher, PASSWORD, Some(&stored)).await?, Match { fits: true, is_outdated: false });
        Ok(())
    }

    #[tokio::test]
    async fn a_password_that_is_too_long_never_fits_and_is_not_cut_off() -> TestResult {
        let hasher = hasher(CHEAP, None)?;
        let longest = "x".repeat(1024);
        let stored = hash(&hasher, &longest).await?;
        assert!(verify(&hasher, &longest, Some(&stored)).await?.fits);
        let longer = "x".repeat(1025);
        assert_eq!(verify(&hasher, &longer, Some(&stored)).await?, Match::default());
        assert_eq!(verify(&hasher, &longer, None).await?, Match::default());
        assert!(matches!(hash(&hasher, &longer).await, Err(Error::PasswordRejected(codes)) if codes == ["too_long"]));
        assert_eq!(hasher.0.taken.load(Ordering::Acquire), 0);
        Ok(())
    }

    #[tokio::test]
    async fn a_foreign_hash_is_asked_of_the_closure_and_is_outdated_when_it_fits() -> TestResult {
        let legacy: Legacy = Arc::new(|password, hash| Some(password == hash.strip_prefix("$plain$")?));
        let hasher = hasher(CHEAP, Some(legacy))?;
        let yes = Match { fits: true, is_outdated: true };
        assert_eq!(verify(&hasher, PASSWORD, Some(&format!("$plain${PASSWORD}"))).await?, yes);
        assert_eq!(verify(&hasher, "wrong", Some(&format!("$plain${PASSWORD}"))).await?, Match::default());
        assert_eq!(verify(&hasher, PASSWORD, Some(&format!("$other${PASSWORD}"))).await?, Match::default());
        let stored = hash(&hasher, PASSWORD).await?;
        assert_eq!(verify(&hasher, PASSWORD, Some(&stored)).await?, Match { fits: true, is_outdated: false });
        Ok(())
    }

    #[tokio::test]
    async fn a_closure_that_panics_means_no_and_the_thread_goes_on() -> TestResult {
        let legacy: Legacy =
            Arc::new(|_, hash| if hash == "$panic" { resume_unwind(Box::new(())) } else { Some(true) });
        let hasher = hasher(CHEAP, Some(legacy))?;
        for _ in 0..3 {
            assert_eq!(verify(&hasher, PASSWORD, Some("$panic")).await?, Match::default());
        }
        assert!(verify(&hasher, PASSWORD, Some("$fits")).await?.fits);
        assert_eq!(hasher.0.taken.load(Ordering::Acquire), 0);
        Ok(())
    }

    #[test]
    fn a_full_queue_is_refused_and_a_dropped_place_is_free_again() -> TestResult {
        let hasher = Hasher::with_threads(CHEAP, None, 3, Duration::ZERO)?;
        let slots = (0..3).map(|_| hasher.reserve()).collect::<Result<Vec<_>, _>>()?;
        assert!(matches!(hasher.reserve(), Err(Error::Busy { retry_after }) if retry_after == Duration::from_secs(2)));
        assert!(hasher.reserve().is_err(), "a refusal takes no place");
        drop(slots);
        assert!(hasher.reserve().is_ok());
        Ok(())
    }

    #[tokio::test]
    async fn nothing_is_hashed_for_a_caller_that_has_gone() -> TestResult {
        let (go, wait) = mpsc::channel::<()>();
        let (wait, calls) = (Mutex::new(wait), Arc::new(AtomicU32::new(0)));
        let counter = calls.clone();
        let legacy: Legacy = Arc::new(move |_, hash| {
            counter.fetch_add(1, Ordering::AcqRel);
            if hash == "$wait" {
                let _ = wait.lock().unwrap_or_else(PoisonError::into_inner).recv();
            }
            Some(true)
        });
        let hasher = hasher(CHEAP, Some(legacy))?;
        let mut first = Box::pin(verify(&hasher, PASSWORD, Some("$wait")));
        assert!(first.as_mut().now_or_never().is_none());
        for _ in 0..10 {
            assert!(verify(&hasher, PASSWORD, Some("$gone")).now_or_never().is_none());
        }
        assert_eq!(hasher.0.taken.load(Ordering::Acquire), 11);
        go.send(())?;
        assert!(first.await?.fits);
        assert!(verify(&hasher, PASSWORD, Some("$last")).await?.fits);
        assert_eq!(calls.load(Ordering::Acquire), 2);
        assert_eq!(hasher.0.taken.load(Ordering::Acquire), 0);
        Ok(())
    }

    #[tokio::test]
    async fn the_threads_end_with_the_last_clone() -> TestResult {
        let (alive, ended) = mpsc::channel::<()>();
        let alive = Mutex::new(alive);
        let legacy: Legacy = Arc::new(move |_, _| alive.lock().ok().map(|_| true));
        let first = Hasher::with_threads(CHEAP, Some(legacy), 4, ROOM)?;
        let second = first.clone();
        drop(first);
        assert!(verify(&second, PASSWORD, Some("$fits")).await?.fits);
        assert_eq!(ended.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(second);
        assert_eq!(ended.recv_timeout(Duration::from_secs(30)), Err(mpsc::RecvTimeoutError::Disconnected));
        Ok(())
    }

    #[test]
    fn costs_that_argon2_refuses_are_refused_at_the_start() {
        for costs in [Costs { memory_kib: 7, ..CHEAP }, Costs { passes: 0, ..CHEAP }, Costs { lanes: 0, ..CHEAP }] {
            assert!(matches!(Hasher::start(costs, None), Err(Error::Core(_))));
        }
        assert!(Hasher::start(CHEAP, None).is_ok());
    }
}
