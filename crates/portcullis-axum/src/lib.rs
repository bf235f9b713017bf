//! Portcullis for axum: extractors for handlers, and routes that each have a policy.
//!
//! ```
//! use axum::{Router, body::Body};
//! use http::Request;
//! use portcullis_axum::{Authenticated, Routes};
//! use portcullis_core::{Gate, Scheme, policy::*, testing::TestIssuer};
//! use tower::ServiceExt;
//!
//! async fn home(visitor: Option<Authenticated>) -> String {
//!     visitor
//!         .map_or("nobody".into(), |Authenticated(principal)| principal.id().subject().into())
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
//! let request = |path: &str| {
//!     Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty())
//! };
//! assert_eq!(app.clone().oneshot(request("/me")?).await?.status(), 200);
//! assert_eq!(app.oneshot(request("/admin")?).await?.status(), 403);
//! # Ok(()) }
//! ```
//!
//! Three forms of guard; the first is the hardest to get wrong:
//! - [`Routes`]: the policy is an argument of every route, and covers every method of it.
//! - [`Authorized<R>`](Authorized) in a handler's signature: the handler cannot run without it.
//! - [`gate.require(policy)`](GateExt::require) as a layer of a router of your own. Axum's layers cover what was added
//!   *before* them: what is added later by `.route`, `.merge`, `.fallback` or a further method is not guarded.
//!
//! With `policy::*` imported, write axum's own `any` as `axum::routing::any`. Importing it by name would hide the policy.
//!
//! [`gate.enforce()`](GateExt::enforce) as the outermost layer reports forgotten guards.
//!
//! In the examples of this crate, `gate()` makes a gate for tokens of a test issuer, with the roles viewer and manager, and
//! alice as a viewer of project 1. `answer(…)` returns the status of a response, with its body or the code of the error.
//!
//! # Features
//! - `accounts`: the endpoints of accounts, [`Routes::accounts`].
//! - `sign-in`: the endpoints of sign-in at a provider, `Routes::sign_in`.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "accounts")]
mod accounts;
mod extract;
mod params;
mod rejection;
mod routes;
#[cfg(feature = "sign-in")]
mod sign_in;
mod webhook;

pub use extract::{Authenticated, Authorized, Caller, HoldsGate, Leased, Visitor};
#[cfg(feature = "utoipa")]
#[doc(inline)]
pub use portcullis_web::OpenApiGaps;
#[doc(inline)]
pub use portcullis_web::{Diff, Matrix, Row, Table};
pub use rejection::Rejection;
pub use routes::Routes;
pub use webhook::Webhook;

use axum::extract::OriginalUri;
use portcullis_core::{Error, Gate, policy::Policy};
use portcullis_tower::{EnforceLayer, RequireLayer, ScrubLayer};

/// Methods of a gate for axum's routers.
pub trait GateExt {
    /// A layer that lets requests through if this policy allows them.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let app = |gate: &Gate| {
    ///     Router::new()
    ///         .route("/admin", routing::get(async || "welcome"))
    ///         .layer(gate.require(staff()))
    /// };
    /// let admin = gate()?.acting_as(acting_as("root").with_staff(true));
    /// assert_eq!(answer(&app(&admin), get("/admin")), "200 welcome");
    /// assert_eq!(answer(&app(&gate()?), get("/admin")), "401 credential_missing");
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
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) as [`Gate::plan`]: for a policy that names a
    /// role, permission or scheme that the gate does not know, or that could never allow anybody.
    fn try_require(&self, policy: impl Policy + 'static) -> Result<RequireLayer, Error>;

    /// An outermost layer that reports forgotten guards. If no guard and no extractor has checked a request, it replaces the
    /// response with 500 and says so in the log. The handler has already run by then, and its effects stay. Preflights (CORS)
    /// pass, and so do answers of 300 and above. See `docs/layers.md` for the order of layers.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate()?.acting_as(acting_as("alice"));
    /// let guarded = Router::new()
    ///     .route("/me", routing::get(async || "me"))
    ///     .layer(gate.require(authenticated()));
    /// // added behind the guard
    /// let app = guarded.route("/invoices", routing::get(async || "invoices")).layer(gate.enforce());
    /// assert_eq!(answer(&app, get("/me")), "200 me");
    /// assert_eq!(answer(&app, get("/invoices")), "500");
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
    /// use portcullis_core::{Gate, Scheme};
    ///
    /// let issuer = TestIssuer::new();
    /// let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).query("token")).build()?;
    /// let handler = async |uri: axum::http::Uri| uri.to_string(); // as a layer inside would log it
    /// let app = Routes::new(&gate)
    ///     .get("/tiles", authenticated(), handler)
    ///     .layer(gate.scrub())
    ///     .into_router();
    ///
    /// let token = issuer.token("alice").sign();
    /// assert_eq!(
    ///     answer(&app, get(&format!("/tiles?x=1&token={token}"))),
    ///     "200 /tiles?x=1&token=redacted"
    /// );
    /// assert_eq!(answer(&app, get("/tiles?x=1&token=forged")), "401 invalid_token");
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
        RequireLayer::new(self, policy, Some(params::AXUM))
    }

    fn enforce(&self) -> EnforceLayer {
        portcullis_tower::GateExt::enforce(self)
    }

    fn scrub(&self) -> ScrubLayer {
        ScrubLayer::new(self, Some(|extensions| extensions.get_mut::<OriginalUri>().map(|OriginalUri(uri)| uri)))
    }
}
