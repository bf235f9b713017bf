//! Tokens for requests that this service sends to others.
//!
//! A [`TokenSource`] says how a token is requested, and a [`KeptToken`] keeps it (`kept.rs`). [`ClientCredentials`] is that for
//! the service itself. [`TokenExchange`] is for a caller of the service, and keeps nothing. What both send to a token endpoint,
//! and how its answer is read, is in `endpoint.rs`.

mod bearer;
mod client_credentials;
mod endpoint;
mod exchange;
mod kept;

pub use bearer::BearerToken;
pub use client_credentials::ClientCredentials;
pub use exchange::TokenExchange;
pub use kept::{KeptToken, TokenSource};
