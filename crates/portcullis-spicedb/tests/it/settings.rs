//! Settings that cannot be used are errors, and no secret is shown.

use super::{gate::user, stand_in::StandIn};
use portcullis_core::ErrorKind;
use portcullis_spicedb::{Relationship, SpiceDb};
use tonic::transport::{Channel, Endpoint};

fn channel() -> Channel {
    Endpoint::from_static("http://127.0.0.1:1").connect_lazy()
}

#[tokio::test]
async fn a_spicedb_needs_subjects_and_a_token_that_can_be_sent() {
    let error = SpiceDb::builder(channel()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains(".issuer(…)"), "{error}");
    let error = SpiceDb::builder(channel()).issuer("https://id.example.com").token("planted\n").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");
    assert!(SpiceDb::builder(channel()).issuer("https://id.example.com").token("planted").build().is_ok());
}

#[tokio::test]
async fn a_membership_needs_names_that_spicedb_allows() {
    let (_, builder) = StandIn::start();
    let spicedb = builder.build().unwrap();
    assert!(spicedb.membership("Project", ["viewer"]).is_err());
    assert!(spicedb.membership("project", ["viewer", "Owner"]).is_err());
    let projects = || spicedb.membership("project", ["viewer"]).unwrap();
    assert!(projects().permissions([("project", "read")]).is_err());
    assert!(projects().permissions([("project:*", "read")]).is_err());
    assert!(projects().permissions([("project:read", "read!")]).is_err());
    assert!(projects().permissions([("project:read", "read")]).is_ok());
}

#[tokio::test]
async fn nothing_shows_the_token_or_a_person() {
    let builder = SpiceDb::builder(channel()).issuer("https://id.example.com").token("planted");
    let shown = format!("{builder:?}");
    let spicedb = builder.build().unwrap();
    let alice = spicedb.subject(&user("planted")).unwrap().unwrap();
    let relationship = Relationship::new("project", 1, "viewer", alice.clone()).unwrap();
    let projects = spicedb.membership("project", ["viewer"]).unwrap();
    let shown =
        format!("{shown} {spicedb:?} {projects:?} {alice:?} {relationship:?} {:?}", relationship.clone().touch());
    assert!(!shown.to_lowercase().contains("planted"), "{shown}");
    assert!(shown.contains("SpiceDbBuilder") && shown.contains("project"));
}
