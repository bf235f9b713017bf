//! What comes of a standing, alone and below `not`.

use super::{Row, Table, ask, built, ladder, now, said, why};
use crate::head::Head;
use portcullis_core::{
    ErrorKind, Gate, PermissionSet, Standing,
    policy::{values::OnResource, *},
};
use std::time::{Duration, SystemTime};

fn at(id: &str) -> Head {
    Head::new().param("id", id)
}

fn gate(table: &Table) -> Gate {
    built(|gate| gate.membership("project", table.clone()))
}

const MANAGER: OnResource = role("manager").on("project", path("id"));

#[test]
fn each_standing_has_its_answer() {
    let table = Table::new()
        .with("*", 1, Standing::stranger())
        .with("owner", 1, Standing::role("owner"))
        .with("viewer", 1, Standing::role("viewer"))
        .with("suspended", 1, Standing::refused("suspended"));
    let gate = gate(&table);
    let of = |who: &str, id: &str, policy| now(ask(&gate, who, policy, &at(id)));
    assert_eq!(of("owner", "1", MANAGER).unwrap().role().unwrap().as_str(), "owner");
    assert_eq!(why(of("viewer", "1", MANAGER)), said(403, "role_required", "role_required"));
    assert_eq!(why(of("stranger", "1", MANAGER)), said(403, "not_a_member", "not_a_member"));
    assert_eq!(why(of("suspended", "1", MANAGER)), said(403, "suspended", "suspended"));
    assert_eq!(why(of("owner", "2", MANAGER)), said(404, "not_found", "missing"));
    // Hidden: strangers see nothing, members are told.
    assert!(of("owner", "1", MANAGER.hidden()).is_ok());
    assert_eq!(why(of("viewer", "1", MANAGER.hidden())), said(403, "role_required", "role_required"));
    assert_eq!(why(of("stranger", "1", MANAGER.hidden())), said(404, "not_found", "not_a_member"));
    assert_eq!(why(of("suspended", "1", MANAGER.hidden())), said(403, "suspended", "suspended"));
    assert_eq!(why(of("owner", "2", MANAGER.hidden())), said(404, "not_found", "missing"));
    // The whole of it hidden.
    assert_eq!(why(now(ask(&gate, "viewer", hidden(MANAGER), &at("1")))), said(404, "not_found", "role_required"));
}

#[test]
fn a_denial_tells_what_was_required_and_what_is_held() {
    let table = Table::new().with("*", 1, Standing::stranger()).with("viewer", 1, Standing::role("viewer"));
    let gate = gate(&table);
    let denial = |who: &str| {
        let error = now(ask(&gate, who, MANAGER.hidden(), &at("1"))).unwrap_err();
        let denial = error.denial().unwrap().clone();
        let held = denial.held().map(|role| role.as_str().to_owned());
        (denial.required().unwrap().to_owned(), denial.resource_kind().unwrap().to_owned(), held, denial.is_hidden())
    };
    assert_eq!(denial("viewer"), ("manager".into(), "project".into(), Some("viewer".into()), false));
    assert_eq!(denial("stranger"), ("manager".into(), "project".into(), None, true));
}

#[test]
fn what_is_not_there_or_may_do_nothing_stays_a_no_below_not() {
    let table = Table::new()
        .with("*", 1, Standing::stranger())
        .with("owner", 1, Standing::role("owner"))
        .with("viewer", 1, Standing::role("viewer"))
        .with("suspended", 1, Standing::refused("suspended"));
    let gate = gate(&table);
    let of = |who: &str, id: &str| now(ask(&gate, who, not(MANAGER), &at(id)));
    assert!(of("viewer", "1").is_ok() && of("stranger", "1").is_ok());
    assert_eq!(of("owner", "1").unwrap_err().code(), "not_allowed");
    assert_eq!(of("suspended", "1").unwrap_err().code(), "suspended");
    assert_eq!(of("owner", "2").unwrap_err().status(), 404);
    assert_eq!(of("owner", "666").unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(of("owner", "x").unwrap_err().status(), 400);
    // And none of these is turned around twice.
    assert_eq!(now(ask(&gate, "suspended", not(not(MANAGER)), &at("1"))).unwrap_err().code(), "suspended");
}

#[test]
fn a_role_that_nobody_knows_is_an_error_unless_the_membership_knows_it() {
    let table = Table::new().with("own", 1, Standing::role("reviewer")).with("misspelt", 1, Standing::role("mangaer"));
    let table = table.with_role("reviewer", &["project:review", "file:*"]);
    let gate = gate(&table);
    let review = || permission("project:review").on("project", path("id"));
    let of = |who: &str, policy| now(ask(&gate, who, policy, &at("1")));
    assert_eq!(of("own", review()).unwrap().role().unwrap().as_str(), "reviewer");
    assert!(of("own", permission("file:read").on("project", path("id"))).is_ok());
    assert_eq!(why(of("own", permission("project:write").on("project", path("id")))).1, "permission_required");
    // It is no role of the ladder, and known to be none.
    assert_eq!(why(of("own", MANAGER)).1, "role_required");
    assert!(now(ask(&gate, "own", not(MANAGER), &at("1"))).is_ok());
    for policy in [Box::new(review()) as Box<dyn Policy>, Box::new(MANAGER), Box::new(not(MANAGER))] {
        let error = now(ask(&gate, "misspelt", policy, &at("1"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("mangaer"), "{error}");
    }
}

#[test]
fn rights_beside_the_role_and_until_when_it_holds() {
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    let more = || PermissionSet::new(["project:export"]).unwrap();
    let table = Table::new().with("guest", 1, Standing::role("viewer").permitting(more()).until(end)).with(
        "friend",
        1,
        Standing::stranger().permitting(more()),
    );
    let clock = portcullis_core::testing::FixedClock::at(999);
    let gate = built(|gate| gate.membership("project", table.clone()).clock(clock.clone()));
    let export = || permission("project:export").on("project", path("id"));
    let of = |who: &str, policy| now(ask(&gate, who, policy, &at("1")));
    assert!(of("guest", export()).is_ok() && of("guest", role("viewer").on("project", path("id"))).is_ok());
    assert!(of("friend", export()).is_ok());
    assert_eq!(why(of("guest", permission("project:delete").on("project", path("id")))).1, "permission_required");
    clock.advance(Duration::from_secs(1));
    assert_eq!(why(of("guest", export())).1, "not_a_member");
    assert_eq!(why(of("guest", role("viewer").on("project", path("id")))).1, "not_a_member");
}

#[test]
fn a_row_is_judged_and_handed_on() {
    let row = |kind, id| Row { kind, id };
    let table = Table::new()
        .with("alice", 1, Standing::role("owner").with(row("good", 1)))
        .with("alice", 2, Standing::role("owner").with(row("locked", 2)))
        .with("alice", 3, Standing::role("owner"));
    let gate = gate(&table);
    let policy = || MANAGER.row("locked", |row: &Row| row.kind != "locked");
    let of = |id: &str| now(ask(&gate, "alice", policy(), &at(id)));
    assert_eq!(of("1").unwrap().row::<Row>().unwrap(), &row("good", 1));
    assert_eq!(why(of("2")), said(403, "locked", "locked"));
    assert_eq!(of("3").unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(now(ask(&gate, "alice", not(policy()), &at("3"))).unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(of("1").unwrap().row::<String>().unwrap_err().kind(), ErrorKind::Misconfigured);
    assert!(now(ask(&gate, "alice", MANAGER, &at("1"))).unwrap().standing("project").unwrap().row::<Row>().is_some());
}

#[test]
fn kinds_are_checked_at_start() {
    let error = |policy: Box<dyn Policy>| gate(&Table::new()).plan(policy).unwrap_err().to_string();
    assert!(error(Box::new(role("viewer").on("porject", path("id")))).contains(r#"it has those of ["project"]"#));
    assert!(error(Box::new(MANAGER.of("team", path("team")))).contains("team"));
    assert!(error(Box::new(MANAGER.of("project", path("id")).of("team", path("team")))).contains("team"));
    assert!(error(Box::new(permission("project:read").on("team", path("id")))).contains("team"));
    let build = |parts: fn(portcullis_core::GateBuilder) -> portcullis_core::GateBuilder| {
        let issuer = portcullis_core::testing::TestIssuer::new();
        let gate = Gate::builder().scheme(portcullis_core::Scheme::new(issuer.verifier()).bearer());
        parts(gate.membership("project", Table::new())).build().map(drop).map_err(|error| error.to_string())
    };
    assert!(build(|gate| gate.membership("project", Table::new())).unwrap_err().contains("called twice"));
    assert!(build(|gate| gate.roles_on("team", ladder().build().unwrap())).unwrap_err().contains("team"));
    assert!(build(|gate| gate.roles(ladder().inherits("team").build().unwrap())).unwrap_err().contains("team"));
    assert!(build(|gate| gate.roles_on("project", ladder().build().unwrap())).is_ok());
}
