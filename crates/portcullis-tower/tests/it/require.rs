//! Guards before any service over `http::Request`.

use crate::{
    cast::{self, Later, Names, ask, echo, request, send},
    log::Log,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use portcullis_core::{Gate, Scheme, policy::*, testing::acting_as};
use portcullis_tower::{CarriedRequest, GateExt, Head, Params, established};
use portcullis_web::establish;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

#[tokio::test]
async fn absent_invalid_and_valid_are_three_things_and_a_refusal_calls_nobody() {
    let paid = || Later(|who| who.id().subject() != "debtor");
    let on_project = || role("viewer").on("project", query("project"));
    for (names, gate) in cast::fast_and_slow() {
        let calls = Arc::new(AtomicUsize::new(0));
        let [authenticated, staff, paid, project, hidden] = [
            gate.require(authenticated()),
            gate.require(staff()),
            gate.require(paid()),
            gate.require(on_project()),
            gate.require(on_project().hidden()),
        ]
        .map(|guard| guard.layer(echo(&calls)));
        for (guarded, path, who, status) in [
            (&authenticated, "/", "", 401),
            (&authenticated, "/", "broken", 401),
            (&authenticated, "/", "down", 503),
            (&authenticated, "/", "alice", 200),
            (&staff, "/", "", 401),
            (&staff, "/", "alice", 403),
            (&staff, "/", "staff", 200),
            (&paid, "/", "", 401),
            (&paid, "/", "broken", 401),
            (&paid, "/", "debtor", 403),
            (&paid, "/", "alice", 200),
            (&project, "/?project=42", "", 401),
            (&project, "/?project=42", "alice", 403),
            (&project, "/?project=42", "viewer", 200),
            (&project, "/?project=43", "viewer", 403),
            (&project, "/?project=13", "viewer", 503),
            (&project, "/?project=%34%32", "viewer", 200),
            (&project, "/?project=42&project=43", "viewer", 400),
            (&project, "/?project=", "viewer", 400),
            (&project, "/", "viewer", 400),
            (&hidden, "/?project=42", "viewer", 200),
            (&hidden, "/?project=43", "viewer", 404),
            (&hidden, "/?project=42", "", 401),
        ] {
            let answer = ask(guarded, path, who).await;
            assert_eq!(answer.status, status, "{path} as {who:?} ({names:?}): {answer:?}");
            assert_eq!(calls.swap(0, Relaxed), usize::from(status == 200), "{path} as {who:?}");
            assert_eq!(answer.body == "hello", status == 200, "the body reaches the service as it was");
            // No other credential mends a request that names no project.
            let is_challenged = status == 401 || answer.body.contains("invalid_request");
            assert_eq!(answer.headers.contains_key("www-authenticate"), is_challenged, "{path} as {who:?}");
            let code = if path.contains('&') { "invalid_request" } else { "parameter_missing" };
            assert_eq!(answer.body.contains(code), status == 400, "{path} as {who:?}: {answer:?}");
            assert!(names.verified() <= 1, "{path} as {who:?}");
        }
    }
}

#[tokio::test]
async fn public_policies_call_nobody() {
    for (names, gate) in cast::fast_and_slow() {
        let calls = Arc::default();
        let public = gate.require(any((staff(), anyone()))).layer(echo(&calls));
        let guarded = gate.require(all((anyone(), authenticated()))).layer(echo(&calls));
        for who in ["", "broken", "down", "alice"] {
            assert_eq!(ask(&public, "/", who).await.body, "hello", "{who:?}");
        }
        let mut garbage = request("/", "");
        garbage.headers_mut().append("authorization", "Bearer".parse().unwrap());
        garbage.headers_mut().append("authorization", "Bearer a b".parse().unwrap());
        assert_eq!(send(&public, garbage).await.body, "hello");
        assert_eq!(names.verified(), 0);
        assert_eq!(ask(&guarded, "/", "").await.status, 401);
        assert_eq!(ask(&guarded, "/", "alice").await.status, 200);
        assert_eq!(names.verified(), 1);
    }
}

/// What one layer found out the next one knows, and the service as well.
#[tokio::test]
async fn a_request_remembers_who_makes_it() {
    for (names, gate) in cast::fast_and_slow() {
        let knowing = gate.clone();
        let inner = service_fn(move |request: Request<cast::Text>| {
            let who =
                established(&knowing, request.extensions()).unwrap().principal().unwrap().id().subject().to_owned();
            async move { Ok::<_, Infallible>(Response::new(cast::Text::from(who))) }
        });
        let guarded = ServiceBuilder::new()
            .layer(gate.enforce())
            .layer(gate.require(authenticated()))
            .layer(gate.require(Later(|_| true)))
            .layer(gate.require(not(staff())))
            .service(inner);
        assert_eq!(ask(&guarded, "/", "alice").await.body, "alice");
        assert_eq!(names.verified(), 1);
        assert_eq!(ask(&guarded, "/", "staff").await.status, 403);
        assert_eq!(names.verified(), 1);
    }
}

#[tokio::test]
async fn what_one_gate_established_means_nothing_to_another() {
    let (names, others) = (Names::default(), Names::slow());
    let gate = cast::gate_of(&names);
    let other = Gate::builder().scheme(Scheme::new(others.clone()).header("x-key")).build().unwrap();
    let calls = Arc::default();
    let guarded = ServiceBuilder::new()
        .layer(gate.require(staff()))
        .layer(other.require(authenticated()))
        .layer(gate.require(staff()))
        .service(echo(&calls));
    assert_eq!(ask(&guarded, "/", "staff").await.status, 401);
    let mut both = request("/", "staff");
    both.headers_mut().insert("x-key", "robot".parse().unwrap());
    names.verified();
    assert_eq!(send(&guarded, both).await.status, 200);
    assert_eq!((names.verified(), others.verified()), (1, 1), "each gate once, however they alternate");
}

#[tokio::test]
async fn establishing_by_hand_is_once_as_well() {
    for (names, gate) in cast::fast_and_slow() {
        let (mut parts, body) = request("/", "alice").into_parts();
        assert!(established(&gate, &parts.extensions).is_none());
        for _ in 0..3 {
            let who = establish(&mut CarriedRequest::new(&mut parts, None), &gate, None).get().await;
            assert_eq!(who.principal().unwrap().id().subject(), "alice");
        }
        assert!(established(&gate, &parts.extensions).is_some_and(|who| who.is_of(&gate)));
        // Who asked before the request came to the guard has asked for it too.
        let calls = Arc::default();
        let guarded = gate.require(authenticated()).layer(echo(&calls));
        assert_eq!(send(&guarded, Request::from_parts(parts, body)).await.status, 200);
        assert_eq!(names.verified(), 1);
    }
}

#[tokio::test]
async fn a_gate_acts_as_somebody_without_any_credential() {
    let names = Names::default();
    let gate = cast::gate_of(&names);
    let calls = Arc::default();
    let acting = gate.acting_as(acting_as("alice").with_staff(true)).require(staff()).layer(echo(&calls));
    assert_eq!(ask(&acting, "/", "broken").await.status, 200);
    assert_eq!(names.verified(), 0);
    assert_eq!(ask(&gate.require(staff()).layer(echo(&calls)), "/", "broken").await.status, 401);
}

/// The layer asks nothing of the body of the request, and of the response that it can be made of bytes.
#[tokio::test]
async fn bodies_are_whatever_the_service_takes() {
    #[derive(Debug)]
    struct Unusual;
    let gate = cast::gate();
    let inner =
        service_fn(|_: Request<Unusual>| async { Ok::<_, String>(Response::new(Vec::from(Bytes::from("hi")))) });
    let guarded = gate.require(authenticated()).layer(inner);
    let ask = |who: &str| {
        let request = Request::get("/").header("authorization", format!("Bearer {who}")).body(Unusual).unwrap();
        guarded.clone().oneshot(request)
    };
    assert_eq!(ask("alice").await.unwrap().into_body(), b"hi");
    assert!(String::from_utf8(ask("broken").await.unwrap().into_body()).unwrap().contains("invalid_token"));
}

/// An error of the service is the service's.
#[tokio::test]
async fn errors_of_the_service_pass() {
    for gate in [cast::gate(), cast::gate_of(&Names::slow())] {
        let inner =
            service_fn(|_: Request<cast::Text>| async { Err::<Response<Full<Bytes>>, _>("the service is down") });
        let guarded = ServiceBuilder::new().layer(gate.enforce()).layer(gate.require(authenticated())).service(inner);
        assert_eq!(guarded.clone().oneshot(request("/", "alice")).await.unwrap_err(), "the service is down");
        assert_eq!(guarded.oneshot(request("/", "")).await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn a_refusal_is_one_event_and_what_passes_makes_no_noise() {
    for gate in [cast::gate(), cast::gate_of(&Names::slow())] {
        let calls = Arc::default();
        let guarded = ServiceBuilder::new().layer(gate.enforce()).layer(gate.require(staff())).service(echo(&calls));
        let log = Log::listen();
        ask(&guarded, "/", "staff").await;
        assert_eq!(log.lines(), Vec::<String>::new());
        for (who, level, word) in [
            ("", "INFO", "credential_missing"),
            ("mallory", "INFO", "staff_required"),
            ("down", "WARN", "nobody is in"),
        ] {
            ask(&guarded, "/", who).await;
            let lines = log.lines();
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(
                lines[0].starts_with(level) && lines[0].contains(word) && !lines[0].contains("mallory"),
                "{lines:?}"
            );
        }
    }
}

/// The head that policies see is that of the request.
#[test]
fn the_head_is_that_of_the_request() {
    use portcullis_core::RequestHead;
    let request =
        Request::post("/a%2Fb?c=d").header("x-a", "1").header("x-a", "2").header("x-b", &b"\xff"[..]).body(()).unwrap();
    let (parts, ()) = request.into_parts();
    let head = Head::new(&parts, &Params::Absent);
    let header = |name| {
        let mut seen = Vec::new();
        head.each_header(name, &mut |value| seen.push(value.to_vec()));
        seen
    };
    assert_eq!((head.method(), head.path(), head.query()), ("POST", "/a%2Fb", Some("c=d")));
    assert_eq!(
        (header("x-a"), header("x-b"), header("x-c")),
        (vec![b"1".to_vec(), b"2".to_vec()], vec![b"\xff".to_vec()], vec![])
    );
}
