//! Handlers that open connections which outlive their request.

use crate::{
    ask::{Served, expect, get_as, request, send},
    cast::{self, Names},
};
use actix_web::{App, web};
use portcullis_actix::{Authenticated, GateExt, Leased};
use portcullis_core::{
    Error, ErrorKind, Gate, Lease, RevocationList, Scheme, SessionId, TokenCache, Watch,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use std::{
    future::{Future, pending, ready},
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// What the handler keeps when it has answered.
type Kept = Arc<Mutex<Vec<Lease>>>;

async fn me(Authenticated(who): Authenticated) -> String {
    who.id().subject().to_owned()
}

/// `/open` leases, `/guarded` as well behind a guard, and `/me` is an ordinary route.
async fn app(gate: &Gate) -> (Served, Kept) {
    let kept = Kept::default();
    let keep = kept.clone();
    let open = move |Leased(lease): Leased| {
        let subject = lease.principal().id().subject().to_owned();
        keep.lock().unwrap().push(lease);
        ready(subject)
    };
    let app = serve!(
        App::new()
            .app_data(gate.clone())
            .route("/open", web::get().to(open.clone()))
            .route("/guarded", web::get().to(open).wrap(gate.require(not(staff()))))
            .route("/me", web::get().to(me))
            .wrap(gate.scrub())
    );
    (app, kept)
}

fn take(kept: &Kept) -> Lease {
    kept.lock().unwrap().pop().expect("a lease")
}

fn poll(end: &mut Watch) -> Option<Error> {
    match pin!(end).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(error) => Some(error),
        Poll::Pending => None,
    }
}

fn list() -> RevocationList {
    RevocationList::new(Duration::from_secs(900))
}

/// The token of one with the signature of another.
fn forged(issuer: &TestIssuer) -> String {
    let (one, other) = (issuer.token("alice").sign(), issuer.token("mallory").sign());
    format!("{}.{}", one.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1)
}

#[actix_web::test]
async fn who_may_not_come_in_gets_no_lease() {
    let issuer = TestIssuer::new();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    let (app, kept) = app(&gate).await;
    for who in
        ["", &forged(&issuer), "two words", "abc", &issuer.token("alice").expired_for(Duration::from_secs(90)).sign()]
    {
        let refused = get_as(&app, "/me", who).await;
        assert_eq!(refused.status, 401, "{who}");
        assert_eq!([get_as(&app, "/open", who).await, get_as(&app, "/guarded", who).await], [refused.clone(), refused]);
    }
    expect(&app, &issuer.token("alice").staff().sign(), &[("GET /guarded", 403)]).await;
    assert!(kept.lock().unwrap().is_empty());
    for path in ["/open", "/guarded"] {
        assert_eq!(get_as(&app, path, &issuer.token("alice").sign()).await.body, "alice");
        assert_eq!(take(&kept).principal().id().subject(), "alice");
    }
}

#[actix_web::test]
async fn it_ends_when_its_session_is_revoked_and_no_other_one() {
    let (issuer, revocations) = (TestIssuer::new().on_system_time(), list());
    let builder = || Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).revocations(revocations.clone());
    for (at, builder) in [builder(), builder().cache(TokenCache::new(10))].into_iter().enumerate() {
        let (app, kept) = app(&builder.build().unwrap()).await;
        for path in ["/open", "/guarded"] {
            let [hers, his] = ["hers", "his"].map(|whose| format!("{whose}{path}{at}"));
            let token = issuer.token("alice").claim("sid", hers.clone()).sign();
            expect(&app, &token, &[(&format!("GET {path}"), 200), ("GET /me", 200)]).await;
            let lease = take(&kept);
            let mut ended = lease.watch(|_| pending::<()>());
            assert!(poll(&mut ended).is_none());
            revocations.end_session(&SessionId::new(&his).with_issuer("https://issuer.test"));
            assert!(poll(&mut ended).is_none(), "for what is not hers");
            revocations.end_session(&SessionId::new(&hers).with_issuer("https://other.test"));
            assert!(poll(&mut ended).is_none(), "another issuer's");
            revocations.end_session(&SessionId::new(&hers).with_issuer("https://issuer.test"));
            assert_eq!(poll(&mut ended).map(|error| error.kind()), Some(ErrorKind::Invalid));
            expect(&app, &token, &[(&format!("GET {path}"), 401), ("GET /me", 401)]).await;
        }
    }
}

/// The credential is read anew, so it has to be found wherever it was: also where others do not see it any more.
#[actix_web::test]
async fn it_knows_its_credential_wherever_that_was() {
    for names in [Names::default(), Names::slow()] {
        let gate = cast::builder_of(cast::scheme(&names).query("token").websocket_protocol())
            .revocations(list())
            .build()
            .unwrap();
        let (app, kept) = app(&gate).await;
        let with_cookie = |path: &str, value: &str| request("GET", path, "").insert_header(("cookie", value));
        let requests = [
            ("a header", request("GET", "/open", "alice")),
            ("a header and a guard", request("GET", "/guarded", "alice")),
            ("the query", request("GET", "/open?token=alice", "")),
            ("the query and a guard", request("GET", "/guarded?token=alice", "")),
            ("a cookie", with_cookie("/open", "session=alice")),
        ];
        for (what, request) in requests {
            assert_eq!(send(&app, request).await.status, 200, "{what}");
            assert_eq!(names.verified(), 1, "{what}");
            let lease = take(&kept);
            let mut ended = lease.watch(|_| pending::<()>());
            if let Some(error) = poll(&mut ended) {
                panic!("{what}: it ended at once: {error}");
            }
            // That it goes on was looked up.
            names.verified();
        }
        for broken in [request("GET", "/open?token=broken", ""), with_cookie("/open", "session=broken")] {
            assert_eq!(send(&app, broken).await.status, 401);
        }
    }
}

#[actix_web::test]
async fn whom_a_test_acts_as_stays() {
    let (issuer, revocations) = (TestIssuer::new(), list());
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).revocations(revocations.clone());
    let gate = gate.build().unwrap();
    let alice = acting_as("alice").with_issuer("https://issuer.test").with_session("hers");
    let (app, kept) = app(&gate.acting_as(alice)).await;
    for who in ["", "abc"] {
        assert_eq!(get_as(&app, "/open", who).await.body, "alice");
        let lease = take(&kept);
        let mut ended = lease.watch(|_| ready(()));
        assert!(poll(&mut ended).is_none());
        revocations.end_session(&SessionId::new("hers").with_issuer("https://issuer.test"));
        assert!(poll(&mut ended).is_none());
    }
}
