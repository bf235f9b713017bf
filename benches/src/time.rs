use crate::case::Operation;
use std::time::{Duration, Instant};

/// How long one batch of calls takes, or up to twice that: long against the clock's own cost, short against a time slice.
const BATCH: Duration = Duration::from_millis(1);
/// How long the operations take turns: a slow spell of a shared machine lasts for seconds, and every operation needs a
/// quick one.
const ALL_ROUNDS: Duration = Duration::from_secs(20);

/// The least time that one call of each operation took, in nanoseconds of this thread's CPU time; infinite if it was
/// never measured undisturbed.
///
/// The operations take turns, so that a slow spell of the machine hits all of them; and the least is what the code
/// costs when nothing disturbs it, while a median drifts with the machine's neighbours.
pub(crate) fn least(operations: &mut [&mut Operation]) -> Vec<f64> {
    let calls: Vec<u32> = operations.iter_mut().map(|operation| calls_per_batch(operation)).collect();
    let mut least = vec![f64::INFINITY; operations.len()];
    let start = Instant::now();
    while start.elapsed() < ALL_ROUNDS {
        for ((operation, calls), least) in operations.iter_mut().zip(&calls).zip(&mut least) {
            // The first calls after another operation find the processor's caches cold.
            for _ in 0..operation.spread {
                operation.call();
            }
            let batch = Batch::of(operation, *calls);
            if batch.is_undisturbed() {
                *least = least.min(batch.cpu.as_nanos() as f64 / f64::from(*calls));
            }
        }
    }
    least
}

fn calls_per_batch(operation: &mut Operation) -> u32 {
    let mut calls = 1;
    loop {
        // Not the wall's time, which passes as well while somebody else runs: the batch would be too short for the clock.
        if Batch::of(operation, calls).cpu >= BATCH {
            return calls;
        }
        calls = calls.saturating_mul(2);
    }
}

/// The CPU time and the wall-clock time of several calls.
#[derive(Debug)]
struct Batch {
    cpu: Duration,
    wall: Duration,
    /// Whether the companion, if there is one, made about as many calls meanwhile.
    in_company: bool,
}

impl Batch {
    fn of(operation: &mut Operation, calls: u32) -> Self {
        let companion = operation.companion.take();
        let mut times = (Duration::ZERO, Duration::ZERO);
        let mut work = || {
            let (wall, cpu) = (Instant::now(), cpu_time());
            for _ in 0..calls {
                operation.call();
            }
            times = (cpu_time().saturating_sub(cpu), wall.elapsed());
        };
        let in_company = match &companion {
            Some(companion) => companion.beside(work) >= u64::from(calls) * 9 / 10,
            None => {
                work();
                true
            }
        };
        operation.companion = companion;
        let (cpu, wall) = times;
        Self { cpu, wall, in_company }
    }

    /// Otherwise somebody else ran meanwhile. And in a virtual machine the CPU time may stand still afterwards, until it
    /// has made up for the time that the host took: it would be a minimum that never was.
    fn is_undisturbed(&self) -> bool {
        self.in_company && self.cpu.abs_diff(self.wall) <= self.wall / 200
    }
}

fn cpu_time() -> Duration {
    cpu_time_of(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// The CPU time of this process, all of its threads together.
#[cfg(feature = "accounts")]
pub(crate) fn process_cpu() -> Duration {
    cpu_time_of(libc::CLOCK_PROCESS_CPUTIME_ID)
}

pub(crate) fn cpu_time_of(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live timespec.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
    assert_eq!(failed, 0, "the system has no clock of a thread's CPU time");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
