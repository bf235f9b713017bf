//! A SpiceDB itself. Each test has objects of its own.

use super::gate::{EXPORT, ISSUER, MANAGE, VIEW, answer, gate, user};
use portcullis_core::{ErrorKind, Gate, Membership, Principal, PrincipalKind, policy::not};
use portcullis_spicedb::{
    ObjectId, Relationship, SpiceDb, SpiceDbBuilder, SpiceDbMembership, Subject, Update, ZedToken,
};
use spicedb_grpc_tonic::v1::{
    self, ContextualizedCaveat, ObjectReference, RelationshipUpdate, SubjectReference, WriteRelationshipsRequest,
    WriteSchemaRequest, permissions_service_client::PermissionsServiceClient, relationship_update::Operation,
    schema_service_client::SchemaServiceClient,
};
use std::{env, process};
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

const SCHEMA: &str = "
caveat in_office(open bool) { open }

definition user {}

definition group {
  relation member: user | group#member
}

definition project {
  relation owner: user | group#member
  relation manager: user | group#member | user with in_office
  relation viewer: user | group#member
  relation guest: user:*

  permission send = owner + manager
}
";

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("`{name}` is not set; `tests/servers/spicedb.sh up` prints it"))
}

fn channel() -> Channel {
    Endpoint::from_shared(variable("SPICEDB_URL")).unwrap().connect_lazy()
}

/// A request of the generated client.
fn signed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let key = format!("Bearer {}", variable("SPICEDB_TOKEN"));
    request.metadata_mut().insert("authorization", key.parse().unwrap());
    request
}

/// With the schema of all tests.
async fn builder() -> SpiceDbBuilder {
    let schema = signed(WriteSchemaRequest { schema: SCHEMA.to_owned() });
    SchemaServiceClient::new(channel()).write_schema(schema).await.unwrap();
    SpiceDb::builder(channel()).token(variable("SPICEDB_TOKEN")).issuer(ISSUER)
}

fn projects(spicedb: &SpiceDb) -> SpiceDbMembership {
    let projects = spicedb.membership("project", ["owner", "manager", "viewer"]).unwrap();
    projects.permissions([("project:export", "send")]).unwrap()
}

/// A name that no other test and no other run has.
fn own(name: &str, at: usize) -> String {
    format!("{name}-{}-{at}", process::id())
}

fn subject(name: &str) -> Subject {
    Subject::new("user", name).unwrap()
}

fn members(group: &str) -> Subject {
    Subject::new("group", group).unwrap().with_relation("member").unwrap()
}

fn on(project: &str, relation: &str, subject: Subject) -> Relationship {
    Relationship::new("project", project, relation, subject).unwrap()
}

async fn answers<const N: usize>(gate: &Gate, id: &str, names: [&str; N]) -> [[String; 3]; N] {
    let mut all = Vec::new();
    for name in names {
        let who = user(name);
        let mut one = Vec::new();
        for policy in [MANAGE, VIEW, EXPORT] {
            one.push(answer(gate, &who, policy, id).await);
        }
        all.push(one.try_into().unwrap());
    }
    all.try_into().unwrap()
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/spicedb.sh up` prints"]
async fn roles_come_from_relations_and_through_groups() {
    let spicedb = builder().await.build().unwrap();
    let (gate, id) = (gate(projects(&spicedb)), own("roles", 0));
    let [inner, outer] = ["inner", "outer"].map(|name| own(name, 0));
    let member = |group: &str, subject| Relationship::new("group", group, "member", subject).unwrap().touch();
    let written: [Update; 6] = [
        on(&id, "owner", subject("alice")).touch(),
        on(&id, "manager", members(&outer)).touch(),
        on(&id, "viewer", subject("carol")).touch(),
        on(&id, "viewer", subject("alice")).touch(),
        member(&outer, members(&inner)),
        member(&inner, subject("bob")),
    ];
    spicedb.write(written).await.unwrap();
    let [all, view, none] =
        [["200", "200", "200"], ["403 role_required", "200", "403 permission_required"], ["403 not_a_member"; 3]];
    let found = answers(&gate, &id, ["alice", "bob", "carol", "dave"]).await;
    assert_eq!(found, [all, all, view, none].map(|row| row.map(str::to_owned)));
    assert_eq!(answers(&gate, &own("roles", 1), ["alice"]).await, [none.map(str::to_owned)], "another project");

    let elsewhere = Principal::new(PrincipalKind::User, "alice").with_issuer("https://id.example.org");
    assert_eq!(answer(&gate, &elsewhere, VIEW, &id).await, "403 not_a_member");
    let service = Principal::new(PrincipalKind::Service, "alice").with_issuer(ISSUER);
    assert_eq!(answer(&gate, &service, VIEW, &id).await, "403 not_a_member");
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/spicedb.sh up` prints"]
async fn a_removal_counts_at_once_where_its_token_is_known() {
    let writer = builder().await.build().unwrap();
    // Without a token these would be answered from a revision of up to 5 seconds ago.
    let spicedb = builder().await.minimize_latency().build().unwrap();
    let other = builder().await.minimize_latency().build().unwrap();
    let (gate_here, gate_there) = (gate(projects(&spicedb)), gate(projects(&other)));
    for round in 0..20 {
        let id = own("removal", round);
        spicedb.write([on(&id, "manager", subject("alice")).touch()]).await.unwrap();
        assert_eq!(answer(&gate_here, &user("alice"), MANAGE, &id).await, "200");
        let removed = spicedb.write([on(&id, "manager", subject("alice")).delete()]).await.unwrap();
        assert_eq!(answer(&gate_here, &user("alice"), MANAGE, &id).await, "403 not_a_member");
        // As another process would: the token travels as a text.
        other.saw(ZedToken::new(removed.as_str()));
        assert_eq!(answer(&gate_there, &user("alice"), MANAGE, &id).await, "403 not_a_member");
        let added = writer.write([on(&id, "viewer", subject("alice")).touch()]).await.unwrap();
        other.saw(added);
        assert_eq!(answer(&gate_there, &user("alice"), VIEW, &id).await, "200");
    }
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/spicedb.sh up` prints"]
async fn without_a_token_checks_see_the_writes_of_others() {
    let (writer, reader) = (builder().await.build().unwrap(), builder().await.build().unwrap());
    let gate = gate(projects(&reader));
    for round in 0..20 {
        let id = own("others", round);
        assert_eq!(answer(&gate, &user("alice"), VIEW, &id).await, "403 not_a_member");
        writer.write([on(&id, "viewer", subject("alice")).touch()]).await.unwrap();
        assert_eq!(answer(&gate, &user("alice"), VIEW, &id).await, "200");
        writer.write([on(&id, "viewer", subject("alice")).delete()]).await.unwrap();
        assert_eq!(answer(&gate, &user("alice"), VIEW, &id).await, "403 not_a_member");
    }
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/spicedb.sh up` prints"]
async fn pages_and_lists_are_what_single_checks_allow() {
    let spicedb = builder().await.max_resources(200).build().unwrap();
    let (projects, name) = (projects(&spicedb), own("lister", 0));
    let ids: Vec<ObjectId> = (0..300).map(|at| own("listed", at).parse().unwrap()).collect();
    let seen = ids.iter().step_by(2).map(|id| on(id.as_str(), "viewer", subject(&name)).touch());
    spicedb.write(seen).await.unwrap();
    let mut allowed = Vec::new();
    let page = projects.standings(&user(&name), &ids).await.unwrap();
    for (id, on_page) in ids.iter().zip(page) {
        let standing = projects.standing(&user(&name), id).await.unwrap();
        assert_eq!(standing.held(), on_page.held());
        if standing.held().is_some() {
            allowed.push(id.clone());
        }
    }
    allowed.sort();
    assert_eq!(allowed.len(), 150);
    assert_eq!(spicedb.resources("project", "viewer", &user(&name)).await.unwrap(), allowed);
    assert!(spicedb.resources("project", "owner", &user(&name)).await.unwrap().is_empty());

    let others = ids.iter().skip(1).step_by(2).map(|id| on(id.as_str(), "viewer", subject(&name)).touch());
    spicedb.write(others).await.unwrap();
    let error = spicedb.resources("project", "viewer", &user(&name)).await.unwrap_err();
    assert!(error.to_string().contains("max_resources"), "{error}");
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/spicedb.sh up` prints"]
async fn what_spicedb_does_not_know_is_an_error_and_not_a_no() {
    let spicedb = builder().await.build().unwrap();
    let unknown = [
        spicedb.membership("project", ["owner", "reader"]).unwrap(),
        spicedb.membership("folder", ["owner"]).unwrap(),
        projects(&builder().await.token("another").build().unwrap()),
        projects(&builder().await.subjects(|_| Subject::new("person", "alice").map(Some)).build().unwrap()),
    ];
    for projects in unknown {
        let gate = gate(projects);
        assert_eq!(answer(&gate, &user("alice"), VIEW, "1").await, "500 misconfigured", "{gate:?}");
        assert_eq!(answer(&gate, &user("alice"), not(VIEW), "1").await, "500 misconfigured", "{gate:?}");
    }
    let (gate, id) = (gate(projects(&spicedb)), own("token", 0));
    spicedb.saw(ZedToken::new("rubbish"));
    assert_eq!(answer(&gate, &user("alice"), VIEW, &id).await, "500 misconfigured");
    assert_eq!(answer(&gate, &user("alice"), VIEW, &id).await, "403 not_a_member");
    let refused = spicedb.write([on("1", "reader", subject("alice")).touch()]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Misconfigured);
    let refused = spicedb.resources("project", "reader", &user("alice")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Misconfigured);
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/spicedb.sh up` prints"]
async fn a_caveat_without_a_context_is_a_no_and_a_wildcard_is_a_yes() {
    let spicedb = builder().await.build().unwrap();
    let projects =
        spicedb.membership("project", ["manager"]).unwrap().permissions([("project:export", "guest")]).unwrap();
    let (gate, id) = (gate(projects), own("caveat", 0));
    let object = |object_type: &str, object_id: &str| {
        Some(ObjectReference { object_type: object_type.to_owned(), object_id: object_id.to_owned() })
    };
    let added = |relation: &str, subject: &str, caveat: Option<&str>| RelationshipUpdate {
        operation: Operation::Touch.into(),
        relationship: Some(v1::Relationship {
            resource: object("project", &id),
            relation: relation.to_owned(),
            subject: Some(SubjectReference { object: object("user", subject), ..SubjectReference::default() }),
            optional_caveat: caveat.map(|name| ContextualizedCaveat { caveat_name: name.to_owned(), context: None }),
            optional_expires_at: None,
        }),
    };
    let mut client = PermissionsServiceClient::new(channel());
    let mut write = async |updates| {
        let request = WriteRelationshipsRequest { updates, ..WriteRelationshipsRequest::default() };
        let written = client.write_relationships(signed(request)).await.unwrap().into_inner();
        spicedb.saw(ZedToken::new(written.written_at.unwrap().token));
    };
    write(vec![added("manager", "alice", Some("in_office"))]).await;
    assert_eq!(answer(&gate, &user("alice"), MANAGE, &id).await, "403 not_a_member");
    assert!(!spicedb.resources("project", "manager", &user("alice")).await.unwrap().contains(&id.parse().unwrap()));
    write(vec![added("manager", "bob", None), added("guest", "*", None)]).await;
    assert_eq!(answer(&gate, &user("bob"), MANAGE, &id).await, "200");
    assert_eq!(answer(&gate, &user("alice"), EXPORT, &id).await, "200");
    assert_eq!(answer(&gate, &user("alice"), MANAGE, &id).await, "403 not_a_member");
}
