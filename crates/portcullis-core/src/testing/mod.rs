//! For tests: an issuer with real keys, a fixed clock, and principals without tokens.
//!
//! Nothing here needs a network, and nothing sleeps. The keys are published with this crate: never enable the feature
//! `testing` in a service.
//!
//! ```
//! use portcullis_core::{
//!     Credential, CredentialSource, ErrorKind, Gate, Scheme, testing::TestIssuer,
//! };
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
//! let issuer = TestIssuer::new();
//! let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
//! let token = issuer.token("alice").role("manager").expires_in(Duration::from_secs(300)).sign();
//! let by = |token: &str| {
//!     gate.authenticate(Credential::new(token.to_owned(), CredentialSource::bearer()))
//! };
//!
//! assert_eq!(by(&token).await.principal()?.roles(), ["manager".into()]);
//! issuer.clock().advance(Duration::from_secs(3600)); // the gate uses the clock of its verifier
//! assert!(by(&token).await.principal().is_err_and(|error| error.kind() == ErrorKind::Expired));
//! # Ok(()) }
//! ```

mod clock;
mod issuer;
mod key_store;
mod signing_key;

pub use clock::FixedClock;
pub use issuer::{TestIssuer, TestToken};
pub use key_store::key_store;
pub use signing_key::SigningKey;

use crate::principal::{Principal, PrincipalKind};

/// A user without any token. Call handlers with it directly, or let a whole gate act as this user with
/// [`Gate::acting_as`](crate::Gate::acting_as).
///
/// ```
/// use portcullis_core::testing::acting_as;
///
/// let alice = acting_as("alice").with_role("manager").with_staff(true);
/// assert_eq!(alice.id().subject(), "alice");
/// ```
#[must_use]
pub fn acting_as(subject: impl Into<String>) -> Principal {
    Principal::new(PrincipalKind::User, subject)
}
