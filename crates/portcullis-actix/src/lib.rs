//! Portcullis for actix-web: extractors in handlers, and routes that say who may pass.
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
//!     Routes::new(gate)
//!         .get("/", anyone(), home)
//!         .get("/me", authenticated(), me)
//!         .get("/admin", staff(), async || "welcome")
//! }
//!
//! # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::new();
//! let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
//! let app = test::init_service(App::new().configure(routes(&gate).into_config())).await;
//!
//! let token = issuer.token("alice").sign();
//! let request = |path: &str| {
//!     test::TestRequest::with_uri(path).insert_header(("authorization", format!("Bearer {token}"))).to_request()
//! };
//! assert_eq!(test::call_service(&app, request("/me")).await.status(), 200);
//! assert_eq!(test::call_service(&app, request("/admin")).await.status(), 403);
//! # Ok(()) }
//! ```
//!
//! Three forms of guard, from the one that is hardest to get wrong:
//! - [`Routes`]: the policy is an argument of every route, and covers every method of it;
//! - [`Authorized<R>`](Authorized) in a handler's signature: it cannot run without;
//! - [`gate.require(policy)`](GateExt::require) for `wrap` on an app, a scope, a resource or a route of your own. It covers
//!   what is registered *in* there: a resource of the same path that was registered before a guarded scope gets the request
//!   and is not guarded. A guard knows the path parameters that were matched where it hangs: an app's none, a scope's those
//!   of its prefix.
//!
//! Path parameters are those of `web::Path`: decoded twice by actix-web, and with `U+FFFD` for what is not UTF-8. A guard
//! looks at the same value as the handler. HEAD is a method like others here, and not part of `web::get()`.
//!
//! Extractors find the gate in `app_data`: [`Routes`] puts it there; elsewhere say `.app_data(gate.clone())`, or
//! `.app_data(web::Data::new(gate.clone()))`. Without, they answer 500 and the log says so.
//!
//! [`gate.enforce()`](GateExt::enforce) as the outermost middleware tells when a guard was forgotten.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod carried;
mod enforce;
mod extract;
mod head;
mod rejection;
mod require;
mod routes;
mod scrub;

pub use carried::{established, looked_at};
pub use enforce::{Enforce, EnforceFuture, EnforceMiddleware};
pub use extract::{Authenticated, Authorized, Caller, Leased, Visitor};
#[doc(inline)]
pub use portcullis_web::{Row, Table};
pub use rejection::{Rejection, respond};
pub use require::{Require, RequireFuture, RequireMiddleware};
pub use routes::Routes;
pub use scrub::{Scrub, ScrubMiddleware};

use portcullis_core::{Error, Gate, policy::Policy};

/// What a gate can do for actix-web.
pub trait GateExt {
    /// Middleware that lets requests through if this policy does.
    ///
    /// # Panics
    /// If [`try_require`](Self::try_require) returns an error.
    #[must_use]
    #[track_caller]
    fn require(&self, policy: impl Policy + 'static) -> Require;

    /// The same for policies that are put together at run time.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) as [`Gate::plan`]: for a policy that names a role,
    /// permission or scheme that the gate does not know, or that could never let anybody in.
    fn try_require(&self, policy: impl Policy + 'static) -> Result<Require, Error>;

    /// Outermost middleware that answers 500, and says so in the log, instead of a response that no guard and no extractor
    /// has looked at: the net below guards that were forgotten. The handler has run by then, so what it did is done.
    /// Preflights (CORS) pass, and so do answers of 300 and above. See `docs/layers.md` for the order of layers.
    #[must_use]
    fn enforce(&self) -> Enforce;

    /// Outermost middleware that keeps credentials out of what the middleware further in logs, such as actix-web's `Logger`:
    /// it replaces their values in the address, and in headers that repeat an address such as `Referer`, by `redacted`, and
    /// marks the headers that hold one as sensitive. Guards and extractors still read them. Handlers see the other pairs of the
    /// query as they came.
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
