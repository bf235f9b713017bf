use crate::case::Operation;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// How often one call allocates or grows an allocation.
pub(crate) fn count(operation: &mut Operation) -> u64 {
    operation.warm_up();
    during(|| operation.call()).times
}

/// What some work allocates.
pub(crate) struct Allocated {
    /// How often it allocates or grows an allocation.
    pub(crate) times: u64,
    /// What it leaves behind.
    pub(crate) bytes: usize,
}

pub(crate) fn during(work: impl FnOnce()) -> Allocated {
    TIMES.store(0, Relaxed);
    BYTES.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
    work();
    COUNTING.store(false, Relaxed);
    Allocated { times: TIMES.load(Relaxed), bytes: BYTES.load(Relaxed) }
}

/// The system's allocator, counting while it is asked to.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;
static COUNTING: AtomicBool = AtomicBool::new(false);
static TIMES: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

fn note(times: u64, gained: usize, lost: usize) {
    if COUNTING.load(Relaxed) {
        TIMES.fetch_add(times, Relaxed);
        // It may free what was there before, so the sum may be below zero for a while.
        BYTES.fetch_add(gained.wrapping_sub(lost), Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size, layout.size());
        // SAFETY: the caller's promises are the same.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(0, 0, layout.size());
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(block, layout) }
    }
}
