//! Portcullis for the tokens of particular issuers.
//!
//! Each module is a verifier with the issuer's rules as defaults, and a named method for everything that can be
//! loosened.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod directus;
