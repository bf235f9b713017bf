use std::{
    fmt,
    hint::spin_loop,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, Thread},
};

/// A thread that makes the same calls beside an operation while that is timed, and sleeps otherwise.
pub(crate) struct Companion {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    wanted: AtomicBool,
    calls: AtomicU64,
}

impl Companion {
    pub(crate) fn new(mut run: impl FnMut() + Send + 'static) -> Self {
        let shared = Arc::<Shared>::default();
        let its = shared.clone();
        let calls = move || {
            loop {
                while its.wanted.load(Relaxed) {
                    run();
                    // Nobody else writes it.
                    its.calls.store(its.calls.load(Relaxed) + 1, Relaxed);
                }
                thread::park();
            }
        };
        Self { shared, thread: thread::spawn(calls).thread().clone() }
    }

    /// How many calls it made while this was done.
    pub(crate) fn beside(&self, work: impl FnOnce()) -> u64 {
        let calls = || self.shared.calls.load(Relaxed);
        let asleep = calls();
        self.shared.wanted.store(true, Relaxed);
        self.thread.unpark();
        while calls() == asleep {
            spin_loop();
        }
        let before = calls();
        work();
        let made = calls() - before;
        self.shared.wanted.store(false, Relaxed);
        made
    }
}

impl fmt::Debug for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Companion").finish_non_exhaustive()
    }
}
