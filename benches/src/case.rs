use crate::companion::Companion;
use std::{fmt, hint::black_box};

/// The same work done by us, by others, and by the bare primitive: what is compared with each other.
#[derive(Debug)]
pub(crate) struct Case {
    /// What it is called on the command line, such as `verify/HS256/small`.
    pub(crate) name: String,
    /// The heading of the table it stands in.
    pub(crate) table: String,
    /// What its rows are called there.
    pub(crate) row: &'static str,
    pub(crate) operations: Vec<Operation>,
}

/// Something to measure, ready to be called any number of times.
pub(crate) struct Operation {
    pub(crate) by: &'static str,
    run: Box<dyn FnMut()>,
    /// Who makes the same calls on another thread while this one is timed.
    pub(crate) companion: Option<Companion>,
    /// How many calls it takes until all that they use has been used.
    pub(crate) spread: usize,
}

impl Operation {
    pub(crate) fn new<R>(by: &'static str, mut run: impl FnMut() -> R + 'static) -> Self {
        Self { by, run: Box::new(move || drop(black_box(run()))), companion: None, spread: 1 }
    }

    /// The same, timed while another thread does this.
    pub(crate) fn beside<R>(mut self, mut run: impl FnMut() -> R + Send + 'static) -> Self {
        self.companion = Some(Companion::new(move || drop(black_box(run()))));
        self
    }

    pub(crate) fn call(&mut self) {
        (self.run)();
    }

    /// Fills caches, and makes what the first call makes once.
    pub(crate) fn warm_up(&mut self) {
        for _ in 0..20 {
            self.call();
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("by", &self.by).finish_non_exhaustive()
    }
}
