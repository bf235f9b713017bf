//! Routes that want to know who is there as of now, in all three forms of guard.

#[path = "../../../portcullis-core/tests/it/fresh/upstream.rs"]
pub mod upstream;

use crate::{
    cast,
    wire::{expect, get_as, request, send},
};
use axum::{Router, routing::get};
use portcullis_axum::{Authenticated, Authorized, GateExt, Leased, Routes, Visitor};
use portcullis_core::{
    Audience, Authenticator, ClaimMap, Credential, Error, ErrorKind, Gate, Introspection, Issuer, Principal,
    PrincipalKind, Requirement, RevocationList, Revocations, Scheme, WhoAmI,
    policy::{
        values::{All, AnyPrincipal, Fresh, Staff},
        *,
    },
    testing::{FixedClock, TestIssuer},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Waker},
    time::Duration,
};
use tower::ServiceExt;
use upstream::Upstream;

type Shared = Arc<dyn Policy>;

const NOW: Fresh<AnyPrincipal> = fresh(Duration::ZERO, authenticated());
const STAFF_NOW: All<(Staff, Fresh<AnyPrincipal>)> = all((staff(), NOW));
const INACTIVE: &str = r#"{"active":false}"#;

/// Staff as of now.
#[derive(Debug)]
struct StaffNow;
impl Requirement for StaffNow {
    const POLICY: &'static dyn Policy = &STAFF_NOW;
}

/// Whoever is there as of now.
#[derive(Debug)]
struct AnyNow;
impl Requirement for AnyNow {
    const POLICY: &'static dyn Policy = &NOW;
}

/// The same, by the scheme that asks.
#[derive(Debug)]
struct AskedNow;
impl Requirement for AskedNow {
    const POLICY: &'static dyn Policy = &via("asked").and(NOW);
}

/// What the issuer says of a token that is good, in either way.
fn active(staff: bool) -> String {
    format!(r#"{{"active":true,"token_type":"Bearer","aud":"test","sub":"alice","staff":{staff}}}"#)
}

/// Gates that ask about opaque tokens, in both ways, and remember for ten seconds what they heard: alice is staff.
fn asking() -> [(Upstream, Gate); 2] {
    asking_at(FixedClock::at(1_767_268_800))
}

fn asking_at(clock: FixedClock) -> [(Upstream, Gate); 2] {
    let issuer = Issuer::without_keys("https://issuer.test", Audience::is("test")).unwrap();
    let issuer = issuer.claim_map(ClaimMap::new().staff("staff").unwrap());
    let url = "https://issuer.test/ask";
    let [one, other] = [(); 2].map(|()| Upstream::saying(active(true)));
    let introspection = Introspection::new(issuer.clone(), url, one.clone()).unwrap().clock(clock.clone());
    let who_am_i = WhoAmI::new(issuer, url, other.clone()).unwrap().clock(clock);
    let gate = |scheme: Scheme| Gate::builder().scheme(scheme.bearer()).build().unwrap();
    [(one, gate(Scheme::new(introspection))), (other, gate(Scheme::new(who_am_i)))]
}

fn says(who: &Principal) -> &'static str {
    if who.is_staff() { "staff" } else { "no staff" }
}

async fn me(Authenticated(who): Authenticated) -> &'static str {
    says(&who)
}

/// `/fresh` and `/plain` for staff, and `/either` for anybody, fresh; guarded in each form.
fn ways(gate: &Gate) -> [(&'static str, Router); 3] {
    let routes = Routes::new(gate).route("/fresh", STAFF_NOW, get(me)).route("/plain", staff(), get(me));
    let layers = Router::new()
        .route("/fresh", get(me).layer(gate.require(STAFF_NOW)))
        .route("/plain", get(me).layer(gate.require(staff())))
        .route("/either", get(me).layer(gate.require(NOW)));
    let extractors = Router::new()
        .route("/fresh", get(async |who: Authorized<StaffNow>| says(who.principal().unwrap())))
        .route("/plain", get(async |who: Authorized<cast::Staff>| says(who.principal().unwrap())))
        .route("/either", get(async |who: Authorized<AnyNow>| says(who.principal().unwrap())));
    let routes = routes.route("/either", NOW, get(me)).into_router();
    [("routes", routes), ("layers", layers), ("extractors", extractors)]
        .map(|(way, router)| (way, router.with_state(gate.clone())))
}

#[tokio::test]
async fn a_fresh_route_asks_although_something_is_remembered() {
    for (upstream, gate) in asking() {
        for (way, app) in ways(&gate) {
            upstream.says(active(true));
            expect(&app, "abc", &[("GET /fresh", 200)]).await;
            let before = upstream.asked();
            for (asked, path) in [(0, "/plain"), (1, "/fresh"), (2, "/either"), (2, "/plain"), (3, "/fresh")] {
                let answer = get_as(&app, path, "abc").await;
                assert_eq!((answer.status.as_u16(), &*answer.body), (200, "staff"), "{way} {path}");
                assert_eq!(upstream.asked() - before, asked, "{way} {path}");
            }
            upstream.says(active(false));
            expect(&app, "abc", &[("GET /plain", 200), ("GET /fresh", 403), ("GET /plain", 403)]).await;
            upstream.says(active(true));
            expect(&app, "abc", &[("GET /plain", 403)]).await;
            let answer = get_as(&app, "/either", "abc").await;
            assert_eq!(answer.body, "staff", "{way}: the handler sees who was found for its route");
            upstream.says(INACTIVE);
            expect(&app, "abc", &[("GET /plain", 200), ("GET /fresh", 401), ("GET /plain", 401)]).await;
        }
    }
}

#[tokio::test]
async fn nobody_is_asked_about_what_cannot_hold() {
    let foreign = TestIssuer::new().named("https://other.test").token("alice").staff().sign();
    for (upstream, gate) in asking() {
        for (way, app) in ways(&gate) {
            let before = upstream.asked();
            for who in ["", "two words", &foreign] {
                expect(&app, who, &[("GET /fresh", 401), ("GET /either", 401), ("GET /plain", 401)]).await;
            }
            assert_eq!(upstream.asked(), before, "{way}");
            expect(&app, "abc", &[("GET /fresh", 200)]).await;
            assert_eq!(upstream.asked(), before + 1, "{way}");
        }
    }
}

#[tokio::test]
async fn an_outage_closes_fresh_routes_and_no_others() {
    let clock = FixedClock::at(1_767_268_800);
    for (upstream, gate) in asking_at(clock.clone()) {
        for (_, app) in ways(&gate) {
            upstream.says(active(true));
            expect(&app, "abc", &[("GET /plain", 200)]).await;
            upstream.goes_down();
            expect(&app, "abc", &[("GET /fresh", 503), ("GET /either", 503), ("GET /plain", 200)]).await;
            expect(&app, "unknown", &[("GET /plain", 503)]).await;
            upstream.says(active(true));
            expect(&app, "abc", &[("GET /fresh", 503)]).await;
            // The issuer is left alone for a while.
            clock.advance(Duration::from_secs(5));
            expect(&app, "abc", &[("GET /fresh", 200)]).await;
        }
    }
}

/// A guard and the handler's extractor ask together as often as the inner one wants to know better.
#[tokio::test]
async fn guards_within_guards_and_the_handler_sees_what_was_found_last() {
    let hour = fresh(Duration::from_secs(3600), authenticated());
    let any: fn() -> Shared = || Arc::new(authenticated());
    let table: [(Shared, Shared, usize); 7] = [
        (any(), any(), 0),
        (any(), Arc::new(NOW), 1),
        (Arc::new(NOW), any(), 1),
        (Arc::new(NOW), Arc::new(NOW), 1),
        (Arc::new(NOW), Arc::new(hour), 1),
        (Arc::new(hour), Arc::new(NOW), 1),
        (Arc::new(hour), any(), 0),
    ];
    for (outer, inner, asked) in table {
        for (upstream, gate) in asking() {
            let below = Routes::new(&gate).route("/", inner.clone(), get(me)).into_router();
            let app = below.layer(gate.require(outer.clone())).with_state(gate.clone());
            let prime = ways(&gate);
            expect(&prime[0].1, "abc", &[("GET /plain", 200)]).await;
            upstream.says(active(false));
            let answer = get_as(&app, "/", "abc").await;
            assert_eq!(answer.body, if asked == 0 { "staff" } else { "no staff" }, "{outer:?} around {inner:?}");
            assert_eq!(upstream.asked(), 1 + asked, "{outer:?} around {inner:?}");
            expect(&app, "", &[("GET /", 401)]).await;
        }
    }
}

/// What was taken away between two looks at one request counts, however it is guarded inside.
#[tokio::test]
async fn staff_who_are_no_longer_pass_the_outer_guard_only() {
    for way in 0..3 {
        for (upstream, gate) in asking() {
            let (what, app) = ways(&gate)[way].clone();
            let app = app.layer(gate.require(staff()));
            expect(&app, "abc", &[("GET /plain", 200)]).await;
            assert_eq!(upstream.asked(), 1);
            upstream.says(active(false));
            let answer = get_as(&app, "/either", "abc").await;
            assert_eq!(answer.body, "no staff", "{what}: the outer guard remembers, the handler knows better");
            upstream.says(active(true));
            expect(&app, "abc", &[("GET /either", 403)]).await;
        }
    }
}

#[tokio::test]
async fn what_is_said_while_a_route_waits_counts() {
    for (upstream, gate) in asking() {
        for (way, app) in ways(&gate) {
            for (is_staff, status) in [(true, 200), (false, 403)] {
                upstream.holds(true);
                let mut waiting = pin!(app.clone().oneshot(request("GET", "/fresh", "abc")));
                assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "{way}");
                upstream.says(active(is_staff));
                assert!(upstream.answers() && !upstream.answers(), "{way}: it was asked once");
                assert_eq!(waiting.await.unwrap().status(), status, "{way}");
            }
        }
    }
}

#[tokio::test]
async fn a_gate_that_only_verifies_has_no_fresh_routes() {
    let issuer = TestIssuer::new();
    let builder = || Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer());
    let verifying = builder().build().unwrap();
    let error = verifying.try_require(STAFF_NOW).unwrap_err();
    assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("cannot ask again"), "{error}");
    let adding: [(&str, &dyn Fn()); 2] = [
        ("require", &|| drop(verifying.require(STAFF_NOW))),
        ("route", &|| drop(Routes::<()>::new(&verifying).route("/", STAFF_NOW, get(async || ())))),
    ];
    for (what, add) in adding {
        let panic = catch_unwind(AssertUnwindSafe(add)).expect_err("it panics");
        assert!(panic.downcast_ref::<String>().unwrap().contains("cannot ask again"), "{what}");
    }
    assert!(verifying.try_require(staff()).is_ok());

    // No route is added at which it could show.
    let [token, other] = [issuer.token("alice").staff(), issuer.token("bob")].map(|token| token.sign());
    let extractors = |gate: &Gate| {
        let app = Router::new().route("/fresh", get(async |_: Authorized<StaffNow>| ()));
        app.route("/plain", get(async |_: Authorized<cast::Staff>| ())).with_state(gate.clone())
    };
    expect(&extractors(&verifying), &token, &[("GET /plain", 200), ("GET /fresh", 500)]).await;
    expect(&extractors(&verifying), &other, &[("GET /plain", 403), ("GET /fresh", 500)]).await;

    let told = builder().revocations(RevocationList::new(Duration::from_secs(900))).build().unwrap();
    assert_eq!(told.try_require(STAFF_NOW).unwrap_err().kind(), ErrorKind::Misconfigured, "that says not who it is");
    // Beside one that asks: every scheme that the route accepts has to.
    let unnamed = builder().scheme(Scheme::new(Called::default()).bearer()).build().unwrap();
    let named = builder().scheme(Scheme::named("asked", Called::default()).header("x-asked")).build().unwrap();
    for refused in [unnamed.try_require(NOW), named.try_require(NOW), named.try_require(also_via("asked", NOW))] {
        assert!(refused.unwrap_err().to_string().contains("cannot ask again"));
    }
    let app = Routes::new(&named).route("/routes", AskedNow::POLICY, get(async || ())).into_router();
    let app = app.route("/layers", get(async || ()).layer(named.require(AskedNow::POLICY)));
    let app = app.route("/extractors", get(async |_: Authorized<AskedNow>| ())).with_state(named);
    for path in ["/routes", "/layers", "/extractors"] {
        expect(&app, &token, &[(&format!("GET {path}"), 401)]).await;
        let mut asked = request("GET", path, "");
        asked.headers_mut().insert("x-asked", "alice".parse().unwrap());
        assert_eq!(send(&app, asked).await.status, 200, "{path}");
    }
}

/// Counts the calls, not only those that come to an end, and answers later.
#[derive(Debug, Clone, Default)]
struct Called {
    authenticate: Arc<AtomicUsize>,
    is_revoked: Arc<AtomicUsize>,
}

impl Called {
    /// The calls since the last time.
    fn calls(&self) -> (usize, usize) {
        (self.authenticate.swap(0, Relaxed), self.is_revoked.swap(0, Relaxed))
    }
}

impl Authenticator for Called {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.authenticate.fetch_add(1, Relaxed);
        cast::later().await;
        match credential.expose() {
            "broken" => Err(Error::new(ErrorKind::Invalid, "it does not hold")),
            _ => Ok(Principal::new(PrincipalKind::User, "alice").with_staff(true)),
        }
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

async fn old(_: Authenticated, _: Visitor, _: Authorized<cast::Staff>, _: Authenticated) {}
async fn new(_: Authorized<AnyNow>, _: Authenticated, _: Visitor, _: Authorized<StaffNow>) {}
async fn leased(_: Leased, _: Authenticated, _: Leased) {}
async fn both(_: Authenticated, _: Visitor, _: Authorized<StaffNow>, _: Authorized<AnyNow>) {}

/// An answer holds on to nothing of the request, so that nobody has to be asked a second time for being slow.
#[tokio::test]
async fn an_authenticator_that_waits_is_called_once() {
    let called = Called::default();
    let gate =
        Gate::builder().scheme(Scheme::new(called.clone()).bearer()).revocations(called.clone()).build().unwrap();
    let guard = || gate.require(authenticated());
    let table = [
        ("extractors", get(old), 1),
        ("fresh ones", get(new), 1),
        ("old ones and fresh ones", get(both), 2),
        ("a guard", get(async || ()).layer(guard()), 1),
        ("a guard and extractors", get(old).layer((guard(), guard())), 1),
        ("a fresh guard", get(async || ()).layer(gate.require(NOW)), 1),
        ("a fresh guard and extractors", get(old).layer((gate.require(NOW), guard())), 1),
        ("a fresh guard and fresh extractors", get(both).layer((gate.require(STAFF_NOW), gate.require(NOW))), 1),
        ("a fresh guard in a guard", get(both).layer((guard(), gate.require(NOW))), 2),
        ("leases", get(leased), 1),
        ("leases behind a fresh guard", get(leased).layer(gate.require(NOW)), 1),
        ("fresh extractors in a guard", get(new).layer(guard()), 2),
    ];
    for (what, methods, calls) in table {
        let app = Router::new().route("/", methods).with_state(gate.clone());
        expect(&app, "alice", &[("GET /", 200)]).await;
        assert_eq!(called.calls(), (calls, calls), "{what}");
        expect(&app, "", &[("GET /", 401)]).await;
        assert_eq!(called.calls(), (0, 0), "{what}");
        expect(&app, "broken", &[("GET /", 401)]).await;
        assert_eq!(called.calls(), (1, 0), "{what}");
    }
}
