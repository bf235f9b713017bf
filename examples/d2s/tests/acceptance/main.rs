//! The acceptance cases of the original system, by their numbers, and what this one answers: the same on axum and on
//! actix-web, with the same questions to the database. Where it differs on purpose, the README of the example says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod api_keys;
mod binaries;
mod browser;
mod links;
#[path = "../../../../tests/accounts/log.rs"]
mod log;
mod matrix;
mod projects;
mod questions;
mod readmes;
mod refresh;
mod resources;
mod service;
mod sign_in;
mod table;
mod teams;
mod tiles;
mod tokens;
mod users_table;
mod vectors;
