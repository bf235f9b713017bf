//! What the adapters of Portcullis do alike. It knows no framework.
//!
//! Applications depend on `portcullis`; this crate is for writing an adapter to another framework.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod pending;
mod routes;

pub use pending::PendingError;
pub use routes::{Book, JoinPaths, Row, Table};
