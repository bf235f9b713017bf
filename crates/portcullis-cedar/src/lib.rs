//! Portcullis asks policies of [Cedar](cedar_policy): [`Cedar`] is an [`Engine`](portcullis_core::Engine) in the process of the
//! service.
//!
//! ```
//! use portcullis_cedar::Cedar;
//! use portcullis_core::{Error, GateBuilder, policy::*};
//!
//! const POLICIES: &str = r#"
//!     permit (principal in Role::"editor", action == Action::"edit", resource is Photo);
//!     permit (principal, action == Action::"edit", resource is Photo)
//!     when { context has role && context.role == "owner" };
//!     forbid (principal, action, resource) when { principal is Key };
//! "#;
//!
//! fn with_cedar(gate: GateBuilder) -> Result<GateBuilder, Error> {
//!     Ok(gate.engine("cedar", Cedar::new(POLICIES)?))
//! }
//!
//! const EDIT: &dyn Policy = &engine("cedar", "edit").on("photo", path("photo_id"));
//! ```
//!
//! It is a workspace of its own, and no feature of the crate `portcullis`: `cedar-policy` makes `serde_json` keep the order of
//! objects in the whole program.
//!
//! # What Cedar gets
//! | in a policy of Cedar | its value |
//! |---|---|
//! | `principal` | `User`, `Service` or `Key`, with kind, issuer and subject as identifier: `User::"user\|https://id.example.com\|alice"` |
//! | its parents | the caller's roles everywhere: `Role::"editor"` |
//! | `action` | `Action::"edit"`, the action in the policy of the gate |
//! | `resource` | the kind in the policy as a type, each word with a capital: `photo` is `Photo`, `tile_set` and `tile-set` are `TileSet`. Its identifier is that of the request. A policy without a resource asks about `Application::"application"` |
//! | `context.role` | the caller's role on the resource, if the gate has a membership of the kind and the caller a role there |
//!
//! A role on a resource is no parent of the principal, since it is valid there only. [`Cedar::principal_attr`] and
//! [`Cedar::resource_attr`] add attributes, and [`Cedar::namespace`] puts all types into a namespace. Identifiers are never
//! parsed, so no text in a token or an address can become something else than an identifier. A kind that would have one of the other types
//! of the table, such as `user`, is an error (500).
//!
//! # What counts as a yes
//! `Allow`, if Cedar evaluated all policies. Cedar leaves a policy out that fails, so a failing `forbid` could turn a no into a yes.
//! Each error of a policy is therefore an error of the request (500), also where another policy permits or forbids it. With a
//! [schema](Cedar::schema), most of these are found at the start.
//!
//! Which policies forbade a request is in the log at debug level, or that none permitted it. Cedar reads every policy for each
//! question, so the time grows with their number.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cedar;
mod entities;

pub use cedar::Cedar;
