//! What is logged.

use std::{
    fmt,
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, Instant},
};
use tracing::{
    Dispatch, Event, Metadata, Subscriber, field, span,
    subscriber::{DefaultGuard, NoSubscriber, set_default},
};

/// Keeps every event as one line.
#[derive(Clone, Default)]
pub struct Listener(Arc<Mutex<Vec<String>>>);

impl Listener {
    /// Listens to this thread, and to what it starts.
    pub fn start() -> (Self, DefaultGuard) {
        // With a single subscriber, what the first one to come is interested in counts for all.
        static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));
        LazyLock::force(&SECOND);
        let listener = Self::default();
        (listener.clone(), set_default(listener))
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The line that has this in it.
    pub async fn line(&self, part: &str) -> String {
        let start = Instant::now();
        loop {
            if let Some(line) = self.lines().into_iter().find(|line| line.contains(part)) {
                return line;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "no {part} in {:?}", self.lines());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

struct Line(String);

impl field::Visit for Line {
    fn record_debug(&mut self, field: &field::Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "portcullis"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
