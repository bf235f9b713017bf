//! Each resource is asked about once for a request.

use super::{Row, Table, ask, built, ladder, now};
use crate::head::Head;
use portcullis_core::{
    Gate, Question, Standing,
    policy::{values::OnResource, *},
    testing::acting_as,
};

const VIEWER: OnResource = role("viewer").on("project", path("id"));
const MANAGER: OnResource = role("manager").on("project", path("id"));

fn gate(projects: &Table, teams: &Table) -> Gate {
    built(|gate| {
        let inheriting = ladder().inherits("team").build().unwrap();
        gate.roles_on("project", inheriting).membership("project", projects.clone()).membership("team", teams.clone())
    })
}

fn tables(is_slow: bool) -> (Table, Table) {
    let projects =
        Table::new().with("*", 1, Standing::stranger().under("team", 7).with(Row { kind: "project", id: 1 }));
    let teams = Table::new().with("*", 7, Standing::role("manager"));
    (Table { is_slow, ..projects }, Table { is_slow, ..teams })
}

/// Asks for the manager by a detour.
#[derive(Debug)]
struct Twice;

impl Rule for Twice {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        let id = question.param("id")?.into_owned();
        let standing = question.standing("project", &id).await?;
        assert_eq!(standing.row::<Row>().unwrap().id, 1);
        question.ask(&MANAGER).await
    }

    fn parts(&self) -> Vec<&dyn Policy> {
        vec![&MANAGER]
    }
}

#[tokio::test]
async fn by_all_parts_of_a_policy_together() {
    for is_slow in [false, true] {
        let (projects, teams) = tables(is_slow);
        let gate = gate(&projects, &teams);
        let policies: Vec<Box<dyn Policy>> = vec![
            Box::new(VIEWER),
            Box::new(all((VIEWER.hidden(), MANAGER))),
            Box::new(any((role("owner").on("project", path("id")), not(MANAGER), VIEWER))),
            Box::new(all((VIEWER, permission("project:write").on("project", path("id")), Twice))),
            Box::new(all((role("manager").on("team", id(7)), MANAGER.row("other", |row: &Row| row.id == 1)))),
        ];
        for policy in policies {
            let shown = format!("{policy:?}");
            ask(&gate, "alice", policy, &Head::new().param("id", "1")).await.unwrap();
            let asked = projects.asked();
            assert_eq!(asked.iter().filter(|what| *what == "alice 1").count(), 1, "{shown}: {asked:?}");
            assert_eq!(teams.asked(), ["alice 7"], "{shown}");
        }
    }
}

#[tokio::test]
async fn by_guard_and_extractors_together_and_anew_for_the_next_request() {
    for is_slow in [false, true] {
        let (projects, teams) = tables(is_slow);
        let gate = gate(&projects, &teams).acting_as(acting_as("alice"));
        let head = Head::new().param("id", "1");
        let (viewer, manager) = (gate.plan(VIEWER).unwrap(), gate.plan(MANAGER).unwrap());
        let who = gate.establish_for(&viewer, &head).await;
        let both =
            futures_util::future::join(gate.authorize(&who, &viewer, &head), gate.authorize(&who, &manager, &head));
        let (guard, extractor) = both.await;
        assert_eq!(guard.unwrap().row::<Row>().unwrap(), extractor.unwrap().row::<Row>().unwrap());
        let copy = who.clone();
        gate.authorize(&copy, &manager, &head).await.unwrap();
        assert_eq!((projects.asked(), teams.asked()), (vec!["alice 1".to_owned()], vec!["alice 7".to_owned()]));
        // What has changed counts for the next one.
        projects.set("*", 1, Standing::role("viewer"));
        assert!(gate.authorize(&who, &manager, &head).await.is_ok());
        let next = gate.establish_for(&viewer, &head).await;
        assert!(gate.authorize(&next, &manager, &head).await.is_err());
        assert_eq!(projects.asked(), ["alice 1"]);
    }
}

#[test]
fn what_roles_permit_is_asked_once_and_only_for_permissions() {
    let projects = Table::new().with("*", 1, Standing::role("viewer")).with_role("viewer", &["project:read"]);
    let gate = built(|gate| gate.membership("project", projects.clone()));
    let read = || permission("project:read").on("project", path("id"));
    let head = Head::new().param("id", "1");
    assert!(now(ask(&gate, "alice", VIEWER, &head)).is_ok());
    assert_eq!(projects.asked(), ["alice 1"]);
    assert!(now(ask(&gate, "alice", all((read(), read(), VIEWER)), &head)).is_ok());
    assert_eq!(projects.asked(), ["alice 1", "role viewer 1"]);
    // What the ladder permits needs no question.
    projects.set("*", 1, Standing::role("manager"));
    assert!(now(ask(&gate, "alice", permission("project:write").on("project", path("id")), &head)).is_ok());
    assert_eq!(projects.asked(), ["alice 1"]);
}

#[tokio::test]
async fn an_outage_is_not_asked_about_twice_either() {
    let projects = Table::new();
    let gate = built(|gate| gate.membership("project", projects.clone()));
    let head = Head::new().param("id", "666");
    for policy in [Box::new(all((VIEWER, MANAGER))) as Box<dyn Policy>, Box::new(any((not(VIEWER), MANAGER)))] {
        assert_eq!(ask(&gate, "alice", policy, &head).await.unwrap_err().status(), 503);
        assert_eq!(projects.asked(), ["alice 666"]);
    }
}
