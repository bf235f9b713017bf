//! Answers that take the same time, whether there is an account or not.

use futures_timer::Delay;
use std::time::Duration;

/// More than a store takes, unless it is overloaded. A database takes longer for a user that exists: it has a row to return,
/// and an earlier token to replace.
const LEAST: Duration = Duration::from_millis(50);

/// The result of the work, once 50 ms have passed.
pub(crate) async fn in_equal_time<T>(work: impl Future<Output = T>) -> T {
    let least = Delay::new(LEAST);
    let result = work.await;
    least.await;
    result
}
