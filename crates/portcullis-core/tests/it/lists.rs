//! Lists: the names of roles for a query, and the rows of a page that a policy allows.

use crate::{
    asking::{decide, gate, shared, why},
    head::Head,
};
use portcullis_core::{
    CachedMembership, Error, ErrorKind, Gate, Membership, Permission, Principal, RoleHierarchy, Standing,
    policy::*,
    testing::{FixedClock, acting_as},
};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What is stored of a resource: the role of the caller, and the parents.
#[derive(Debug, Clone)]
enum Row {
    Missing,
    Refused,
    Failing,
    Member(Option<&'static str>, Vec<u32>),
}

/// The questions that were asked, each with its identifiers.
type Asked = Arc<Mutex<Vec<Vec<u32>>>>;

/// Resources of one kind, read by one query.
#[derive(Debug, Clone, Default)]
struct Table {
    rows: BTreeMap<u32, Row>,
    /// How many answers it adds or leaves out.
    surplus: i32,
    asked: Asked,
}

impl Table {
    fn of(rows: impl IntoIterator<Item = (u32, Row)>) -> Self {
        Self { rows: rows.into_iter().collect(), ..Self::default() }
    }

    fn members(rows: &[(u32, Option<&'static str>)]) -> Self {
        Self::of(rows.iter().map(|(id, role)| (*id, Row::Member(*role, Vec::new()))))
    }

    fn asked(&self) -> Vec<Vec<u32>> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn read(&self, id: u32) -> Result<Standing, Error> {
        match self.rows.get(&id) {
            None | Some(Row::Missing) => Ok(Standing::missing()),
            Some(Row::Refused) => Ok(Standing::refused("suspended")),
            Some(Row::Failing) => Err(Error::new(ErrorKind::Unavailable, "the row could not be read")),
            Some(Row::Member(role, teams)) => {
                Ok(teams.iter().fold(Standing::from(*role), |standing, team| standing.under("team", team)))
            }
        }
    }
}

impl Membership for Table {
    type Id = u32;

    async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
        self.asked.lock().unwrap().push(vec![*id]);
        self.read(*id)
    }

    async fn standings(&self, _: &Principal, ids: &[u32]) -> Result<Vec<Standing>, Error> {
        self.asked.lock().unwrap().push(ids.to_vec());
        tokio::task::yield_now().await;
        let mut standings = ids.iter().map(|id| self.read(*id)).collect::<Result<Vec<_>, _>>()?;
        standings.truncate(ids.len().saturating_add_signed(self.surplus.min(0) as isize));
        standings.extend((0..self.surplus).map(|_| Standing::role("owner")));
        Ok(standings)
    }
}

/// Asks one by one, as memberships do by default.
#[derive(Debug, Clone)]
struct OneByOne(Table);

impl Membership for OneByOne {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        self.0.standing(who, id).await
    }
}

fn over(projects: impl Membership, teams: impl Membership) -> Gate {
    let ladder = || RoleHierarchy::builder().ranked(["viewer", "manager", "owner"]);
    let roles = ladder().inherits("team").build().unwrap();
    gate(|gate| {
        gate.roles(ladder().build().unwrap())
            .roles_on("project", roles)
            .membership("project", projects)
            .membership("team", teams)
    })
    .acting_as(acting_as("alice"))
}

const READ: &dyn Policy = &role("manager").on("project", path("project")).hidden();

async fn filter(gate: &Gate, policy: impl Policy + 'static, ids: &[u32]) -> Result<Vec<u32>, Error> {
    let who = gate.establish(&Head::new()).await;
    let caller = who.caller(&Head::new()).unwrap();
    caller.filter(policy, "project", ids.iter().copied(), |id| *id).await
}

/// The same, by one request for each.
async fn one_by_one(gate: &Gate, policy: impl Policy + Clone + 'static, ids: &[u32]) -> Result<Vec<u32>, Error> {
    let mut allowed = Vec::new();
    for id in ids {
        let head = Head::new().param("project", &id.to_string());
        match decide(gate, &gate.establish(&head).await, policy.clone(), &head).await {
            Ok(_) => allowed.push(*id),
            Err(error) if matches!(error.kind(), ErrorKind::Denied | ErrorKind::Hidden) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(allowed)
}

#[test]
fn the_names_of_roles_that_pass_are_those_that_pass() {
    let roles = RoleHierarchy::builder()
        .ranked(["viewer", "manager", "owner"])
        .role("auditor", ["viewer"])
        .permits("viewer", ["project:read"])
        .permits("auditor", ["log:*"])
        .permits("manager", ["project:*"]);
    let all = ["project:read", "project:edit", "log:read", "log:keep", "user:read"];
    let gate = gate(|gate| gate.roles(roles.clone().build().unwrap()).permissions(all));
    let known = gate.roles();
    for role in ["viewer", "manager", "owner", "auditor"] {
        let expected: Vec<&String> = known.names().iter().filter(|name| known.includes(name, role)).collect();
        assert_eq!(known.at_least(role).unwrap(), expected, "{role}");
    }
    for name in all {
        let asked: Permission = name.parse().unwrap();
        let expected: Vec<&String> = known.names().iter().filter(|role| known.permits(role, &asked)).collect();
        assert_eq!(known.permitting(name).unwrap(), expected, "{name}");
    }
    assert_eq!(known.at_least("viewer").unwrap(), ["viewer", "manager", "owner", "auditor"]);
    assert_eq!(known.permitting("project:edit").unwrap(), ["manager", "owner"]);
    assert_eq!(known.permitting("user:read").unwrap(), [""; 0], "known, and no role permits it");
    for misspelt in ["project:raed", "project", "*:*", "project:*"] {
        assert_eq!(known.permitting(misspelt).unwrap_err().kind(), ErrorKind::Misconfigured, "{misspelt}");
    }
    assert!(known.at_least("manger").unwrap_err().to_string().contains("\"manager\""));
    // Without a list of permissions, one that no role permits is taken as misspelt.
    let open = roles.build().unwrap();
    assert_eq!(open.permitting("log:read").unwrap(), ["auditor"]);
    assert_eq!(open.permitting("user:read").unwrap_err().kind(), ErrorKind::Misconfigured);
}

#[tokio::test]
async fn a_page_is_one_question_and_its_parents_another() {
    let team = |id| Row::Member(None, vec![id]);
    let projects =
        Table::of([(1, Row::Member(Some("owner"), vec![7])), (2, team(7)), (3, team(8)), (4, team(7)), (5, team(9))]);
    let teams = Table::members(&[(7, Some("manager")), (8, Some("viewer")), (9, Some("owner"))]);
    let gate = over(projects.clone(), teams.clone());
    assert_eq!(filter(&gate, READ, &[5, 1, 2, 3, 4, 6, 1]).await.unwrap(), [5, 1, 2, 4, 1]);
    // Each once, and nothing about the team of a project on which the caller has a role itself.
    assert_eq!(projects.asked(), [[1, 2, 3, 4, 5, 6]]);
    assert_eq!(teams.asked(), [[7, 8, 9]]);
    assert_eq!(filter(&gate, READ, &[]).await.unwrap(), [0; 0]);
    assert_eq!(filter(&gate, any((staff(), READ)), &[2]).await.unwrap(), [2]);
    projects.asked();
    // What needs no membership asks none.
    let root = gate.acting_as(acting_as("root").with_staff(true));
    assert_eq!(filter(&root, any((staff(), READ)), &[1, 2, 77]).await.unwrap(), [1, 2, 77]);
    assert_eq!(projects.asked(), [[0; 0]; 0]);
}

#[tokio::test]
async fn what_the_request_knows_is_not_asked_again() {
    let projects = Table::members(&[(1, Some("owner")), (2, None), (3, Some("owner"))]);
    let gate = over(projects.clone(), Table::default());
    let who = gate.establish(&Head::new()).await;
    let caller = who.caller(&Head::new()).unwrap();
    caller.require(role("owner").on("project", id(1))).await.unwrap();
    assert_eq!(projects.asked(), [[1]]);
    assert_eq!(caller.filter(READ, "project", [1, 2, 3], |id| *id).await.unwrap(), [1, 3]);
    assert_eq!(projects.asked(), [[2, 3]]);
    assert_eq!(caller.filter(READ, "project", [3, 2], |id| *id).await.unwrap(), [3]);
    caller.require(role("owner").on("project", id(3))).await.unwrap();
    assert!(!caller.allows(role("owner").on("project", id(2))).await.unwrap());
    assert_eq!(projects.asked(), [[0; 0]; 0]);
}

#[tokio::test]
async fn an_error_is_one_of_the_whole() {
    let rows = || [(1, Row::Member(Some("owner"), Vec::new())), (2, Row::Failing), (3, Row::Refused)];
    for gate in [over(Table::of(rows()), Table::default()), over(OneByOne(Table::of(rows())), Table::default())] {
        assert_eq!(filter(&gate, READ, &[1, 3]).await.unwrap(), [1]);
        assert_eq!(filter(&gate, READ, &[1, 3, 2]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    // Standings must not be given to the wrong resource.
    for surplus in [-1, 1] {
        let broken = Table { surplus, ..Table::members(&[(1, Some("owner")), (2, None)]) };
        for gate in [
            over(broken.clone(), Table::default()),
            over(CachedMembership::new(broken.clone(), 10, Duration::from_secs(60)), Table::default()),
        ] {
            let error = filter(&gate, READ, &[1, 2]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains("standings for 2 identifiers"), "{error}");
        }
    }
    // What is no identifier, and a policy that reads another parameter.
    let gate = over(Table::members(&[(1, Some("owner"))]), Table::default());
    let caller = gate.establish(&Head::new()).await.caller(&Head::new()).unwrap();
    let malformed = caller.filter(READ, "project", ["1", "x"], |id| *id).await;
    assert_eq!(why(malformed), (ErrorKind::Malformed, "invalid_id".to_owned()));
    let other = caller.filter(READ, "projects", [1], |id| *id).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Misconfigured);
    assert!(other.to_string().contains("`projects`") && other.to_string().contains("[\"project\"]"), "{other}");
    assert_eq!(caller.filter(staff(), "project", [1], |id| *id).await.unwrap_err().kind(), ErrorKind::Misconfigured);
}

#[tokio::test]
async fn by_default_each_is_asked_by_itself_in_order() {
    let table = Table::members(&[(1, Some("owner")), (2, None), (3, Some("viewer"))]);
    let alice = acting_as("alice");
    let standings = OneByOne(table.clone()).standings(&alice, &[3, 1, 2]).await.unwrap();
    let held: Vec<Option<&str>> = standings.iter().map(|standing| standing.held().map(|role| role.as_str())).collect();
    assert_eq!(held, [Some("viewer"), Some("owner"), None]);
    assert_eq!(table.asked(), [[3], [1], [2]]);
    assert_eq!(Arc::new(OneByOne(table)).standings(&alice, &[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_cache_answers_what_it_knows_and_asks_the_rest_at_once() {
    let clock = FixedClock::at(1_000);
    let table = Table::members(&[(1, Some("owner")), (2, None), (3, Some("owner")), (4, Some("owner"))]);
    let cached = CachedMembership::new(table.clone(), 100, Duration::from_secs(10));
    let (projects, time) = (cached.clone(), clock.clone());
    let gate = gate(|gate| {
        let roles = RoleHierarchy::ranked(["manager", "owner"]).unwrap();
        gate.roles(roles).membership("project", projects).clock(time)
    })
    .acting_as(acting_as("alice"));
    assert_eq!(filter(&gate, READ, &[1, 2]).await.unwrap(), [1]);
    assert_eq!(table.asked(), [[1, 2]]);
    assert_eq!(filter(&gate, READ, &[4, 1, 3, 2]).await.unwrap(), [4, 1, 3]);
    assert_eq!(table.asked(), [[3, 4]]);
    assert_eq!(filter(&gate, READ, &[4, 1, 3, 2]).await.unwrap(), [4, 1, 3]);
    assert_eq!(table.asked(), [[0; 0]; 0]);
    // One by one it knows them too.
    assert_eq!(one_by_one(&gate, READ, &[1, 2, 3]).await.unwrap(), [1, 3]);
    assert_eq!(table.asked(), [[0; 0]; 0]);
    cached.forget_resource(&3);
    assert_eq!(filter(&gate, READ, &[1, 3]).await.unwrap(), [1, 3]);
    assert_eq!(table.asked(), [[3]]);
    clock.advance(Duration::from_secs(11));
    assert_eq!(filter(&gate, READ, &[1, 3]).await.unwrap(), [1, 3]);
    assert_eq!(table.asked(), [[1, 3]]);
}

#[tokio::test]
async fn a_cache_keeps_no_error_of_a_page() {
    let rows = [(1, Row::Member(Some("owner"), Vec::new())), (2, Row::Failing)];
    let table = Table::of(rows);
    let cached = CachedMembership::new(table.clone(), 100, Duration::from_secs(10));
    let gate = over(cached, Table::default());
    assert_eq!(filter(&gate, READ, &[1, 2]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    table.asked();
    assert_eq!(filter(&gate, READ, &[1]).await.unwrap(), [1]);
    assert_eq!(table.asked(), [[1]], "the error of the page was not remembered for any of its rows");
}

fn row() -> impl Strategy<Value = Row> {
    let role = || prop_oneof![Just(None), Just(Some("viewer")), Just(Some("manager")), Just(Some("owner"))];
    prop_oneof![
        1 => Just(Row::Missing),
        1 => Just(Row::Refused),
        1 => Just(Row::Failing),
        9 => (role(), prop::collection::vec(0..6_u32, 0..3)).prop_map(|(role, teams)| Row::Member(role, teams)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_page_comes_to_what_its_rows_come_to(
        projects in prop::collection::btree_map(0..8_u32, row(), 0..8),
        teams in prop::collection::btree_map(0..6_u32, row(), 0..6),
        page in prop::collection::vec(0..10_u32, 0..8),
        which in 0..6_usize,
        is_cached in prop::bool::ANY,
        is_batched in prop::bool::ANY,
    ) {
        let on = |name| role(name).on("project", path("project"));
        let policies: [Arc<dyn Policy>; 6] = [
            shared(on("viewer")),
            shared(on("owner").hidden()),
            shared(any((staff(), on("manager")))),
            shared(not(on("manager"))),
            shared(all((on("viewer"), not(on("owner"))))),
            shared(visitors(on("viewer"))),
        ];
        let policy = policies[which].clone();
        // A row that cannot be read fails the question about its whole page.
        let failing = |table: &BTreeMap<u32, Row>| table.values().any(|row| matches!(row, Row::Failing));
        let fails = failing(&projects) || failing(&teams);
        let (projects, teams) = (Table::of(projects), Table::of(teams));
        let gate = match (is_batched, is_cached) {
            (false, _) => over(OneByOne(projects.clone()), OneByOne(teams.clone())),
            (true, false) => over(projects.clone(), teams.clone()),
            (true, true) => over(CachedMembership::new(projects.clone(), 9, Duration::from_secs(9)), teams.clone()),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let expected = runtime.block_on(one_by_one(&over(projects.clone(), teams.clone()), policy.clone(), &page));
        projects.asked();
        teams.asked();
        let found = runtime.block_on(filter(&gate, policy, &page));
        match (&found, &expected) {
            (Ok(found), Ok(expected)) => prop_assert_eq!(found, expected),
            (Err(found), Err(expected)) => prop_assert_eq!(found.kind(), expected.kind()),
            (Err(_), Ok(_)) => prop_assert!(fails),
            (Ok(_), Err(_)) => prop_assert!(false, "a row that cannot be decided was left out"),
        }
        if is_batched {
            prop_assert!(projects.asked().len() <= 1 && teams.asked().len() <= 6);
        }
    }
}
