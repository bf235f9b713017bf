//! What users of these providers are promised, written against the public API.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod directus;
