//! The log as the page shows it.

use std::{
    cell::RefCell,
    fmt::{Debug, Write},
    sync::Once,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span, subscriber,
};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The lines of this thread's log from here on. One test is one thread.
///
/// One subscriber serves all threads: `tracing` remembers who listens for all of them together.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| subscriber::set_global_default(Log).unwrap());
    LINES.take();
}

/// The line since then, or an empty one. No request gets more.
pub(crate) fn line() -> String {
    let mut lines = LINES.take();
    assert!(lines.len() < 2, "{lines:?}");
    lines.pop().unwrap_or_default()
}

/// Writes events as `tracing_subscriber::fmt()` does, without the time.
struct Log;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}").unwrap(),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The level of a service that says nothing else.
        metadata.target() == "portcullis" && *metadata.level() <= tracing::Level::INFO
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} {}:", event.metadata().level(), event.metadata().target()));
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
