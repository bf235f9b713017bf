//! Everything that this process logs. The tests of two examples include this file too.

use std::{
    fmt::{Debug, Write},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span, subscriber,
};

static LOG: Mutex<String> = Mutex::new(String::new());

pub fn log() -> MutexGuard<'static, String> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps every event and span of this process from here on, down to TRACE, whoever makes it.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| subscriber::set_global_default(Listener).unwrap());
}

/// Runs a request, and asserts that nothing secret of it was logged meanwhile, by this test or another: neither these texts
/// nor what looks like a token in what was sent and answered.
#[allow(dead_code, reason = "not every test that includes this file needs it")]
pub async fn silently<T>(
    secrets: &[&str],
    sent: String,
    request: impl Future<Output = T>,
    answered: impl Fn(&T) -> String,
) -> T {
    listen();
    let start = log().len();
    let answer = request.await;
    let texts = format!("{sent} {}", answered(&answer));
    // Identifiers, which are logged, have 36 characters.
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let tokens = texts.split(|letter| !is_part(letter)).filter(|word| word.len() >= 40);
    for secret in tokens.chain(secrets.iter().copied()) {
        assert!(!log()[start..].contains(secret), "{secret} was logged");
    }
    answer
}

struct Listener;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Line {
    fn write(metadata: &Metadata<'_>, record: impl FnOnce(&mut Self)) {
        let mut line = Self(format!("{} {} {}:", metadata.level(), metadata.target(), metadata.name()));
        record(&mut line);
        line.0.push('\n');
        log().push_str(&line.0);
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        Line::write(event.metadata(), |line| event.record(line));
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        Line::write(span.metadata(), |line| span.record(line));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        log().push_str(&line.0);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
