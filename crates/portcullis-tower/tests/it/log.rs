//! What the log is told.

use std::{
    cell::RefCell,
    fmt::{Debug, Write},
    mem,
    sync::Once,
};
use tracing::{
    Event, Metadata, Subscriber, callsite,
    field::{Field, Visit},
    span, subscriber,
};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The events of target `portcullis` on this thread, one line each. One test is one thread.
///
/// One subscriber for all threads: with one for each test, what is cached about who listens is that of another test.
#[derive(Debug)]
pub struct Log;

impl Log {
    pub fn listen() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            subscriber::set_global_default(Self).unwrap();
            callsite::rebuild_interest_cache();
        });
        LINES.take();
        Self
    }

    /// The lines since the last time.
    pub fn lines(&self) -> Vec<String> {
        LINES.with_borrow_mut(mem::take)
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "portcullis"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| lines.push(line.0));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
