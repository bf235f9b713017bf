//! Portcullis as tower layers: guards for any service over [`http::Request`].
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis_core::{Gate, Scheme, policy::permission, testing::TestIssuer};
//! use portcullis_tower::GateExt;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::new();
//! let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
//!
//! let inner = service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
//! });
//! let guarded = gate.require(permission("kb:read")).layer(inner);
//!
//! let token = issuer.token("alice").permission("kb:*").sign();
//! let request =
//!     Request::get("/kb").header("authorization", format!("Bearer {token}")).body(())?;
//! assert_eq!(guarded.clone().oneshot(request).await?.status(), 200);
//! assert_eq!(guarded.oneshot(Request::get("/kb").body(())?).await?.status(), 401);
//! # Ok(()) }
//! ```
//!
//! Services behind a guard find the caller in the request with [`established`]. Path parameters are not known here;
//! `portcullis-axum` reads those of axum.
//!
//! In the examples of this crate, `gate()` makes a gate for tokens of a test issuer. `answer(…)` returns the status of a
//! response, with its body or the code of the error.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod carried;
mod enforce;
mod head;
mod refusal;
mod require;
mod scrub;

pub use carried::CarriedRequest;
pub use enforce::{Enforce, EnforceFuture, EnforceLayer};
pub use head::{Framework, Head, Params, ReadAddress, ReadParams, ReadPeer};
pub use refusal::{RefusalBody, respond, respond_error};
pub use require::{Require, RequireFuture, RequireLayer};
pub use scrub::{NotedUri, Scrub, ScrubLayer};

use http::Extensions;
use portcullis_core::{Authentication, Error, Gate, policy::Policy};
use portcullis_web::Memory;

/// The caller of a request, if this gate has already established it.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = gate()?;
/// let names = service_fn(|request: Request<Body>| {
///     let who = established(&gate, request.extensions());
///     let name = who
///         .and_then(|who| who.principal().ok())
///         .map_or("nobody", |principal| principal.id().subject());
///     ready(Ok::<_, Infallible>(Response::new(Body::from(name.to_owned()))))
/// });
/// let guarded = gate.require(authenticated()).layer(names.clone());
/// assert_eq!(
///     answer(guarded.clone(), bearer(&TestIssuer::new().token("alice").sign())),
///     "200 alice"
/// );
/// assert_eq!(answer(guarded, get("/")), "401 credential_missing");
/// assert_eq!(answer(names, get("/")), "200 nobody"); // without a guard
/// # Ok(()) }
/// ```
#[must_use]
pub fn established<'a>(gate: &Gate, extensions: &'a Extensions) -> Option<&'a Authentication> {
    extensions.get::<Memory>()?.established(gate)
}

/// Tells [`enforce`](GateExt::enforce) that this request was checked. Guards and extractors do this themselves.
pub fn mark_checked(extensions: &Extensions) {
    if let Some(memory) = extensions.get::<Memory>() {
        memory.mark_checked();
    }
}

/// Methods of a gate for tower services.
pub trait GateExt {
    /// A layer that lets requests through to a service if this policy allows them.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let guarded = gate()?.require(staff()).layer(ok());
    /// let issuer = TestIssuer::new();
    /// assert_eq!(answer(guarded.clone(), bearer(&issuer.token("root").staff().sign())), "200");
    /// assert_eq!(answer(guarded, bearer(&issuer.token("alice").sign())), "403 staff_required");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If [`try_require`](Self::try_require) returns an error.
    #[must_use]
    #[track_caller]
    fn require(&self, policy: impl Policy + 'static) -> RequireLayer;

    /// The same for policies that are built at run time.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> { let gate = gate()?;
    /// assert!(gate.try_require(role("viewer")).is_ok());
    /// assert!(gate.try_require(role("veiwer")).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) as [`Gate::plan`]: for a policy that names a
    /// role, permission or scheme that the gate does not know, that could never allow anybody, or that reads a path
    /// parameter, which a plain tower service does not have.
    fn try_require(&self, policy: impl Policy + 'static) -> Result<RequireLayer, Error>;

    /// An outermost layer that reports forgotten guards. If no guard and no extractor has checked a request, it replaces the
    /// response with 500 and says so in the log. The handler has already run by then, and its effects stay. Preflights (CORS)
    /// pass, and so do answers of 300 and above. See `docs/layers.md` for the order of layers.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate()?;
    /// assert_eq!(answer(gate.enforce().layer(gate.require(anyone()).layer(ok())), get("/")), "200");
    /// assert_eq!(answer(gate.enforce().layer(ok()), get("/")), "500"); // a guard was forgotten
    /// # Ok(()) }
    /// ```
    #[must_use]
    fn enforce(&self) -> EnforceLayer;

    /// An outermost layer that keeps credentials out of what the inner layers log. It replaces the values of credentials with
    /// `redacted` in the address, and in headers that repeat an address, such as `Referer`. It marks headers that contain a
    /// credential as sensitive. Guards and extractors can still read the credentials. Handlers see the rest of the query
    /// unchanged.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let issuer = TestIssuer::new();
    /// let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).query("token")).build()?;
    /// let address = service_fn(|request: Request<Body>| {
    ///     // as a layer inside would log it
    ///     ready(Ok::<_, Infallible>(Response::new(Body::from(request.uri().to_string()))))
    /// });
    /// let guarded = gate.scrub().layer(gate.require(authenticated()).layer(address));
    ///
    /// let token = issuer.token("alice").sign();
    /// assert_eq!(
    ///     answer(guarded.clone(), get(&format!("/tiles?x=1&token={token}"))),
    ///     "200 /tiles?x=1&token=redacted"
    /// );
    /// assert_eq!(answer(guarded, get("/tiles?x=1&token=forged")), "401 invalid_token");
    /// # Ok(()) }
    /// ```
    #[must_use]
    fn scrub(&self) -> ScrubLayer;
}

impl GateExt for Gate {
    fn require(&self, policy: impl Policy + 'static) -> RequireLayer {
        RequireLayer::or_panic(self.try_require(policy))
    }

    fn try_require(&self, policy: impl Policy + 'static) -> Result<RequireLayer, Error> {
        RequireLayer::new(self, policy, None)
    }

    fn enforce(&self) -> EnforceLayer {
        EnforceLayer::new(self)
    }

    fn scrub(&self) -> ScrubLayer {
        ScrubLayer::new(self, None)
    }
}
