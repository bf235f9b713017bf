//! The endpoints of accounts on both frameworks: each script of requests runs on axum and on actix-web, and both give the same
//! answers. All of it runs under a log at TRACE, in which no secret may appear.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "tests"
)]

mod baseline;
mod cookies;
mod debug;
mod document;
mod endpoints;
mod log;
mod networks;
#[path = "../../crates/portcullis-accounts/tests/it/op.rs"]
mod op;
mod organizations;
mod origins;
mod providers;
mod refusals;
mod request;
mod second_factor;
mod secrets;
mod ways;
mod wire;
mod world;
