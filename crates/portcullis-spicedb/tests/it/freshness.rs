//! What checks require of SpiceDB's answer, after writes.

use super::{
    gate::{VIEW, answer, gate, user},
    stand_in::StandIn,
};
use portcullis_core::{Gate, policy::fresh};
use portcullis_spicedb::{Relationship, SpiceDb, Update, ZedToken};
use std::time::Duration;
use tonic::Code;

fn update(spicedb: &SpiceDb) -> Update {
    let alice = spicedb.subject(&user("alice")).unwrap().unwrap();
    Relationship::new("project", 1, "viewer", alice).unwrap().touch()
}

fn gate_of(spicedb: &SpiceDb) -> Gate {
    gate(spicedb.membership("project", ["viewer"]).unwrap())
}

/// What the next checks require.
async fn required<const N: usize>(server: &StandIn, gate: &Gate) -> [String; N] {
    server.script().consistencies.clear();
    for _ in 0..N {
        answer(gate, &user("alice"), VIEW, "1").await;
    }
    server.script().consistencies.clone().try_into().unwrap()
}

#[tokio::test]
async fn without_a_write_checks_are_fully_consistent_unless_latency_matters_more() {
    let (server, builder) = StandIn::start();
    assert_eq!(required(&server, &gate_of(&builder.build().unwrap())).await, ["full", "full"]);
    let (server, builder) = StandIn::start();
    let gate = gate_of(&builder.minimize_latency().build().unwrap());
    assert_eq!(required(&server, &gate).await, ["minimize latency", "minimize latency"]);
}

#[tokio::test]
async fn checks_are_at_least_as_fresh_as_the_last_write() {
    let (server, builder) = StandIn::start();
    let spicedb = builder.minimize_latency().build().unwrap();
    let gate = gate_of(&spicedb);
    assert_eq!(spicedb.clone().write([update(&spicedb)]).await.unwrap().as_str(), "w1");
    assert_eq!(required(&server, &gate).await, ["w1", "w1"]);
}

#[tokio::test]
async fn after_two_writes_one_check_is_fully_consistent_as_tokens_cannot_be_compared() {
    let (server, builder) = StandIn::start();
    let spicedb = builder.build().unwrap();
    let gate = gate_of(&spicedb);
    spicedb.write([update(&spicedb)]).await.unwrap();
    spicedb.saw(ZedToken::new("of another process"));
    assert_eq!(required(&server, &gate).await, ["full", "c2", "c2"]);
    spicedb.saw(ZedToken::new("c2"));
    assert_eq!(required(&server, &gate).await, ["c2"], "nothing new");
    spicedb.saw(ZedToken::new("an old one"));
    assert_eq!(required(&server, &gate).await, ["full", "c6"]);
}

#[tokio::test]
async fn a_write_without_an_answer_counts_as_done() {
    let (server, builder) = StandIn::start();
    let spicedb = builder.minimize_latency().time_limit(Duration::from_millis(300)).build().unwrap();
    let gate = gate_of(&spicedb);
    server.script().hangs = true;
    spicedb.write([update(&spicedb)]).await.unwrap_err();
    server.script().hangs = false;
    assert_eq!(server.script().writes.len(), 1);
    assert_eq!(required(&server, &gate).await, ["full", "c2"]);

    server.script().refusal = Some(Code::Unavailable);
    spicedb.write([update(&spicedb)]).await.unwrap_err();
    server.script().refusal = None;
    assert_eq!(required(&server, &gate).await, ["full", "c4"]);
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_counts_as_done() {
    let (server, builder) = StandIn::start();
    let spicedb = builder.minimize_latency().build().unwrap();
    server.script().hangs = true;
    let waiting = spicedb.write([update(&spicedb)]);
    assert!(tokio::time::timeout(Duration::from_millis(300), waiting).await.is_err());
    server.script().hangs = false;
    let [first, _] = required(&server, &gate_of(&spicedb)).await;
    assert_eq!(first, "full");
}

#[tokio::test]
async fn a_token_that_spicedb_does_not_know_is_asked_with_once() {
    for list in [false, true] {
        let (server, builder) = StandIn::start();
        let spicedb = builder.minimize_latency().build().unwrap();
        let gate = gate_of(&spicedb);
        spicedb.saw(ZedToken::new("rubbish"));
        server.script().refusal = Some(Code::InvalidArgument);
        if list {
            spicedb.resources("project", "viewer", &user("alice")).await.unwrap_err();
        } else {
            assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "500 misconfigured");
        }
        server.script().refusal = None;
        let [first, second] = required(&server, &gate).await;
        assert!(first == "full" && second.starts_with('c'), "{first}, {second}");
    }
}

#[tokio::test]
async fn an_outage_makes_no_check_weaker() {
    let (server, builder) = StandIn::start();
    let gate = gate_of(&builder.build().unwrap());
    server.script().refusal = Some(Code::Unavailable);
    assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "503 unavailable");
    server.script().refusal = None;
    assert_eq!(required(&server, &gate).await, ["full", "full"]);
}

#[tokio::test]
async fn fresh_policies_ask_fully_consistent() {
    let (server, builder) = StandIn::start();
    let spicedb = builder.minimize_latency().build().unwrap();
    let gate = gate_of(&spicedb);
    spicedb.saw(ZedToken::new("of another process"));
    let anew = fresh(Duration::from_secs(1), VIEW);
    assert_eq!(answer(&gate, &user("alice"), anew, "1").await, "403 not_a_member");
    assert_eq!(server.script().consistencies, ["full"]);
    assert_eq!(required(&server, &gate).await, ["of another process"]);
}

#[tokio::test]
async fn a_write_says_what_it_changes() {
    let (server, builder) = StandIn::start();
    let spicedb = builder.build().unwrap();
    let alice = spicedb.subject(&user("alice")).unwrap().unwrap();
    let removed = Relationship::new("project", 2, "owner", alice).unwrap().delete();
    spicedb.write([update(&spicedb), removed]).await.unwrap();
    let written = server.script().writes.pop().unwrap();
    let shown = |at: usize| {
        let (update, relationship) = (&written.updates[at], written.updates[at].relationship.clone().unwrap());
        let (resource, subject) = (relationship.resource.unwrap(), relationship.subject.unwrap());
        let user = subject.object.unwrap();
        let operation = update.operation().as_str_name();
        format!(
            "{operation} {}:{}#{}@{}:{}",
            resource.object_type, resource.object_id, relationship.relation, user.object_type, user.object_id
        )
    };
    assert_eq!(shown(0), "OPERATION_TOUCH project:1#viewer@user:alice");
    assert_eq!(shown(1), "OPERATION_DELETE project:2#owner@user:alice");
    assert_eq!((written.updates.len(), written.optional_preconditions.len()), (2, 0));
}
