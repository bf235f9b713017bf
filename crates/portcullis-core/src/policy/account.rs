//! Policies about the row that a directory found for the caller.

use super::{Description, Policy, Question, Verdict, sealed::Sealed};
use crate::{answer::Answer, explanation::Explanation};
use std::{any::Any, fmt};

/// Requires something of the caller's account. See [`account`].
pub struct OfAccount<T> {
    code: &'static str,
    holds: fn(&T) -> bool,
}

/// Requires something of the row of the caller's [account](crate::Directory).
///
/// `code` is the code of its denials.
///
/// Without a row of this type it cannot decide, which is an error, below [`not`](super::not) as well. A route for callers
/// without an account, such as those of a [`SharedSecret`](crate::SharedSecret), needs a policy without it.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// struct User {
///     is_confirmed: bool,
/// }
///
/// const CONFIRMED: &dyn Policy = &account("email_unconfirmed", |user: &User| user.is_confirmed);
///
/// let gate = gate(&[])?;
/// let user =
///     |is_confirmed| acting_as("alice").with_account(Account::new(User { is_confirmed }));
/// assert_eq!(answer(&gate.acting_as(user(true)), CONFIRMED, get("/orders")), "200");
/// assert_eq!(
///     answer(&gate.acting_as(user(false)), CONFIRMED, get("/orders")),
///     "403 email_unconfirmed"
/// );
/// assert_eq!(
///     answer(&gate.acting_as(acting_as("sync")), CONFIRMED, get("/orders")),
///     "500 misconfigured"
/// ); // no row
/// # Ok(()) }
/// ```
#[must_use]
pub const fn account<T: Any + Send + Sync>(code: &'static str, holds: fn(&T) -> bool) -> OfAccount<T> {
    OfAccount { code, holds }
}

impl<T> Clone for OfAccount<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for OfAccount<T> {}

impl<T> fmt::Debug for OfAccount<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account({})", self.code)
    }
}

impl<T> Sealed for OfAccount<T> {}

impl<T: Any + Send + Sync> Policy for OfAccount<T> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        Answer::now(question.account::<T>().map(|row| {
            let holds = (self.holds)(row);
            question.verdict(holds, self.code, || Explanation::new(format!("{self:?}"), holds))
        }))
    }

    fn describe(&self) -> Description {
        Description::Account { code: self.code }
    }
}
