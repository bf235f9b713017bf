//! What nobody is shown of a token: not in a text of any kind, not in the log.

use super::{ALICE, ME, NO_RIGHTS, RIGHTS, asking, asking_one, begun, client::*};
use crate::{asking::decide, head::Head, log::heard_by};
use portcullis_core::{Error, ErrorKind, Gate, HttpResponse, Scheme, policy::staff};
use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};
use tracing::{Event, Metadata, Subscriber, field, span};

/// Keeps the text of every event.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<String>>);

impl field::Visit for Listener {
    fn record_debug(&mut self, field: &field::Field, value: &dyn Debug) {
        self.0.lock().unwrap().push_str(&format!("{field}={value:?}\n"));
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

const TOKEN: &str = "hunter2-hunter2-hunter2";

/// Answers that have the token in them, as an issuer's error page may.
fn answers() -> Vec<(Answered, Answered)> {
    let echo = format!(r#"{{"errors":[{{"message":"{TOKEN}"}}]}}"#);
    let said = |members: &str| ok(format!(r#"{{"data":{{"id":"alice",{members}}}}}"#));
    vec![
        (ok(ALICE), ok(NO_RIGHTS)),
        (Ok(HttpResponse::new(401, echo.clone())), outage()),
        (ok(ALICE), Ok(HttpResponse::new(500, echo.clone()).with_header("location", TOKEN))),
        (ok(echo), ok(NO_RIGHTS)),
        (ok(format!(r#"{{"data":{TOKEN}}}"#)), ok(NO_RIGHTS)),
        (ok(format!(r#"{{"{TOKEN}":1,"{TOKEN}":2}}"#)), ok(NO_RIGHTS)),
        (said(r#""aud":"x""#), ok(NO_RIGHTS)),
        (said(r#""exp":5"#), ok(NO_RIGHTS)),
        (ok(ALICE), Err(Error::new(ErrorKind::Invalid, "no certificate"))),
    ]
}

#[test]
fn a_token_is_shown_nowhere() {
    let (mut shown, mut events) = (String::new(), 0);
    let listener = Listener::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    heard_by(listener.clone(), || {
        for (first, second) in answers() {
            let service = Service::saying(first, second);
            let asking = asking(&service);
            let gate = Gate::builder().scheme(Scheme::new(asking.clone()).bearer()).build().unwrap();
            let head = Head::new().bearer(TOKEN);
            let who = runtime.block_on(gate.establish(&head));
            let error = runtime.block_on(decide(&gate, &who, staff(), &head)).unwrap_err();
            let refusal = gate.refuse(&error);
            events += 1;
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let body = String::from_utf8_lossy(refusal.body()).into_owned();
            shown += &format!("{asking:?} {gate:?} {who:?} {who} {error} {error:?} {cause:?} {refusal:?} {body}");
            shown += &format!("{:?} {:?}", service.last(), who.visitor());
            assert_eq!(header(&service.last(), "authorization"), [format!("Bearer {TOKEN}")]);
        }
        // While it is under way, too.
        let service = Service::later();
        let asking = asking(&service);
        let waiting = begun(&asking, TOKEN);
        service.answer(TOKEN, ok(ALICE));
        shown += &format!("{asking:?} {:?} {:?}", service.take(TOKEN), service.last());
        drop(waiting);
    });
    let heard = listener.0.lock().unwrap().clone();
    assert_eq!(heard.matches("code=").count(), events, "{heard}");
    assert!(shown.contains("issuer.test/users/me") && shown.contains(RIGHTS) && shown.len() > 1000);
    for secret in [TOKEN, "hunter2", "Bearer hunter"] {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!heard.contains(secret), "{heard}");
    }
}

#[test]
fn what_it_shows_of_itself() {
    let service = Service::of_alice();
    // A query may hold a key.
    let me = ME.strip_suffix("?fields=id").unwrap();
    assert_eq!(format!("{:?}", asking_one(&service, "/data")), format!("WhoAmI({me} of `https://issuer.test`)"));
    assert_eq!(format!("{:?}", asking(&service)), format!("WhoAmI({me} and {RIGHTS} of `https://issuer.test`)"));
}
