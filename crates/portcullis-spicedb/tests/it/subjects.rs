//! Which subject a principal is.

use super::{
    gate::{ISSUER, VIEW, answer, gate, user},
    stand_in::StandIn,
};
use portcullis_core::{ErrorKind, Membership, Principal, PrincipalKind, policy::not};
use portcullis_spicedb::{Relationship, Subject};

#[tokio::test]
async fn only_users_of_the_issuer_are_subjects() {
    let (server, builder) = StandIn::start();
    let gate = gate(builder.build().unwrap().membership("project", ["viewer"]).unwrap());
    server.allow("project:1#viewer@user:alice");
    assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "200");
    let others = [
        Principal::new(PrincipalKind::User, "alice"),
        Principal::new(PrincipalKind::User, "alice").with_issuer("https://id.example.org"),
        Principal::new(PrincipalKind::User, "alice").with_issuer("https://id.example.com/"),
        Principal::new(PrincipalKind::Service, "alice").with_issuer(ISSUER),
        Principal::new(PrincipalKind::Key, "alice").with_issuer(ISSUER),
    ];
    for other in others {
        assert_eq!(answer(&gate, &other, VIEW, "1").await, "403 not_a_member", "{other:?}");
    }
    assert_eq!(server.script().checks.len(), 1, "nothing is asked about others");
}

#[tokio::test]
async fn a_subject_that_spicedb_does_not_allow_is_an_error_and_is_not_shown() {
    let (server, builder) = StandIn::start();
    let gate = gate(builder.build().unwrap().membership("project", ["viewer"]).unwrap());
    for subject in ["alice@example.com", "alice smith", "*", "", "user:alice", "é", &"a".repeat(1025)] {
        assert_eq!(answer(&gate, &user(subject), VIEW, "1").await, "500 misconfigured", "{subject}");
        assert_eq!(answer(&gate, &user(subject), not(VIEW), "1").await, "500 misconfigured", "{subject}");
    }
    assert!(server.script().checks.is_empty());
    for subject in ["auth0|alice", "2f1c-7", &"a".repeat(1024)] {
        assert_eq!(answer(&gate, &user(subject), VIEW, "1").await, "403 not_a_member", "{subject}");
    }
    let error = Subject::new("user", "alice@example.com").unwrap_err();
    assert!(!format!("{error:?}").contains("alice"), "{error:?}");
}

#[tokio::test]
async fn an_application_may_map_principals_itself() {
    let (server, builder) = StandIn::start();
    let builder = builder.subjects(|who| match (who.kind(), who.id().issuer()) {
        (PrincipalKind::Key, Some(ISSUER)) => Subject::new("api_key", format!("k-{}", who.id().subject())).map(Some),
        _ => Ok(None),
    });
    let spicedb = builder.build().unwrap();
    let projects = spicedb.membership("project", ["viewer"]).unwrap();
    server.allow("project:1#viewer@api_key:k-7");
    let standing = async |who: &Principal| projects.standing(who, &"1".parse().unwrap()).await.unwrap();
    let key = Principal::new(PrincipalKind::Key, "7").with_issuer(ISSUER);
    assert_eq!(standing(&key).await.held(), Some(&"viewer".into()));
    assert_eq!(standing(&user("7")).await.held(), None);
}

#[test]
fn names_are_those_that_spicedb_allows() {
    let is_type = |name: &str| Subject::new(name, "1").is_ok();
    for name in ["user", "api_key", "acme/user", "a23", &"a".repeat(64)] {
        assert!(is_type(name), "{name}");
    }
    for name in ["", "us", "User", "1user", "user_", "us-er", "/user", "acme//user", "user#member", &"a".repeat(65)] {
        assert!(!is_type(name), "{name}");
        let relation = Subject::new("group", "1").unwrap().with_relation(name);
        assert_eq!(relation.unwrap_err().kind(), ErrorKind::Misconfigured, "{name}");
    }
    let alice = Subject::new("user", "alice").unwrap();
    let is_ok = |of: &str, id: &str, relation: &str| Relationship::new(of, id, relation, alice.clone()).is_ok();
    assert!(is_ok("project", "1", "viewer"));
    assert!(!is_ok("Project", "1", "viewer") && !is_ok("project", "a b", "viewer") && !is_ok("project", "1", "Viewer"));
    assert!(!is_ok("project", "1", "acme/viewer") && !is_ok("project", "*", "viewer"));
}
