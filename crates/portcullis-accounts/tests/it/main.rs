//! Accounts over a store in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod admin;
mod cast;
mod config;
mod confirmation;
mod events;
mod keys;
mod op;
mod organizations;
mod passwords;
mod pre_registered;
mod providers;
mod refresh;
mod rotation;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_up;
mod step_up;
mod store;
