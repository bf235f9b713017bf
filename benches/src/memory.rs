//! How much memory a token takes in the cache of a gate.

use crate::{
    allocations,
    claims::{Sample, Small},
    tokens::Tokens,
};
use portcullis_core::{Algorithm, TokenCache};

/// What a token may take beyond its text and claims, with so many in the cache.
const MOST: (usize, usize) = (10_000, 600);

/// The bytes that the allocator was asked for and has not got back, a token: the tables of the cache included.
pub(crate) fn report() {
    println!("| tokens | bytes a token | its text | its claims | beyond |\n|---:|---:|---:|---:|---:|");
    for tokens in [100, 10_000, 1_000_000] {
        let Taken { all, text, claims } = Taken::of(tokens);
        println!("| {tokens} | {all} | {text} | {claims} | {} |", all - text - claims);
    }
}

/// Says whether a token takes no more than it may.
pub(crate) fn judge() -> bool {
    let (tokens, most) = MOST;
    let Taken { all, text, claims } = Taken::of(tokens);
    let beyond = all - text - claims;
    println!("memory: {beyond} bytes a token beyond its text and claims, and at most {most} are allowed");
    beyond <= most
}

/// The bytes of a token, all of them, of its text and of its claims' text.
struct Taken {
    all: usize,
    text: usize,
    claims: usize,
}

impl Taken {
    /// With so many tokens in the cache.
    fn of(tokens: usize) -> Self {
        let of = Tokens::new(Algorithm::Hs256);
        // With room for more, since its parts are not filled evenly.
        let gate = of.gate(TokenCache::new(2 * tokens).max_bytes(tokens << 13));
        let establish = |number| assert!(gate.establish(&of.request(number)).ready().is_ok());
        let all = allocations::during(|| (0..tokens).for_each(establish)).bytes / tokens;
        let is_known = |number: &usize| {
            let request = of.request(*number);
            allocations::during(|| drop(gate.establish(&request))).times == 0
        };
        assert_eq!((0..tokens).filter(is_known).count(), tokens, "all of them are in the cache");
        Self { all, text: of.request(0).token().len(), claims: Small::JSON.len() }
    }
}
