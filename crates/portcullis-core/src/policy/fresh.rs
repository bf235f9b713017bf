use super::{Description, Policy, Question, Verdict, sealed::Sealed};
use crate::{answer::Answer, decision::Explanation, error::Error};
use std::time::Duration;

/// Who is known as of now. See [`fresh`].
#[derive(Debug, Clone, Copy)]
pub struct Fresh(Duration);

/// Lets principals pass of whom nothing is remembered that is older than this; with [`Duration::ZERO`], whoever issued the
/// credential is asked anew. For routes where a session that was just ended, or a right that was just taken away, must count:
/// all policies of the route and its handler go by what is known then.
///
/// ```
/// use portcullis_core::policy::*;
/// use std::time::Duration;
///
/// let delete_account = all((staff(), fresh(Duration::ZERO)));
/// # let _ = delete_account;
/// ```
///
/// What answers is what would answer anyway, without its memory: [`Introspection`](crate::Introspection) asks also about
/// tokens that it would otherwise verify here. A [`SharedSecret`](crate::SharedSecret) is always fresh. An
/// [`Authenticator`](crate::Authenticator) of yours is fresh where it says that it
/// [asks anew](crate::Authenticator::asks_anew).
///
/// A [`Jwt`](crate::Jwt) asks nobody, and [`Revocations`](crate::Revocations) do not say who somebody is: they are asked on
/// every route anyway. So a route that asks for a fresh identity can accept no scheme that only verifies:
/// [`Gate::plan`](crate::Gate::plan) returns an error before any request. Give such a scheme a name, and the route does not
/// accept it.
#[must_use]
pub const fn fresh(max_age: Duration) -> Fresh {
    Fresh(max_age)
}

impl Sealed for Fresh {}

impl Policy for Fresh {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        if !is_within(question.max_age, Some(self.0)) {
            return Answer::now(Err(Error::misconfigured(
                "the caller's identity is older than the policy asks for; a rule around `fresh` names it in its `parts`",
            )));
        }
        Answer::now(Ok(question.verdict(true, "", || Explanation::new(format!("fresh within {:?}", self.0), true))))
    }

    fn describe(&self) -> Description {
        Description::Fresh(self.0)
    }
}

/// Whether what was established with one age is good for another.
pub(crate) fn is_within(established: Option<Duration>, asked: Option<Duration>) -> bool {
    asked.is_none_or(|asked| established.is_some_and(|established| established <= asked))
}
