//! The second factor of a user, as stores keep it, and how it changes.

use crate::secret::Digest;
use std::{fmt, time::SystemTime};

/// The second factor of a user: a secret that their authenticator app shares.
///
/// The struct is exhaustive, so that the compiler tells authors of stores about a new column.
#[derive(Clone, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "the compiler shall tell authors of stores about a new column")]
pub struct Factor {
    /// The secret, sealed with a key of the service.
    pub sealed: Vec<u8>,
    /// When the user showed that their app has the secret. Before that, sign-ins do not ask for it.
    pub confirmed_at: Option<SystemTime>,
    /// The last time step whose code was used (RFC 6238, section 5.2).
    pub last_step: i64,
    /// The digests of the recovery codes that were not used yet.
    pub recovery: Vec<Digest>,
}

impl fmt::Debug for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Factor").field("confirmed_at", &self.confirmed_at).finish_non_exhaustive()
    }
}

/// A change of a second factor. [`apply`](Self::apply) is the whole rule; a store calls it while nobody else can change the
/// factor.
#[derive(Clone)]
#[non_exhaustive]
pub enum FactorChange {
    /// A new secret, unless there is a confirmed one.
    Enrol {
        /// The secret, sealed.
        sealed: Vec<u8>,
    },
    /// Confirms the secret, which uses the step of its first code.
    Confirm {
        /// The secret that the code fits, sealed.
        sealed: Vec<u8>,
        /// The step of the code.
        step: i64,
        /// The digests of the recovery codes.
        recovery: Vec<Digest>,
        /// The time.
        at: SystemTime,
    },
    /// Uses the code of a step. Each step is used once, and none before the last.
    Use {
        /// The secret that the code fits, sealed.
        sealed: Vec<u8>,
        /// The step of the code.
        step: i64,
        /// The same secret, sealed with the present key.
        resealed: Option<Vec<u8>>,
    },
    /// Uses a recovery code.
    Recover(Digest),
    /// Replaces all recovery codes.
    Renew(Vec<Digest>),
    /// Removes the factor.
    Remove,
}

/// What a store writes for a [`FactorChange`].
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the compiler shall tell authors of stores about another case")]
pub enum FactorWrite {
    /// The change is not possible: nothing is written.
    Nothing,
    /// This factor, in the place of the one before.
    Put(Factor),
    /// No factor any more.
    Delete,
}

impl FactorChange {
    /// The factor after the change.
    #[must_use]
    pub fn apply(self, found: Option<Factor>) -> FactorWrite {
        let put = |factor| FactorWrite::Put(factor);
        match (self, found) {
            (Self::Enrol { sealed }, found) if found.as_ref().is_none_or(|it| it.confirmed_at.is_none()) => {
                put(Factor { sealed, confirmed_at: None, last_step: 0, recovery: Vec::new() })
            }
            (Self::Confirm { sealed, step, recovery, at }, Some(found))
                if found.confirmed_at.is_none() && found.sealed == sealed =>
            {
                put(Factor { sealed, confirmed_at: Some(at), last_step: step, recovery })
            }
            (Self::Use { sealed, step, resealed }, Some(found))
                if found.confirmed_at.is_some() && found.sealed == sealed && found.last_step < step =>
            {
                put(Factor { sealed: resealed.unwrap_or(sealed), last_step: step, ..found })
            }
            (Self::Recover(code), Some(mut found)) if found.confirmed_at.is_some() => {
                let before = found.recovery.len();
                found.recovery.retain(|known| *known != code);
                if found.recovery.len() < before { put(found) } else { FactorWrite::Nothing }
            }
            (Self::Renew(recovery), Some(found)) if found.confirmed_at.is_some() => put(Factor { recovery, ..found }),
            (Self::Remove, Some(_)) => FactorWrite::Delete,
            _ => FactorWrite::Nothing,
        }
    }
}

impl fmt::Debug for FactorChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enrol { .. } => "Enrol",
            Self::Confirm { .. } => "Confirm",
            Self::Use { .. } => "Use",
            Self::Recover(_) => "Recover",
            Self::Renew(_) => "Renew",
            Self::Remove => "Remove",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Token;

    const AT: SystemTime = SystemTime::UNIX_EPOCH;

    fn digest(text: &str) -> Digest {
        Token::new(text).digest("recovery")
    }

    fn pending() -> Factor {
        Factor { sealed: vec![1], confirmed_at: None, last_step: 0, recovery: Vec::new() }
    }

    fn confirmed() -> Factor {
        Factor { confirmed_at: Some(AT), last_step: 7, recovery: vec![digest("a"), digest("b")], ..pending() }
    }

    fn enrol(sealed: u8) -> FactorChange {
        FactorChange::Enrol { sealed: vec![sealed] }
    }

    fn confirm(sealed: u8) -> FactorChange {
        FactorChange::Confirm { sealed: vec![sealed], step: 7, recovery: vec![digest("a"), digest("b")], at: AT }
    }

    fn used(sealed: u8, step: i64) -> FactorChange {
        FactorChange::Use { sealed: vec![sealed], step, resealed: None }
    }

    /// Each change of each state. What is not written is refused.
    #[test]
    fn the_table() {
        use FactorWrite::{Delete, Nothing, Put};
        let after = |step| Put(Factor { last_step: step, ..confirmed() });
        let without_a = Put(Factor { recovery: vec![digest("b")], ..confirmed() });
        let resealed = FactorChange::Use { sealed: vec![1], step: 8, resealed: Some(vec![2]) };
        let moved = Put(Factor { sealed: vec![2], last_step: 8, ..confirmed() });
        for (change, absent, of_pending, of_confirmed) in [
            (enrol(1), Put(pending()), Put(pending()), Nothing),
            (
                enrol(2),
                Put(Factor { sealed: vec![2], ..pending() }),
                Put(Factor { sealed: vec![2], ..pending() }),
                Nothing,
            ),
            (confirm(1), Nothing, Put(confirmed()), Nothing),
            (confirm(2), Nothing, Nothing, Nothing),
            (used(1, 8), Nothing, Nothing, after(8)),
            (used(1, 7), Nothing, Nothing, Nothing),
            (used(1, 6), Nothing, Nothing, Nothing),
            (used(2, 8), Nothing, Nothing, Nothing),
            (resealed, Nothing, Nothing, moved),
            (FactorChange::Recover(digest("a")), Nothing, Nothing, without_a),
            (FactorChange::Recover(digest("c")), Nothing, Nothing, Nothing),
            (FactorChange::Renew(Vec::new()), Nothing, Nothing, Put(Factor { recovery: Vec::new(), ..confirmed() })),
            (FactorChange::Remove, Nothing, Delete, Delete),
        ] {
            let name = format!("{change:?}");
            assert_eq!(change.clone().apply(None), absent, "{name} without a factor");
            assert_eq!(change.clone().apply(Some(pending())), of_pending, "{name} of one that is not confirmed");
            assert_eq!(change.apply(Some(confirmed())), of_confirmed, "{name} of a confirmed one");
        }
    }
}
