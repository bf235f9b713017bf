//! What actix-web services are promised, written against the public API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

#[macro_use]
mod ask;
mod caller;
mod cast;
mod decoding;
mod decoding_names;
mod discovery;
mod enforce;
mod extract;
mod extract_gate;
mod fresh;
mod guarded;
mod hidden;
mod layers;
mod leased;
// The same reader of log events as in the tests of the tower crate.
#[path = "../../../portcullis-tower/tests/it/log.rs"]
mod log;
mod once;
mod once_cancelled;
mod option;
mod origin;
mod proof;
mod rejection;
mod require;
mod require_inner;
mod routes;
mod routes_order;
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
