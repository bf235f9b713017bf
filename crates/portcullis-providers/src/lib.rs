//! Portcullis for the tokens of particular issuers.
//!
//! Each module has the rules of its issuer as defaults, as a function that returns an [`Issuer`](portcullis_core::Issuer) of
//! a [`Jwt`](portcullis_core::Jwt). [`directus`] is a verifier of its own, because its tokens do not show everything that has to be checked.
//!
//! What an issuer does not limit is an argument. Where every account, repository or tenant of an issuer can get a token for every
//! audience, the function asks whose tokens are accepted.
//!
//! An issuer that is not here needs no module: an `Issuer` with its audience, its algorithms and a
//! [`ClaimMap`](portcullis_core::ClaimMap) is usually enough, or [`rfc9068`] if it follows that profile.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod auth0;
pub mod aws_load_balancer;
pub mod clerk;
pub mod cognito;
pub mod directus;
pub mod entra;
pub mod firebase;
pub mod github_actions;
pub mod google;
pub mod keycloak;
pub mod kubernetes;
pub mod okta;
mod parts;
pub mod rfc9068;
pub mod stytch;
pub mod supabase;
pub mod zitadel;
