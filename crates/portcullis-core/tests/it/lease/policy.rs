//! A connection ends when the policy of its route no longer lets the caller pass.

use super::{Ending, Says, alice, seconds};
use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    Account, Authenticator, Credential, Directory, Error, ErrorKind, Gate, GateBuilder, Lease, Membership, Plan,
    Principal, RoleHierarchy, Scheme, Standing, policy::*,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// What Alice is to every room, or why that is not known.
#[derive(Debug, Clone)]
struct Rooms(Arc<Mutex<Result<Standing, ErrorKind>>>);

impl Rooms {
    fn now(&self, standing: Result<Standing, ErrorKind>) {
        *self.0.lock().unwrap() = standing;
    }
}

impl Membership for Rooms {
    type Id = u32;

    async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
        assert_eq!(*id, 7, "the lease goes by the request that opened the connection");
        self.0.lock().unwrap().clone().map_err(|kind| Error::new(kind, "as the test says"))
    }
}

impl Directory for Rooms {
    async fn account(&self, _: &Principal) -> Result<Account, Error> {
        Ok(Account::new(self.0.lock().unwrap().is_ok()))
    }
}

const MEMBER: &dyn Policy = &role("member").on("room", path("room_id")).hidden();

fn rig(parts: impl FnOnce(GateBuilder, &Rooms) -> GateBuilder) -> (Gate, Says, Rooms) {
    let (says, rooms) = (Says::alice(), Rooms(Arc::new(Mutex::new(Ok(Standing::role("member"))))));
    let gate = Gate::builder().scheme(Scheme::new(says.clone()).bearer());
    let gate = gate.roles(RoleHierarchy::ranked(["guest", "member"]).unwrap());
    let gate = parts(gate, &rooms).build().unwrap();
    (gate, says, rooms)
}

fn lease<'p>(gate: &Gate, plans: impl IntoIterator<Item = &'p Plan>) -> Lease {
    let head = Head::new().bearer("abc").param("room_id", "7");
    gate.establish(&head).now_or_never().unwrap().lease(plans, &head).unwrap()
}

#[test]
fn a_member_who_is_removed_loses_it_at_the_next_check() {
    for (standing, end) in [
        (Ok(Standing::role("member")), None),
        (Ok(Standing::role("guest")), Some(ErrorKind::Denied)),
        (Ok(Standing::stranger()), Some(ErrorKind::Hidden)),
        (Ok(Standing::missing()), Some(ErrorKind::Hidden)),
        (Ok(Standing::refused("suspended")), Some(ErrorKind::Denied)),
        (Err(ErrorKind::Unavailable), None),
    ] {
        let (gate, _, rooms) = rig(|gate, rooms| gate.membership("room", rooms.clone()));
        let plan = gate.plan(MEMBER).unwrap();
        let mut ending = Ending::of(&lease(&gate, Some(&plan)));
        assert_eq!(ending.now(), None);
        rooms.now(standing.clone());
        assert_eq!(ending.now(), None, "it checks from time to time");
        assert_eq!(ending.after_sleep(), end, "{standing:?}");
    }
}

/// A route may have guards around its own.
#[test]
fn each_of_several_policies_has_to_allow_the_caller_and_the_first_that_does_not_is_the_reason() {
    const PUBLIC: &dyn Policy = &anyone();
    const KNOWN: &dyn Policy = &authenticated();
    const GUEST: &dyn Policy = &role("guest").on("room", path("room_id"));
    const SHOWN: &dyn Policy = &role("member").on("room", path("room_id"));
    let stranger = || Ok(Standing::stranger());
    for (policies, standing, end) in [
        ([SHOWN, MEMBER], Ok(Standing::role("member")), None),
        ([SHOWN, MEMBER], stranger(), Some(ErrorKind::Denied)),
        ([MEMBER, SHOWN], stranger(), Some(ErrorKind::Hidden)),
        ([PUBLIC, MEMBER], stranger(), Some(ErrorKind::Hidden)),
        ([MEMBER, PUBLIC], stranger(), Some(ErrorKind::Hidden)),
        ([KNOWN, PUBLIC], stranger(), None),
        ([GUEST, SHOWN], Ok(Standing::role("guest")), Some(ErrorKind::Denied)),
        ([SHOWN, GUEST], Ok(Standing::role("guest")), Some(ErrorKind::Denied)),
        ([GUEST, KNOWN], Ok(Standing::role("guest")), None),
    ] {
        let (gate, _, rooms) = rig(|gate, rooms| gate.membership("room", rooms.clone()));
        let plans = policies.map(|policy| gate.plan(policy).unwrap());
        let mut ending = Ending::of(&lease(&gate, &plans));
        assert_eq!(ending.now(), None, "{policies:?}");
        rooms.now(standing.clone());
        assert_eq!(ending.after_sleep(), end, "{policies:?}, {standing:?}");
    }
}

/// Asks anew each time, and records how old an answer might have been.
#[derive(Debug, Clone, Default)]
struct Ages(Arc<Mutex<Vec<Option<Duration>>>>);

impl Authenticator for Ages {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.0.lock().unwrap().push(credential.max_age());
        Ok(alice())
    }

    fn asks_anew(&self) -> bool {
        true
    }
}

#[test]
fn the_freshest_of_several_policies_counts() {
    let ages = Ages::default();
    let gate = Gate::builder().scheme(Scheme::new(ages.clone()).bearer()).build().unwrap();
    let fresh = |age| gate.plan(fresh(seconds(age), authenticated())).unwrap();
    let (minute, hour, any) = (fresh(60), fresh(3600), gate.plan(authenticated()).unwrap());
    for (plans, age) in [
        (vec![&any], None),
        (vec![&hour], Some(3600)),
        (vec![&hour, &minute], Some(60)),
        (vec![&minute, &any, &hour], Some(60)),
    ] {
        let lease = lease(&gate, plans.iter().copied());
        ages.0.lock().unwrap().clear();
        assert_eq!(Ending::of(&lease).now(), None);
        assert_eq!(*ages.0.lock().unwrap(), [age.map(seconds)], "{plans:?}");
    }
}

#[test]
fn what_the_route_does_not_ask_is_no_end() {
    let (gate, says, rooms) = rig(|gate, rooms| gate.membership("room", rooms.clone()));
    let public = gate.plan(anyone()).unwrap();
    for plan in [None, Some(&public)] {
        let mut ending = Ending::of(&lease(&gate, plan));
        rooms.now(Ok(Standing::stranger()));
        assert_eq!([ending.now(), ending.after_sleep()], [None, None]);
        says.now(Err(ErrorKind::Invalid));
        assert_eq!(ending.after_sleep(), Some(ErrorKind::Invalid), "the credential still counts");
        says.now(Ok(alice()));
    }
}

#[test]
fn an_outage_of_the_membership_ends_it_after_five_minutes() {
    let (gate, _, rooms) = rig(|gate, rooms| gate.membership("room", rooms.clone()));
    let plan = gate.plan(MEMBER).unwrap();
    let mut ending = Ending::of(&lease(&gate, Some(&plan)));
    assert_eq!(ending.now(), None);
    rooms.now(Err(ErrorKind::Unavailable));
    let mut waited = seconds(0);
    let end = loop {
        match ending.after_sleep() {
            Some(end) => break end,
            None => waited += ending.sleeps.last(),
        }
        assert!(waited < seconds(400), "it never ends");
    };
    assert_eq!((end, waited >= seconds(300)), (ErrorKind::Unavailable, true), "{waited:?}");
}

#[test]
fn the_baseline_is_checked_too() {
    let (gate, _, rooms) = rig(|gate, rooms| {
        let is_good = account("disabled", |is_good: &bool| *is_good);
        gate.membership("room", rooms.clone()).directory(rooms.clone()).baseline(is_good)
    });
    let plan = gate.plan(authenticated()).unwrap();
    let without = gate.plan(without_baseline(authenticated())).unwrap();
    let mut endings = [&plan, &without].map(|plan| Ending::of(&lease(&gate, Some(plan))));
    assert_eq!(endings.each_mut().map(Ending::now), [None, None]);
    rooms.now(Err(ErrorKind::Denied));
    assert_eq!(endings.each_mut().map(Ending::after_sleep), [Some(ErrorKind::Denied), None]);
}

#[test]
fn a_test_that_acts_as_somebody_sees_the_end_of_a_right() {
    let (gate, _, rooms) = rig(|gate, rooms| gate.membership("room", rooms.clone()));
    let gate = gate.acting_as(alice());
    let plan = gate.plan(MEMBER).unwrap();
    let mut ending = Ending::of(&lease(&gate, Some(&plan)));
    assert_eq!(ending.now(), None);
    rooms.now(Ok(Standing::stranger()));
    assert_eq!(ending.after_sleep(), Some(ErrorKind::Hidden));
    // Once over, it stays over.
    assert_eq!(ending.now(), Some(ErrorKind::Hidden));
}
