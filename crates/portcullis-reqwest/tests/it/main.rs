//! What [`portcullis_reqwest::Client`] is promised to do, over loopback sockets with a script.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod address;
mod answer;
mod builder;
mod cast;
mod connections;
mod faults;
mod public;
#[path = "../../src/public.rs"]
mod ranges;
mod runtime;
mod size;
mod tls;
