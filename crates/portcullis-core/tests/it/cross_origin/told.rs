//! What is told, to whom: nothing is verified before, and the log is given no cookie.

use super::*;
use crate::{
    asking::{decide, shared},
    log::heard_by,
};
use futures_util::FutureExt;

/// Counts how often it is asked, and knows `abc`.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Authenticator for Counting {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.0.fetch_add(1, SeqCst);
        match credential.expose() {
            "abc" => Ok(acting_as("alice").with_staff(true)),
            _ => Err(Error::new(ErrorKind::Invalid, "it does not hold")),
        }
    }
}

/// Before anything is verified: a stranger's page learns nothing about the cookie, and costs nothing.
#[tokio::test]
async fn a_page_of_another_origin_is_refused_before_its_cookie_is_verified() {
    let counting = Counting::default();
    let gate = Gate::builder().scheme(Scheme::new(counting.clone()).cookie("session").bearer()).build().unwrap();
    let request = |site, cookie: &str| {
        Head::new().method("POST").header("sec-fetch-site", site).header("cookie", format!("session={cookie}"))
    };
    for (site, cookie, expected, asked) in [
        ("same-origin", "abc", Ok(Some("alice")), 1),
        ("same-origin", "def", Err(ErrorKind::Invalid), 1),
        ("cross-site", "abc", Err(ErrorKind::CrossOrigin), 0),
        ("cross-site", "def", Err(ErrorKind::CrossOrigin), 0),
        ("same-site", "abc", Err(ErrorKind::CrossOrigin), 0),
        ("cross-site", "", Ok(None), 0),
    ] {
        let head = request(site, cookie);
        let who = gate.establish(&head).await;
        // A visitor who is refused is not a visitor without a name: a page that greets everybody does not greet him.
        let visitor = who.visitor().map(|visitor| visitor.map(|principal| principal.id().subject()));
        assert_eq!(visitor.map_err(|error| error.kind()), expected, "{site} {cookie}");
        assert_eq!(counting.0.swap(0, SeqCst), asked, "{site} {cookie}");
        let kind = expected.and_then(|visitor| visitor.map(|_| ()).ok_or(ErrorKind::Missing));
        assert_eq!(who.principal().map(|_| ()).map_err(|error| error.kind()), kind, "{site} {cookie}");
        for policy in [
            shared(authenticated()),
            shared(staff()),
            shared(hidden(staff())),
            shared(any((when("always", |_| true), staff()))),
            shared(not(scope("write"))),
        ] {
            let access = decide(&gate, &who, policy.clone(), &head).await;
            assert_eq!(access.map(|_| ()).map_err(|error| error.kind()), kind, "{site} {cookie} {policy:?}");
        }
        assert!(decide(&gate, &who, anyone(), &head).await.is_ok(), "{site} {cookie}");
    }
    // The same token from the same page in the place that only its owner can fill.
    let head = Head::new().method("POST").header("sec-fetch-site", "cross-site").bearer("abc");
    assert_eq!(gate.establish(&head).await.principal().unwrap().id().subject(), "alice");
    // Tests of handlers need no browser.
    let acting = gate.acting_as(acting_as("bob"));
    let head = request("cross-site", "abc");
    assert_eq!(acting.establish(&head).await.principal().unwrap().id().subject(), "bob");
    assert_eq!(gate.establish(&head).await.principal().unwrap_err().kind(), ErrorKind::CrossOrigin);
}

#[tokio::test]
async fn the_answer_is_403_and_asks_for_no_other_credential() {
    let issuer = TestIssuer::new();
    let build = |parts: fn(GateBuilder) -> GateBuilder| {
        let builder = Gate::builder().scheme(Scheme::new(issuer.verifier()).cookie("session")).realm("here");
        parts(builder).build().unwrap()
    };
    let plain = build(|builder| builder);
    let own = build(|builder| {
        builder.render(|error, default| match error.kind() {
            ErrorKind::CrossOrigin => default.with_body("text/plain", error.code()),
            _ => Refusal::new(500),
        })
    });
    let head = || post(&[("sec-fetch-site", "cross-site")]);
    for policy in [shared(authenticated()), shared(hidden(staff()))] {
        let refuse = async |gate: &Gate| {
            let head = head();
            let who = gate.establish(&head).await;
            gate.refuse(&decide(gate, &who, policy.clone(), &head).await.unwrap_err())
        };
        let refusal = refuse(&plain).await;
        let headers: Vec<_> = refusal.headers().collect();
        let expected = vec![("cache-control", "no-store"), ("content-type", "application/problem+json")];
        assert_eq!((refusal.status(), headers), (403, expected));
        let body: serde_json::Value = serde_json::from_slice(refusal.body()).unwrap();
        assert_eq!(body, serde_json::json!({ "title": "Forbidden", "status": 403, "code": "cross_origin" }));
        let refusal = refuse(&own).await;
        assert_eq!((refusal.status(), refusal.body()), (403, &b"cross_origin"[..]));
    }
    let error = plain.read(&head()).unwrap_err();
    assert_eq!((error.challenge(Some("here")), error.scope(), error.retry_after()), (None, None, None));
    // Headers that are there twice are a malformed request, with the challenge of one.
    let twice = plain.read(&head().header("sec-fetch-site", "none")).unwrap_err();
    assert_eq!(twice.challenge(None).as_deref(), Some("Bearer error=\"invalid_request\""));
}

/// Everything that is said on this thread, one line for each event.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<(Level, String)>>>);

struct Line(String);

impl field::Visit for Line {
    fn record_debug(&mut self, field: &field::Field, value: &dyn fmt::Debug) {
        write!(self.0, "{}={value:?}; ", field.name()).unwrap();
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
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push((*event.metadata().level(), line.0));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn the_log_says_that_it_was_a_cookie_and_not_which() {
    let gate = Gate::builder().scheme(Scheme::new(Counting::default()).cookie("session")).build().unwrap();
    let secret = "hunter2-hunter2";
    let requests = [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
        &[("origin", "null")],
        &[],
    ];
    let refuse = |headers: &[(&str, &str)]| {
        let head = Head::new().method("POST").header("cookie", format!("theme=dark; session={secret}; id={secret}"));
        let head = headers.iter().fold(head, |head, (name, value)| head.header(name, value));
        let who = gate.establish(&head).ready().unwrap();
        let error = decide(&gate, &who, authenticated(), &head).now_or_never().unwrap().unwrap_err();
        let refusal = gate.refuse(&error);
        format!("{who:?} {error} {error:?} {refusal:?} {}", String::from_utf8_lossy(refusal.body()))
    };
    for headers in requests {
        let listener = Listener::default();
        let shown = heard_by(listener.clone(), || refuse(headers));
        let heard = listener.0.lock().unwrap().clone();
        let [(Level::INFO, line)] = &heard[..] else { panic!("{heard:?}") };
        for part in ["code=\"cross_origin\"", "status=403", "source=cookie `session`", "message=refused: "] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert!(!line.contains("issuer") && !line.contains("cause"), "{line}");
        assert!(!line.contains("hunter2") && !line.contains("dark"), "{line}");
        assert!(!shown.contains("hunter2") && !shown.contains("dark"), "{shown}");
    }
}
