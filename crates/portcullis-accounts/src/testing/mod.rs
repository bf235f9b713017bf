//! For tests.

mod mailbox;

pub use mailbox::Mailbox;
