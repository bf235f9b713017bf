//! Threads: every answer was right at some moment between question and answer.

use super::{web::Page, *};
use portcullis_core::{RevocationList, TokenId};
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

const THREADS: usize = 4;
const ROUNDS: u64 = 60;

/// What happens to tokens, round by round. Each number is told before it begins, or after it is over.
#[derive(Default)]
struct Times {
    beginning: AtomicU64,
    over: AtomicU64,
    done: AtomicBool,
    accepted: AtomicUsize,
    refused: AtomicUsize,
}

impl Times {
    /// Something withdraws the token of a round.
    fn withdraw(&self, round: u64, withdraw: impl FnOnce()) {
        self.beginning.store(round, SeqCst);
        withdraw();
        self.over.store(round, SeqCst);
    }

    /// A request with the token of a round, from a thread that goes on asking. It is accepted until its withdrawal has
    /// begun, and refused from when it is over.
    fn hold(&self, round: u64, ask: impl FnOnce() -> Result<Principal, Error>) {
        let was_over = self.over.load(SeqCst) >= round;
        let found = ask();
        let has_begun = self.beginning.load(SeqCst) >= round;
        match found {
            Ok(principal) => {
                assert_eq!(principal.claims::<View>().unwrap().jti, round.to_string());
                assert!(!was_over, "the token of round {round} is accepted after its end");
                self.accepted.fetch_add(1, SeqCst);
            }
            Err(error) => {
                assert!([ErrorKind::Invalid, ErrorKind::Expired].contains(&error.kind()), "{error:?}");
                assert!(has_begun, "the token of round {round} is refused before its end: {error}");
                self.refused.fetch_add(1, SeqCst);
            }
        }
    }

    /// Threads ask about the tokens around the present round until all is over, and each round begins when they have come
    /// this far.
    fn run(
        self: &Arc<Self>,
        ask: impl Fn(u64) -> Result<Principal, Error> + Clone + Send + 'static,
        withdraw: impl Fn(u64),
    ) {
        let (start, asked) = (Arc::new(Barrier::new(THREADS + 1)), Arc::new(AtomicUsize::new(0)));
        let threads: Vec<_> = (0..THREADS as u64)
            .map(|thread| {
                let (times, ask, start, asked) = (self.clone(), ask.clone(), start.clone(), asked.clone());
                thread::spawn(move || {
                    start.wait();
                    let mut turn = thread;
                    while !times.done.load(SeqCst) {
                        turn += 1;
                        let round = (times.over.load(SeqCst) + turn % 4).saturating_sub(1).clamp(1, ROUNDS);
                        times.hold(round, || ask(round));
                        asked.fetch_add(1, SeqCst);
                    }
                })
            })
            .collect();
        // Also where this fails.
        let done = Done(self);
        start.wait();
        for round in 1..=ROUNDS {
            let before = asked.load(SeqCst);
            while asked.load(SeqCst) < before + 6 && !threads.iter().any(thread::JoinHandle::is_finished) {
                thread::yield_now();
            }
            self.withdraw(round, || withdraw(round));
        }
        drop(done);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let (accepted, refused) = (self.accepted.load(SeqCst), self.refused.load(SeqCst));
        assert!(accepted.min(refused) >= ROUNDS as usize, "{accepted} accepted, {refused} refused");
    }
}

struct Done<'t>(&'t Times);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, SeqCst);
    }
}

fn ask(gate: &Gate, token: &str) -> Result<Principal, Error> {
    let who = gate.establish(&Head::new().bearer(token)).ready().unwrap_or_else(|waiting| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(waiting)
    });
    who.principal().cloned()
}

/// The sizes that matter: one that has room for all, and one in which tokens push each other out.
fn sizes() -> [TokenCache; 2] {
    [roomy(), TokenCache::new(2)]
}

#[test]
fn while_tokens_are_revoked() {
    for size in sizes() {
        let list = RevocationList::new(seconds(3600));
        let rig = Rig::of(|gate| gate.cache(size).revocations(list.clone()));
        rig.warm();
        let gate = rig.gate.clone();
        let tokens: Vec<String> = (0..=ROUNDS).map(|round| token(1, &round.to_string())).collect();
        Arc::new(Times::default()).run(
            move |round| ask(&gate, &tokens[round as usize]),
            |round| list.revoke_token(&TokenId::new(round.to_string()).with_issuer(ISSUER)),
        );
    }
}

#[test]
fn while_tokens_expire() {
    for size in sizes() {
        let rig = Rig::of(|gate| gate.cache(size));
        rig.web.change(ISSUER, |page| page.max_age = Some(3600));
        rig.warm();
        let gate = rig.gate.clone();
        let exp =
            |round: u64| claims(&format!("{round}"), "").replace(&(NOW + 3600).to_string(), &(NOW + round).to_string());
        let tokens: Vec<String> = (0..=ROUNDS).map(|round| signed(1, "k1", &exp(round))).collect();
        Arc::new(Times::default()).run(move |round| ask(&gate, &tokens[round as usize]), |_| rig.advance(1));
    }
}

/// The keys of the round are replaced, under the same names, by those of the next. The present one stays, so that nobody is
/// refused for what is under way.
#[test]
fn while_keys_are_replaced() {
    let number = |round: u64| (round % 30 + 1) as u8;
    let published = |round: u64| {
        // The key of the present round and those of the next, each under a name that others had before.
        let keys: Vec<(String, u8)> =
            (round..round + 6).map(|round| (format!("k{}", round % 7), number(round))).collect();
        Page { keys, tag: None, max_age: Some(10), health: web::Health::Well }
    };
    for size in sizes() {
        let rig = Rig::of(|gate| gate.cache(size));
        rig.web.publish(ISSUER, published(1));
        rig.client.clone().answering_in_send();
        rig.accepted(&signed(number(1), "k1", &claims("1", "")));
        let gate = rig.gate.clone();
        let tokens: Vec<String> = (0..=ROUNDS)
            .map(|round| signed(number(round), &format!("k{}", round % 7), &claims(&round.to_string(), "")))
            .collect();
        let first = tokens.clone();
        Arc::new(Times::default()).run(
            move |round| ask(&gate, &tokens[round as usize]),
            |round| {
                rig.web.publish(ISSUER, published(round + 1));
                rig.advance(10);
                // Whoever comes first fetches them, perhaps a moment too early. When this one is refused, they are there.
                let is_refused = |_| {
                    // The thread that fetches them may have to wait for its turn on a busy machine.
                    thread::yield_now();
                    ask(&rig.gate, &first[round as usize]).is_err()
                };
                assert!((0..100_000).any(is_refused), "the key of round {round} is withdrawn, and its token goes on");
            },
        );
    }
}
