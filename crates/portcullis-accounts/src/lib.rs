//! Accounts of a service's own, for Portcullis.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(dead_code, reason = "the methods that use it come with the next commits")]

mod client;
mod email;
mod error;
mod id;
mod limit;
mod mailer;
mod one_time;
mod password;
mod refresh;
mod secret;
mod session;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod user;

pub use client::Client;
pub use email::EmailAddress;
pub use error::Error;
pub use id::{SessionId, UserId};
pub use limit::{Limit, Limits, MemoryLimits, RateLimits, SpendOutcome};
pub use mailer::{Links, Mail, MailKind, Mailer};
pub use one_time::{OneTime, Purpose};
pub use password::{CharacterClass, PasswordRules};
pub use secret::{Digest, Secret, Token};
pub use session::{RefreshFormat, Session, SessionRules};
pub use user::{NewUser, User, UserChange};
