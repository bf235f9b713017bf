//! The requests that describe the original system, by the numbers of its cases, and what this one answers: the same on axum
//! and on actix-web. Where it differs on purpose, the README of the example says so.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

mod people;
mod secrets;
mod service;
mod signing_in;
