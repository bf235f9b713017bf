//! The common part of the adapters of Portcullis. It depends on no framework.
//!
//! Applications depend on `portcullis`. This crate is for writing an adapter for another framework. An adapter implements
//! [`Carrier`] for the requests of its framework, wraps services with a [`Guard`], and gives [`Extraction`]s to handlers.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod carrier;
mod extract;
mod guard;
mod memory;
mod pending;
mod routes;
mod seen;

pub use carrier::Carrier;
pub use extract::{Extracted, Extraction, Known, Route};
pub use guard::Guard;
pub use memory::{Memory, Pending, Who, establish};
pub use pending::PendingError;
pub use routes::{Book, JoinPaths, Row, Table};
pub use seen::Seen;
