//! Callers without a credential.

use super::{Table, ask, built, now, said, why};
use crate::head::Head;
use portcullis_core::{
    ErrorKind, Gate, Standing,
    policy::{values::OnResource, *},
};

const READ: OnResource = role("viewer").on("file", path("id"));

fn gate() -> Gate {
    let table = Table::new()
        .with("*", 1, Standing::stranger())
        .with("owner", 1, Standing::role("owner"))
        .with("*", 2, Standing::stranger())
        .for_visitors(2, Standing::role("viewer"))
        .for_visitors(3, Standing::missing())
        .with("*", 4, Standing::refused("suspended"))
        .for_visitors(4, Standing::refused("suspended"));
    built(|gate| gate.membership("file", table))
}

fn at(id: &str) -> Head {
    Head::new().param("id", id)
}

#[test]
fn a_resource_may_be_open_to_callers_without_a_credential() {
    let gate = gate();
    let of = |who: &str, id: &str| now(ask(&gate, who, visitors(READ), &at(id)));
    let nobody = of("", "2").unwrap();
    assert!(nobody.visitor().is_none());
    assert_eq!(nobody.principal().unwrap_err().kind(), ErrorKind::Missing);
    assert_eq!(of("owner", "1").unwrap().visitor().unwrap().id().subject(), "owner");
    // A no about nobody is a request to say who it is.
    assert_eq!(why(of("", "1")), said(401, "credential_missing", "credential_missing"));
    assert_eq!(why(of("", "4")), said(401, "credential_missing", "credential_missing"));
    // What nobody may, everybody may; but a right of their own is looked for first.
    assert_eq!(of("bob", "2").unwrap().visitor().unwrap().id().subject(), "bob");
    assert_eq!(why(of("bob", "1")), said(403, "not_a_member", "not_a_member"));
    assert_eq!(why(of("bob", "4")), said(403, "suspended", "suspended"));
    assert_eq!(why(now(ask(&gate, "bob", visitors(not(READ)), &at("4")))), said(403, "suspended", "suspended"));
    // What is missing is missing for everybody, unless that would tell it from what is private.
    assert_eq!(why(of("", "3")), said(404, "not_found", "missing"));
    let hidden = |who: &str, id: &str| now(ask(&gate, who, visitors(READ.hidden()), &at(id)));
    assert_eq!(why(hidden("", "1")), why(hidden("", "3")));
    assert_eq!(why(hidden("", "3")).0, 401);
    assert_eq!(why(hidden("bob", "1")).0, 404);
    // Elsewhere nobody is asked about.
    assert_eq!(why(now(ask(&gate, "", READ, &at("2")))).0, 401);
}

#[test]
fn other_parts_say_no_about_them() {
    let gate = gate();
    let of = |policy: Box<dyn Policy>| now(ask(&gate, "", policy, &at("2"))).map(drop).map_err(|error| error.status());
    assert_eq!(of(Box::new(visitors(any((staff(), READ))))), Ok(()));
    assert_eq!(of(Box::new(visitors(any((READ, staff()))))), Ok(()));
    assert_eq!(of(Box::new(visitors(all((authenticated(), READ))))), Err(401));
    assert_eq!(of(Box::new(visitors(staff()))), Err(401));
    assert_eq!(of(Box::new(visitors(when("always", |_| true)))), Err(401));
    assert_eq!(of(Box::new(visitors(not(staff())))), Err(401));
    assert_eq!(of(Box::new(visitors(not(READ)))), Err(401));
    assert_eq!(of(Box::new(any((visitors(READ), staff())))), Ok(()));
}

#[test]
fn a_credential_that_is_not_valid_is_refused_all_the_same() {
    let gate = gate();
    let plan = gate.plan(visitors(READ)).unwrap();
    let head = at("2").bearer("nonsense");
    let who = now(gate.establish_for(&plan, &head));
    assert_eq!(now(gate.authorize(&who, &plan, &head)).unwrap_err().status(), 401);
}
