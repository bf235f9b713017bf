//! Portcullis asks Cerbos what a caller may do: [`Cerbos`] is an [`Engine`](portcullis_core::Engine) over HTTP.
//!
//! ```
//! use portcullis_cerbos::Cerbos;
//! use portcullis_core::{Error, GateBuilder, HttpClient, policy::*};
//!
//! /// `client` is that of `portcullis-reqwest`, for example.
//! fn with_cerbos(
//!     gate: GateBuilder,
//!     client: impl HttpClient + 'static,
//! ) -> Result<GateBuilder, Error> {
//!     Ok(gate.engine("cerbos", Cerbos::new("https://cerbos.internal:3592", client)?))
//! }
//!
//! const READ: &dyn Policy = &engine("cerbos", "read").on("project", path("project_id"));
//! ```
//!
//! # What Cerbos gets
//! | in a policy of Cerbos | its value |
//! |---|---|
//! | `P.id` | the subject of the caller |
//! | `P.attr.issuer` | its issuer, if it has one: subjects of two issuers may be equal |
//! | `P.attr.kind` | `User`, `Service` or `Key` |
//! | roles of the principal | the caller's roles, and the role `user` for every caller |
//! | resource, `R.id` | the kind and identifier in the policy; `service` and `-` if it names none |
//! | `R.attr.role` | the caller's role on this resource, if the gate has a membership of the kind and the caller a role there |
//!
//! [`Cerbos::principal_attr`] and [`Cerbos::resource_attr`] add attributes of yours, such as those of the row. A name of the table
//! is an error there, so nothing stands in for a role. Numbers are doubles in Cerbos: send identifiers as texts.
//!
//! A role on a resource is no role of the principal, since it is valid there only. Ask for it in a condition:
//!
//! ```yaml
//! apiVersion: api.cerbos.dev/v1
//! resourcePolicy:
//!   version: default
//!   resource: project
//!   rules:
//!     - actions: [read]
//!       effect: EFFECT_ALLOW
//!       roles: [user]
//!       condition: { match: { expr: 'has(R.attr.role) && R.attr.role in ["viewer", "owner"]' } }
//! ```
//!
//! # What counts as a yes
//! `EFFECT_ALLOW` for the action and the resource that was asked about. An answer that lacks one of them, is about another
//! one, or cannot be read is an error (503) and never a yes or a no. A status other than 200 is one too, and 400 is a
//! configuration error (500). A resource that does not fit Cerbos's schemas is denied, with a warning in the log. Nothing is
//! asked twice. An error of a function that adds attributes is one of the request, and Cerbos is not asked.
//!
//! A [list](portcullis_core::Caller::filter) is asked about in requests of 50 resources, side by side, since a server accepts
//! no more by default.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod attributes;
mod cerbos;
mod request;

pub use cerbos::Cerbos;
