//! A directory that remembers, beside one that does not.

use super::ask;
use crate::head::Head;
use futures_util::{FutureExt, future::join_all};
use portcullis_core::{
    Account, Authenticator, CachedDirectory, Credential, Directory, Error, ErrorKind, Gate, GateBuilder, Principal,
    PrincipalId, PrincipalKind, RevocationList, Scheme, policy::*, testing::FixedClock,
};
use proptest::prelude::*;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

const AGE: Duration = Duration::from_secs(5);

/// Says of every credential that it is a principal of this name, and looks each time.
#[derive(Debug)]
struct Names;

impl Authenticator for Names {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        Ok(Principal::new(PrincipalKind::User, credential.expose()))
    }

    fn asks_anew(&self) -> bool {
        true
    }
}

/// What the database says of somebody.
#[derive(Debug, Clone, Copy)]
enum Says {
    Row(u8),
    Nobody,
    Banned,
    Down,
    Panics,
}

#[derive(Debug, Clone, Default)]
struct Users {
    says: Arc<Mutex<HashMap<String, Says>>>,
    asked: Arc<Mutex<Vec<String>>>,
    is_slow: bool,
}

impl Users {
    fn set(&self, who: &str, says: Says) {
        self.says.lock().unwrap().insert(who.to_owned(), says);
    }

    /// Who was asked about since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        let who = who.id().subject().to_owned();
        self.asked.lock().unwrap().push(who.clone());
        if self.is_slow {
            // The gate looks once before it waits.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        let says = self.says.lock().unwrap().get(&who).copied().unwrap_or(Says::Row(0));
        match says {
            Says::Row(row) => Ok(Account::new(row).staff(row == 9)),
            Says::Nobody => Err(Error::no_account()),
            Says::Banned => Err(Error::denied("banned")),
            Says::Down => Err(Error::new(ErrorKind::Unavailable, "the database is down")),
            Says::Panics => panic!("a mistake in the directory"),
        }
    }
}

fn id(who: &str) -> PrincipalId {
    PrincipalId::new(PrincipalKind::User, who)
}

fn head(who: &str) -> Head {
    Head::new().bearer(who)
}

fn built(directory: impl Directory, clock: &FixedClock) -> Gate {
    let gate = Gate::builder().scheme(Scheme::new(Names).bearer()).directory(directory);
    GateBuilder::build(gate.clock(clock.clone())).unwrap()
}

fn cached(users: &Users) -> (Gate, CachedDirectory<Users>, FixedClock) {
    let (directory, clock) = (CachedDirectory::new(users.clone(), 100, AGE), FixedClock::at(1000));
    (built(directory.clone(), &clock), directory, clock)
}

/// The row of the account, or status and code.
fn row(gate: &Gate, policy: impl Policy + 'static, who: &str) -> Result<u8, (u16, String)> {
    let asked = ask(gate, policy, &head(who)).now_or_never().expect("an answer at once");
    let told = |error: Error| (error.status(), error.code().to_owned());
    asked.map_err(told).map(|principal| *principal.account::<u8>().unwrap())
}

#[test]
fn the_next_request_asks_nothing_until_it_is_forgotten_or_too_old() {
    let users = Users::default();
    let (gate, directory, clock) = cached(&users);
    let of = |who: &str| row(&gate, authenticated(), who);
    assert_eq!((of("alice"), of("alice"), of("bob")), (Ok(0), Ok(0), Ok(0)));
    assert_eq!(users.asked(), ["alice", "bob"]);
    users.set("alice", Says::Row(1));
    users.set("bob", Says::Row(2));
    assert_eq!(of("alice"), Ok(0), "for as long as it is remembered");
    directory.forget_principal(&id("alice"));
    directory.forget_principal(&id("bob").with_issuer("https://another.test"));
    assert_eq!((of("alice"), of("bob")), (Ok(1), Ok(0)));
    assert_eq!(users.asked(), ["alice"]);
    clock.advance(AGE - Duration::from_millis(1));
    assert_eq!(of("bob"), Ok(0));
    clock.advance(Duration::from_millis(1));
    assert_eq!(of("bob"), Ok(2));
    assert_eq!(users.asked(), ["bob"]);
}

#[test]
fn a_principal_of_another_issuer_or_kind_is_somebody_else() {
    let users = Users::default();
    let (clock, directory) = (FixedClock::at(1000), CachedDirectory::new(users.clone(), 100, AGE));
    #[derive(Debug)]
    struct As(PrincipalId);
    impl Authenticator for As {
        async fn authenticate(&self, _: &Credential<'_>) -> Result<Principal, Error> {
            let principal = Principal::new(self.0.kind(), self.0.subject());
            Ok(self.0.issuer().map_or(principal.clone(), |issuer| principal.with_issuer(issuer)))
        }
    }
    let service = PrincipalId::new(PrincipalKind::Service, "alice");
    for who in
        [id("alice"), id("alice").with_issuer("https://a.test"), id("alice").with_issuer("https://b.test"), service]
    {
        let gate = Gate::builder().scheme(Scheme::new(As(who)).bearer()).directory(directory.clone());
        let gate = gate.clock(clock.clone()).build().unwrap();
        assert_eq!((row(&gate, authenticated(), "x"), row(&gate, authenticated(), "x")), (Ok(0), Ok(0)));
        assert_eq!(users.asked().len(), 1);
    }
}

#[test]
fn refusals_errors_and_panics_are_not_remembered() {
    let users = Users::default();
    let (gate, ..) = cached(&users);
    for (says, status, code) in [
        (Says::Nobody, 401, "user_not_found"),
        (Says::Banned, 403, "banned"),
        (Says::Down, 503, "unavailable"),
        (Says::Panics, 503, "unavailable"),
    ] {
        users.set("alice", says);
        for _ in 0..2 {
            assert_eq!(row(&gate, authenticated(), "alice"), Err((status, code.to_owned())));
            assert_eq!(users.asked(), ["alice"], "{says:?}");
        }
    }
    users.set("alice", Says::Row(7));
    assert_eq!((row(&gate, authenticated(), "alice"), row(&gate, authenticated(), "alice")), (Ok(7), Ok(7)));
    assert_eq!(users.asked(), ["alice"]);
}

#[tokio::test]
async fn many_requests_ask_once() {
    let users = Users { is_slow: true, ..Users::default() };
    let (gate, ..) = cached(&users);
    let alice = head("alice");
    for asked in join_all((0..50).map(|_| ask(&gate, authenticated(), &alice))).await {
        asked.unwrap();
    }
    assert_eq!(users.asked(), ["alice"]);
    // Whoever leaves does not take the others' answer along.
    let (gate, ..) = cached(&users);
    assert!(ask(&gate, authenticated(), &alice).now_or_never().is_none());
    assert!(ask(&gate, authenticated(), &alice).await.is_ok());
    assert_eq!(users.asked(), ["alice"]);
}

#[test]
fn a_fresh_route_passes_by_what_is_older() {
    let users = Users::default();
    let (gate, _, clock) = cached(&users);
    let plain = || row(&gate, authenticated(), "alice");
    let within = |seconds| row(&gate, fresh(Duration::from_secs(seconds), authenticated()), "alice");
    assert_eq!(plain(), Ok(0));
    users.set("alice", Says::Row(1));
    clock.advance(Duration::from_secs(2));
    assert_eq!((plain(), within(3)), (Ok(0), Ok(0)), "young enough");
    assert_eq!((within(2), plain()), (Ok(1), Ok(1)), "and others have the newer one");
    users.set("alice", Says::Row(2));
    assert_eq!((plain(), within(0), plain()), (Ok(1), Ok(2), Ok(2)));
    // It cannot make it older than the directory lets it be.
    users.set("alice", Says::Row(3));
    clock.advance(AGE);
    assert_eq!(within(3600), Ok(3));
}

#[test]
fn it_is_asked_after_revocations_as_before() {
    let (users, list) = (Users::default(), RevocationList::new(Duration::from_secs(60)));
    let gate = Gate::builder().scheme(Scheme::new(Names).bearer()).revocations(list.clone());
    let gate = gate.directory(CachedDirectory::new(users.clone(), 10, AGE)).build().unwrap();
    assert_eq!(row(&gate, authenticated(), "alice"), Ok(0));
    list.sign_out(&id("alice"), std::time::SystemTime::now());
    assert_eq!(row(&gate, authenticated(), "alice").unwrap_err().0, 401);
    assert_eq!(users.asked(), ["alice"]);
}

#[test]
fn it_is_bounded() {
    let (users, clock) = (Users::default(), FixedClock::at(1000));
    let gate = built(CachedDirectory::new(users.clone(), 10, AGE), &clock);
    for _ in 0..2 {
        users.asked();
        for who in 0..600 {
            assert_eq!(row(&gate, authenticated(), &who.to_string()), Ok(0));
        }
    }
    assert!(users.asked().len() > 500, "most were forgotten");
}

/// What may happen to a table of users and a gate over it.
#[derive(Debug, Clone)]
enum Step {
    Ask(u8, Option<u64>),
    Set(u8, u8),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let age = prop::option::weighted(0.3, 0..6_u64);
    let step = prop_oneof![
        3 => (0..3_u8, age).prop_map(|(who, age)| Step::Ask(who, age)),
        2 => (0..3_u8, 0..13_u8).prop_map(|(who, what)| Step::Set(who, what)),
        1 => (0..4_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Where it is forgotten what was changed, every request is answered as without.
    #[test]
    fn it_answers_like_one_that_remembers_nothing(steps in steps()) {
        let users = Users::default();
        let (gate, directory, clock) = cached(&users);
        let plain = built(users.clone(), &clock);
        for step in steps {
            match step {
                Step::Set(who, what) => {
                    let who = format!("u{who}");
                    users.set(&who, match what {
                        10 => Says::Nobody,
                        11 => Says::Banned,
                        12 => Says::Down,
                        row => Says::Row(row),
                    });
                    directory.forget_principal(&id(&who));
                }
                Step::Pass(seconds) => clock.advance(Duration::from_secs(seconds)),
                Step::Ask(who, age) => {
                    let of = |gate: &Gate| match age {
                        None => row(gate, not(not(authenticated())), &format!("u{who}")),
                        Some(age) => row(gate, fresh(Duration::from_secs(age), staff()), &format!("u{who}")),
                    };
                    prop_assert_eq!(of(&gate), of(&plain));
                }
            }
        }
    }
}
