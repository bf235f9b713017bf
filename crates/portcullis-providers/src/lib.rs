//! Portcullis for the tokens of particular issuers.
//!
//! Each module is a verifier with the issuer's rules as defaults. Everything that can be loosened has a method of its own.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod directus;
