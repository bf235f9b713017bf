//! Whatever prevents an answer is 503, with and without `not`.

use super::{
    gate::{MANAGE, VIEW, answer, decided, gate, user},
    stand_in::StandIn,
};
use portcullis_core::{ErrorKind, policy::not};
use portcullis_spicedb::SpiceDb;
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};
use tonic::{Code, transport::Endpoint};

fn at(listener: &TcpListener) -> SpiceDb {
    let url = format!("http://{}", listener.local_addr().unwrap());
    let channel = Endpoint::from_shared(url).unwrap().connect_lazy();
    SpiceDb::builder(channel).issuer(super::gate::ISSUER).time_limit(Duration::from_millis(300)).build().unwrap()
}

async fn assert_unavailable(spicedb: &SpiceDb) {
    let gate = gate(spicedb.membership("project", ["manager", "viewer"]).unwrap());
    let start = Instant::now();
    assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "503 unavailable");
    assert_eq!(answer(&gate, &user("alice"), not(MANAGE), "1").await, "503 unavailable");
    let error = spicedb.resources("project", "viewer", &user("alice")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(spicedb.write([]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?} for four requests", start.elapsed());
}

#[tokio::test]
async fn no_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let spicedb = at(&listener);
    drop(listener);
    assert_unavailable(&spicedb).await;
}

#[tokio::test]
async fn a_server_that_accepts_and_is_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_unavailable(&at(&listener)).await;
}

#[tokio::test]
async fn a_server_that_takes_a_request_and_is_silent() {
    let (server, builder) = StandIn::start();
    server.script().hangs = true;
    assert_unavailable(&builder.time_limit(Duration::from_millis(300)).build().unwrap()).await;
    assert!(!server.script().writes.is_empty());
}

#[tokio::test]
async fn what_a_server_refuses_is_never_a_yes() {
    let (server, builder) = StandIn::start();
    let gate = gate(builder.build().unwrap().membership("project", ["manager", "viewer"]).unwrap());
    server.allow("project:1#viewer@user:alice");
    assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "200");
    let mistakes = [
        Code::InvalidArgument,
        Code::FailedPrecondition,
        Code::PermissionDenied,
        Code::Unauthenticated,
        Code::Unimplemented,
    ];
    for code in (1..=16).map(Code::from_i32) {
        server.script().refusal = Some(code);
        let expected = if mistakes.contains(&code) { "500 misconfigured" } else { "503 unavailable" };
        assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, expected, "{code:?}");
        assert_eq!(answer(&gate, &user("alice"), not(MANAGE), "1").await, expected, "{code:?}");
    }
    server.script().refusal = Some(Code::Internal);
    let error = decided(&gate, &user("alice"), VIEW, "1").await.unwrap_err();
    assert!(format!("{error:?}").contains("Internal: the script says so"), "{error:?}");
}
