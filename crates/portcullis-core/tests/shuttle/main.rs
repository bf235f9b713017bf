//! Single flights and the cell that keys are read from, in the orders that a scheduler can think of. A failure says the
//! schedule that led to it.
//!
//! ```text
//! RUSTC_WORKSPACE_WRAPPER="$PWD/.ci/rustc-shuttle" cargo test -p portcullis-core --features testing --test shuttle --release
//! ```
//!
//! `SCHEDULES` says how many of each kind, for a longer run, and `SHUTTLE_RANDOM_SEED` which.
#![cfg(portcullis_shuttle)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod cold;
mod desk;
mod failing;
mod introspection;
mod leaving;
mod rig;
mod rotation;
mod schedules;
mod snapshots;
mod unknown;
