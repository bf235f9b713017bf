use crate::case::Operation;

/// About how long one batch of calls takes: long against the clock's own cost, short against a time slice.
const BATCH_NANOSECONDS: u64 = 1_500_000;
const ROUNDS: usize = 201;

/// The least time that one call of each operation took, in nanoseconds of this thread's CPU time.
///
/// The operations take turns, so that a slow spell of the machine hits all of them; and the least is what the code
/// costs when nothing disturbs it, while a median drifts with the machine's neighbours.
pub(crate) fn least(operations: &mut [&mut Operation]) -> Vec<f64> {
    let calls: Vec<u64> = operations.iter_mut().map(|operation| calls_per_batch(operation)).collect();
    let mut least = vec![f64::INFINITY; operations.len()];
    for _ in 0..ROUNDS {
        for ((operation, calls), least) in operations.iter_mut().zip(&calls).zip(&mut least) {
            // The first call after another operation finds its caches cold.
            operation.call();
            *least = least.min(batch(operation, *calls) as f64 / *calls as f64);
        }
    }
    least
}

fn calls_per_batch(operation: &mut Operation) -> u64 {
    let mut calls = 1;
    loop {
        let taken = batch(operation, calls);
        if taken > BATCH_NANOSECONDS / 3 {
            return (calls * BATCH_NANOSECONDS / taken).max(1);
        }
        calls *= 2;
    }
}

fn batch(operation: &mut Operation, calls: u64) -> u64 {
    let start = cpu_nanoseconds();
    for _ in 0..calls {
        operation.call();
    }
    cpu_nanoseconds() - start
}

fn cpu_nanoseconds() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live timespec.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "the system has no clock of a thread's CPU time");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
