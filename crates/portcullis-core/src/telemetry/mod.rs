//! What is counted, for the feature `metrics`. Without it, these functions are empty and these types have no size.
//!
//! The values of labels are a closed set: names that the service configures and constants of this library. Nothing that a request
//! contains becomes one, so no client can make a new time series.

#[cfg(feature = "metrics")]
mod record;
#[cfg(not(feature = "metrics"))]
mod silent;

#[cfg(feature = "metrics")]
pub use record::describe_metrics;
#[cfg(feature = "metrics")]
pub(crate) use record::{CacheMeter, Labels, allowed, pause, refused, upstream};
#[cfg(not(feature = "metrics"))]
pub(crate) use silent::{CacheMeter, Labels, allowed, pause, refused, upstream};

/// What an issuer is asked for.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "read by what counts"))]
pub(crate) enum Upstream {
    /// Its keys, with its discovery document where that is needed.
    Keys,
    /// What it says about a token.
    Token,
}
