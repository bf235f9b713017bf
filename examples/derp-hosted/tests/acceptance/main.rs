//! The requests that describe the hosted backends of the original, by the numbers of its cases, and what this one answers: the
//! same on axum and on actix-web. Where it differs on purpose, the README of the example says so.
#![allow(clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, missing_docs, unreachable_pub, reason = "tests")]

mod clerk;
mod cognito;
mod service;
mod settings;
