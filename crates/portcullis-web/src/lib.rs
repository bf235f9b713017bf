//! What the adapters of Portcullis do alike. It knows no framework.
//!
//! Applications depend on `portcullis`; this crate is for writing an adapter to another framework.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod pending;

pub use pending::PendingError;
