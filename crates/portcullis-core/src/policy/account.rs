use super::{Description, Policy, Question, Verdict, sealed::Sealed};
use crate::{answer::Answer, decision::Explanation};
use std::{any::Any, fmt};

/// Requires something of the caller's account. See [`account`].
pub struct OfAccount<T> {
    code: &'static str,
    holds: fn(&T) -> bool,
}

/// Requires something of the row of the caller's [account](crate::Directory). `code` is the code of its denials.
///
/// Without a row of this type it cannot decide, which is an error, below [`not`](super::not) as well.
///
/// ```
/// use portcullis_core::policy::*;
///
/// struct User {
///     is_confirmed: bool,
/// }
///
/// const CONFIRMED: &dyn Policy = &account("email_unconfirmed", |user: &User| user.is_confirmed);
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
