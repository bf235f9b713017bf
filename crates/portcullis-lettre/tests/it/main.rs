//! What [`portcullis_lettre::SmtpMailer`] sends, over loopback sockets to a mail server with a script.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod builder;
mod content;
mod injection;
mod listener;
mod outage;
mod peer;
mod tls;
