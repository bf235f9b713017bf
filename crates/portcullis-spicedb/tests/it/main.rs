//! What [`portcullis_spicedb`] asks and makes of the answers: over loopback to a server with a script, whose messages are
//! generated from SpiceDB's own files, and in `live` to a SpiceDB.
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

mod checks;
mod freshness;
mod gate;
mod live;
mod lookup;
mod outage;
mod settings;
mod stand_in;
mod subjects;
