//! What users of these providers are promised, written against the public API.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, unreachable_pub, reason = "tests")]

mod aws_load_balancer;
mod clerk;
mod cognito;
mod directus;
mod directus_client;
mod fresh;
mod gate;
mod hosted;
mod instance;
mod memory;
mod outages;
mod parity;
mod settings;
mod shapes;
mod staff;
mod stytch;
mod tokens;
mod users;
mod ways;
