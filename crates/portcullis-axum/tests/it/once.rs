//! Who makes a request is found out once, on first demand, and by each gate for itself.

use crate::{
    cast::{self, Names, Projects, Staff, View},
    wire::{expect, get_as, request, send},
};
use axum::{
    Router,
    extract::{FromRef, Request},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use portcullis_axum::{Authenticated, Authorized, GateExt, Visitor};
use portcullis_core::{
    Gate, Scheme,
    policy::{values::OnResource, *},
};

#[tokio::test]
async fn a_credential_is_verified_once_however_many_ask() {
    async fn six(
        Authenticated(a): Authenticated,
        b: Option<Authenticated>,
        Visitor(c): Visitor,
        d: Authorized<View>,
        e: Authorized<View>,
        Authenticated(f): Authenticated,
    ) -> String {
        let (Authenticated(b), c) = (b.unwrap(), c.unwrap());
        let all =
            [&a, &b, &c, d.principal().unwrap(), e.principal().unwrap(), &f].map(|who| who.id().subject().to_owned());
        all.join(" ")
    }
    for (names, gate) in cast::fast_and_slow() {
        let guarded = get(six).layer((gate.require(authenticated()), gate.require(VIEW), gate.require(not(staff()))));
        let app: Router = Router::new()
            .route("/{id}", guarded)
            .layer(gate.require(authenticated()))
            .layer(gate.enforce())
            .with_state(gate.clone());
        let answer = get_as(&app, "/42", "viewer").await;
        assert_eq!(answer.body, ["viewer"; 6].join(" "), "{answer:?}");
        assert_eq!(names.verified(), 1, "{names:?}");

        // What does not hold is remembered as well.
        expect(&app, "broken", &[("GET /42", 401)]).await;
        assert_eq!(names.verified(), 1, "{names:?}");
        // And the next request is a new one.
        expect(&app, "viewer", &[("GET /42", 200), ("GET /42", 200)]).await;
        assert_eq!(names.verified(), 2, "{names:?}");
    }
}

const VIEW: OnResource = cast::VIEW;

/// A middleware that swallows a refusal of its own must not have the next one try again.
#[tokio::test]
async fn a_failure_is_remembered_too() {
    async fn twice(
        who: Result<Authenticated, portcullis_axum::Rejection>,
        again: Result<Visitor, portcullis_axum::Rejection>,
    ) -> String {
        format!("{} {}", who.unwrap_err().error().code(), again.unwrap_err().error().code())
    }
    for (names, gate) in cast::fast_and_slow() {
        let app: Router = Router::new().route("/", get(twice)).with_state(gate);
        for (who, body) in [("broken", "invalid_token invalid_token"), ("down", "unavailable unavailable")] {
            assert_eq!(get_as(&app, "/", who).await.body, body);
            assert_eq!(names.verified(), 1, "{who} {names:?}");
        }
    }
}

#[tokio::test]
async fn who_asks_for_nobody_pays_nothing() {
    for (names, gate) in cast::fast_and_slow() {
        let app: Router = Router::new()
            .route("/plain", get(async || "plain"))
            .route("/public", get(async || "public").layer(gate.require(anyone())))
            .route("/either", get(async || "either").layer(gate.require(any((staff(), anyone())))))
            .route("/both", get(async || "both").layer(gate.require(all((anyone(), hidden(anyone()))))))
            .route("/me", get(async |_: Authenticated| "me"))
            .merge(cast::routes(&gate).route("/news", anyone(), get(async || "news")).into_router())
            .with_state(gate.clone());
        for path in ["/plain", "/public", "/either", "/both", "/news"] {
            for who in ["", "broken", "down", "alice"] {
                assert_eq!(get_as(&app, path, who).await.body, path[1..], "{path} as {who:?}");
            }
            let mut garbage = request("GET", path, "");
            garbage.headers_mut().append("cookie", "session=\"no, not=a credential; session=2".parse().unwrap());
            garbage.headers_mut().append("authorization", "Bearer".parse().unwrap());
            garbage.headers_mut().append("authorization", "Bearer two words".parse().unwrap());
            assert_eq!(send(&app, garbage).await.body, path[1..], "{path} with garbage");
        }
        assert_eq!(names.verified(), 0, "{names:?}");
        expect(&app, "broken", &[("GET /me", 401)]).await;
        assert_eq!(names.verified(), 1, "{names:?}");
    }
}

/// `not(anyone())` lets nobody in and is not taken for public; a list of nothing is no policy.
#[tokio::test]
async fn what_only_looks_public_is_not() {
    let gate = cast::gate();
    let nothing: Vec<std::sync::Arc<dyn Policy>> = Vec::new();
    assert!(gate.try_require(all(nothing.clone())).is_err() && gate.try_require(any(nothing)).is_err());
    let app: Router = Router::new()
        .route("/not", get(async || ()).layer(gate.require(not(anyone()))))
        .route("/all", get(async || ()).layer(gate.require(all((anyone(), staff())))));
    let table = |status| ["GET /not", "GET /all"].map(|line| (line, status));
    expect(&app, "", &table(401)).await;
    expect(&app, "alice", &table(403)).await;
    expect(&app, "staff", &[("GET /not", 403), ("GET /all", 200)]).await;
}

#[derive(Clone)]
struct Two {
    users: Gate,
}

impl FromRef<Two> for Gate {
    fn from_ref(two: &Two) -> Self {
        two.users.clone()
    }
}

#[tokio::test]
async fn two_gates_do_not_believe_each_other() {
    let (names, others) = (Names::default(), Names::slow());
    let users = Gate::builder().scheme(Scheme::new(names.clone()).bearer()).build().unwrap();
    let machines = Gate::builder().scheme(Scheme::new(others.clone()).header("x-machine")).build().unwrap();
    let both = get(async |Authenticated(who): Authenticated| who.id().subject().to_owned())
        .layer((machines.require(staff()), users.require(authenticated())));
    let app: Router = Router::new()
        .route("/both", both)
        .route("/machine", get(async || ()).layer(machines.require(staff())))
        .with_state(Two { users });
    for (user, machine, status) in
        [("", "", 401), ("staff", "", 401), ("", "staff", 401), ("staff", "alice", 403), ("alice", "broken", 401)]
    {
        let mut request = request("GET", "/both", user);
        if !machine.is_empty() {
            request.headers_mut().insert("x-machine", machine.parse().unwrap());
        }
        assert_eq!(send(&app, request).await.status, status, "user {user:?}, machine {machine:?}");
    }
    names.verified();
    others.verified();
    let mut request = request("GET", "/both", "alice");
    request.headers_mut().insert("x-machine", "staff".parse().unwrap());
    assert_eq!(send(&app, request).await.body, "alice", "the handler sees whom the gate of the inner guard knows");
    assert_eq!((names.verified(), others.verified()), (1, 1));
    // A user who is staff is no machine.
    expect(&app, "staff", &[("GET /machine", 401)]).await;
}

#[tokio::test]
async fn a_gate_built_alike_is_another_gate() {
    let names = Names::default();
    let [outer, inner] = [(); 2].map(|()| cast::builder(&names).build().unwrap());
    let guards = |second: &Gate| (outer.require(authenticated()), second.require(authenticated()));
    let app: Router = Router::new()
        .route("/", get(async |_: Authenticated| ()).layer(guards(&inner)))
        .route("/same", get(async |_: Authenticated| ()).layer(guards(&outer)))
        .with_state(inner.clone());
    for (line, verified) in [("GET /", 2), ("GET /same", 1)] {
        expect(&app, "alice", &[(line, 200)]).await;
        assert_eq!(names.verified(), verified, "{line}");
    }
}

/// A credential that a middleware takes away or puts there after somebody asked changes nothing.
#[tokio::test]
async fn what_was_established_stays() {
    async fn rewrite(mut request: Request, next: Next) -> Response {
        request.headers_mut().insert("authorization", "Bearer staff".parse().unwrap());
        next.run(request).await
    }
    let gate = cast::gate();
    let handler = || get(async |access: Authorized<Staff>| access.principal().unwrap().id().subject().to_owned());
    let app: Router = Router::new()
        .route("/before", handler().layer((gate.require(authenticated()), middleware::from_fn(rewrite))))
        .route("/after", handler().layer((middleware::from_fn(rewrite), gate.require(authenticated()))))
        .with_state(gate);
    expect(&app, "alice", &[("GET /before", 403), ("GET /after", 200)]).await;
    expect(&app, "staff", &[("GET /before", 200)]).await;
}

#[tokio::test]
async fn a_membership_is_asked_once_by_all_together() {
    let projects = Projects::default();
    for names in [Names::default(), Names::slow()] {
        let gate = cast::builder_over(cast::scheme(&names), &projects).build().unwrap();
        let app: Router = Router::new()
            .route("/guard/{id}", get(async || ()).layer(gate.require(VIEW)))
            .route("/extractor/{id}", get(async |_: Authorized<View>| ()))
            .route("/both/{id}", get(async |_: Authorized<View>| ()).layer(gate.require(VIEW)))
            .with_state(gate);
        for (path, asked) in [("/guard/42", 1), ("/extractor/42", 1), ("/both/42", 1)] {
            expect(&app, "viewer", &[(&format!("GET {path}"), 200)]).await;
            assert_eq!(projects.asked(), vec!["42"; asked], "{path} {names:?}");
            expect(&app, "broken", &[(&format!("GET {path}"), 401)]).await;
            assert!(projects.asked().is_empty(), "nobody is asked about who is not known");
        }
    }
}
