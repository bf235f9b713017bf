//! What it costs to know a token again: by a gate with a cache, by hand with `moka`, and by no more than a hash map.

use crate::{
    case::{Case, Operation},
    claims::Small,
    head::Head,
    tokens::Tokens,
    verify::OURS,
};
use aws_lc_rs::digest::{SHA256, digest};
use foldhash::quality::RandomState;
use moka::sync::Cache;
use portcullis_core::{Algorithm, Gate, Scheme, TokenCache};
use std::{
    collections::HashMap,
    hint::black_box,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// One token again and again.
pub(crate) const HOT: &str = "cache/hot HS256";
/// Written by hand so that the cache keeps no token.
pub(crate) const PEER: &str = "moka, SHA-256";

/// What every cache has room for.
const ROOM: usize = 20_000;
const MANY: usize = 10_000;

/// A case for every number of tokens and threads whose name is wanted.
pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let cases = [
        ("hot HS256", Algorithm::Hs256, 1, false),
        ("hot RS256", Algorithm::Rs256, 1, false),
        ("10k HS256", Algorithm::Hs256, MANY, false),
        ("10k HS256, two threads", Algorithm::Hs256, MANY, true),
    ];
    let case = |(row, algorithm, tokens, in_company)| {
        let (name, table) = (format!("cache/{row}"), "cache, a token that was verified before".to_owned());
        wanted(&name).then(|| Case { name, table, row, operations: operations(algorithm, tokens, in_company) })
    };
    cases.into_iter().filter_map(case).collect()
}

/// Ours first, then the one by hand, and the least that can be done last.
fn operations(algorithm: Algorithm, tokens: usize, in_company: bool) -> Vec<Operation> {
    let bench = Bench::new(algorithm, tokens, in_company);
    let mut operations = vec![ours(&bench), moka_by_hash(&bench), moka_by_text(&bench)];
    if tokens == 1 {
        operations.push(uncached(&bench));
    }
    operations.push(hash_map(&bench));
    operations
}

fn ours(bench: &Bench) -> Operation {
    bench.establish(OURS, bench.of.gate(TokenCache::new(ROOM)))
}

fn uncached(bench: &Bench) -> Operation {
    let gate = Gate::builder().scheme(Scheme::new(bench.of.verifier()).bearer()).build();
    bench.establish("portcullis, uncached", gate.expect("the gate is sound"))
}

fn moka_by_hash(bench: &Bench) -> Operation {
    let hash = |token: &str| <[u8; 32]>::try_from(digest(&SHA256, token.as_bytes()).as_ref()).expect("it is as long");
    let cache = Cache::new(ROOM as u64);
    bench.each(|token, claims| cache.insert(hash(token), claims));
    cache.run_pending_tasks();
    bench.operation(PEER, move |request| in_time(cache.get(&hash(request.token()))))
}

fn moka_by_text(bench: &Bench) -> Operation {
    let cache = Cache::<String, _>::new(ROOM as u64);
    bench.each(|token, claims| cache.insert(token.to_owned(), claims));
    cache.run_pending_tasks();
    bench.operation("moka, text", move |request| in_time(cache.get(request.token())))
}

/// Which cannot learn or forget a token while it is asked.
fn hash_map(bench: &Bench) -> Operation {
    let mut map = HashMap::<String, _, _>::with_capacity_and_hasher(ROOM, RandomState::default());
    bench.each(|token, claims| drop(map.insert(token.to_owned(), claims)));
    let map = Arc::new(map);
    bench.operation("hash map", move |request| in_time(map.get(request.token()).cloned()))
}

/// The claims that were found, which may have expired since.
fn in_time(found: Option<Arc<Small>>) -> Arc<Small> {
    let claims = found.expect("there is room for all of them");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    assert!(now.as_secs() < claims.exp, "the token has not expired");
    claims
}

/// The requests that come, and whose tokens they have.
struct Bench {
    of: Tokens,
    requests: Arc<[Head]>,
    in_company: bool,
}

impl Bench {
    fn new(algorithm: Algorithm, tokens: usize, in_company: bool) -> Self {
        let of = Tokens::new(algorithm);
        Self { requests: (0..tokens).map(|number| of.request(number)).collect(), of, in_company }
    }

    /// Gives each token and its claims to a cache.
    fn each(&self, mut insert: impl FnMut(&str, Arc<Small>)) {
        let verifier = self.of.verifier();
        for request in &*self.requests {
            let claims = verifier.verify(request.token()).expect("the token is good");
            insert(request.token(), Arc::new(claims.view::<Small>().expect("the claims fit their type").clone()));
        }
    }

    /// Finds out who makes the request, its head read included.
    fn establish(&self, by: &'static str, gate: Gate) -> Operation {
        let establish = move |request: &Head| {
            let established = gate.establish(request).ready().expect("nobody is waited for");
            assert!(established.principal().is_ok());
            established
        };
        self.requests.iter().for_each(|request| drop(establish(request)));
        self.operation(by, establish)
    }

    /// Looks for one token after the other, on every thread in an order of its own that is the same for all operations.
    fn operation<R>(&self, by: &'static str, look: impl Fn(&Head) -> R + Clone + Send + 'static) -> Operation {
        let run = |mut order: Order| {
            let (requests, look) = (self.requests.clone(), look.clone());
            move || {
                let request = requests.get(order.below(requests.len())).expect("it is below their number");
                look(black_box(request))
            }
        };
        let mut operation = Operation::new(by, run(Order(0x9E37_79B9_7F4A_7C15)));
        operation.spread = self.requests.len();
        if self.in_company { operation.beside(run(Order(0xD1B5_4A32_D192_ED03))) } else { operation }
    }
}

/// Numbers without a pattern (xorshift), the same in every run.
struct Order(u64);

impl Order {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) as usize * end) >> 32
    }
}
