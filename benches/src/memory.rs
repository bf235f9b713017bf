//! How much memory a token takes in the cache of a gate.

use crate::{
    allocations,
    claims::{Sample, Small},
    tokens::Tokens,
};
use portcullis_core::{Algorithm, TokenCache};

/// The bytes that the allocator was asked for and has not got back, a token: the tables of the cache included.
pub(crate) fn report() {
    let of = Tokens::new(Algorithm::Hs256);
    let (text, claims) = (of.request(0).token().len(), Small::JSON.len());
    println!("| tokens | bytes a token | its text | its claims | beyond |\n|---:|---:|---:|---:|---:|");
    for tokens in [100, 10_000, 1_000_000] {
        // With room for more, since its parts are not filled evenly.
        let gate = of.gate(TokenCache::new(2 * tokens).max_bytes(tokens << 13));
        let establish = |number| assert!(gate.establish(&of.request(number)).ready().is_ok());
        let all = allocations::during(|| (0..tokens).for_each(establish)).bytes / tokens;
        let is_known = |number: &usize| {
            let request = of.request(*number);
            allocations::during(|| drop(gate.establish(&request))).times == 0
        };
        assert_eq!((0..tokens).filter(is_known).count(), tokens, "all of them are in the cache");
        println!("| {tokens} | {all} | {text} | {claims} | {} |", all - text - claims);
    }
}
