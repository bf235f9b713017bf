//! The bodies of the fuzz targets: plain functions, so that an ordinary test can replay the corpora without libFuzzer.
//!
//! Each takes any bytes, panics where a promise of the library is broken, and tells whether the input came through: a
//! credential was read, a token, a key or an address accepted, keys fetched, a query scrubbed. `README.md` says what each one
//! promises.

mod claims;
mod discovery;
mod header;
mod introspection;
mod json;
mod keys;
mod origin;
mod request;
mod scripted;
mod scrub;
mod signed;
mod sources;
mod structured;
mod token;

pub use claims::claims_json;
pub use discovery::discovery;
pub use header::header_json;
pub use introspection::introspection;
pub use keys::{jwk, jwk_set};
pub use origin::origin;
pub use scrub::scrub_query;
pub use signed::signed_address;
pub use sources::{bearer, cookie, query, websocket};
pub use structured::structured;
pub use token::{compact_token, sealed, tokens};

/// The body of a target.
pub type Target = fn(&[u8]) -> bool;

/// Every target under the name of its binary and its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("bearer", bearer),
    ("cookie", cookie),
    ("query", query),
    ("websocket", websocket),
    ("origin", origin),
    ("scrub_query", scrub_query),
    ("signed_address", signed_address),
    ("compact_token", compact_token),
    ("header_json", header_json),
    ("claims_json", claims_json),
    ("jwk", jwk),
    ("jwk_set", jwk_set),
    ("introspection", introspection),
    ("discovery", discovery),
    ("structured", structured),
];

/// What the clocks of all targets but `structured` show.
const NOW: u64 = 1_800_000_000;
