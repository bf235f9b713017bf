//! What adapters are promised, written against the public API.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, unreachable_pub, reason = "tests")]

mod matrix;
#[cfg(feature = "utoipa")]
mod openapi;
mod routes;
mod tables;
