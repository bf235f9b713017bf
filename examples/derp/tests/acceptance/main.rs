//! The acceptance cases of the original system, by their numbers, and what this one answers, on axum and on actix-web. Where it
//! differs on purpose, the README of the example says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod clerk;
mod cognito;
mod config;
mod context;
mod hosted;
mod links;
#[path = "../../../../tests/accounts/log.rs"]
mod log;
mod members;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../../crates/portcullis-accounts/tests/it/op.rs"]
mod op;
mod organizations;
mod page;
mod programs;
mod providers;
mod service;
mod sessions;
mod settings;
mod sign_in;
mod sign_up;
mod tokens;
