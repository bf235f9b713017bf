//! Who a verified principal is in a service, and what every route asks of it.

mod cached;

use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    Account, Directory, Error, ErrorKind, Gate, GateBuilder, Principal, RevocationList, Scheme, SharedSecret,
    TokenCache,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";

#[derive(Debug, PartialEq)]
struct User {
    name: String,
    is_confirmed: bool,
}

#[derive(Debug, Clone, Default)]
struct Users {
    asked: Arc<Mutex<Vec<String>>>,
    is_slow: bool,
}

impl Users {
    fn asked(&self) -> usize {
        std::mem::take(&mut *self.asked.lock().unwrap()).len()
    }
}

impl Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        self.asked.lock().unwrap().push(who.id().to_string());
        if self.is_slow {
            // The gate looks once before it waits.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        let row = |is_confirmed| Account::new(User { name: who.id().subject().to_owned(), is_confirmed });
        match who.id().subject() {
            "unknown" => Err(Error::no_account()),
            "banned" => Err(Error::denied("banned")),
            "down" => Err(Error::new(ErrorKind::Unavailable, "the database is down")),
            "broken" => Err(Error::new(ErrorKind::Malformed, "a row that cannot be read")),
            "new" => Ok(Account::none()),
            "unconfirmed" => Ok(row(false)),
            "boss" => Ok(row(true).staff(true).role("owner").organization(7)),
            "demoted" => Ok(row(true).staff(false).only_roles(["viewer"])),
            _ => Ok(row(true)),
        }
    }
}

fn gate(users: &Users, parts: impl FnOnce(GateBuilder) -> GateBuilder) -> (Gate, TestIssuer) {
    let issuer = TestIssuer::new();
    let gate = Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).bearer())
        .scheme(Scheme::new(SharedSecret::new("cron", SECRET).unwrap()).header("x-cron"))
        .roles(portcullis_core::RoleHierarchy::ranked(["viewer", "owner"]).unwrap())
        .directory(users.clone());
    (parts(gate).build().unwrap(), issuer)
}

async fn ask(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> Result<Principal, Error> {
    let plan = gate.plan(policy).unwrap();
    let who = gate.establish_for(&plan, head).await;
    gate.authorize(&who, &plan, head).await?;
    who.principal().cloned()
}

#[tokio::test]
async fn an_account_adds_to_what_was_verified_and_changes_nobody() {
    for is_slow in [false, true] {
        let users = Users { is_slow, ..Users::default() };
        let (gate, issuer) = gate(&users, |gate| gate);
        let of = async |who: &str| {
            let head = Head::new().bearer(&issuer.token(who).role("owner").staff().organization("1").sign());
            ask(&gate, authenticated(), &head).await
        };
        let alice = of("alice").await.unwrap();
        assert_eq!(alice.account::<User>().unwrap(), &User { name: "alice".into(), is_confirmed: true });
        assert_eq!(alice.account::<String>().unwrap_err().kind(), ErrorKind::Misconfigured);
        assert!(alice.is_staff() && alice.roles().len() == 1 && alice.organization() == Some("1"));
        assert_eq!(alice.id().to_string(), "user|https://issuer.test|alice");
        let boss = of("boss").await.unwrap();
        assert!(boss.is_staff() && boss.organization() == Some("7") && boss.roles().len() == 2);
        let demoted = of("demoted").await.unwrap();
        assert!(!demoted.is_staff() && demoted.roles().len() == 1 && demoted.roles()[0].as_str() == "viewer");
        let new = of("new").await.unwrap();
        assert!(new.is_staff() && new.account::<User>().is_err());
        for (who, status, code) in [
            ("unknown", 401, "user_not_found"),
            ("banned", 403, "banned"),
            ("down", 503, "unavailable"),
            ("broken", 503, "unavailable"),
        ] {
            let error = of(who).await.unwrap_err();
            assert_eq!((error.status(), error.code()), (status, code), "{who}");
            // What was presented is valid, so no challenge calls it invalid.
            let challenge = (status == 401).then(|| r#"Bearer realm="x""#.to_owned());
            assert_eq!(error.challenge(Some("x")), challenge, "{who}");
        }
        assert_eq!(users.asked(), 8);
    }
}

#[tokio::test]
async fn it_is_asked_after_verification_and_revocation_and_about_nobody_else() {
    let users = Users::default();
    let revocations = RevocationList::new(Duration::from_secs(3600));
    let (gate, issuer) = gate(&users, |gate| gate.revocations(revocations.clone()).cache(TokenCache::new(10)));
    let token = issuer.token("alice").claim("jti", "1").sign();
    let bearer = |token: &str| Head::new().bearer(token);
    assert!(ask(&gate, authenticated(), &Head::new()).await.is_err());
    assert!(ask(&gate, authenticated(), &bearer("nonsense")).await.is_err());
    assert_eq!(users.asked(), 0);
    // Each request anew, also where the token is remembered.
    for _ in 0..3 {
        ask(&gate, authenticated(), &bearer(&token)).await.unwrap();
    }
    assert_eq!(users.asked(), 3);
    let alice = ask(&gate, authenticated(), &bearer(&token)).await.unwrap();
    revocations.revoke(&alice);
    users.asked();
    assert_eq!(ask(&gate, authenticated(), &bearer(&token)).await.unwrap_err().status(), 401);
    // Whom the gate names itself has no account, and needs none.
    let cron = ask(&gate, authenticated(), &Head::new().header("x-cron", SECRET)).await.unwrap();
    assert!(cron.account::<User>().is_err());
    let acting = gate.acting_as(acting_as("alice"));
    ask(&acting, authenticated(), &Head::new()).await.unwrap();
    assert_eq!(users.asked(), 0);
}

#[tokio::test]
async fn a_policy_asks_the_account_and_cannot_judge_without() {
    let (gate, issuer) = gate(&Users::default(), |gate| gate);
    let confirmed = account("unconfirmed", |user: &User| user.is_confirmed);
    let of = async |who: &str, policy: Box<dyn Policy>| {
        let asked = ask(&gate, policy, &Head::new().bearer(&issuer.token(who).sign())).await;
        asked.map(drop).map_err(|error| (error.status(), error.code().to_owned()))
    };
    assert_eq!(of("alice", Box::new(confirmed)).await, Ok(()));
    assert_eq!(of("unconfirmed", Box::new(confirmed)).await, Err((403, "unconfirmed".to_owned())));
    assert_eq!(of("unconfirmed", Box::new(not(confirmed))).await, Ok(()));
    assert_eq!(of("alice", Box::new(not(confirmed))).await, Err((403, "not_allowed".to_owned())));
    for policy in [Box::new(confirmed) as Box<dyn Policy>, Box::new(not(confirmed))] {
        assert_eq!(of("new", policy).await.unwrap_err().0, 500);
    }
}

#[tokio::test]
async fn a_baseline_holds_on_every_route_that_is_not_public() {
    let baseline = account("unconfirmed", |user: &User| user.is_confirmed);
    let (gate, issuer) = gate(&Users::default(), |gate| gate.baseline(baseline));
    let head = |who: &str| Head::new().bearer(&issuer.token(who).staff().sign());
    let of = async |policy: Box<dyn Policy>, head: &Head| {
        ask(&gate, policy, head).await.map(drop).map_err(|error| (error.status(), error.code().to_owned()))
    };
    let no = || Err((403, "unconfirmed".to_owned()));
    for policy in [Box::new(authenticated()) as Box<dyn Policy>, Box::new(staff()), Box::new(not(scope("x")))] {
        assert_eq!(of(policy, &head("unconfirmed")).await, no());
    }
    assert_eq!(of(Box::new(staff()), &head("alice")).await, Ok(()));
    assert_eq!(of(Box::new(hidden(scope("x"))), &head("unconfirmed")).await, no(), "before the route's own");
    assert_eq!(of(Box::new(without_baseline(staff())), &head("unconfirmed")).await, Ok(()));
    assert_eq!(of(Box::new(without_baseline(scope("x"))), &head("alice")).await.unwrap_err().0, 403);
    // First it has to be known who asks.
    assert_eq!(of(Box::new(staff()), &Head::new()).await.unwrap_err().0, 401);
    // Who has no account cannot be judged by it.
    let cron = Head::new().header("x-cron", SECRET);
    assert_eq!(of(Box::new(authenticated()), &cron).await.unwrap_err().0, 500);
    assert_eq!(of(Box::new(without_baseline(authenticated())), &cron).await, Ok(()));
    // A public route asks nobody.
    let plan = gate.plan(anyone()).unwrap();
    let who = gate.establish_for(&plan, &head("unconfirmed")).now_or_never().unwrap();
    assert!(gate.authorize(&who, &plan, &head("unconfirmed")).now_or_never().unwrap().is_ok());
}

#[test]
fn a_baseline_is_checked_and_left_out_as_a_whole() {
    let issuer = TestIssuer::new();
    let builder = || Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer());
    assert!(builder().baseline(role("nobody-knows")).build().is_err());
    assert!(builder().baseline(staff()).baseline(staff()).build().is_err());
    let gate = builder().baseline(staff()).build().unwrap();
    let text = gate.plan(any((without_baseline(staff()), scope("x")))).unwrap_err().to_string();
    assert!(text.contains("around the whole policy"), "{text}");
    assert!(gate.plan(without_baseline(any((staff(), scope("x"))))).is_ok());
}

/// A route is established as fresh as its own policy asks, so a baseline with `fresh` would answer 500 everywhere.
#[tokio::test]
async fn a_baseline_cannot_ask_for_a_fresh_identity_and_a_route_with_one_can() {
    let secret = || SharedSecret::new("cron", SECRET).unwrap();
    let builder = || Gate::builder().scheme(Scheme::new(secret()).header("x-cron"));
    for baseline in [
        Box::new(fresh(Duration::from_secs(60), authenticated())) as Box<dyn Policy>,
        Box::new(all((authenticated(), any((staff(), fresh(Duration::MAX, authenticated())))))),
        Box::new(hidden(fresh(Duration::ZERO, authenticated()))),
    ] {
        let error = builder().baseline(baseline).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("put it around the policies of routes"), "{error}");
    }
    let gate = builder().baseline(authenticated()).build().unwrap();
    let cron = Head::new().header("x-cron", SECRET);
    assert!(ask(&gate, fresh(Duration::ZERO, authenticated()), &cron).await.is_ok());
    assert_eq!(ask(&gate, fresh(Duration::ZERO, staff()), &cron).await.unwrap_err().status(), 403);
}
