//! A standing is what SpiceDB allows, in one request.

use super::{
    gate::{EXPORT, MANAGE, VIEW, answer, filtered, gate, user},
    stand_in::StandIn,
};
use portcullis_core::{ErrorKind, Membership, Principal, PrincipalKind, Standing, policy::not};
use portcullis_spicedb::{ObjectId, SpiceDb, SpiceDbMembership};
use spicedb_grpc_tonic::v1::check_permission_response::Permissionship;
use tonic::Code;

const ROLES: [&str; 3] = ["owner", "manager", "viewer"];

fn projects(spicedb: &SpiceDb) -> SpiceDbMembership {
    spicedb.membership("project", ROLES).unwrap().permissions([("project:export", "send")]).unwrap()
}

#[tokio::test]
async fn all_roles_and_permissions_are_asked_for_at_once_and_the_strongest_counts() {
    let (server, builder) = StandIn::start();
    let gate = gate(projects(&builder.build().unwrap()));
    for written in ["project:1#manager@user:alice", "project:1#viewer@user:alice", "project:1#viewer@user:bob"] {
        server.allow(written);
    }
    assert_eq!(answer(&gate, &user("alice"), MANAGE, "1").await, "200");
    let asked = ["owner", "manager", "viewer", "send"].map(|name| format!("project:1#{name}@user:alice"));
    assert_eq!(server.script().checks, [asked]);
    assert_eq!(answer(&gate, &user("alice"), MANAGE, "2").await, "403 not_a_member");
    assert_eq!(answer(&gate, &user("bob"), MANAGE, "1").await, "403 role_required");
    assert_eq!(answer(&gate, &user("bob"), VIEW, "1").await, "200");
    assert_eq!(answer(&gate, &user("carol"), VIEW, "1").await, "403 not_a_member");
}

#[tokio::test]
async fn permissions_have_the_gates_names_and_need_no_role() {
    let (server, builder) = StandIn::start();
    let gate = gate(projects(&builder.build().unwrap()));
    server.allow("project:1#send@user:alice");
    server.allow("project:2#owner@user:alice");
    assert_eq!(answer(&gate, &user("alice"), EXPORT, "1").await, "200");
    assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "403 not_a_member");
    assert_eq!(answer(&gate, &user("alice"), EXPORT, "2").await, "403 permission_required");
}

#[tokio::test]
async fn a_permission_that_depends_on_a_caveat_is_none() {
    let (server, builder) = StandIn::start();
    let gate = gate(projects(&builder.build().unwrap()));
    let conditional = |written| server.script().permissions.insert(written, Permissionship::ConditionalPermission);
    conditional("project:1#viewer@user:alice");
    conditional("project:1#send@user:alice");
    assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "403 not_a_member");
    assert_eq!(answer(&gate, &user("alice"), EXPORT, "1").await, "403 not_a_member");
}

#[tokio::test]
async fn answers_are_found_in_any_order_and_none_may_be_missing() {
    let (server, builder) = StandIn::start();
    let gate = gate(projects(&builder.build().unwrap()));
    server.allow("project:1#viewer@user:alice");
    server.script().reverses_answers = true;
    assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "200");
    assert_eq!(answer(&gate, &user("alice"), MANAGE, "1").await, "403 role_required");
    server.script().loses_an_answer = true;
    // of the strongest role, so that `viewer` alone would be too little
    assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "503 unavailable");
    assert_eq!(answer(&gate, &user("alice"), not(VIEW), "1").await, "503 unavailable");
}

#[tokio::test]
async fn one_check_that_fails_is_an_error_whatever_the_others_say() {
    let (server, builder) = StandIn::start();
    let gate = gate(projects(&builder.build().unwrap()));
    server.allow("project:1#owner@user:alice");
    for (code, expected) in [(Code::FailedPrecondition, "500 misconfigured"), (Code::Internal, "503 unavailable")] {
        server.script().item_refusal = Some(("project:1#viewer@user:alice", code));
        assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, expected);
        assert_eq!(answer(&gate, &user("alice"), not(MANAGE), "1").await, expected);
        // about another resource, nothing is wrong
        assert_eq!(answer(&gate, &user("alice"), VIEW, "2").await, "403 not_a_member");
    }
}

#[tokio::test]
async fn an_id_that_spicedb_does_not_allow_is_refused_before_it_is_asked() {
    let (server, builder) = StandIn::start();
    let gate = gate(projects(&builder.build().unwrap()));
    for id in ["*", "a b", "1#viewer", "project:1", "é", &"1".repeat(1025)] {
        assert_eq!(answer(&gate, &user("alice"), VIEW, id).await, "400 invalid_id", "{id}");
    }
    assert!(server.script().checks.is_empty());
    for id in ["1", "a/b_c|d-e=f+G", &"1".repeat(1024)] {
        assert_eq!(answer(&gate, &user("alice"), VIEW, id).await, "403 not_a_member", "{id}");
    }
}

#[tokio::test]
async fn the_token_is_sent_and_a_wrong_one_is_a_mistake() {
    let (server, builder) = StandIn::start();
    let projects = projects(&builder.token("the preshared key").build().unwrap());
    projects.standing(&user("alice"), &"1".parse().unwrap()).await.unwrap();
    assert_eq!(server.script().keys, ["Bearer the preshared key"]);
    server.script().refusal = Some(Code::Unauthenticated);
    let refused = projects.standing(&user("alice"), &"1".parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Misconfigured);
    assert!(!format!("{refused:?} {refused}").contains("preshared"));
}

#[tokio::test]
async fn a_page_is_asked_for_in_few_requests_and_answered_in_its_order() {
    let (server, builder) = StandIn::start();
    let projects = projects(&builder.build().unwrap());
    server.allow("project:3#manager@user:alice");
    server.allow("project:500#viewer@user:alice");
    let ids: Vec<ObjectId> = (1..=600).rev().map(|id| id.to_string().parse().unwrap()).collect();
    let held = |standing: &Standing| standing.held().map(ToString::to_string);
    let found = projects.standings(&user("alice"), &ids).await.unwrap();
    let expected = |id: &ObjectId| match id.as_str() {
        "3" => Some("manager".to_owned()),
        "500" => Some("viewer".to_owned()),
        _ => None,
    };
    assert_eq!(found.iter().map(held).collect::<Vec<_>>(), ids.iter().map(expected).collect::<Vec<_>>());
    let asked: Vec<usize> = server.script().checks.iter().map(Vec::len).collect();
    assert_eq!(asked, [1_000, 1_000, 400], "four checks for each");

    let page = projects.standings(&user("alice"), &ids[97..103]).await.unwrap();
    assert_eq!(server.script().checks.last().unwrap().len(), 24);
    for (standing, id) in page.iter().zip(&ids[97..103]) {
        assert_eq!(held(standing), held(&projects.standing(&user("alice"), id).await.unwrap()));
    }
}

#[tokio::test]
async fn a_list_is_filtered_by_one_request() {
    let (server, builder) = StandIn::start();
    let gate = gate(projects(&builder.build().unwrap()));
    for written in ["project:1#viewer@user:alice", "project:3#owner@user:alice", "project:4#send@user:alice"] {
        server.allow(written);
    }
    let ids = ["5", "4", "3", "2", "1"];
    assert_eq!(filtered(&gate, &user("alice"), VIEW, &ids).await.unwrap(), ["3", "1"]);
    assert_eq!(server.script().checks.len(), 1);
    assert_eq!(filtered(&gate, &user("alice"), EXPORT, &ids).await.unwrap(), ["4"]);
    assert!(filtered(&gate, &user("bob"), VIEW, &ids).await.unwrap().is_empty());
    server.script().refusal = Some(Code::Unavailable);
    let error = filtered(&gate, &user("alice"), not(VIEW), &ids).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_page_has_no_standings_where_one_cannot_be_checked() {
    let (server, builder) = StandIn::start();
    let projects = projects(&builder.build().unwrap());
    let ids = ["1", "2", "3"].map(|id| id.parse().unwrap());
    server.script().item_refusal = Some(("project:2#viewer@user:alice", Code::Internal));
    let error = projects.standings(&user("alice"), &ids).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(projects.standings(&user("bob"), &ids).await.unwrap().len(), 3);
    assert!(projects.standings(&user("alice"), &[]).await.unwrap().is_empty());

    server.script().checks.clear();
    let key = Principal::new(PrincipalKind::Key, "alice");
    let strangers = projects.standings(&key, &ids).await.unwrap();
    assert!(strangers.len() == 3 && strangers.iter().all(|standing| standing.held().is_none()));
    assert!(server.script().checks.is_empty(), "nothing is asked about others");
}
