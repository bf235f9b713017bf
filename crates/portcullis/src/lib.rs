#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use portcullis_core::*;

#[cfg(feature = "actix")]
#[doc(inline)]
pub use portcullis_actix as actix;
#[cfg(feature = "axum")]
#[doc(inline)]
pub use portcullis_axum as axum;
#[cfg(feature = "tower")]
#[doc(inline)]
pub use portcullis_tower as tower;

#[cfg(feature = "directus")]
#[doc(inline)]
pub use portcullis_providers::directus;
