//! What users of these providers are promised, written against the public API.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, unreachable_pub, reason = "tests")]

mod cognito;
mod directus;
mod fresh;
mod gate;
mod instance;
mod memory;
mod outages;
mod settings;
mod staff;
mod tokens;
mod users;
mod ways;
