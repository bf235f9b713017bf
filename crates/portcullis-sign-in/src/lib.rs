//! Sign-in at an OpenID provider, for services without accounts of their own.
//!
//! A [`Provider`] is the flow: authorization request, callback, verified ID token. A [`SignIn`] adds the session: a sealed
//! cookie or a row in a [`SessionStore`], which a gate takes as a scheme, and the endpoints that adapters mount. A
//! [`BrowserFlow`] binds a flow to its browser, for services with sessions of their own.
//!
//! ```
//! # use portcullis_core::testing::TestIssuer;
//! use portcullis_core::{Error, Gate, HttpClient};
//! use portcullis_sign_in::{Provider, SealingKeys, SignIn};
//!
//! fn gate(client: impl HttpClient + 'static, key: &str) -> Result<(Gate, SignIn), Error> {
//!     let provider = Provider::new("https://issuer.test", "shop", client)?;
//!     let callback = "https://shop.example.com/auth/callback";
//!     let sign_in = SignIn::new(provider, callback, SealingKeys::new(key)?)?;
//!     let gate = Gate::builder().scheme(&sign_in).revocations(sign_in.revocations()).build()?;
//!     Ok((gate, sign_in)) // then `Routes::new(&gate).sign_in("/auth", &sign_in)`
//! }
//!
//! assert!(gate(TestIssuer::new(), "a-secret-of-at-least-thirty-two-bytes").is_ok());
//! assert!(gate(TestIssuer::new(), "short").is_err());
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod authenticate;
mod browser_flow;
mod endpoints;
mod fault;
mod flow;
mod head;
mod logout_token;
mod provider;
mod refresh;
mod seal;
mod session;
mod sign_in;
mod store;
mod token_endpoint;

pub use authenticate::SessionAuthenticator;
pub use browser_flow::{BegunFlow, BrowserFlow, FinishedFlow};
pub use endpoints::Endpoint;
pub use flow::{Flow, Identity};
pub use logout_token::LogoutToken;
pub use provider::Provider;
pub use seal::SealingKeys;
pub use session::SignedIn;
pub use sign_in::SignIn;
pub use store::{MemorySessions, SessionStore, StoredSession};
