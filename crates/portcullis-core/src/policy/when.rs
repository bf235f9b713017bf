//! Policies that are closures.

use super::{Description, Policy, Question, Verdict, sealed::Sealed};
use crate::{answer::Answer, error::Error, explanation::Explanation};
use std::fmt;

/// A closure. See [`when`].
#[derive(Clone, Copy)]
pub struct When<F> {
    name: &'static str,
    holds: F,
}

/// Requires that a closure returns true: as a `bool` or, if it may fail, as a `Result<bool, Error>`.
///
/// `name` is the code of its denials.
///
/// The closure is asked about authenticated callers only. For a check that has to wait, write a [`Rule`](super::Rule). For a
/// row of the caller's account use [`account`](super::account), which is an error without the row; a closure that returns
/// `false` then would be inverted below [`not`](super::not).
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// let own_page = || {
///     when("own-page", |question| {
///         Ok(question.param("name")? == question.principal().id().subject())
///     })
/// };
///
/// let alice = gate.acting_as(acting_as("alice"));
/// assert_eq!(answer(&alice, own_page(), get("/users/alice").param("name", "alice")), "200");
/// assert_eq!(
///     answer(&alice, own_page(), get("/users/bob").param("name", "bob")),
///     "403 own-page"
/// );
/// # Ok(()) }
/// ```
pub const fn when<F, R>(name: &'static str, holds: F) -> When<F>
where
    F: Fn(&Question<'_>) -> R + Send + Sync,
    R: Holds,
{
    When { name, holds }
}

/// What a closure returns: a `bool`, or a result with one.
pub trait Holds {
    /// The same as a result.
    ///
    /// # Errors
    /// If the closure failed.
    fn holds(self) -> Result<bool, Error>;
}

impl Holds for bool {
    fn holds(self) -> Result<bool, Error> {
        Ok(self)
    }
}

impl Holds for Result<bool, Error> {
    fn holds(self) -> Self {
        self
    }
}

impl<F> fmt::Debug for When<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "when({})", self.name)
    }
}

impl<F> Sealed for When<F> {}

impl<F, R> Policy for When<F>
where
    F: Fn(&Question<'_>) -> R + Send + Sync,
    R: Holds,
{
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        Answer::now(
            (self.holds)(&question)
                .holds()
                .map(|holds| question.verdict(holds, self.name, || Explanation::new(format!("{self:?}"), holds))),
        )
    }

    fn describe(&self) -> Description {
        Description::When { code: self.name }
    }
}
