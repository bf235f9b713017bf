//! For tests: a mailbox, and the suite that every store has to pass.

mod mailbox;
pub mod suite;

pub use mailbox::Mailbox;
