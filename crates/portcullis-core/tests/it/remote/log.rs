//! What the log hears of fetching.

use super::*;
use crate::log::heard_by;
use std::{
    fmt,
    sync::{Arc, Mutex},
};
use tracing::{Event, Level, Metadata, Subscriber, field, span};

/// Keeps every event as one line.
#[derive(Clone, Default)]
pub(super) struct Listener(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl field::Visit for Line {
    fn record_debug(&mut self, field: &field::Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }

    // As it is, because what writes a log may do so.
    fn record_str(&mut self, field: &field::Field, value: &str) {
        self.0 += &format!(" {}={value}", field.name());
    }

    fn record_error(&mut self, field: &field::Field, value: &(dyn std::error::Error + 'static)) {
        self.0 += &format!(" {}={value}", field.name());
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "portcullis" && *metadata.level() <= Level::WARN
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

impl Listener {
    /// Nothing of what came is in the log.
    #[track_caller]
    pub(super) fn assert_quiet(what: &str, heard: &[String]) {
        for line in heard {
            assert!(!line.contains("SENTINEL"), "{what}: {}", &line[..line.len().min(300)]);
        }
        Self::assert_bounded(what, heard);
    }

    /// Nothing is in the log that breaks its lines or fills the disk.
    #[track_caller]
    pub(super) fn assert_bounded(what: &str, heard: &[String]) {
        for line in heard {
            assert!(line.len() < 1000, "{what}: {} bytes in the log", line.len());
            assert!(!line.contains(char::is_control), "{what}: {line:?}");
        }
    }
}

/// What the log hears from warnings up while this runs.
pub(super) fn listen(run: impl FnOnce()) -> Vec<String> {
    let listener = Listener::default();
    heard_by(listener.clone(), run);
    let heard = listener.0.lock().unwrap();
    heard.clone()
}

#[test]
fn what_goes_well_is_not_worth_a_word() {
    let rig = Rig::new(Does::Give(keys(&[1])));
    let heard = listen(|| {
        rig.expect("first", &[(&token(1), PASSES), (&under(2, "k1"), INVALID)], 1);
        rig.advance(100);
        rig.expect("again", &[(&token(1), PASSES)], 2);
    });
    assert_eq!(heard, Vec::<String>::new());
}

#[test]
fn every_failure_is_one_line_with_its_cause() {
    for does in [Does::Fail, Does::Drop] {
        let rig = Rig::new(does);
        let heard = listen(|| {
            for _ in 0..100 {
                rig.ask(&token(1));
            }
        });
        assert_eq!((heard.len(), rig.issuer.count()), (1, 1), "{heard:?}");
        assert!(heard[0].starts_with("WARN") && heard[0].contains(URL), "{heard:?}");
    }
}

/// A log that looks at what it is told must not be able to stop the fetching.
#[test]
fn a_log_that_asks_again_does_not_block() {
    #[derive(Clone)]
    struct Asks(Arc<Mutex<Vec<Says>>>, Jwt);
    impl Subscriber for Asks {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "portcullis"
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, _: &Event<'_>) {
            let says = self.1.verify(&token(1)).into();
            self.0.lock().unwrap().push(says);
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }
    let rig = Rig::new(Does::Fail);
    let asks = Asks(Arc::default(), rig.jwt.clone());
    heard_by(asks.clone(), || assert_eq!(rig.ask(&token(1)), UNAVAILABLE));
    assert_eq!((&*asks.0.lock().unwrap(), rig.issuer.count()), (&vec![UNAVAILABLE], 1));
}
