//! Why requests were refused: how often the log tells what.

use std::{
    collections::BTreeMap,
    fmt::{Debug, Write},
    sync::Mutex,
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span, subscriber,
};

static LINES: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

pub fn listen() {
    let _ = subscriber::set_global_default(Log);
}

/// The lines, those first that stand there most often.
pub fn print() {
    let Ok(lines) = LINES.lock() else { return };
    let mut lines: Vec<_> = lines.iter().collect();
    lines.sort_by_key(|(_, count)| usize::MAX - **count);
    for (line, count) in lines.into_iter().take(10) {
        println!("  the log, {count} times: {line}");
    }
}

struct Log;

struct Line(String);

impl Visit for Line {
    /// Numbers differ from request to request.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}").replace(|letter: char| letter.is_ascii_digit(), "");
        let _ = write!(self.0, " {}={value}", field.name());
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "portcullis" && *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        if let Ok(mut lines) = LINES.lock() {
            *lines.entry(line.0).or_default() += 1;
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
