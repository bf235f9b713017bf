//! A request is counted once, whatever guard, extractors and handler do with it, on each of the frameworks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use actix_web::{App, test::TestRequest};
use axum::body::Body;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use portcullis::{Gate, RoleHierarchy, Scheme, policy::*, testing::TestIssuer};
use std::collections::BTreeMap;
use tower::ServiceExt;

/// The path, the subject of the token, and the answer with what is counted: code, scheme and issuer.
const REQUESTS: [(&str, &str, u16, &str); 8] = [
    ("/news", "", 200, ""),
    ("/news", "alice", 200, ""),
    ("/me", "", 401, "credential_missing | none | none"),
    ("/me", "alice", 200, "allowed | bearer header | https://issuer.test"),
    ("/reports", "alice", 403, "role_required | bearer header | https://issuer.test"),
    ("/reports", "root", 200, "allowed | bearer header | https://issuer.test"),
    // The handler asks again, and refuses.
    ("/own", "alice", 403, "allowed | bearer header | https://issuer.test"),
    ("/nowhere", "alice", 404, ""),
];

fn gate() -> Gate {
    let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
    Gate::builder().scheme(scheme).roles(RoleHierarchy::ranked(["viewer", "owner"]).unwrap()).build().unwrap()
}

fn token(who: &str) -> Option<String> {
    let issuer = TestIssuer::new();
    let token = issuer.token(who);
    let token = if who == "root" { token.role("owner") } else { token };
    (!who.is_empty()).then(|| format!("Bearer {}", token.sign()))
}

/// Each request, and what is counted because of it.
fn assert_counted(send: impl Fn(&str, Option<String>) -> u16) {
    for (path, who, status, expected) in REQUESTS {
        let recorder = DebuggingRecorder::new();
        let answered = metrics::with_local_recorder(&recorder, || send(path, token(who)));
        assert_eq!(answered, status, "{path} {who}");
        let all = recorder.snapshotter().snapshot().into_vec();
        let decisions = all.into_iter().filter(|(key, ..)| key.key().name() == "portcullis_decisions_total");
        let counted = decisions.map(|(key, _, _, value)| {
            let DebugValue::Counter(count) = value else { panic!("not a counter") };
            (key.key().labels().map(|label| label.value()).collect::<Vec<_>>().join(" | "), count)
        });
        let counted: BTreeMap<String, u64> = counted.collect();
        let expected = (!expected.is_empty()).then(|| (expected.to_owned(), 1)).into_iter().collect();
        assert_eq!(counted, expected, "{path} {who}");
    }
}

#[test]
fn on_axum() {
    use portcullis::axum::{Authenticated, Caller, Rejection, Routes};
    async fn own(Caller(caller): Caller) -> Result<&'static str, Rejection> {
        caller.require(role("owner")).await?;
        Ok("own")
    }
    let gate = gate();
    let routes = Routes::new(&gate)
        .get("/news", anyone(), async || "news")
        .get("/me", authenticated(), async |_: Authenticated| "me")
        .get("/reports", role("owner"), async || "reports")
        .get("/own", authenticated(), own);
    let service = routes.into_router().with_state(gate);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_counted(|path, token| {
        let request = http::Request::get(path);
        let request = token.into_iter().fold(request, |request, token| request.header("authorization", token));
        let answer = runtime.block_on(service.clone().oneshot(request.body(Body::empty()).unwrap()));
        answer.unwrap().status().as_u16()
    });
}

#[test]
fn on_actix_web() {
    use portcullis::actix::{Authenticated, Caller, Rejection, Routes};
    async fn own(Caller(caller): Caller) -> Result<&'static str, Rejection> {
        caller.require(role("owner")).await?;
        Ok("own")
    }
    assert_counted(|path, token| {
        actix_web::rt::System::new().block_on(async move {
            let routes = Routes::new(&gate())
                .get("/news", anyone(), async || "news")
                .get("/me", authenticated(), async |_: Authenticated| "me")
                .get("/reports", role("owner"), async || "reports")
                .get("/own", authenticated(), own);
            let app = actix_web::test::init_service(App::new().configure(routes.into_config())).await;
            let request = TestRequest::get().uri(path);
            let request =
                token.into_iter().fold(request, |request, token| request.insert_header(("authorization", token)));
            match actix_web::test::try_call_service(&app, request.to_request()).await {
                Ok(answer) => answer.status().as_u16(),
                Err(error) => error.as_response_error().status_code().as_u16(),
            }
        })
    });
}
