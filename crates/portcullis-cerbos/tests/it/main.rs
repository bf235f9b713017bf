//! Cerbos as an engine: against answers that a test writes, and against a server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod answers;
mod live;
