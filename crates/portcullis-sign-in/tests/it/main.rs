//! Sign-in at a provider that is a fake client: no network, and a clock that stands still.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod flow;
mod logout;
mod op;
mod session;
mod step_up;
