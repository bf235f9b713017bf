//! What the core promises, written against its public API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod accounts;
mod answers;
mod api_keys;
mod asking;
mod cached;
mod claim_paths;
mod claims;
mod clocks;
mod combined;
mod cross_origin;
mod described;
mod discovery;
mod engines;
mod explained;
mod flips;
mod forecasts;
mod fresh;
mod gate;
mod head;
mod ids;
mod inheritance;
mod introspection;
mod keys;
mod kit;
mod lease;
mod lists;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod negation;
mod organization_context;
mod outgoing;
mod permissions;
mod policies;
mod proof;
mod remote;
mod revocations;
mod roles;
mod schemes;
mod secrets;
mod shadows;
mod shown;
mod signed;
mod source_order;
mod sources;
mod standings;
mod step_up;
mod superuser;
mod tokens;
mod trusted;
mod typed;
mod vectors;
mod webhooks;
mod websocket;
mod who_am_i;
mod wiring;
