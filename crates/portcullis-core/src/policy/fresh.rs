use super::{Need, Policy, Question, Verdict};
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
/// every route anyway. A token that was only verified is refused as a mistake of the wiring (500). A gate that has nothing
/// else finds it before any request, by [`Gate::check`](crate::Gate::check).
#[must_use]
pub const fn fresh(max_age: Duration) -> Fresh {
    Fresh(max_age)
}

impl Policy for Fresh {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        if !is_within(question.max_age, Some(self.0)) {
            return Answer::now(Err(Error::misconfigured(
                "who makes the request was not established for this policy; a policy around `fresh` has to pass on its `needs`",
            )));
        }
        Answer::now(Ok(question.verdict(true, "", || Explanation::new(format!("fresh within {:?}", self.0), true))))
    }

    fn needs(&self, see: &mut dyn FnMut(Need)) {
        see(Need::Fresh(self.0));
    }
}

/// How old may be what is remembered of who makes a request, by all parts of a policy. `None` if none of them says.
#[must_use]
pub fn max_age(policy: &dyn Policy) -> Option<Duration> {
    let mut least = None;
    policy.needs(&mut |need| {
        if let Need::Fresh(max_age) = need {
            least = Some(least.map_or(max_age, |least: Duration| least.min(max_age)));
        }
    });
    least
}

/// Whether what was established with one age is good for another.
pub(crate) fn is_within(established: Option<Duration>, asked: Option<Duration>) -> bool {
    asked.is_none_or(|asked| established.is_some_and(|established| established <= asked))
}
