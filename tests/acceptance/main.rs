//! One table of requests, sent through every way in: extractors, layers, middleware and routes of every framework. A
//! row says what is asked and the whole answer; where a way cannot run a row, `skips.rs` says why, and what it does
//! instead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "tests"
)]

mod cast;
mod cors;
mod pins;
mod places;
mod proofs;
mod row;
mod run;
mod sites;
mod skips;
mod table;
mod ways;
