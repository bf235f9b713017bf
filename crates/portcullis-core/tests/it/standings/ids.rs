//! Where identifiers stand, and what they are.

use super::{Table, ask, built, now, why};
use crate::head::Head;
use portcullis_core::{
    Access, Error, Gate, Standing,
    policy::{values::ResourceId, *},
    testing::acting_as,
};

fn gate() -> Gate {
    let table = Table::new().with("*", 42, Standing::role("owner"));
    built(|gate| gate.membership("project", table))
}

fn ask_by(id: ResourceId, head: &Head) -> Result<Access, Error> {
    now(ask(&gate(), "alice", role("owner").on("project", id), head))
}

#[test]
fn an_identifier_stands_in_path_query_or_header() {
    for (id, good, other, missing) in [
        (path("id"), Head::new().param("id", "42"), Head::new().param("id", "43"), Head::new().param("id", "")),
        (query("id"), Head::new().query("id=42"), Head::new().query("id=43"), Head::new().query("id=")),
        (header("x-id"), Head::new().header("X-Id", "42"), Head::new().header("x-id", "43"), Head::new()),
        (header("X-Id"), Head::new().header("x-id", " 42 "), Head::new().header("x-id", "43"), Head::new()),
    ] {
        assert_eq!(ask_by(id, &good).unwrap().resource().unwrap().id(), "42", "{id:?}");
        assert_eq!(ask_by(id, &other).unwrap_err().status(), 404, "{id:?}");
        let error = ask_by(id, &missing).unwrap_err();
        assert_eq!((error.status(), error.code()), (400, "parameter_missing"), "{id:?}");
        assert!(error.parameter().is_some() && error.challenge(None).is_none());
    }
    assert_eq!(ask_by(query("id"), &Head::new().query("id=42&id=42")).unwrap_err().status(), 400);
    assert_eq!(
        ask_by(header("x-id"), &Head::new().header("x-id", "42").header("x-id", "42")).unwrap_err().status(),
        400
    );
    assert_eq!(ask_by(header("x-id"), &Head::new().header("x-id", [0xff])).unwrap_err().status(), 400);
}

#[test]
fn one_of_two_places_is_enough_and_both_agree() {
    let either = query("id").or(header("x-id"));
    let of = |head: Head| ask_by(either, &head).map(|access| access.resource().unwrap().id().to_owned());
    assert_eq!(of(Head::new().query("id=42")).unwrap(), "42");
    assert_eq!(of(Head::new().header("x-id", "42")).unwrap(), "42");
    assert_eq!(of(Head::new().query("id=42").header("x-id", "42")).unwrap(), "42");
    assert_eq!(of(Head::new().query("id=").header("x-id", "42")).unwrap(), "42");
    let error = of(Head::new().query("id=42").header("x-id", "43")).unwrap_err();
    assert_eq!((error.status(), error.code(), error.parameter()), (400, "conflicting_ids", Some("x-id")));
    assert_eq!(of(Head::new()).unwrap_err().code(), "parameter_missing");
}

/// A place that was dropped without a word would never be compared.
#[test]
fn three_places_are_refused() {
    for three in [|| query("a").or(header("b")).or(path("c")), || query("a").or(header("b").or(path("c")))] {
        let panicked = std::panic::catch_unwind(three).unwrap_err();
        assert_eq!(panicked.downcast_ref(), Some(&"an identifier is read from at most two places"));
    }
}

#[test]
fn the_organization_is_the_callers() {
    let gate = gate();
    let plan = gate.plan(role("owner").on("project", organization())).unwrap();
    let of = |organization: Option<&str>| {
        let alice = organization.into_iter().fold(acting_as("alice"), |alice, id| alice.with_organization(id));
        let gate = gate.acting_as(alice);
        let who = now(gate.establish_for(&plan, &Head::new()));
        now(gate.authorize(&who, &plan, &Head::new())).map(drop).map_err(|error| error.code().to_owned())
    };
    assert_eq!(of(Some("42")), Ok(()));
    assert_eq!(of(Some("43")), Err("not_found".to_owned()));
    assert_eq!(of(None), Err("parameter_missing".to_owned()));
}

#[test]
fn what_is_parsed_alike_is_one_resource() {
    let gate = gate();
    let of = |id: &str| now(ask(&gate, "alice", role("owner").on("project", path("id")), &Head::new().param("id", id)));
    for id in ["42", "042", "+42"] {
        assert_eq!(of(id).unwrap().resource().unwrap().id(), "42", "{id}");
    }
    for id in ["x", "-1", "42 ", "4294967296", "42/43"] {
        let error = of(id).unwrap_err();
        assert_eq!((error.status(), error.code(), error.parameter()), (400, "invalid_id", Some("id")), "{id}");
    }
    // Only after it is known who asks.
    assert_eq!(why(now(ask(&gate, "", role("owner").on("project", path("id")), &Head::new().param("id", "x")))).0, 401);
}

#[test]
fn an_identifier_at_hand() {
    let gate = gate();
    let of = |value: u32| now(ask(&gate, "alice", role("owner").on("project", id(value)), &Head::new()));
    assert!(of(42).is_ok());
    assert_eq!(of(43).unwrap_err().status(), 404);
    assert!(!format!("{:?}", id("alice@example.com")).contains("alice"));
}
