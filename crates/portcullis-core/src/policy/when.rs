//! Policies that are closures. They have a name, which is the reason code of their denials.

use super::{Policy, Question, Verdict};
use crate::{answer::Answer, decision::Explanation, error::Error, principal::Principal};
use std::{fmt, future::Future};

/// A closure that answers at once. See [`when`].
#[derive(Clone, Copy)]
pub struct When<F> {
    name: &'static str,
    holds: F,
}

/// Lets principals pass for whom this holds. Its name is the code of its denials.
///
/// ```
/// use portcullis_core::policy::{Policy, when};
///
/// let not_guest = when("not-guest", |question| question.principal().id().subject() != "guest");
/// # fn policy(_: impl Policy) {} policy(not_guest);
/// ```
pub const fn when<F>(name: &'static str, holds: F) -> When<F>
where
    F: Fn(&Question<'_>) -> bool + Send + Sync,
{
    When { name, holds }
}

impl<F> fmt::Debug for When<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "when({})", self.name)
    }
}

impl<F: Fn(&Question<'_>) -> bool + Send + Sync> Policy for When<F> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let holds = (self.holds)(&question);
        Answer::now(Ok(question.verdict(holds, self.name, || Explanation::new(format!("{self:?}"), holds))))
    }
}

/// A closure that has to wait. See [`when_async`].
#[derive(Clone, Copy)]
pub struct WhenAsync<F> {
    name: &'static str,
    holds: F,
}

/// Lets principals pass for whom this will hold. Its name is the code of its denials, and an error denies nothing: it
/// refuses the request as what it is.
///
/// ```
/// use portcullis_core::{Principal, policy::{Policy, when_async}};
///
/// let paid = when_async("paid", async |who: Principal| Ok(who.id().subject() != "debtor"));
/// # fn policy(_: impl Policy) {} policy(paid);
/// ```
pub const fn when_async<F, Fut>(name: &'static str, holds: F) -> WhenAsync<F>
where
    F: Fn(Principal) -> Fut + Send + Sync,
    Fut: Future<Output = Result<bool, Error>> + Send + 'static,
{
    WhenAsync { name, holds }
}

impl<F> fmt::Debug for WhenAsync<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "when_async({})", self.name)
    }
}

impl<F, Fut> Policy for WhenAsync<F>
where
    F: Fn(Principal) -> Fut + Send + Sync,
    Fut: Future<Output = Result<bool, Error>> + Send + 'static,
{
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let asked = (self.holds)(question.principal.clone());
        Answer::later(async move {
            let holds = asked.await?;
            Ok(question.verdict(holds, self.name, || Explanation::new(format!("{self:?}"), holds)))
        })
    }
}
