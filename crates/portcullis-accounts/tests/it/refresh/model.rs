use portcullis_accounts::{
    Client, Secret, Session, SessionId, SessionRules, Token, UserId,
    store::{Ending, MemoryStore, RefusedRefresh, RotateOutcome, Rotation, SessionStore},
};
use proptest::{collection::vec, prelude::*};
use std::{
    future::Future,
    time::{Duration, SystemTime},
};
use tokio::runtime;

const GRACE: u64 = 30;
const IDLE: u64 = 1000;
const LIFE: u64 = 3000;
/// How many successors are followed.
const FOLLOWED: usize = 16;

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A family in a store, and all tokens of it that anybody has seen.
struct Family {
    store: MemoryStore,
    rules: SessionRules,
    tokens: Vec<Token>,
}

impl Family {
    async fn new(rules: SessionRules) -> Self {
        let session = Session {
            id: SessionId::new("session"),
            user: UserId::new("user"),
            stamp: 0,
            methods: vec!["pwd".into()],
            organization: None,
            client: Client::unknown(),
            created_at: at(0),
            used_at: at(0),
            not_after: at(LIFE),
            ended_at: None,
        };
        let (store, first) = (MemoryStore::new(), Token::new("first"));
        store.open(session, first.digest("refresh"), at(IDLE)).await.unwrap();
        Self { store, rules: rules.idle(Duration::from_secs(IDLE)), tokens: vec![first] }
    }

    /// What a token becomes, in the words of the model.
    async fn present(&mut self, token: usize, second: u64) -> Became {
        let secret = Secret::new([7; 32]).unwrap();
        let rotation = Rotation::new(self.tokens[token].clone(), secret, at(second), self.rules.clone());
        match self.store.rotate(rotation).await.unwrap() {
            RotateOutcome::Next { token, was_lost, .. } => {
                assert!(self.tokens.iter().all(|known| known.expose() != token.expose()), "a successor is new");
                self.tokens.push(token);
                if was_lost { Became::NextAgain } else { Became::Next }
            }
            RotateOutcome::Replay { token, .. } => {
                let known = self.tokens.iter().position(|known| known.expose() == token.expose());
                Became::Token(known.expect("a replay makes no token"))
            }
            RotateOutcome::Reused(_) => Became::End,
            RotateOutcome::Refused(_, RefusedRefresh::Expired) => Became::Expired,
            RotateOutcome::Refused(_, RefusedRefresh::Ended) => Became::Ended,
            RotateOutcome::Refused(_, _) => Became::Again,
            other => panic!("no such outcome: {other:?}"),
        }
    }

    /// How many tokens are live.
    async fn live(&self, second: u64) -> usize {
        let mut live = 0;
        for token in &self.tokens {
            let found = self.store.session_of(&token.digest("refresh")).await.unwrap();
            let is_live = found.is_some_and(|(session, row)| {
                session.is_open(at(second)) && row.is_live() && row.expires_at > at(second)
            });
            live += usize::from(is_live);
        }
        live
    }

    async fn has_ended(&self) -> bool {
        !self.store.ended_since(at(0)).await.unwrap().is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Became {
    Next,
    NextAgain,
    Token(usize),
    End,
    Expired,
    Ended,
    Again,
}

/// The tokens that lead to each other, oldest first, by their number; the last one is live. Whatever is not in it was lost.
struct Model {
    chain: Vec<Link>,
    issued: usize,
    has_ended: bool,
    answers_may_be_lost: bool,
    keeps_family: bool,
}

struct Link {
    token: usize,
    expires: u64,
    rotated: u64,
    lost: u32,
}

impl Model {
    fn new(answers_may_be_lost: bool, keeps_family: bool) -> Self {
        let first = Link { token: 0, expires: IDLE, rotated: 0, lost: 0 };
        Self { chain: vec![first], issued: 1, has_ended: false, answers_may_be_lost, keeps_family }
    }

    fn present(&mut self, token: usize, now: u64) -> Became {
        if self.has_ended {
            return Became::Ended;
        }
        if now >= LIFE {
            return Became::Expired;
        }
        let Some(place) = self.chain.iter().position(|link| link.token == token) else { return self.reuse() };
        let last = self.chain.len() - 1;
        if place == last {
            return if now >= self.chain[last].expires { Became::Expired } else { self.next(now) };
        }
        if now - self.chain[place].rotated <= GRACE {
            return match last - place {
                FOLLOWED.. => Became::Again,
                _ if now >= self.chain[last].expires => Became::Expired,
                _ => Became::Token(self.chain[last].token),
            };
        }
        let link = &mut self.chain[place];
        if self.answers_may_be_lost && place + 1 == last && link.lost < 3 && now < link.expires {
            link.lost += 1;
            self.chain.truncate(last);
            self.next(now);
            return Became::NextAgain;
        }
        self.reuse()
    }

    fn next(&mut self, now: u64) -> Became {
        if let Some(last) = self.chain.last_mut() {
            last.rotated = now;
        }
        self.chain.push(Link { token: self.issued, expires: LIFE.min(now + IDLE), rotated: 0, lost: 0 });
        self.issued += 1;
        Became::Next
    }

    fn reuse(&mut self) -> Became {
        if self.keeps_family {
            return Became::Again;
        }
        self.has_ended = true;
        Became::End
    }
}

/// How long until something happens next: more often around the grace period than elsewhere.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(0), 4 => 1..GRACE, 2 => Just(GRACE), 2 => Just(GRACE + 1), 1 => 1..IDLE, 1 => Just(IDLE)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// The owner and any number of thieves present tokens, new ones more often than old ones.
    #[test]
    fn a_family_is_what_the_model_says(
        answers_may_be_lost: bool,
        keeps_family in prop::bool::weighted(0.2),
        uses in vec((gap(), prop_oneof![3 => 0..2_usize, 1 => 0..40_usize]), 1..40),
    ) {
        let mut rules = SessionRules::new();
        rules = if answers_may_be_lost { rules.answers_may_be_lost() } else { rules };
        rules = if keeps_family { rules.dangerous_keep_family() } else { rules };
        run(async {
            let (mut family, mut now) = (Family::new(rules).await, 0);
            let mut model = Model::new(answers_may_be_lost, keeps_family);
            for (gap, behind) in uses {
                now += gap;
                let token = (family.tokens.len() - 1).saturating_sub(behind);
                let expected = model.present(token, now);
                assert_eq!(family.present(token, now).await, expected, "token {token} at {now}");
                assert!(family.live(now).await <= 1, "a family does not fork");
                assert_eq!(family.has_ended().await, model.has_ended, "at {now}");
                assert!(!model.has_ended || family.live(now).await == 0, "nothing of an ended session is live");
            }
        });
    }

    /// The owner has several tabs, which present what they have, and the answer to one in four is lost.
    #[test]
    fn an_owner_alone_is_never_signed_out(
        uses in vec((0..IDLE, 0..3_usize, prop::bool::weighted(0.25)), 1..30),
    ) {
        run(async {
            let mut family = Family::new(SessionRules::new().life(Duration::from_secs(LIFE)).answers_may_be_lost()).await;
            let (mut now, mut newest, mut expires, mut lost_in_a_row) = (0, 0, IDLE, 0);
            for (gap, tabs, is_lost) in uses {
                now += gap;
                let presented = newest;
                // All tabs share one cookie, and present it within the grace period.
                for tab in 0..=tabs {
                    match family.present(presented, now + u64::try_from(tab).unwrap_or(0)).await {
                        Became::Next | Became::NextAgain if !is_lost => {
                            (newest, expires) = (family.tokens.len() - 1, now + IDLE);
                        }
                        Became::Token(token) if !is_lost => newest = token,
                        Became::Next | Became::NextAgain | Became::Token(_) => {}
                        // Too long away, or too many answers lost.
                        Became::Expired | Became::End if now + 2 >= expires.min(LIFE) || lost_in_a_row > 3 => return,
                        other => panic!("an owner gets a token, and not {other:?}"),
                    }
                }
                lost_in_a_row = if is_lost { lost_in_a_row + 1 } else { 0 };
                assert!(!family.has_ended().await);
            }
        });
    }

    /// A thief has a token of the owner's. Both refresh with what they have, each after the other's grace period. Whoever is
    /// second is found out, where answers may be lost one refresh later.
    #[test]
    fn a_stolen_token_does_not_live_beside_its_owner(
        answers_may_be_lost: bool,
        exchanged_before in 0..5_u64,
        is_thief_first: bool,
        gap in (GRACE + 1)..100,
    ) {
        let mut rules = SessionRules::new();
        rules = if answers_may_be_lost { rules.answers_may_be_lost() } else { rules };
        run(async {
            let mut family = Family::new(rules).await;
            for number in 0..exchanged_before {
                family.present(family.tokens.len() - 1, number).await;
            }
            let mut now = exchanged_before;
            // What each of the two has; the thief's is a copy.
            let mut held = [family.tokens.len() - 1; 2];
            let mut refreshes = 0;
            while !family.has_ended().await {
                let who = (refreshes + usize::from(is_thief_first)) % 2;
                now += gap;
                match family.present(held[who], now).await {
                    Became::Next | Became::NextAgain => held[who] = family.tokens.len() - 1,
                    Became::End => {}
                    other => panic!("they get a token or are found out, and not {other:?}"),
                }
                refreshes += 1;
                assert!(refreshes <= 2 + usize::from(answers_may_be_lost), "both go on after {refreshes} refreshes");
            }
            assert_eq!(family.live(now).await, 0, "neither has anything of use");
        });
    }
}

#[test]
fn a_token_too_far_behind_is_refused_and_does_no_harm() {
    run(async {
        let mut family = Family::new(SessionRules::new()).await;
        for token in 0..FOLLOWED {
            assert_eq!(family.present(token, 1).await, Became::Next);
        }
        assert_eq!(family.present(0, 1).await, Became::Again);
        assert_eq!(family.present(1, 1).await, Became::Token(FOLLOWED));
        assert_eq!(family.present(FOLLOWED, 1).await, Became::Next, "the live token is exchanged");
    });
}

#[test]
fn a_sign_out_leaves_nothing_to_present() {
    run(async {
        let mut family = Family::new(SessionRules::new()).await;
        assert_eq!(family.present(0, 1).await, Became::Next);
        let ended = family.store.end(Ending::OfToken(&family.tokens[0].digest("refresh")), at(2)).await;
        assert_eq!(ended.unwrap().len(), 1);
        for token in [0, 1] {
            assert_eq!(family.present(token, 3).await, Became::Ended);
        }
    });
}
