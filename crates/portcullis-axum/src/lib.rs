//! Portcullis for axum: extractors in handlers, and routes that say who may pass.
//!
//! ```
//! use axum::{Router, body::Body};
//! use http::Request;
//! use portcullis_axum::{Authenticated, Routes};
//! use portcullis_core::{Gate, Scheme, policy::*, testing::TestIssuer};
//! use tower::ServiceExt;
//!
//! async fn home(visitor: Option<Authenticated>) -> String {
//!     visitor.map_or("nobody".into(), |Authenticated(principal)| principal.id().subject().into())
//! }
//! async fn me(Authenticated(principal): Authenticated) -> String {
//!     principal.id().subject().into()
//! }
//!
//! fn app(gate: Gate) -> Router {
//!     Routes::new(&gate)
//!         .get("/", anyone(), home)
//!         .get("/me", authenticated(), me)
//!         .get("/admin", staff(), async || "welcome")
//!         .into_router()
//!         .with_state(gate)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::new();
//! let app = app(Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?);
//!
//! let token = issuer.token("alice").sign();
//! let request = |path: &str| Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty());
//! assert_eq!(app.clone().oneshot(request("/me")?).await?.status(), 200);
//! assert_eq!(app.oneshot(request("/admin")?).await?.status(), 403);
//! # Ok(()) }
//! ```
//!
//! Three forms of guard, from the one that is hardest to get wrong:
//! - [`Routes`]: the policy is an argument of every route, and covers every method of it;
//! - [`Authorized<R>`](Authorized) in a handler's signature: it cannot run without;
//! - [`gate.require(policy)`](GateExt::require) as a layer of a router of your own. Axum's layers cover what was added
//!   *before* them: what is added later by `.route`, `.merge`, `.fallback` or a further method is not guarded.
//!
//! With `policy::*` imported, name axum's own `any` as `axum::routing::any`: an explicit import of it would hide the policy.
//!
//! [`gate.enforce()`](GateExt::enforce) as the outermost layer tells when one was forgotten.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod extract;
mod params;
mod rejection;
mod routes;

pub use extract::{Authenticated, Authorized, Caller, HoldsGate, Leased, Visitor};
#[doc(inline)]
pub use portcullis_web::{Row, Table};
pub use rejection::Rejection;
pub use routes::Routes;

use axum::extract::OriginalUri;
use portcullis_core::{Error, Gate, policy::Policy};
use portcullis_tower::{EnforceLayer, RequireLayer, ScrubLayer};

/// What a gate can do for axum's routers.
pub trait GateExt {
    /// A layer that lets requests through if this policy does.
    ///
    /// # Panics
    /// If [`try_require`](Self::try_require) returns an error.
    #[must_use]
    #[track_caller]
    fn require(&self, policy: impl Policy + 'static) -> RequireLayer;

    /// The same for policies that are put together at run time.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) as [`Gate::plan`]: for a policy that names a role,
    /// permission or scheme that the gate does not know, or that could never let anybody in.
    fn try_require(&self, policy: impl Policy + 'static) -> Result<RequireLayer, Error>;

    /// An outermost layer that answers 500, and says so in the log, instead of a response that no guard and no extractor
    /// has looked at: the net below guards that were forgotten. The handler has run by then, so what it did is done.
    /// Preflights (CORS) pass, and so do answers of 300 and above. See `docs/layers.md` for the order of layers.
    #[must_use]
    fn enforce(&self) -> EnforceLayer;

    /// An outermost layer that keeps credentials out of what the layers behind it log: it replaces their values in the
    /// address, and in headers that repeat an address such as `Referer`, by `redacted`, and marks the headers that hold one as
    /// sensitive. Guards and extractors still read them. Handlers see the other pairs of the query as they came.
    #[must_use]
    fn scrub(&self) -> ScrubLayer;
}

impl GateExt for Gate {
    fn require(&self, policy: impl Policy + 'static) -> RequireLayer {
        RequireLayer::or_panic(self.try_require(policy))
    }

    fn try_require(&self, policy: impl Policy + 'static) -> Result<RequireLayer, Error> {
        RequireLayer::new(self, policy, Some(params::AXUM))
    }

    fn enforce(&self) -> EnforceLayer {
        portcullis_tower::GateExt::enforce(self)
    }

    fn scrub(&self) -> ScrubLayer {
        ScrubLayer::new(self, Some(|extensions| extensions.get_mut::<OriginalUri>().map(|OriginalUri(uri)| uri)))
    }
}
