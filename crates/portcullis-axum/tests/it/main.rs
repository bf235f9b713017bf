//! What axum services are promised, written against the public API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod acting;
mod answers;
mod caller;
mod cast;
mod decoding;
mod discovery;
mod enforce;
mod extract;
mod fresh;
mod guarded;
mod hidden;
mod layers;
mod leased;
// The same reader of log events as in the tests of the crate below.
#[path = "../../../portcullis-tower/tests/it/log.rs"]
mod log;
mod once;
mod proof;
mod routes;
mod routes_paved;
mod schemes;
// The same requests and answers as on the other frameworks.
#[path = "../../../portcullis-tower/tests/it/schemes_table.rs"]
mod schemes_table;
mod scrub;
mod shown;
mod signed;
mod skips;
mod standings;
mod webhook;
mod wire;
