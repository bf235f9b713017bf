//! Everything that this process logs. Other tests include this file too.

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

/// Keeps every event and span of this process from here on, down to TRACE, whoever makes it. Returns where the log is.
pub fn listen() -> usize {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| subscriber::set_global_default(Listener).unwrap());
    log().len()
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
    let start = listen();
    let answer = request.await;
    assert_silent(start, secrets, &format!("{sent} {}", answered(&answer)));
    answer
}

/// Asserts that since then nothing secret was logged: neither the secrets nor what looks like a token in the texts.
#[allow(dead_code, reason = "not every test that includes this file needs it")]
pub fn assert_silent(start: usize, secrets: &[&str], texts: &str) {
    // Identifiers, which are logged, have 36 characters.
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let tokens = texts.split(|letter| !is_part(letter)).filter(|word| word.len() >= 40);
    for secret in tokens.chain(secrets.iter().copied()) {
        assert!(!log()[start..].contains(secret), "{secret} was logged");
    }
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
