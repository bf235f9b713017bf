//! A connection ends when the policy of its route no longer lets the caller pass.

use super::{Ending, Says, alice, seconds};
use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    Account, Directory, Error, ErrorKind, Gate, GateBuilder, Lease, Membership, Plan, Principal, RoleHierarchy, Scheme,
    Standing, policy::*,
};
use std::sync::{Arc, Mutex};

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

fn lease(gate: &Gate, plan: Option<&Plan>) -> Lease {
    let head = Head::new().bearer("abc").param("room_id", "7");
    gate.establish(&head).now_or_never().unwrap().lease(plan, &head).unwrap()
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
