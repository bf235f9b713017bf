//! What the scopes of a key leave of its owner's rights.
//!
//! A key with scopes passes only where the policy names a permission or scope that the key has. `all` says so to its parts
//! before it asks them, so a part is judged the same wherever it stands in the list.

use super::{Description, Policy, Question};
use crate::{decision::Denial, explanation::Explanation, principal::Principal};

/// What the scopes of the caller's key mean for a part of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Narrowing {
    /// Nothing: the caller is no key with scopes, or the answer about the owner will be inverted.
    Off,
    /// Another part of the same `all` names a scope of the key.
    Covered,
    /// The part itself has to name one.
    Uncovered,
}

impl Narrowing {
    #[inline]
    pub(crate) fn of(caller: Option<&Principal>) -> Self {
        match caller.and_then(Principal::key_scopes) {
            None => Self::Off,
            Some(_) => Self::Uncovered,
        }
    }

    /// The same for a part that needs no scope of its own, because something else decides whether the key may pass.
    pub(crate) fn covered(self) -> Self {
        match self {
            Self::Off => Self::Off,
            Self::Covered | Self::Uncovered => Self::Covered,
        }
    }
}

/// Whether a policy names a scope. What names one that the key lacks denies the key; what names none needs another part that
/// does.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "not for users")]
pub enum NamedScope {
    None,
    Lacking,
    Present,
}

impl NamedScope {
    pub(super) fn of(has: bool) -> Self {
        if has { Self::Present } else { Self::Lacking }
    }
}

impl Question<'_> {
    /// What a policy says of the scopes of the caller's key.
    fn named_by(&self, policy: &dyn Policy) -> NamedScope {
        self.caller.and_then(Principal::key_scopes).map_or(NamedScope::None, |scopes| policy.names_scope(scopes))
    }

    /// The same about nobody.
    pub(super) fn about_nobody(self) -> Self {
        Question { caller: None, scheme: None, narrowing: Narrowing::Off, ..self }
    }

    /// The question to the parts of an `all`.
    #[inline]
    pub(super) fn to_parts_of(self, all: &dyn Policy) -> Self {
        if self.narrowing == Narrowing::Uncovered && self.named_by(all) == NamedScope::Present {
            return Question { narrowing: Narrowing::Covered, ..self };
        }
        self
    }

    /// Why a policy that judges is not asked, if the caller's key does not have the scope for it.
    #[cold]
    pub(super) fn refuse_key(&self, policy: &dyn Policy) -> Option<Denial> {
        let is_refused = match self.named_by(policy) {
            NamedScope::Present => false,
            NamedScope::Lacking => true,
            // What lets in callers without any credential asks nothing of a key.
            NamedScope::None => {
                self.narrowing == Narrowing::Uncovered
                    && !policy.judges_visitors(&Question { visitors: false, ..*self })
            }
        };
        is_refused.then(|| {
            let description = policy.describe();
            let part = || {
                Explanation::new(description.to_string(), false).with_note("the key has no scope that is named here")
            };
            let explanation = self.explaining.then(|| Box::new(part()));
            Denial::of_key(scope_named(&description)).with(|why| why.explanation = explanation)
        })
    }
}

/// The permission or scope that a part requires.
fn scope_named(part: &Description) -> Option<&'static str> {
    match part {
        Description::Permission { permission: name, .. } | Description::Scope(name) => Some(name),
        Description::Row { part, .. } => scope_named(part),
        _ => None,
    }
}
