//! What tower services are promised, written against the public API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod cast;
mod enforce;
mod fresh;
mod log;
mod params;
mod proof;
mod ready;
mod require;
mod respond;
mod schemes;
mod schemes_table;
mod scrub;
mod shown;
mod signed;
