use portcullis_core::{Error, ErrorKind};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// Whether a guard or an extractor has looked at a request. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<AtomicBool>);

impl Seen {
    /// Whether the request was looked at.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// The request was looked at.
    pub fn set(&self) {
        self.0.store(true, Relaxed);
    }

    /// What is wrong with a response of this status, if nothing has looked at its request: a guard was forgotten. A response of
    /// 300 and above is not that of a handler that was reached by mistake. Returned once for a request.
    #[must_use]
    pub fn forgotten(&self, status: u16, method: &str, path: &str) -> Option<Error> {
        if self.is_set() || status >= 300 {
            return None;
        }
        self.set();
        let detail = format!(
            "no guard and no extractor looked at {method} {path}; a layer guards only what was added before it, and a public \
             route says `anyone()`"
        );
        Some(Error::new(ErrorKind::Misconfigured, detail))
    }
}
