//! The core of Portcullis: credentials, verified claims, principals, roles and policies.
//!
//! ```text
//! RequestHead ─ Scheme ─▶ Credential ─ Verifier ─▶ Principal ─ Policy ─▶ Decision
//! ```
//!
//! It does no I/O and names no framework. `portcullis-axum`, `portcullis-tower` and the other adapters connect it to one.
//! Most services depend on `portcullis`, which re-exports all of this.
//!
//! - A [`Scheme`] says where credentials are read, and which [`Verifier`] checks them: a [`Jwt`], an [`Introspection`], a
//!   [`SharedSecret`], or an [`Authenticator`] of yours.
//! - A [`Principal`] is who acts. A [`Directory`] adds its account in your service, and a [`Membership`] its role on a resource.
//! - A [`policy`] decides. The [`Gate`] has all of these, and makes the answer to a refused request from an [`Error`].
//!
//! ```
//! use portcullis_core::{
//!     Credential, CredentialSource, ErrorKind, Gate, Scheme, testing::TestIssuer,
//! };
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
//! let issuer = TestIssuer::new(); // in a service an `Issuer` with its keys
//! let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
//! let by =
//!     |token: String| gate.authenticate(Credential::new(token, CredentialSource::bearer()));
//!
//! let alice = by(issuer.token("alice").sign()).await;
//! assert_eq!(alice.principal()?.id().to_string(), "user|https://issuer.test|alice");
//!
//! let expired = by(issuer.token("alice").expired_for(Duration::from_secs(3600)).sign()).await;
//! assert!(expired.principal().is_err_and(|error| error.kind() == ErrorKind::Expired));
//! # Ok(()) }
//! ```
//!
//! # Helpers of the examples
//! Many examples ask a gate by a few helpers, which are not part of the crate:
//! - `builder()` starts a gate for tokens of a test issuer, whose roles are viewer, manager and owner. `gate(&[…])` is built,
//!   and lists who has which role on the projects 1 to 9. `Projects(…)` and `By(…)` are memberships: a list, and a closure.
//! - `get(…)`, `post(…)` and `project(…)` make requests; the last one to the route `/projects/{project_id}`.
//! - `answer(&gate, policy, request)` returns the status, and the code of the error. `now(…)` waits for a future.
//!
//! # Features
//! - `testing`: an issuer with embedded keys, a fixed clock, and gates that take every request as a given principal's.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod answer_cache;
mod api_key;
mod backoff;
mod claims;
mod clock;
mod credential;
mod decision;
mod directory;
mod engine;
mod error;
mod explanation;
mod gate;
mod head;
mod http;
mod introspection;
mod json;
mod jwt;
mod organization_context;
mod outgoing;
pub mod policy;
mod principal;
mod proof;
mod protected_resource;
mod refusal;
mod revocation;
mod rights;
mod scheme;
mod secret;
mod shadow;
mod shared_secret;
mod signed;
mod sync;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod verifier;
mod webhook;

pub use answer::Answer;
pub use api_key::{ApiKey, ApiKeys, KeyDigest, KeyRow, KeyStore, KeyUse, MemoryKeys, NewKey, OwnerKeys};
pub use claims::{ClaimMap, ClaimPath, Claims, Rules};
pub use clock::{Clock, Moment, SystemClock};
pub use credential::{Cookies, Credential, CredentialSource, Scrubber};
pub use decision::{Access, Decision, Denial};
pub use directory::{CachedDirectory, Directory};
pub use engine::{Engine, EngineRequest, EngineResource};
pub use error::{Error, ErrorKind};
pub use explanation::Explanation;
pub use gate::{Authentication, Caller, Gate, GateBuilder, Lease, SuperuserScope, TokenCache, Watch};
pub use head::RequestHead;
pub use http::{HttpClient, HttpRequest, HttpResponse, Reply};
pub use introspection::{Introspection, OpaqueTokens, WhoAmI};
pub use jwt::{
    Algorithm, Audience, Issuer, IssuerLookup, Jwt, Key, KeySet, KeySource, RejectedKey, RemoteKeys, RemoteKeysBuilder,
    TrustedIssuers,
};
pub use organization_context::{OrganizationContext, OrganizationVersions, UnexpiringContext};
pub use outgoing::{BearerToken, ClientCredentials, KeptToken, TokenExchange, TokenSource};
pub use policy::forecast::{Forecast, Holder};
pub use policy::{plan::Plan, question::Question, requirement::Requirement};
pub use principal::{Account, Principal, PrincipalId, PrincipalKind, SessionId, TokenId};
pub use proof::{ClientCertificates, Dpop, ProofMemory, RecentProofs};
pub use protected_resource::ProtectedResource;
pub use refusal::Refusal;
pub use revocation::{RevocationList, Revocations};
pub use rights::{
    CachedMembership, KeyScopes, Membership, Permission, PermissionSet, ResourceRef, Role, RoleHierarchy,
    RoleHierarchyBuilder, Standing,
};
pub use scheme::Scheme;
pub use shadow::{ShadowCounts, ShadowLimits};
pub use shared_secret::SharedSecret;
pub use signed::{SignedUrl, SignedUrls};
#[cfg(feature = "metrics")]
pub use telemetry::describe_metrics;
pub use verifier::{Authenticator, Verifier};
pub use webhook::{WebhookMessage, Webhooks};
