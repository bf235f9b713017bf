//! Portcullis asks SpiceDB who has which role on a resource: [`SpiceDbMembership`] is a
//! [`Membership`](portcullis_core::Membership) over gRPC.
//!
//! For services whose relations are kept outside of their database, such as for several services in common.
//!
//! ```no_run
//! use portcullis_core::{Error, Gate, GateBuilder, Principal, RoleHierarchy, policy::*};
//! use portcullis_spicedb::{Relationship, SpiceDb};
//! use tonic::transport::Endpoint;
//!
//! # fn main() -> Result<(), Error> { Ok(()) }
//! async fn connect() -> Result<SpiceDb, Error> {
//!     let channel = Endpoint::from_static("http://127.0.0.1:50051").connect_lazy();
//!     SpiceDb::builder(channel)
//!         .token("the preshared key")
//!         .issuer("https://id.example.com")
//!         .build()
//! }
//!
//! fn with_projects(gate: GateBuilder, spicedb: &SpiceDb) -> Result<GateBuilder, Error> {
//!     let projects = spicedb
//!         .membership("project", ["owner", "manager", "viewer"])?
//!         .permissions([("project:export", "export")])?;
//!     Ok(gate
//!         .roles(RoleHierarchy::ranked(["viewer", "manager", "owner"])?)
//!         .membership("project", projects))
//! }
//!
//! const READ: &dyn Policy = &role("viewer").on("project", path("project_id"));
//! const EXPORT: &dyn Policy = &permission("project:export").on("project", path("project_id"));
//!
//! /// Makes the caller an owner of a new project. The next request sees it.
//! async fn create(spicedb: &SpiceDb, id: u32, who: &Principal) -> Result<(), Error> {
//!     let owner = spicedb.subject(who)?.ok_or_else(|| Error::denied("not_a_user"))?;
//!     spicedb.write([Relationship::new("project", id, "owner", owner)?.touch()]).await?;
//!     Ok(())
//! }
//! ```
//!
//! # What a check sees
//! Checks see each write that went through the same [`SpiceDb`] or a clone of it, and each whose token was given to
//! [`SpiceDb::saw`]. They ask for an answer that is at least as fresh. Other writes may be seen late by then: by default up to 5
//! seconds, as SpiceDB is set up. While no token is known, checks are fully consistent, unless
//! [`minimize_latency`](SpiceDbBuilder::minimize_latency) is set. Below [`fresh`](portcullis_core::policy::fresh), they always
//! are.
//!
//! # What counts as no
//! A permission that depends on a caveat: no context is sent. A principal of another issuer is a stranger. Everything that
//! prevents an answer is an error and never a no, since [`not`](portcullis_core::policy::not) would turn that into a yes.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod client;
mod freshness;
mod membership;
mod messages;
mod names;

pub use builder::SpiceDbBuilder;
pub use client::SpiceDb;
pub use freshness::ZedToken;
pub use membership::SpiceDbMembership;
pub use names::{ObjectId, Relationship, Subject, Update};
