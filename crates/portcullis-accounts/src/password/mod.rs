//! Passwords: which may be set, and the threads that hash them.

mod hasher;
mod rules;
mod worker;

pub use rules::{CharacterClass, PasswordRules};
pub(crate) use {
    hasher::Hasher,
    worker::{Costs, Legacy},
};

/// Longer passwords are refused before they are hashed. Nothing is cut off.
const MAX_BYTES: usize = 1024;
