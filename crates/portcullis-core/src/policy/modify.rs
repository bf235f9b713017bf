//! Modifiers of a policy: for visitors, without the baseline, with a fresh identity.

use super::{Description, NamedScope, Policy, Question, Verdict, ask, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Denial},
    error::Error,
    explanation::Explanation,
    rights::KeyScopes,
};
use std::time::Duration;

/// A policy that also judges callers without a credential. See [`visitors`].
#[derive(Debug, Clone, Copy)]
pub struct Visitors<P>(P);

/// Also asks the policy about callers without a credential.
///
/// For resources, [`Membership::visitor`](crate::Membership::visitor) answers; every other part denies them. A denied
/// caller without a credential gets 401. Callers with a credential are allowed whatever visitors are.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// #[derive(Debug)]
/// struct Files;
///
/// impl Membership for Files {
///     type Id = u32;
///
///     async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
///         Ok(Standing::stranger())
///     }
///
///     async fn visitor(&self, id: &u32) -> Result<Standing, Error> {
///         // file 1 is public
///         Ok(if *id == 1 { Standing::role("viewer") } else { Standing::stranger() })
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// const READ: &dyn Policy = &visitors(role("viewer").on("file", path("id")).hidden());
///
/// let gate = builder()?.membership("file", Files).build()?;
/// let alice = gate.acting_as(acting_as("alice"));
/// let file = |id: u32| get("/files/_").param("id", id);
/// assert_eq!([answer(&gate, READ, file(1)), answer(&alice, READ, file(1))], ["200", "200"]);
/// assert_eq!(answer(&gate, READ, file(2)), "401 credential_missing");
/// assert_eq!(answer(&alice, READ, file(2)), "404 not_found");
/// # Ok(()) }
/// ```
#[must_use]
pub const fn visitors<P: Policy>(policy: P) -> Visitors<P> {
    Visitors(policy)
}

impl<P: Policy> Visitors<P> {
    /// What callers without a credential may do, all may: they could leave theirs out.
    fn or_as_visitor<'a>(&'a self, question: Question<'a>, denial: Denial) -> Answer<'a, Verdict> {
        ask(&self.0, question.about_nobody()).map(|verdict| match verdict? {
            Decision::Deny(_) => Ok(Decision::Deny(denial)),
            allowed => Ok(allowed),
        })
    }
}

impl<P> Sealed for Visitors<P> {}

impl<P: Policy> Policy for Visitors<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let question = Question { visitors: true, ..question };
        match ask(&self.0, question).ready() {
            Ok(Ok(Decision::Deny(denial))) if question.caller.is_some() => self.or_as_visitor(question, denial),
            Ok(verdict) => Answer::now(verdict),
            Err(later) => Answer::later(async move {
                match later.await? {
                    Decision::Deny(denial) if question.caller.is_some() => self.or_as_visitor(question, denial).await,
                    decision => Ok(decision),
                }
            }),
        }
    }

    fn describe(&self) -> Description {
        Description::Visitors(Box::new(self.0.describe()))
    }

    fn is_transparent(&self) -> bool {
        true
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        self.0.names_scope(scopes)
    }
}

/// A policy without the gate's baseline. See [`without_baseline`].
#[derive(Debug, Clone, Copy)]
pub struct WithoutBaseline<P>(P);

/// Leaves out the gate's [baseline](crate::GateBuilder::baseline): for the routes on which callers confirm an address or
/// accept terms.
///
/// It has to be around the whole policy.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// struct User {
///     is_confirmed: bool,
/// }
/// let gate = builder()?
///     .baseline(account("email_unconfirmed", |user: &User| user.is_confirmed))
///     .build()?;
/// const CONFIRM: &dyn Policy = &without_baseline(authenticated());
///
/// let alice = gate
///     .acting_as(acting_as("alice").with_account(Account::new(User { is_confirmed: false })));
/// assert_eq!(answer(&alice, CONFIRM, get("/confirm")), "200");
/// assert_eq!(answer(&alice, authenticated(), get("/orders")), "403 email_unconfirmed");
/// // a part of a policy cannot leave it out
/// assert!(gate.plan(any((staff(), CONFIRM))).is_err());
/// # Ok(()) }
/// ```
#[must_use]
pub const fn without_baseline<P: Policy>(policy: P) -> WithoutBaseline<P> {
    WithoutBaseline(policy)
}

impl<P> Sealed for WithoutBaseline<P> {}

impl<P: Policy> Policy for WithoutBaseline<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        ask(&self.0, question)
    }

    fn describe(&self) -> Description {
        Description::WithoutBaseline(Box::new(self.0.describe()))
    }

    fn is_transparent(&self) -> bool {
        true
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        self.0.names_scope(scopes)
    }
}

/// A policy with a fresh identity. See [`fresh`].
#[derive(Debug, Clone, Copy)]
pub struct Fresh<P>(Duration, P);

/// Requires that the caller's identity was checked with its issuer at most `max_age` ago; with [`Duration::ZERO`], that the
/// issuer is asked again.
///
/// For routes where an ended session or a withdrawn right must count at once. All parts of the route's policy, and its
/// handler, use what is known then.
///
/// The same verifier answers, without its cache. [`Introspection`](crate::Introspection) also asks about tokens that it
/// otherwise verifies locally. Cached accounts and standings older than `max_age` are read again. If the route accepts a scheme
/// that only verifies and cannot ask again, such as one of a [`Jwt`](crate::Jwt), adding the route is an error.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # #[derive(Debug)] struct Sessions;
/// # impl Authenticator for Sessions {
/// #     async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
/// #         match (credential.expose(), credential.max_age()) {
/// #             ("ended", Some(_)) => Err(Error::new(ErrorKind::Invalid, "the session was ended")),
/// #             _ => Ok(Principal::new(PrincipalKind::User, "alice")),
/// #         }
/// #     }
/// #     fn asks_anew(&self) -> bool { true }
/// # }
/// # fn main() -> Result<(), Error> {
/// use std::time::Duration;
///
/// const DELETE_ACCOUNT: &dyn Policy = &fresh(Duration::ZERO, authenticated());
///
/// // The verifier's cache still has a session that was ended.
/// let gate = Gate::builder().scheme(Scheme::new(Sessions).cookie("session")).build()?;
/// let session = |name| get("/account").header("cookie", &format!("session={name}"));
/// assert_eq!(answer(&gate, DELETE_ACCOUNT, session("open")), "200");
/// assert_eq!(answer(&gate, DELETE_ACCOUNT, session("ended")), "401 invalid_token");
/// assert_eq!(answer(&gate, authenticated(), session("ended")), "200");
/// assert!(builder()?.build()?.plan(DELETE_ACCOUNT).is_err()); // its only scheme verifies tokens
/// # Ok(()) }
/// ```
#[must_use]
pub const fn fresh<P: Policy>(max_age: Duration, policy: P) -> Fresh<P> {
    Fresh(max_age, policy)
}

impl<P> Sealed for Fresh<P> {}

impl<P: Policy> Policy for Fresh<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        if !is_within(question.moment.max_age, Some(self.0)) {
            return Answer::now(Err(Error::misconfigured(
                "the caller's identity is older than the policy allows; a rule that asks a `fresh` policy lists it in `parts`",
            )));
        }
        ask(&self.1, question).map(move |verdict| {
            let mut decision = verdict?;
            let Some(part) = decision.explanation_mut().take() else { return Ok(decision) };
            let allowed = decision.is_allowed();
            let part = Explanation::new(format!("fresh within {:?}", self.0), allowed).with_parts(vec![*part]);
            Ok(decision.explained(part))
        })
    }

    fn describe(&self) -> Description {
        Description::Fresh { max_age: self.0, part: Box::new(self.1.describe()) }
    }

    fn is_transparent(&self) -> bool {
        true
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        self.1.names_scope(scopes)
    }
}

/// Whether an identity established with one maximum age is good for another.
pub(crate) fn is_within(established: Option<Duration>, asked: Option<Duration>) -> bool {
    asked.is_none_or(|asked| established.is_some_and(|established| established <= asked))
}
