//! Portcullis for the tokens of particular issuers.
//!
//! Each module has the rules of its issuer as defaults. Everything that can be loosened has a method of its own.
//!
//! An issuer that is not here needs no module: an [`Issuer`](portcullis_core::Issuer) with its audience, its algorithms and a
//! [`ClaimMap`](portcullis_core::ClaimMap) is usually enough. A module is worth it where the tokens do not show everything that
//! has to be checked.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod cognito;
pub mod directus;
