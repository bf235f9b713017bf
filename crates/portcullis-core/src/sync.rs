//! What tasks share: locks and cells. Built with `--cfg portcullis_shuttle`, each use of one is a point where a scheduler decides
//! which task continues, so that `tests/shuttle` can try different orders. Otherwise they are what they wrap.

#[cfg(portcullis_shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(portcullis_shuttle))]
pub(crate) use std::sync::{Mutex, MutexGuard};

use arc_swap::{ArcSwapOption, Guard};
use std::sync::Arc;

/// A value that is read without a lock and replaced as a whole.
pub(crate) struct Cell<T>(ArcSwapOption<T>);

impl<T> Cell<T> {
    pub(crate) fn new(value: Option<Arc<T>>) -> Self {
        Self(ArcSwapOption::from(value))
    }

    #[inline]
    pub(crate) fn load(&self) -> Guard<Option<Arc<T>>> {
        others_may_run();
        self.0.load()
    }

    #[inline]
    pub(crate) fn load_full(&self) -> Option<Arc<T>> {
        others_may_run();
        self.0.load_full()
    }

    #[inline]
    pub(crate) fn store(&self, value: Option<Arc<T>>) {
        others_may_run();
        self.0.store(value);
    }
}

/// Called before each step that other tasks can see, so that the scheduler may switch to another task there. Locks have such a
/// point of their own.
#[inline]
pub(crate) fn others_may_run() {
    // Not `yield_now`, which tells the scheduler that the others should.
    #[cfg(portcullis_shuttle)]
    shuttle::thread::sleep(std::time::Duration::ZERO);
}
