//! Portcullis sends the mails of accounts by SMTP: [`SmtpMailer`] is a [`Mailer`](portcullis_accounts::Mailer) over lettre.
//!
//! ```
//! use portcullis_lettre::SmtpMailer;
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! let mailer = SmtpMailer::builder("smtp://mail.example.com", "Orders <no-reply@example.com>")
//!     .credentials("orders", "a password")
//!     .build()?;
//! # let _ = mailer; Ok(()) }
//! ```
//!
//! # What it does
//! Mails are sent in the background, at most four at once, each on a connection of its own. A mail that cannot be sent for
//! now is tried again after 2 seconds, 15 seconds and 2 minutes. A mail that the server refuses for good (`5xx`) is not. At most
//! 1 000 mails wait; more are dropped. A mail that is not sent is an event of `tracing` with its kind and the reason, without
//! the recipient and the link. Mails that wait are lost when the process ends: the recipient asks for another.
//!
//! Each mail is plain text with an HTML alternative. [`texts`](SmtpMailerBuilder::texts) replaces the texts.
//!
//! # Encryption
//! `smtp://` requires STARTTLS (port 587), `smtps://` is TLS from the start (port 465). The certificate is checked against the
//! authorities that the system trusts. A server on `localhost`, `127.0.0.0/8` or `::1` is spoken to in plain text with
//! `smtp://`, unless [`root_certificates`](SmtpMailerBuilder::root_certificates) are set.
//!
//! # Where it runs
//! On a thread of its own, so it works with and without a runtime. The thread ends with the last clone, when no mail waits. A
//! process that forks has to build the mailer afterwards.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod mailer;
mod message;
mod server;
mod text;

pub use builder::SmtpMailerBuilder;
pub use mailer::SmtpMailer;
pub use text::Text;
