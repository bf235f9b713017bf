//! The resources of a caller.

use super::{gate::user, stand_in::StandIn};
use portcullis_core::{ErrorKind, Principal, PrincipalKind};
use portcullis_spicedb::ZedToken;
use spicedb_grpc_tonic::v1::LookupPermissionship::{ConditionalPermission, HasPermission};

#[tokio::test]
async fn resources_are_listed_in_order_without_those_that_depend_on_a_caveat() {
    let (server, builder) = StandIn::start();
    let spicedb = builder.build().unwrap();
    let found = [("3", HasPermission), ("1", HasPermission), ("2", ConditionalPermission)];
    server.script().resources = found.map(|(id, is)| (id.to_owned(), is)).into();
    spicedb.saw(ZedToken::new("of a write"));
    let ids = spicedb.resources("project", "viewer", &user("alice")).await.unwrap();
    assert_eq!(ids.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(server.script().checks, [["project#viewer@user:alice"]]);
    assert_eq!(server.script().consistencies, ["of a write"]);
}

#[tokio::test]
async fn more_than_allowed_is_an_error_and_not_a_part() {
    let (server, builder) = StandIn::start();
    let spicedb = builder.max_resources(2).build().unwrap();
    let is = |ids: &[&str]| ids.iter().map(|id| ((*id).to_owned(), HasPermission)).collect();
    server.script().resources = is(&["1", "2"]);
    assert_eq!(spicedb.resources("project", "viewer", &user("alice")).await.unwrap().len(), 2);
    server.script().resources = is(&["1", "2", "3"]);
    let error = spicedb.resources("project", "viewer", &user("alice")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("max_resources"), "{error}");
}

#[tokio::test]
async fn a_stranger_has_none_and_spicedb_is_not_asked() {
    let (server, builder) = StandIn::start();
    let spicedb = builder.build().unwrap();
    let key = Principal::new(PrincipalKind::Key, "alice");
    assert!(spicedb.resources("project", "viewer", &key).await.unwrap().is_empty());
    assert!(server.script().checks.is_empty());
}
