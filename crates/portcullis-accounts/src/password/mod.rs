//! Passwords: which may be set, and the threads that hash them.

mod hasher;
mod rules;
mod worker;

pub use rules::{CharacterClass, PasswordRules};
#[allow(unused_imports, reason = "the methods that use it come with the next commits")]
pub(crate) use {
    hasher::{Hasher, Slot},
    worker::{Costs, Legacy, Match},
};

/// Longer passwords are refused before they are hashed. Nothing is cut off.
const MAX_BYTES: usize = 1024;
