//! Portcullis for actix-web: extractors for handlers, and routes that each have a policy.
//!
//! ```
//! use actix_web::{App, test};
//! use portcullis_actix::{Authenticated, Routes, Visitor};
//! use portcullis_core::{Gate, Scheme, policy::*, testing::TestIssuer};
//!
//! async fn home(Visitor(visitor): Visitor) -> String {
//!     visitor.map_or("nobody".into(), |principal| principal.id().subject().into())
//! }
//! async fn me(Authenticated(principal): Authenticated) -> String {
//!     principal.id().subject().into()
//! }
//!
//! fn routes(gate: &Gate) -> Routes {
//!     Routes::new(gate).get("/", anyone(), home).get("/me", authenticated(), me).get(
//!         "/admin",
//!         staff(),
//!         async || "welcome",
//!     )
//! }
//!
//! # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::new();
//! let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
//! let app = test::init_service(App::new().configure(routes(&gate).into_config())).await;
//!
//! let token = issuer.token("alice").sign();
//! let request = |path: &str| {
//!     test::TestRequest::with_uri(path)
//!         .insert_header(("authorization", format!("Bearer {token}")))
//!         .to_request()
//! };
//! assert_eq!(test::call_service(&app, request("/me")).await.status(), 200);
//! assert_eq!(test::call_service(&app, request("/admin")).await.status(), 403);
//! # Ok(()) }
//! ```
//!
//! Three forms of guard; the first is the hardest to get wrong:
//! - [`Routes`]: the policy is an argument of every route, and covers every method of it.
//! - [`Authorized<R>`](Authorized) in a handler's signature: the handler cannot run without it.
//! - [`gate.require(policy)`](GateExt::require) for `wrap` on an app, a scope, a resource or a route of your own. It covers
//!   what is registered *inside*. A resource of the same path that was registered before a guarded scope gets the request,
//!   and is not guarded. A guard knows the path parameters that are matched where it is attached: none on an app, those of
//!   the prefix on a scope.
//!
//! Path parameters are those of `web::Path`: actix-web decodes them twice and writes `U+FFFD` for what is not UTF-8. A guard
//! sees the same value as the handler. HEAD is a method of its own here; `web::get()` does not include it.
//!
//! Extractors find the gate in `app_data`. [`Routes`] puts it there. Elsewhere, call `.app_data(gate.clone())` or
//! `.app_data(web::Data::new(gate.clone()))`. Without a gate, extractors answer 500, and the log says so.
//!
//! [`gate.enforce()`](GateExt::enforce) as the outermost middleware reports forgotten guards.
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
mod carried;
mod enforce;
mod extract;
mod head;
#[cfg(any(feature = "accounts", feature = "sign-in"))]
mod plain;
mod rejection;
mod require;
mod routes;
mod scrub;
#[cfg(feature = "sign-in")]
mod sign_in;
mod webhook;

pub use carried::{established, mark_checked};
pub use enforce::{Enforce, EnforceFuture, EnforceMiddleware};
pub use extract::{Authenticated, Authorized, Caller, Leased, Visitor};
#[cfg(feature = "utoipa")]
#[doc(inline)]
pub use portcullis_web::OpenApiGaps;
#[doc(inline)]
pub use portcullis_web::{Diff, Matrix, Row, Table};
pub use rejection::{Rejection, respond};
pub use require::{Require, RequireFuture, RequireMiddleware};
pub use routes::Routes;
pub use scrub::{Scrub, ScrubMiddleware};
pub use webhook::Webhook;

use portcullis_core::{Error, Gate, policy::Policy};

/// Methods of a gate for actix-web.
pub trait GateExt {
    /// Middleware that lets requests through if this policy allows them.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let app = |gate: Gate| {
    ///     move |app: &mut web::ServiceConfig| {
    ///         let admin = web::scope("/admin")
    ///             .wrap(gate.require(staff()))
    ///             .route("/log", web::get().to(async || "log"));
    ///         app.service(admin);
    ///     }
    /// };
    /// let admin = gate()?.acting_as(acting_as("root").with_staff(true));
    /// assert_eq!(answer(app(admin), get("/admin/log")), "200 log");
    /// assert_eq!(answer(app(gate()?), get("/admin/log")), "401 credential_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If [`try_require`](Self::try_require) returns an error.
    #[must_use]
    #[track_caller]
    fn require(&self, policy: impl Policy + 'static) -> Require;

    /// The same for policies that are built at run time.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) as [`Gate::plan`]: for a policy that names a
    /// role, permission or scheme that the gate does not know, or that could never allow anybody.
    fn try_require(&self, policy: impl Policy + 'static) -> Result<Require, Error>;

    /// Outermost middleware that reports forgotten guards. If no guard and no extractor has checked a request, it replaces
    /// the response with 500 and says so in the log. The handler has already run by then, and its effects stay. Preflights
    /// (CORS) pass, and so do answers of 300 and above. See `docs/layers.md` for the order of layers.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate()?.acting_as(acting_as("alice"));
    /// let app = || {
    ///     |app: &mut web::ServiceConfig| {
    ///         let guarded =
    ///             web::resource("/me").wrap(gate.require(authenticated())).to(async || "me");
    ///         let forgotten = web::resource("/invoices").to(async || "invoices");
    ///         // or around the whole app
    ///         app.service(web::scope("").wrap(gate.enforce()).service(guarded).service(forgotten));
    ///     }
    /// };
    /// assert_eq!(answer(app(), get("/me")), "200 me");
    /// assert_eq!(answer(app(), get("/invoices")), "500");
    /// # Ok(()) }
    /// ```
    #[must_use]
    fn enforce(&self) -> Enforce;

    /// Outermost middleware that keeps credentials out of what the inner middleware logs, such as actix-web's `Logger`. It
    /// replaces the values of credentials with `redacted` in the address, and in headers that repeat an address, such as
    /// `Referer`. It marks headers that contain a credential as sensitive. Guards and extractors can still read the
    /// credentials. Handlers see the rest of the query unchanged.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use portcullis_core::{Gate, Scheme};
    ///
    /// let issuer = TestIssuer::new();
    /// let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).query("token")).build()?;
    /// // as middleware inside would log it
    /// let handler = async |request: HttpRequest| request.uri().to_string();
    /// let app = || {
    ///     |app: &mut web::ServiceConfig| {
    ///         let tiles = web::resource("/tiles").wrap(gate.require(authenticated())).to(handler);
    ///         // or around the whole app
    ///         app.service(web::scope("").wrap(gate.scrub()).service(tiles));
    ///     }
    /// };
    /// let token = issuer.token("alice").sign();
    /// assert_eq!(
    ///     answer(app(), get(&format!("/tiles?x=1&token={token}"))),
    ///     "200 /tiles?x=1&token=redacted"
    /// );
    /// assert_eq!(answer(app(), get("/tiles?x=1&token=forged")), "401 invalid_token");
    /// # Ok(()) }
    /// ```
    #[must_use]
    fn scrub(&self) -> Scrub;
}

impl GateExt for Gate {
    #[expect(clippy::panic, reason = "a misspelt name in a route has to show at start, where it is written")]
    fn require(&self, policy: impl Policy + 'static) -> Require {
        match self.try_require(policy) {
            Ok(require) => require,
            Err(error) => panic!("{error}"),
        }
    }

    fn try_require(&self, policy: impl Policy + 'static) -> Result<Require, Error> {
        Require::new(self, policy)
    }

    fn enforce(&self) -> Enforce {
        Enforce::new(self)
    }

    fn scrub(&self) -> Scrub {
        Scrub::new(self)
    }
}
