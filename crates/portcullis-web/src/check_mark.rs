//! Marks requests that were checked, so that a forgotten guard is noticed.

use portcullis_core::{Error, ErrorKind};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// Whether a guard or an extractor has checked a request. Clones share the mark.
///
/// ```
/// use portcullis_web::CheckMark;
///
/// let checked = CheckMark::default();
/// checked.set(); // a guard has asked a policy
/// assert!(checked.forgotten(200, "GET", "/me").is_none());
///
/// let unchecked = CheckMark::default();
/// assert!(unchecked.forgotten(404, "GET", "/olds").is_none()); // no handler was reached
/// assert_eq!(
///     unchecked.forgotten(200, "GET", "/invoices").map(|error| error.status()),
///     Some(500)
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct CheckMark(Arc<AtomicBool>);

impl CheckMark {
    /// Whether the request was checked.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Records that the request was checked.
    pub fn set(&self) {
        self.0.store(true, Relaxed);
    }

    /// The error for a response of this status if nothing has checked its request: a guard was forgotten. A response of 300
    /// and above does not come from a handler that was reached by mistake. Returned once for a request.
    #[must_use]
    pub fn forgotten(&self, status: u16, method: &str, path: &str) -> Option<Error> {
        if self.is_set() || status >= 300 {
            return None;
        }
        self.set();
        let detail = format!(
            "no guard and no extractor checked {method} {path}; a layer guards only what was added before it, and a public \
             route says `anyone()`"
        );
        Some(Error::new(ErrorKind::Misconfigured, detail))
    }
}
