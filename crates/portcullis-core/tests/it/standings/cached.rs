//! A membership that remembers, beside one that does not.

use super::{Table, ask, built, now, principal};
use crate::head::Head;
use futures_util::{FutureExt, future::join_all};
use portcullis_core::{
    CachedMembership, Error, Gate, Membership, Principal, Role, Standing,
    policy::{values::OnResource, *},
    testing::{FixedClock, acting_as},
};
use proptest::prelude::*;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

const VIEWER: OnResource = role("viewer").on("project", path("id"));
const AGE: Duration = Duration::from_secs(5);

fn at(id: u32) -> Head {
    Head::new().param("id", &id.to_string())
}

fn cached(table: &Table) -> (Gate, CachedMembership<Table>, FixedClock) {
    let (projects, clock) = (CachedMembership::new(table.clone(), 100, AGE), FixedClock::at(1000));
    let gate = built(|gate| gate.membership("project", projects.clone()).clock(clock.clone()));
    (gate, projects, clock)
}

#[test]
fn the_next_request_asks_nothing_until_it_is_forgotten_or_too_old() {
    let table = Table::new().with("*", 1, Standing::role("viewer")).with("*", 2, Standing::role("viewer"));
    let (gate, projects, clock) = cached(&table);
    let of = |who: &str, id| now(ask(&gate, who, VIEWER, &at(id))).is_ok();
    assert!(of("alice", 1) && of("alice", 1) && of("bob", 1) && of("alice", 2));
    assert_eq!(table.asked(), ["alice 1", "bob 1", "alice 2"]);
    table.set("*", 1, Standing::stranger());
    table.set("*", 2, Standing::stranger());
    assert!(of("alice", 1), "for as long as it is remembered");
    projects.forget_principal(principal("alice").id());
    assert!(!of("alice", 1) && !of("alice", 2) && of("bob", 1));
    projects.forget_resource(&1);
    assert!(!of("bob", 1));
    assert_eq!(table.asked(), ["alice 1", "alice 2", "bob 1"]);
    clock.advance(AGE - Duration::from_millis(1));
    assert!(!of("bob", 1));
    assert_eq!(table.asked(), Vec::<String>::new());
    clock.advance(Duration::from_millis(1));
    table.set("*", 1, Standing::role("viewer"));
    assert!(of("bob", 1));
    assert_eq!(table.asked(), ["bob 1"]);
}

#[test]
fn roles_are_remembered_and_forgotten_too() {
    let table = Table::new().with("*", 1, Standing::role("own")).with_role("own", &["project:read"]);
    let (gate, projects, _) = cached(&table);
    let read = || now(ask(&gate, "alice", permission("project:read").on("project", path("id")), &at(1))).is_ok();
    assert!(read() && read());
    assert_eq!(table.asked(), ["alice 1", "role own 1"]);
    let table = table.with_role("own", &["project:write"]);
    assert!(read());
    projects.forget_role(&Role::new("own"), &1);
    assert!(!read());
    assert_eq!(table.asked(), ["role own 1"]);
}

#[test]
fn errors_and_panics_are_not_remembered() {
    #[derive(Debug, Default)]
    struct Falls(Arc<AtomicUsize>);
    impl Membership for Falls {
        type Id = u32;
        async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
            match self.0.fetch_add(1, SeqCst) {
                0 => Err(Error::new(portcullis_core::ErrorKind::Unavailable, "the database is down")),
                1 => panic!("a mistake in the membership"),
                _ => Ok(Standing::role("viewer")),
            }
        }
    }
    let gate = built(|gate| gate.membership("project", CachedMembership::new(Falls::default(), 10, AGE)));
    let status = || now(ask(&gate, "alice", VIEWER, &at(1))).map(drop).map_err(|error| error.status());
    assert_eq!([status(), status(), status(), status()], [Err(503), Err(503), Ok(()), Ok(())]);
}

#[tokio::test]
async fn many_requests_ask_once() {
    let table = Table { is_slow: true, ..Table::new().with("*", 1, Standing::role("viewer")) };
    let (gate, ..) = cached(&table);
    let head = at(1);
    let all = join_all((0..50).map(|_| ask(&gate, "alice", VIEWER, &head))).await;
    for asked in all {
        asked.unwrap();
    }
    assert_eq!(table.asked(), ["alice 1"]);
    // Whoever leaves does not take the others' answer along.
    let (gate, ..) = cached(&table);
    assert!(ask(&gate, "alice", VIEWER, &head).now_or_never().is_none());
    assert!(ask(&gate, "alice", VIEWER, &head).await.is_ok());
    assert_eq!(table.asked(), ["alice 1"]);
}

#[test]
fn a_fresh_route_passes_by_what_is_older() {
    let table = Table::new().with("*", 1, Standing::role("viewer"));
    let (projects, clock) = (CachedMembership::new(table.clone(), 100, AGE), FixedClock::at(1000));
    let gate = built(|gate| gate.membership("project", projects).clock(clock.clone()));
    let gate = gate.acting_as(acting_as("alice"));
    let plain = gate.plan(VIEWER).unwrap();
    let who = now(gate.establish(&at(1)));
    now(gate.authorize(&who, &plain, &at(1))).unwrap();
    table.asked();
    // A gate that only verifies has no fresh routes.
    assert!(gate.plan(fresh(Duration::ZERO, VIEWER)).is_err());
    let again = now(gate.establish(&at(1)));
    now(gate.authorize(&again, &plain, &at(1))).unwrap();
    assert_eq!(table.asked(), Vec::<String>::new(), "how fresh an identity is matters where a route asks for it");
}

#[test]
fn it_is_bounded() {
    let table = (0..1000).fold(Table::new(), |table, id| table.with("*", id, Standing::role("viewer")));
    let projects = CachedMembership::new(table.clone(), 10, AGE);
    let gate = built(|gate| gate.membership("project", projects));
    for id in 0..600 {
        assert!(now(ask(&gate, "alice", VIEWER, &at(id))).is_ok());
    }
    table.asked();
    let again = (0..600).filter(|id| now(ask(&gate, "alice", VIEWER, &at(*id))).is_ok()).count();
    assert_eq!(again, 600);
    assert!(table.asked().len() > 500, "most were forgotten");
}

/// What may happen to a table and a gate over it.
#[derive(Debug, Clone)]
enum Step {
    Ask(u32, u32),
    Set(u32, u32, u8),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_u32, 0..3_u32).prop_map(|(who, id)| Step::Ask(who, id)),
        2 => (0..3_u32, 0..3_u32, 0..4_u8).prop_map(|(who, id, what)| Step::Set(who, id, what)),
        1 => (0..4_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Where it is forgotten what was changed, every request is answered as without.
    #[test]
    fn it_answers_like_one_that_remembers_nothing(steps in steps()) {
        let table = Table::new();
        let (gate, projects, clock) = cached(&table);
        let plain = built(|gate| gate.membership("project", table.clone()).clock(clock.clone()));
        let end = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1003);
        for step in steps {
            match step {
                Step::Set(who, id, what) => {
                    let standing = match what {
                        0 => Standing::missing(),
                        1 => Standing::stranger(),
                        2 => Standing::role("viewer").until(end),
                        _ => Standing::role("owner"),
                    };
                    table.set(&format!("u{who}"), id, standing);
                    projects.forget_principal(principal(&format!("u{who}")).id());
                }
                Step::Pass(seconds) => clock.advance(Duration::from_secs(seconds)),
                Step::Ask(who, id) => {
                    let of = |gate: &Gate| {
                        let asked = now(ask(gate, &format!("u{who}"), VIEWER, &at(id)));
                        asked.map(|access| access.role().cloned()).map_err(|error| (error.status(), error.code().to_owned()))
                    };
                    prop_assert_eq!(of(&gate), of(&plain));
                }
            }
        }
    }
}
