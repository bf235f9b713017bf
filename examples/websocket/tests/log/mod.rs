//! Everything that is logged with `tracing` at any level, by all but the client and what is below the frameworks.

use std::{
    fmt::{Debug, Write},
    mem,
    sync::Mutex,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span, subscriber,
};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From here on.
pub(crate) fn listen() {
    subscriber::set_global_default(Log).unwrap();
}

/// The lines so far.
pub(crate) fn lines() -> Vec<String> {
    mem::take(&mut LINES.lock().unwrap())
}

struct Log;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        ["portcullis", "axum", "actix"].iter().any(|ours| metadata.target().starts_with(ours))
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} {}:", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        LINES.lock().unwrap().push(line.0);
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut line = Line(format!("{} {}:", span.metadata().level(), span.metadata().name()));
        span.record(&mut line);
        LINES.lock().unwrap().push(line.0);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        LINES.lock().unwrap().push(line.0);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
