//! The common part of the adapters of Portcullis. It depends on no framework.
//!
//! Applications depend on `portcullis`. This crate is for writing an adapter for another framework. An adapter implements
//! [`Carrier`] for the requests of its framework, wraps services with a [`Guard`], and gives [`Extraction`]s to handlers:
//!
//! ```
//! # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{Head, gate};
//! use portcullis_core::{Error, Plan, Principal, policy::role, testing::TestIssuer};
//! use portcullis_web::{Carrier, Extraction, Guard, Memory, Route};
//!
//! /// A request of some framework, with a place for what the adapter remembers.
//! struct Request {
//!     head: Head,
//!     memory: Option<Memory>,
//! }
//!
//! impl Carrier for Request {
//!     type Head<'a> = Head;
//!
//!     fn head(&mut self, _: Option<&Plan>) -> Head {
//!         self.head.clone()
//!     }
//!
//!     fn recall<T>(&self, see: impl FnOnce(&Memory) -> T) -> Option<T> {
//!         self.memory.as_ref().map(see)
//!     }
//!
//!     fn change(&mut self, change: impl FnOnce(&mut Memory)) {
//!         self.memory.as_mut().map(change);
//!     }
//!
//!     fn insert(&mut self, memory: Memory) {
//!         self.memory = Some(memory);
//!     }
//! }
//!
//! /// A guarded handler: its answer, or the error that the gate of the guard renders.
//! async fn serve(guard: &Guard, mut request: Request) -> Result<String, Error> {
//!     let decided = match guard.decide_now(&mut request) {
//!         Ok(decided) => decided,
//!         Err(who) => guard.decide(who, &request.head).await, // a database is asked
//!     };
//!     decided?;
//!     let route = Route::guarded(&request).unwrap_or_else(|| Route::open(guard.gate().clone()));
//!     let caller = Extraction::<Principal>::new(route);
//!     let principal = match caller.now(&mut request) {
//!         Ok(extracted) => extracted?,
//!         Err(who) => caller.wait(who, &request.head).await?,
//!     };
//!     Ok(principal.id().subject().to_owned())
//! }
//!
//! # fn main() -> Result<(), Error> {
//! # use futures_util::FutureExt;
//! # let now = |guard: &Guard, head| serve(guard, Request { head, memory: None }).now_or_never().expect("nothing waits");
//! let guard = Guard::new(&gate()?, role("viewer"))?;
//! let issuer = TestIssuer::new();
//! assert_eq!(now(&guard, Head::bearer(&issuer.token("alice").role("viewer").sign()))?, "alice");
//! assert_eq!(now(&guard, Head::bearer(&issuer.token("bob").sign())).unwrap_err().status(), 403);
//! assert_eq!(now(&guard, Head::default()).unwrap_err().status(), 401);
//! assert!(Guard::new(&gate()?, role("veiwer")).is_err());
//! # Ok(()) }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod carrier;
mod check_mark;
mod extract;
mod guard;
mod matrix;
mod memory;
mod pending;
mod routes;

pub use carrier::Carrier;
pub use check_mark::CheckMark;
pub use extract::{Extract, Extraction, Facts, Route};
pub use guard::Guard;
pub use matrix::{Diff, Matrix};
pub use memory::{Memory, Pending, Who, establish};
pub use pending::PendingError;
#[cfg(feature = "utoipa")]
pub use routes::OpenApiGaps;
pub use routes::{Book, JoinPaths, Row, Table};
