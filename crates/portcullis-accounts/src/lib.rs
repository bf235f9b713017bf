//! Accounts of a service's own, for Portcullis: sign-up, sign-in, sessions, and links in mails.
//!
//! ```
//! use portcullis_accounts::{
//!     Accounts, Client, Links, Proof, Secret, SignUp, store::MemoryStore, testing::Mailbox,
//! };
//! use portcullis_core::{Credential, CredentialSource, Gate};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mailbox = Mailbox::new(); // in a service `SmtpMailer` of `portcullis-lettre`
//! let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
//! let accounts = Accounts::builder("https://shop.example.com", secret, MemoryStore::new())
//!     .mailer(mailbox.clone(), Links::below("https://shop.example.com"))
//!     .build()?;
//! let gate = Gate::builder()
//!     .scheme(&accounts) // access tokens in `Authorization`
//!     .revocations(accounts.revocations()) // signed out is signed out
//!     .directory(accounts.directory()) // the user, for policies and handlers
//!     .build()?;
//!
//! // `Routes::accounts` of `portcullis-axum` and `portcullis-actix` does all of this by HTTP.
//! let (email, password) = ("alice@example.com", "correct horse battery");
//! let form = SignUp { email, password, ..SignUp::default() };
//! accounts.sign_up(form, &Client::unknown()).await?;
//! let mail = mailbox.last_to(email).ok_or("no mail")?;
//! let token = Mailbox::token_of(&mail).ok_or("no link")?;
//! accounts.confirm_email(token.expose(), Proof::Password(password)).await?;
//! let signed_in = accounts.sign_in(email, password, &Client::unknown()).await?;
//! let tokens = signed_in.signed_in()?.tokens;
//!
//! let access = || {
//!     Credential::new(tokens.access.expose().to_owned(), CredentialSource::bearer())
//! };
//! assert!(gate.authenticate(access()).await.principal().is_ok());
//! accounts.sign_out(tokens.refresh.expose()).await?;
//! assert!(gate.authenticate(access()).await.principal().is_err());
//! # Ok(()) }
//! ```
//!
//! - [`Accounts`] has the methods, and [`AccountsBuilder`] the settings. [`Endpoints`] are the methods by HTTP.
//! - A [`store`] keeps users, sessions and single-use tokens: of each token only a digest. [`Mailer`] sends links.
//! - [`SessionRules`] say how long sessions live and what happens when a refresh token is used again, [`AccessTokens`] what
//!   access tokens contain, [`PasswordRules`] which passwords may be set, [`Limits`] how many attempts are allowed.
//! - [`Admin`] is what administrators do. [`Event`]s tell the application what has happened.
//!
//! # What a caller can and cannot find out
//! Whether an address has an account is told to nobody but its owner, by mail: sign-up, reset and the links answer alike and do
//! the same work. A wrong password and an unknown address are the same error. That an account is disabled, unconfirmed or not
//! approved is told to callers that know its password.
//!
//! # Features
//! - `sign-in`: sign-in at OpenID providers, by [`AccountsBuilder::provider`].
//! - `testing`: a suite that every store has to pass, and a mailbox for tests.
//! - `utoipa`: `Endpoints::openapi`, the endpoints in an OpenAPI document.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod accounts;
mod admin;
mod authenticate;
mod builder;
mod client;
mod config;
mod email;
mod ended;
mod endpoints;
mod enrolment;
mod equal_time;
mod error;
mod event;
mod factor;
mod id;
mod keys;
mod limit;
mod links;
mod mailer;
mod one_time;
mod organization;
mod password;
#[cfg(feature = "sign-in")]
mod provider;
mod refresh;
mod second_factor;
mod secret;
mod session;
mod sessions;
mod sign_in;
mod sign_up;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod totp;
mod user;

pub use access::AccessTokens;
pub use accounts::{Accounts, SignIn, Tokens};
pub use admin::Admin;
pub use authenticate::{AccountDirectory, SessionAuthenticator};
pub use builder::AccountsBuilder;
pub use client::Client;
pub use config::{Backend, ClerkConfig, CognitoConfig, Config, NativeConfig};
pub use email::EmailAddress;
pub use ended::EndedSessions;
pub use endpoints::{Call, Endpoint, Endpoints, SameSite, TokenCookies};
pub use enrolment::SecondFactor;
pub use error::Error;
pub use event::Event;
pub use factor::Factor;
pub use id::{OrganizationId, SessionId, UserId};
pub use limit::{Limit, Limits, MemoryLimits, RateLimits, SpendOutcome};
pub use links::Proof;
pub use mailer::{Links, Mail, MailKind, Mailer};
pub use one_time::{OneTime, Purpose};
pub use organization::{By, Invitation, Member, Organization, OrganizationChange, Organizations};
pub use password::{CharacterClass, PasswordRules};
#[cfg(feature = "sign-in")]
pub use provider::ProviderAnswer;
pub use second_factor::SignInOutcome;
pub use secret::{Digest, Secret, Token};
pub use session::{RefreshFormat, Session, SessionRules};
pub use sign_up::SignUp;
pub use totp::Enrolment;
pub use user::{LinkedIdentity, NewUser, User, UserChange};
