//! Guards before services that want to know who is there as of now.

#[path = "../../../portcullis-core/tests/it/fresh/upstream.rs"]
pub mod upstream;

use crate::cast::{self, Inner, Text, Wire, ask, echo, send};
use http::{Request, Response};
use portcullis_core::{
    Audience, Authenticator, ClaimMap, Credential, Error, ErrorKind, Gate, Introspection, Issuer, Principal,
    PrincipalKind, RevocationList, Revocations, Scheme, WhoAmI,
    policy::{
        values::{All, AnyPrincipal, Fresh, Staff},
        *,
    },
    testing::{FixedClock, TestIssuer},
};
use portcullis_tower::{GateExt, established};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use tower::{Layer, service_fn};
use upstream::Upstream;

type Shared = Arc<dyn Policy>;

const NOW: Fresh<AnyPrincipal> = fresh(Duration::ZERO, authenticated());
const STAFF_NOW: All<(Staff, Fresh<AnyPrincipal>)> = all((staff(), NOW));
const INACTIVE: &str = r#"{"active":false}"#;

/// What the issuer says of a token that is good, in either way.
fn active(staff: bool) -> String {
    format!(r#"{{"active":true,"token_type":"Bearer","aud":"test","sub":"alice","staff":{staff}}}"#)
}

/// Gates that ask about opaque tokens, in both ways, and remember for so long what they heard: alice is staff.
fn asking(remember: Duration) -> [(Upstream, Gate); 2] {
    asking_at(FixedClock::at(1_767_268_800), remember)
}

fn asking_at(clock: FixedClock, remember: Duration) -> [(Upstream, Gate); 2] {
    let issuer = Issuer::without_keys("https://issuer.test", Audience::is("test")).unwrap();
    let issuer = issuer.claim_map(ClaimMap::new().staff("staff").unwrap());
    let url = "https://issuer.test/ask";
    let [one, other] = [(); 2].map(|()| Upstream::saying(active(true)));
    let introspection = Introspection::new(issuer.clone(), url, one.clone()).unwrap();
    let introspection = introspection.remember(remember, remember).clock(clock.clone());
    let who_am_i = WhoAmI::new(issuer, url, other.clone()).unwrap().remember(remember, remember).clock(clock);
    let gate = |scheme: Scheme| Gate::builder().scheme(scheme.bearer()).build().unwrap();
    [(one, gate(Scheme::new(introspection))), (other, gate(Scheme::new(who_am_i)))]
}

fn remembering() -> [(Upstream, Gate); 2] {
    asking(Duration::from_secs(10))
}

/// Says whether the caller is staff, as the guards before it have found out.
fn says_staff(gate: &Gate) -> impl Inner + use<> {
    let gate = gate.clone();
    service_fn(move |request: Request<Text>| {
        let is_staff = established(&gate, request.extensions()).unwrap().principal().unwrap().is_staff();
        async move { Ok(Response::new(Text::from(if is_staff { "staff" } else { "no staff" }))) }
    })
}

fn told(answer: &Wire) -> (u16, &str) {
    (answer.status.as_u16(), if answer.status == 200 { &answer.body } else { "" })
}

#[tokio::test]
async fn a_fresh_guard_asks_although_something_is_remembered() {
    for (upstream, gate) in remembering() {
        let plain = gate.require(staff()).layer(says_staff(&gate));
        let guarded = gate.require(STAFF_NOW).layer(says_staff(&gate));
        for (asked, service) in [(1, &plain), (1, &plain), (2, &guarded), (3, &guarded), (3, &plain)] {
            assert_eq!(told(&ask(service, "/", "abc").await), (200, "staff"));
            assert_eq!(upstream.asked(), asked);
        }
        upstream.says(active(false));
        assert_eq!(ask(&plain, "/", "abc").await.status, 200, "it is remembered");
        assert_eq!(ask(&guarded, "/", "abc").await.status, 403);
        assert_eq!(ask(&plain, "/", "abc").await.status, 403, "what was heard is remembered in its place");
        upstream.says(INACTIVE);
        assert_eq!(ask(&plain, "/", "other").await.status, 401);
        assert_eq!(ask(&guarded, "/", "abc").await.status, 401);
    }
}

/// Two guards look as often as the inner one wants to know better, and what is behind them sees who was found last.
#[tokio::test]
async fn guards_within_guards() {
    let hour = fresh(Duration::from_secs(3600), authenticated());
    let any: fn() -> Shared = || Arc::new(authenticated());
    let table: [(Shared, Shared, usize, usize); 8] = [
        // What is asked where something is remembered, and where nothing is.
        (any(), any(), 0, 1),
        (any(), Arc::new(NOW), 1, 2),
        (Arc::new(NOW), any(), 1, 1),
        (Arc::new(NOW), Arc::new(NOW), 1, 1),
        (Arc::new(NOW), Arc::new(hour), 1, 1),
        (Arc::new(hour), Arc::new(NOW), 1, 2),
        (Arc::new(hour), any(), 0, 1),
        (any(), Arc::new(hour), 0, 2),
    ];
    for (outer, inner, remembered, anew) in table {
        for (remember, asked) in [(10, remembered), (0, anew)] {
            for (upstream, gate) in asking(Duration::from_secs(remember)) {
                let what = format!("{outer:?} around {inner:?}, {remember} s, {gate:?}");
                let guards = gate.require(outer.clone()).layer(gate.require(inner.clone()).layer(says_staff(&gate)));
                assert_eq!(told(&ask(&gate.require(any()).layer(says_staff(&gate)), "/", "abc").await), (200, "staff"));
                upstream.says(active(false));
                let says = if asked == 0 { "staff" } else { "no staff" };
                assert_eq!(told(&ask(&guards, "/", "abc").await), (200, says), "{what}");
                assert_eq!(upstream.asked(), 1 + asked, "{what}");
                assert_eq!(ask(&guards, "/", "").await.status, 401, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn staff_who_are_no_longer_pass_the_outer_guard_only() {
    for (upstream, gate) in remembering() {
        let plain = gate.require(staff()).layer(gate.require(authenticated()).layer(says_staff(&gate)));
        let guards = gate.require(staff()).layer(gate.require(STAFF_NOW).layer(says_staff(&gate)));
        assert_eq!(told(&ask(&guards, "/", "abc").await), (200, "staff"));
        upstream.says(active(false));
        assert_eq!(told(&ask(&plain, "/", "abc").await), (200, "staff"), "it is remembered");
        assert_eq!(ask(&guards, "/", "abc").await.status, 403);
    }
}

#[tokio::test]
async fn nobody_is_asked_about_what_cannot_hold() {
    let foreign = TestIssuer::new().named("https://other.test").token("alice").staff().sign();
    for (upstream, gate) in remembering() {
        let guarded = gate.require(STAFF_NOW).layer(says_staff(&gate));
        for who in ["", "two words", &foreign] {
            assert_eq!(ask(&guarded, "/", who).await.status, 401, "{who:?}");
        }
        assert_eq!(upstream.asked(), 0);
        assert_eq!(ask(&guarded, "/", "abc").await.status, 200);
        assert_eq!(upstream.asked(), 1);
    }
}

#[tokio::test]
async fn an_outage_closes_fresh_routes_and_no_others() {
    let clock = FixedClock::at(1_767_268_800);
    for (upstream, gate) in asking_at(clock.clone(), Duration::from_secs(10)) {
        let plain = gate.require(staff()).layer(says_staff(&gate));
        let guarded = gate.require(STAFF_NOW).layer(says_staff(&gate));
        assert_eq!(ask(&plain, "/", "abc").await.status, 200);
        upstream.goes_down();
        assert_eq!(ask(&guarded, "/", "abc").await.status, 503);
        assert_eq!(told(&ask(&plain, "/", "abc").await), (200, "staff"), "what is remembered still holds");
        assert_eq!(ask(&plain, "/", "other").await.status, 503);
        upstream.says(active(true));
        assert_eq!(ask(&guarded, "/", "abc").await.status, 503, "the issuer is left alone for a while");
        clock.advance(Duration::from_secs(5));
        assert_eq!(ask(&guarded, "/", "abc").await.status, 200);
    }
}

#[tokio::test]
async fn what_is_said_while_a_guard_waits_counts() {
    for (upstream, gate) in remembering() {
        let guarded = gate.require(STAFF_NOW).layer(says_staff(&gate));
        for (is_staff, status) in [(true, 200), (false, 403)] {
            upstream.holds(true);
            let mut waiting = pin!(ask(&guarded, "/", "abc"));
            assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            upstream.says(active(is_staff));
            assert!(upstream.answers());
            match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(answer) => assert_eq!(answer.status, status),
                Poll::Pending => panic!("the issuer has answered"),
            }
        }
    }
}

#[tokio::test]
async fn a_gate_that_only_verifies_refuses_the_guard() {
    let issuer = TestIssuer::new();
    let builder = || Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer());
    let verifying = builder().build().unwrap();
    let error = verifying.try_require(STAFF_NOW).unwrap_err();
    assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("cannot ask again"), "{error}");
    let panic = catch_unwind(AssertUnwindSafe(|| verifying.require(STAFF_NOW))).expect_err("it panics");
    assert!(panic.downcast_ref::<String>().unwrap().contains("cannot ask again"));
    assert!(verifying.try_require(staff()).is_ok());

    let told = builder().revocations(RevocationList::new(Duration::from_secs(900))).build().unwrap();
    assert_eq!(told.try_require(STAFF_NOW).unwrap_err().kind(), ErrorKind::Misconfigured, "that says not who it is");
    // Beside one that asks: every scheme that the route accepts has to.
    let unnamed = builder().scheme(Scheme::new(Called::default()).bearer()).build().unwrap();
    assert!(unnamed.try_require(NOW).unwrap_err().to_string().contains("cannot ask again"));
    let gate = builder().scheme(Scheme::named("asked", Called::default()).header("x-asked")).build().unwrap();
    assert!(gate.try_require(also_via("asked", NOW)).unwrap_err().to_string().contains("cannot ask again"));
    let now = gate.require(via("asked").and(NOW)).layer(says_staff(&gate));
    let plain = gate.require(also_via("asked", authenticated())).layer(says_staff(&gate));
    let token = format!("Bearer {}", issuer.token("bob").sign());
    for (name, credential, statuses) in [("authorization", &*token, [401, 200]), ("x-asked", "alice", [200, 200])] {
        let request = || Request::get("/").header(name, credential).body(Text::default()).unwrap();
        assert_eq!(send(&now, request()).await.status, statuses[0], "{name}");
        assert_eq!(send(&plain, request()).await.status, statuses[1], "{name}");
    }
}

/// Counts the calls, not only those that come to an end, and answers later.
#[derive(Debug, Clone, Default)]
struct Called {
    authenticate: Arc<AtomicUsize>,
    is_revoked: Arc<AtomicUsize>,
}

impl Authenticator for Called {
    async fn authenticate(&self, _: &Credential<'_>) -> Result<Principal, Error> {
        self.authenticate.fetch_add(1, Relaxed);
        cast::later().await;
        Ok(Principal::new(PrincipalKind::User, "alice"))
    }

    fn asks_anew(&self) -> bool {
        true
    }
}

impl Revocations for Called {
    async fn is_revoked(&self, _: &Principal) -> Result<bool, Error> {
        self.is_revoked.fetch_add(1, Relaxed);
        cast::later().await;
        Ok(false)
    }
}

/// An answer holds on to nothing of the request, so that nobody has to be asked a second time for being slow.
#[tokio::test]
async fn a_guard_calls_an_authenticator_that_waits_once() {
    let called = Called::default();
    let gate =
        Gate::builder().scheme(Scheme::new(called.clone()).bearer()).revocations(called.clone()).build().unwrap();
    let policies: [Shared; 2] = [Arc::new(authenticated()), Arc::new(fresh(Duration::ZERO, authenticated()))];
    for policy in policies {
        let guarded = gate.require(policy.clone()).layer(echo(&Arc::default()));
        assert_eq!(ask(&guarded, "/", "alice").await.status, 200);
        assert_eq!(ask(&guarded, "/", "").await.status, 401);
        let calls = (called.authenticate.swap(0, Relaxed), called.is_revoked.swap(0, Relaxed));
        assert_eq!(calls, (1, 1), "{policy:?}");
    }
}
