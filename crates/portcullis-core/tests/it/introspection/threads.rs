//! Many threads, one verifier.

use super::{INACTIVE, Outcome, active, asking_of, begin, client::*, millis, without_keys};
use crate::tokens::NOW;
use portcullis_core::{ErrorKind, HttpClient, HttpRequest, Introspection, Reply, testing::FixedClock};
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

const THREADS: usize = 8;
const TOKENS: usize = 12;

/// Longer than anything here takes, on any machine: who has not come back by then never will.
const FOREVER: Duration = Duration::from_secs(120);

/// How a token stands at its issuer: since when it is not active, and how often that has changed.
#[derive(Clone, Copy, PartialEq)]
struct Standing {
    inactive_since: Option<u64>,
    changes: usize,
}

/// The issuer and its clock. Time moves and tokens change only while nobody is being answered.
#[derive(Clone)]
struct World {
    clock: FixedClock,
    millis: Arc<RwLock<(u64, [Standing; TOKENS])>>,
    asked: Arc<AtomicUsize>,
    under_way: Arc<Mutex<[usize; TOKENS]>>,
    postbox: mpsc::Sender<(usize, Reply)>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

fn place(request: &HttpRequest) -> usize {
    let token = request.body().split_once("token-").unwrap().1;
    token.split('&').next().unwrap().parse().unwrap()
}

impl World {
    fn answer(&self, token: usize, reply: Reply) {
        let world = self.millis.read().unwrap();
        self.under_way.lock().unwrap()[token] -= 1;
        match fastrand::u8(..20) {
            0 => drop(reply),
            1 => reply.give(outage()),
            _ if world.1[token].inactive_since.is_some() => reply.give(ok(INACTIVE)),
            _ => reply.give(ok(active(&[]))),
        }
    }
}

impl HttpClient for World {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let token = place(&request);
        self.asked.fetch_add(1, SeqCst);
        {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            under_way[token] += 1;
            assert_eq!(under_way[token], 1, "two questions about one token are under way");
        }
        match fastrand::bool() {
            true => self.answer(token, reply),
            false => self.postbox.send((token, reply)).unwrap(),
        }
    }
}

/// One step of one thread. Where a token was let in for longer than it may be, the text of the failure.
fn step(world: &World, asking: &Introspection, runtime: &tokio::runtime::Runtime) -> Option<String> {
    let token = fastrand::usize(..TOKENS);
    match fastrand::u8(..10) {
        0 => {
            let mut world_now = world.millis.write().unwrap();
            let by = fastrand::u64(1..4000);
            world.clock.advance(millis(by));
            world_now.0 += by;
        }
        1 => {
            let mut world_now = world.millis.write().unwrap();
            let now = world_now.0;
            let standing = &mut world_now.1[token];
            standing.inactive_since = standing.inactive_since.is_none().then_some(now);
            standing.changes += 1;
        }
        2 => drop(super::poll(&mut begin(asking, &format!("token-{token}")))),
        _ => {
            let (now, before) = {
                let world = world.millis.read().unwrap();
                (world.0, world.1[token])
            };
            let outcome: Outcome = runtime.block_on(begin(asking, &format!("token-{token}")));
            let after = world.millis.read().unwrap().1[token];
            let unchanged = before == after;
            let is_long_over = before.inactive_since.is_some_and(|since| now >= since + 10_000);
            match &outcome {
                Ok(_) if unchanged && is_long_over => {
                    return Some(format!("token-{token} at {now}: {:?}", before.inactive_since));
                }
                Err(error) if ![ErrorKind::Invalid, ErrorKind::Unavailable].contains(&error.kind()) => {
                    return Some(format!("{error:?}"));
                }
                _ => {}
            }
        }
    }
    None
}

#[test]
fn nobody_is_let_in_for_long_whose_token_has_ended() {
    let (postbox, posted) = mpsc::channel();
    let standing = Standing { inactive_since: None, changes: 0 };
    let world = World {
        clock: FixedClock::at(NOW),
        millis: Arc::new(RwLock::new((0, [standing; TOKENS]))),
        asked: Arc::default(),
        under_way: Arc::default(),
        postbox,
    };
    let asking = Introspection::new(without_keys(), super::URL, world.clone()).unwrap().clock(world.clock.clone());
    let (done, results) = mpsc::channel();
    let answering = world.clone();
    thread::spawn(move || posted.iter().for_each(|(token, reply)| answering.answer(token, reply)));
    for _ in 0..THREADS {
        let (world, asking, done) = (world.clone(), asking.clone(), done.clone());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let failed = (0..4000).find_map(|_| step(&world, &asking, &runtime));
            done.send(failed).unwrap();
        });
    }
    drop(done);
    for _ in 0..THREADS {
        assert_eq!(results.recv_timeout(FOREVER).expect("a thread hangs or has panicked"), None);
    }
    assert!(world.asked.load(SeqCst) > 100, "the issuer was asked at all");
}

/// Eight threads begin together, again and again: one question each time.
#[test]
fn who_asks_first() {
    let endpoint = Endpoint::later();
    let asking = asking_of(without_keys(), &endpoint, &FixedClock::at(NOW));
    for round in 0..200 {
        let token = format!("token-{round}");
        let barrier = Arc::new(std::sync::Barrier::new(THREADS));
        let (done, results) = mpsc::channel();
        for _ in 0..THREADS {
            let (asking, token, barrier, done) = (asking.clone(), token.clone(), barrier.clone(), done.clone());
            thread::spawn(move || {
                barrier.wait();
                let mut waiting = begin(&asking, &token);
                let early = super::poll(&mut waiting).is_some();
                done.send((early, waiting)).unwrap();
            });
        }
        let waiting: Vec<_> = (0..THREADS).map(|_| results.recv_timeout(FOREVER).unwrap()).collect();
        assert_eq!((endpoint.asked(), endpoint.under_way().len()), (round + 1, 1));
        endpoint.answer(&token, ok(active(&[])));
        for (early, mut waiting) in waiting {
            assert!(!early && super::poll(&mut waiting).unwrap().is_ok());
        }
    }
}
