//! Accounts of a service's own, for Portcullis.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod accounts;
mod admin;
mod authenticate;
mod builder;
mod client;
mod email;
mod endpoints;
mod error;
mod id;
mod limit;
mod links;
mod mailer;
mod one_time;
mod password;
mod refresh;
mod secret;
mod session;
mod sessions;
mod sign_in;
mod sign_up;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod user;

pub use access::AccessTokens;
pub use accounts::{Accounts, SignIn, Tokens};
pub use admin::Admin;
pub use authenticate::{AccountDirectory, SessionAuthenticator};
pub use builder::AccountsBuilder;
pub use client::Client;
pub use email::EmailAddress;
pub use endpoints::{Call, Endpoint, Endpoints, SameSite, TokenCookies};
pub use error::Error;
pub use id::{SessionId, UserId};
pub use limit::{Limit, Limits, MemoryLimits, RateLimits, SpendOutcome};
pub use links::Proof;
pub use mailer::{Links, Mail, MailKind, Mailer};
pub use one_time::{OneTime, Purpose};
pub use password::{CharacterClass, PasswordRules};
pub use secret::{Digest, Secret, Token};
pub use session::{RefreshFormat, Session, SessionRules};
pub use sign_up::SignUp;
pub use user::{NewUser, User, UserChange};
