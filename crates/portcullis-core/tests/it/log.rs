//! One event for each refusal, with what operators need and without what nobody may see.

use crate::{
    asking::{Data, Members, decide, shared},
    head::Head,
};
use futures_util::FutureExt;
use portcullis_core::{
    ApiKeys, Authenticator, Credential, Error, ErrorKind, Gate, GateBuilder, MemoryKeys, Principal, RoleHierarchy,
    Scheme, SharedSecret, policy::*, testing::TestIssuer,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, field, span, subscriber::NoSubscriber};

pub type Fields = BTreeMap<&'static str, String>;
pub type Heard = Vec<(Level, &'static str, Fields)>;

/// What is asked by whom; level, code, status, source and issuer of the event.
type Row = (Arc<dyn Policy>, Head, Level, &'static str, &'static str, Option<&'static str>, Option<&'static str>);

/// Keeps every event up to a level, field by field.
#[derive(Clone)]
struct Listener {
    level: Level,
    events: Arc<Mutex<Heard>>,
}

struct Reader(Fields);

impl field::Visit for Reader {
    fn record_debug(&mut self, field: &field::Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &field::Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut reader = Reader(Fields::new());
        event.record(&mut reader);
        self.events.lock().unwrap().push((*event.metadata().level(), event.metadata().target(), reader.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Runs something while this subscriber hears the events of this thread.
///
/// A second subscriber is kept, because `tracing` has a shortcut for a single one: the first thread that comes to an event then
/// decides whether it is heard, for all threads. That thread may be one of another test, which hears nothing.
pub fn heard_by<T>(subscriber: impl Subscriber + Send + Sync + 'static, run: impl FnOnce() -> T) -> T {
    static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));
    LazyLock::force(&SECOND);
    tracing::subscriber::with_default(subscriber, run)
}

/// Runs something while a log listens at a level; tells what it heard.
pub fn listen(level: Level, run: impl AsyncFnOnce()) -> Heard {
    let listener = Listener { level, events: Arc::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    heard_by(listener.clone(), || runtime.block_on(run()));
    let events = listener.events.lock().unwrap();
    events.clone()
}

/// Runs something while a log listens at debug level, so that denials are explained to it.
pub fn at_debug(run: impl AsyncFnOnce()) {
    listen(Level::DEBUG, run);
}

const SECRET: &str = "swordfish-swordfish-swordfish-swordfish";
const SUBJECT: &str = "alice@example.org";

/// Knows nobody, and has a cause to tell.
#[derive(Debug)]
struct Broken;

impl Authenticator for Broken {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let down = credential.expose() == "down";
        let kind = if down { ErrorKind::Unavailable } else { ErrorKind::Unrecognized };
        Err(Error::new(kind, "the directory was asked").with_cause(std::io::Error::other("connection refused")))
    }
}

fn gate(issuer: &TestIssuer) -> Gate {
    Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).cookie("session").bearer().header("x-key").query("token"))
        .scheme(
            Scheme::new(SharedSecret::new("cron", SECRET).unwrap())
                .cookie("session")
                .bearer()
                .header("x-key")
                .query("token"),
        )
        .scheme(Scheme::new(Broken).cookie("session").bearer().header("x-key").query("token"))
        .roles(RoleHierarchy::builder().ranked(["viewer"]).inherits("team").build().unwrap())
        .members(&Data::default())
        .build()
        .unwrap()
}

async fn refuse(gate: &Gate, policy: impl Policy + 'static, head: &Head) {
    let who = gate.establish(head).await;
    let error = decide(gate, &who, policy, head).await.unwrap_err();
    assert_eq!(gate.refuse(&error).status(), error.status());
}

const NAME: &str = "https://issuer.test";

#[test]
fn a_refusal_is_one_event() {
    let issuer = TestIssuer::new();
    let gate = gate(&issuer);
    let token = issuer.token(SUBJECT).sign();
    let alice = || Head::new().bearer(&token);
    let expired = issuer.token(SUBJECT).expired_for(Duration::from_secs(3600)).sign();
    let on_project = |id| role("viewer").on("project", id);
    let bearer = Some("bearer header");
    let rows: Vec<Row> = vec![
        (shared(authenticated()), Head::new(), Level::INFO, "credential_missing", "401", None, None),
        (
            shared(authenticated()),
            Head::new().bearer(&expired),
            Level::INFO,
            "token_expired",
            "401",
            bearer,
            Some(NAME),
        ),
        (shared(authenticated()), Head::new().bearer("abc"), Level::INFO, "invalid_token", "401", bearer, None),
        (shared(authenticated()), alice().bearer("abc"), Level::INFO, "invalid_request", "400", bearer, None),
        (
            shared(authenticated()),
            Head::of(&[("cookie", "session=a; session=b")]),
            Level::INFO,
            "invalid_request",
            "400",
            Some("cookie `session`"),
            None,
        ),
        (
            shared(authenticated()),
            Head::new().query("token=%20"),
            Level::INFO,
            "invalid_token",
            "401",
            Some("query parameter `token`"),
            None,
        ),
        (shared(staff()), alice(), Level::INFO, "staff_required", "403", bearer, Some(NAME)),
        (shared(hidden(staff())), alice(), Level::INFO, "not_found", "404", bearer, Some(NAME)),
        (
            shared(on_project(query("id"))),
            alice().query("id=1"),
            Level::INFO,
            "not_a_member",
            "403",
            bearer,
            Some(NAME),
        ),
        (
            shared(staff()),
            Head::of(&[("x-key", SECRET)]),
            Level::INFO,
            "staff_required",
            "403",
            Some("header `x-key`"),
            None,
        ),
        (shared(authenticated()), Head::new().bearer("down"), Level::WARN, "unavailable", "503", bearer, None),
        (shared(on_project(path("id"))), alice(), Level::ERROR, "misconfigured", "500", bearer, Some(NAME)),
    ];
    for (policy, head, level, code, status, source, of) in rows {
        for listening in [Level::INFO, Level::DEBUG, Level::TRACE] {
            let events = listen(listening, async || refuse(&gate, policy.clone(), &head).await);
            let [(found, target, fields)] = &events[..] else {
                let heard = if level <= listening { 1 } else { 0 };
                assert_eq!(events.len(), heard, "{code}: {events:?}");
                continue;
            };
            assert_eq!((*found, *target), (level, "portcullis"), "{code}");
            let field = |name| fields.get(name).map(String::as_str);
            assert_eq!((field("code"), field("status")), (Some(code), Some(status)));
            assert_eq!((field("source"), field("issuer")), (source, of), "{code}");
            assert!(field("message").unwrap().starts_with("refused: "), "{fields:?}");
            let denied = ["403", "404"].contains(&status);
            assert_eq!(field("explanation").is_some(), denied && listening > Level::INFO, "{code} at {listening}");
            let cause = ["abc", "down"].iter().any(|word| head.says(word)) && of.is_none() && status != "400";
            assert_eq!(field("cause"), cause.then_some("connection refused"), "{code}");
        }
    }
}

/// A rejection is no failure of the service, and what its lists say is for the client.
#[test]
fn a_rejection_is_one_event_without_its_lists() {
    let gate = gate(&TestIssuer::new());
    let level_of = |error: Error| {
        let events = listen(Level::TRACE, async || drop(gate.refuse(&error)));
        let [(level, "portcullis", fields)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((&*fields["code"], &*fields["status"]), (error.code(), &*error.status().to_string()));
        assert!(!format!("{fields:?}").contains(SUBJECT), "{fields:?}");
        *level
    };
    for status in [400, 401, 409, 429] {
        assert_eq!(level_of(Error::rejected(status, "email_taken").with_list("emails", [SUBJECT])), Level::INFO);
    }
    assert_eq!(level_of(Error::rejected(502, "email_taken").with_list("emails", [SUBJECT])), Level::ERROR);
}

/// Says this of every credential, at once or later.
#[derive(Debug, Clone)]
struct Says(ErrorKind, String, bool);

impl Authenticator for Says {
    async fn authenticate(&self, _: &Credential<'_>) -> Result<Principal, Error> {
        if self.2 {
            tokio::task::yield_now().await;
        }
        Err(Error::new(self.0, self.1.clone()))
    }
}

/// A gate that asks them about bearer headers, one after the other.
fn in_order(asked: impl IntoIterator<Item = Says>) -> Gate {
    let schemes = asked.into_iter().map(|says| Scheme::new(says).bearer());
    schemes.fold(Gate::builder(), GateBuilder::scheme).build().unwrap()
}

#[test]
fn each_verifier_tells_the_log_why_and_the_client_nothing() {
    let unknown = |n: usize, later| Says(ErrorKind::Unrecognized, format!("number {n} does not know it"), later);
    let knows = |kind, later| Says(kind, "it does not hold".to_owned(), later);
    let (unrecognized, invalid) = (ErrorKind::Unrecognized, ErrorKind::Invalid);
    for later in [false, true] {
        for (asked, message, others) in [
            (vec![knows(invalid, later)], "it does not hold", None),
            (vec![unknown(1, later)], "number 1 does not know it", None),
            (vec![unknown(1, later), knows(invalid, !later)], "it does not hold", Some("number 1 does not know it")),
            // Whoever comes after the one that recognized it was not asked.
            (vec![knows(invalid, later), unknown(1, later)], "it does not hold", None),
            (
                vec![unknown(1, later), unknown(2, !later), knows(ErrorKind::Unavailable, later), unknown(3, later)],
                "it does not hold",
                Some("number 1 does not know it; number 2 does not know it"),
            ),
            (
                vec![unknown(1, !later), unknown(2, later), knows(unrecognized, later)],
                "it does not hold",
                Some("number 1 does not know it; number 2 does not know it"),
            ),
        ] {
            let gate = in_order(asked.clone());
            let head = Head::new().bearer("hunter2");
            let events = listen(Level::INFO, async || {
                let who = gate.establish(&head).await;
                let refusal = gate.refuse(&who.principal().unwrap_err());
                let told = format!("{refusal:?} {}", String::from_utf8_lossy(refusal.body()));
                assert!(!told.contains("does not"), "{told}");
            });
            assert_eq!(events.len(), 1);
            let field = |name| events[0].2.get(name).map(String::as_str);
            assert_eq!(field("message"), Some(&*format!("refused: {message}")), "{asked:?}");
            assert_eq!(field("others"), others, "{asked:?}");
        }
    }
    let gate = in_order((0..64).map(|n| unknown(n, false)));
    let head = Head::new().bearer("hunter2");
    let events = listen(Level::INFO, async || drop(gate.refuse(&gate.establish(&head).await.principal().unwrap_err())));
    assert!(events[0].2["message"].contains("number 63 "), "{events:?}");
    let others = &events[0].2["others"];
    assert!(others.contains("number 7 ") && !others.contains("number 8 ") && others.ends_with("; …"), "{others}");
}

#[test]
fn a_denial_is_explained_to_the_log_alone() {
    let issuer = TestIssuer::new();
    let gate = gate(&issuer);
    let head = Head::new().bearer(&issuer.token(SUBJECT).sign());
    let policy = hidden(any((staff(), scope("write"))));
    let events = listen(Level::DEBUG, async || refuse(&gate, policy, &head).await);
    let tree = "- a User of `https://issuer.test` by bearer header\n  - any of\n    - staff\n    - scope `write`";
    assert_eq!(events[0].2["explanation"], tree);
    // It says why, although the client is told that there is nothing.
    assert_eq!(events[0].2["message"], "refused: the policy denies the caller: insufficient_scope");
    // Who is let in leaves no event, and without a gate there is one as well.
    assert!(listen(Level::TRACE, async || assert!(gate.establish(&head).await.principal().is_ok())).is_empty());
    assert_eq!(listen(Level::TRACE, async || drop(Error::new(ErrorKind::Missing, "nobody").refuse())).len(), 1);
}

#[test]
fn a_secret_or_keys_without_a_name_are_a_warning_at_build() {
    let issuer = TestIssuer::new();
    let secret = || SharedSecret::new("cron", SECRET).unwrap();
    let build = |scheme: Scheme| {
        let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).scheme(scheme.header("x-key"));
        listen(Level::TRACE, async || drop(gate.build().unwrap()))
    };
    let events = build(Scheme::new(secret()));
    let [(Level::WARN, "portcullis", fields)] = &events[..] else { panic!("{events:?}") };
    let message = &fields["message"];
    assert!(message.starts_with("scheme 2 has a shared secret and no name"), "{message}");
    assert!(message.contains("Scheme::named") && message.contains("Scheme::dangerous_unnamed"), "{message}");
    assert!(!format!("{events:?}").contains("swordfish"));
    let keys = || ApiKeys::new("acme", MemoryKeys::new()).unwrap();
    let events = build(Scheme::new(keys()));
    let [(Level::WARN, "portcullis", fields)] = &events[..] else { panic!("{events:?}") };
    assert!(
        fields["message"].starts_with("scheme 2 has API keys and no name, so a key opens every route"),
        "{fields:?}"
    );
    for meant in [
        Scheme::named("cron", secret()),
        Scheme::dangerous_unnamed(secret()),
        Scheme::named("keys", keys()),
        Scheme::dangerous_unnamed(keys()),
        Scheme::new(Broken),
    ] {
        let events = build(meant);
        assert!(events.is_empty(), "{events:?}");
    }
}

/// It is a scheme without a name all the same.
#[test]
fn a_scheme_that_is_unnamed_on_purpose_opens_every_route() {
    let scheme = Scheme::dangerous_unnamed(SharedSecret::new("cron", SECRET).unwrap()).header("x-key");
    let gate = Gate::builder().scheme(scheme).build().unwrap();
    let ask = |key: &str| {
        let head = Head::of(&[("x-key", key)]);
        gate.establish(&head).now_or_never().unwrap().principal().map(drop).map_err(|error| error.status())
    };
    assert_eq!((ask(SECRET), ask("swordfish")), (Ok(()), Err(401)));
}

#[test]
fn nothing_that_was_presented_is_in_the_log_nor_in_any_debug_text() {
    let issuer = TestIssuer::new();
    let gate = gate(&issuer);
    let token = |subject: &str| issuer.token(subject).role("intruder").permission("not a permission").sign();
    let good = token(SUBJECT);
    let expired = issuer.token(SUBJECT).expired_for(Duration::from_secs(3600)).sign();
    let foreign = TestIssuer::new().named("https://other.test").token(SUBJECT).sign();
    let forged = format!("{}x", token("mallory"));
    let presented = [
        &good,
        &expired,
        &foreign,
        &forged,
        SECRET,
        "hunter2-hunter2",
        "hunter2 hunter2",
        "hunter2é",
        "hunter2=x=y",
        "hunter2",
    ];
    let mut heads = Vec::new();
    for text in presented {
        let encoded = text.replace(' ', "%20").replace('=', "%3D");
        let header = format!("Bearer {text}");
        heads.extend([
            Head::of(&[("authorization", &header)]),
            Head::of(&[("authorization", text)]),
            Head::of(&[("authorization", &header), ("authorization", &header)]),
            Head::of(&[("cookie", &format!("session={text}; theme=dark"))]),
            Head::of(&[("cookie", &format!("session={text}; session=\"{text}\""))]),
            Head::of(&[("x-key", text)]),
            Head::of(&[("x-key", text), ("x-key", text)]),
            Head::new().query(&format!("token={encoded}")),
            Head::new().query(&format!("token={encoded}&token={encoded}")),
            Head::of(&[("authorization", &header)]).query(&format!("token={encoded}")),
        ]);
    }
    let policies = [
        shared(staff()),
        shared(hidden(any((role("viewer"), claim("email").is("x"))))),
        shared(role("viewer").on("project", query("id"))),
        shared(not(authenticated())),
    ];
    let mut shown = String::new();
    let (mut refusals, mut deeper) = (0, String::new());
    let events = listen(Level::TRACE, async || {
        for head in &heads {
            for policy in &policies {
                let who = gate.establish(head).await;
                let error = decide(&gate, &who, policy.clone(), head).await.unwrap_err();
                let refusal = gate.refuse(&error);
                refusals += 1;
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                shown +=
                    &format!("{who} {error} {error:?} {cause:?} {refusal:?} {gate:?} {policy:?} {:?}", gate.read(head));
                shown += &String::from_utf8_lossy(refusal.body());
                deeper += &format!("{who:?}");
                if let Ok(principal) = who.principal() {
                    shown += &format!("{:?}", principal.token_claims());
                }
            }
        }
    });
    assert_eq!(events.iter().filter(|(_, _, fields)| fields["message"].starts_with("refused")).count(), refusals);
    shown += &format!("{events:?}");
    assert!(shown.len() > 10_000);
    // The parts of a token are as good as the token: what follows its header, and its signature alone.
    let parts = [&good, &expired, &foreign, &forged].into_iter().flat_map(|token| token.split('.').skip(1));
    for secret in parts.chain([SECRET, "hunter2", "swordfish", "aHVudGVy"]) {
        assert!(!shown.contains(secret), "{secret} is shown: {}", around(&shown, secret));
        assert!(!deeper.contains(secret), "{secret} is shown: {}", around(&deeper, secret));
    }
    // Whom a token is about is no secret, and not for the log all the same.
    assert!(!shown.contains(SUBJECT), "{}", around(&shown, SUBJECT));
}

fn around<'a>(text: &'a str, part: &str) -> &'a str {
    let at = text.find(part).unwrap_or_default();
    &text[at.saturating_sub(100)..(at + 100).min(text.len())]
}
