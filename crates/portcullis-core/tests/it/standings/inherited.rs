//! Roles that come down from what a resource belongs to.

use super::{Row, Table, ask, built, ladder, now, said, why};
use crate::head::Head;
use portcullis_core::{
    ErrorKind, Gate, RoleHierarchy, Standing,
    policy::{values::OnResource, *},
};

const VIEWER: OnResource = role("viewer").on("project", path("id"));

fn at(id: &str) -> Head {
    Head::new().param("id", id)
}

fn gate(projects: &Table, teams: &Table) -> Gate {
    built(|gate| {
        let inheriting = ladder().inherits("team").build().unwrap();
        gate.roles_on("project", inheriting).membership("project", projects.clone()).membership("team", teams.clone())
    })
}

#[test]
fn the_nearest_place_counts_and_strangers_inherit() {
    let projects = Table::new()
        .with("*", 1, Standing::stranger().under("team", 7))
        .with("viewer", 1, Standing::role("viewer").under("team", 7))
        .with("refused", 1, Standing::refused("suspended").under("team", 7))
        .with("*", 2, Standing::stranger().under_each("team", None::<u32>))
        .with("*", 3, Standing::stranger().under_each("team", [8, 7]));
    let teams = Table::new().with("*", 7, Standing::role("owner")).with("*", 8, Standing::stranger());
    let gate = gate(&projects, &teams);
    let owner = role("owner").on("project", path("id"));
    let of = |who: &str, id: &str, policy| now(ask(&gate, who, policy, &at(id)));
    let access = of("alice", "1", owner).unwrap();
    assert_eq!(
        (access.role().unwrap().as_str(), access.resource().unwrap().to_string()),
        ("owner", "project \"1\"".into())
    );
    assert!(access.standing("team").is_some() && access.standing("project").unwrap().held().is_none());
    // Who has a role here has this one, whatever is above.
    assert_eq!(why(of("viewer", "1", owner)), said(403, "role_required", "role_required"));
    assert_eq!(why(of("refused", "1", VIEWER)), said(403, "suspended", "suspended"));
    assert_eq!(teams.asked(), ["alice 7"], "and the team is not asked");
    assert_eq!(why(of("alice", "2", VIEWER)), said(403, "not_a_member", "not_a_member"));
    assert!(of("alice", "3", owner).is_ok());
    assert_eq!(teams.asked(), ["alice 8", "alice 7"]);
}

#[test]
fn only_who_is_enough_there_comes_down() {
    let projects = Table::new().with("*", 1, Standing::stranger().under_at_least("team", 7, "manager"));
    let teams = Table::new().with("alice", 7, Standing::role("owner")).with("bob", 7, Standing::role("viewer"));
    let both = gate(&projects, &teams);
    assert!(now(ask(&both, "alice", VIEWER, &at("1"))).is_ok());
    assert_eq!(why(now(ask(&both, "bob", VIEWER, &at("1")))).1, "not_a_member");
    // A role that is not there would let nobody down, or everybody below `not`.
    let misspelt = Table::new().with("*", 1, Standing::stranger().under_at_least("team", 7, "mangaer"));
    let misspelt = gate(&misspelt, &teams);
    for policy in [Box::new(VIEWER) as Box<dyn Policy>, Box::new(not(VIEWER))] {
        assert_eq!(now(ask(&misspelt, "alice", policy, &at("1"))).unwrap_err().kind(), ErrorKind::Misconfigured);
    }
}

/// What somebody is given on a resource counts for as long as they have a role on its parent.
#[test]
fn any_role_there_is_this_one_here() {
    let shared = |role: &'static str| Standing::stranger().under_at_least("team", 7, "owner").under_as("team", 7, role);
    let projects = Table::new()
        .with("*", 1, shared("manager"))
        .with("*", 2, Standing::stranger().under_at_least("team", 7, "owner"))
        .with("*", 3, shared("mangaer"));
    let people = [("owner", "owner"), ("viewer", "viewer")];
    let teams = people.into_iter().fold(Table::new(), |table, (who, role)| table.with(who, 7, Standing::role(role)));
    let teams = teams.with("suspended", 7, Standing::refused("suspended")).with("*", 7, Standing::stranger());
    let manager = || role("manager").on("project", path("id"));
    let owner = || role("owner").on("project", path("id"));
    // The gate's roles are asked for what comes down otherwise, and for this not.
    let silent = built(|gate| gate.membership("project", projects.clone()).membership("team", teams.clone()));
    for gate in [&gate(&projects, &teams), &silent] {
        let of = |who: &str, id: &str, policy: OnResource| now(ask(gate, who, policy, &at(id)));
        let access = of("viewer", "1", manager()).unwrap();
        assert_eq!(access.role().unwrap().as_str(), "manager");
        assert_eq!(why(of("viewer", "1", owner())), said(403, "role_required", "role_required"));
        for nobody_there in ["suspended", "alice"] {
            assert_eq!(why(of(nobody_there, "1", manager())), said(403, "not_a_member", "not_a_member"));
        }
        assert_eq!(why(of("viewer", "2", manager())), said(403, "not_a_member", "not_a_member"));
        assert_eq!(of("viewer", "3", VIEWER).unwrap_err().kind(), ErrorKind::Misconfigured);
    }
    // Beside it, more may come down.
    assert!(now(ask(&gate(&projects, &teams), "owner", owner(), &at("1"))).is_ok());
    assert_eq!(why(now(ask(&silent, "owner", owner(), &at("1")))).1, "role_required");
}

#[test]
fn a_parent_that_cannot_be_is_an_error_and_no_silence() {
    let teams = Table::new().with("*", 7, Standing::role("owner"));
    for parent in [Standing::stranger().under("team", "seven"), Standing::stranger().under("company", 1)] {
        let gate = gate(&Table::new().with("*", 1, parent), &teams);
        for policy in [Box::new(VIEWER) as Box<dyn Policy>, Box::new(not(VIEWER))] {
            assert_eq!(now(ask(&gate, "alice", policy, &at("1"))).unwrap_err().kind(), ErrorKind::Misconfigured);
        }
    }
}

#[test]
fn chains_and_circles_end() {
    let chain = |length: u32| {
        (1..=length).fold(Table::new(), |table, id| {
            let standing =
                if id == length { Standing::role("owner") } else { Standing::stranger().under("part", id + 1) };
            table.with("*", id, standing)
        })
    };
    let ask_first = |table: Table| {
        let roles = RoleHierarchy::builder().ranked(["viewer", "owner"]).inherits("part").build().unwrap();
        let gate = built(|gate| gate.roles_on("part", roles).membership("part", table));
        let policy = || role("viewer").on("part", path("id"));
        let said = now(ask(&gate, "alice", policy(), &at("1"))).map(drop).map_err(|error| error.kind());
        let turned = now(ask(&gate, "alice", not(policy()), &at("1"))).map(drop).map_err(|error| error.kind());
        (said, turned)
    };
    assert_eq!(ask_first(chain(9)), (Ok(()), Err(ErrorKind::Denied)));
    assert_eq!(ask_first(chain(10)), (Err(ErrorKind::Misconfigured), Err(ErrorKind::Misconfigured)));
    let circle = Table::new().with("*", 1, Standing::stranger().under("part", 2)).with(
        "*",
        2,
        Standing::stranger().under("part", 1),
    );
    assert_eq!(ask_first(circle), (Err(ErrorKind::Denied), Ok(())));
    let wide = (2..200).fold(Table::new(), |table, id| table.with("*", id, Standing::stranger()));
    let wide = wide.with("*", 1, Standing::stranger().under_each("part", 2..200));
    assert_eq!(ask_first(wide), (Err(ErrorKind::Misconfigured), Err(ErrorKind::Misconfigured)));
}

#[test]
fn a_resource_of_another_parent_is_missing() {
    let flights = Table::new()
        .with("*", 5, Standing::role("owner").under("project", 1).with(Row { kind: "flight", id: 5 }))
        .with("*", 6, Standing::refused("suspended").under("project", 2));
    let projects = Table::new().with("*", 1, Standing::role("viewer").with(Row { kind: "project", id: 1 }));
    let gate = built(|gate| gate.membership("flight", flights.clone()).membership("project", projects.clone()));
    let policy = || role("owner").on("flight", path("flight")).of("project", path("project"));
    let of = |flight: &str, project: &str| {
        let head = Head::new().param("flight", flight).param("project", project);
        now(ask(&gate, "alice", policy(), &head))
    };
    assert_eq!(of("5", "1").unwrap().row::<Row>().unwrap().kind, "flight");
    assert_eq!(of("5", "01").unwrap().resource().unwrap().id(), "5");
    assert_eq!(why(of("5", "2")), said(404, "not_found", "missing"));
    assert_eq!(why(of("6", "1")), said(404, "not_found", "missing"));
    assert_eq!(why(of("6", "2")), said(403, "suspended", "suspended"));
    assert_eq!(why(of("5", "x")).0, 400);
    assert_eq!(projects.asked(), Vec::<String>::new(), "nothing is asked about the parent");
    // Nor does a negation let in to a resource of another parent.
    let head = Head::new().param("flight", "5").param("project", "2");
    assert_eq!(now(ask(&gate, "alice", not(policy()), &head)).unwrap_err().status(), 404);
}

#[test]
fn a_resource_of_two_others() {
    let photos = Table::new().with("*", 7, Standing::role("viewer").under("flight", 5).under("project", 1)).with(
        "*",
        8,
        Standing::role("viewer").under("flight", 5),
    );
    let (flights, projects) = (Table::new(), Table::new());
    let gate = built(|gate| {
        let gate = gate.membership("photo", photos.clone()).membership("flight", flights.clone());
        gate.membership("project", projects.clone())
    });
    let policy =
        || role("viewer").on("photo", path("photo")).of("flight", path("flight")).of("project", path("project"));
    let of = |photo: &str, flight: &str, project: &str| {
        let head = Head::new().param("photo", photo).param("flight", flight).param("project", project);
        now(ask(&gate, "alice", policy(), &head))
    };
    assert_eq!(of("7", "5", "1").unwrap().resource().unwrap().id(), "7");
    for (photo, flight, project) in [("7", "6", "1"), ("7", "5", "2"), ("7", "6", "2"), ("8", "5", "1")] {
        assert_eq!(why(of(photo, flight, project)), said(404, "not_found", "missing"), "{photo} {flight} {project}");
    }
    assert_eq!(why(of("7", "5", "x")).0, 400);
    assert_eq!(why(of("7", "x", "1")).0, 400);
    assert_eq!([flights.asked(), projects.asked()].concat(), Vec::<String>::new(), "nothing is asked about the others");
}

#[test]
#[should_panic(expected = "at most two others")]
fn a_resource_of_three_others() {
    let _ = role("viewer").on("a", path("a")).of("b", path("b")).of("c", path("c")).of("d", path("d"));
}
