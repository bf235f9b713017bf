//! Policies that combine policies.
//!
//! [`all`] and [`any`] share one loop, `combine`. It asks the parts in order, without a box as long as they answer at once, and
//! waits from the first part that has to.

use super::{Description, NamedScope, Narrowing, Policy, Question, Verdict, ask, sealed::Sealed, step_up::required};
use crate::{
    answer::Answer,
    decision::{Access, Decision, Denial},
    error::Error,
    explanation::Explanation,
    rights::KeyScopes,
};
use std::fmt;

/// Several policies: a tuple of up to twelve, an array, or a `Vec`.
///
/// A tuple mixes types. A `Vec` is for policies that are only known at run time:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// let names = ["billing", "support"]; // from a configuration file
/// let teams: Vec<Box<dyn Policy>> =
///     names.map(|name| Box::new(claim("team").is(name)) as _).into();
/// let policy: std::sync::Arc<dyn Policy> = std::sync::Arc::new(any(teams));
///
/// let token = |team: &str| TestIssuer::new().token("alice").claim("team", team).sign();
/// assert_eq!(answer(&gate, policy.clone(), get("/").bearer(&token("support"))), "200");
/// assert_eq!(answer(&gate, policy, get("/").bearer(&token("sales"))), "403 claim_required");
/// # Ok(()) }
/// ```
pub trait PolicyList: fmt::Debug + Send + Sync {
    /// The policy at this place.
    fn nth(&self, place: usize) -> Option<&dyn Policy>;
}

macro_rules! tuples {
    ($($($name:ident $place:tt),+;)+) => {$(
        impl<$($name: Policy),+> PolicyList for ($($name,)+) {
            fn nth(&self, place: usize) -> Option<&dyn Policy> {
                match place {
                    $($place => Some(&self.$place),)+
                    _ => None,
                }
            }
        }
    )+};
}
tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
}

impl<P: Policy, const N: usize> PolicyList for [P; N] {
    fn nth(&self, place: usize) -> Option<&dyn Policy> {
        self.get(place).map(|policy| policy as &dyn Policy)
    }
}

impl<P: Policy> PolicyList for Vec<P> {
    fn nth(&self, place: usize) -> Option<&dyn Policy> {
        self.get(place).map(|policy| policy as &dyn Policy)
    }
}

/// All of several policies. See [`all`].
#[derive(Debug, Clone, Copy)]
pub struct All<L>(L);

/// Requires all of these policies.
///
/// They are asked in order, up to the first that denies. An empty list is a configuration error.
///
/// A part that only requires a [recent sign-in](super::signed_in_within) or a [factor](super::factor) does not end it: another
/// part that denies is the answer then. The answer has the requirements of all parts of this kind.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// const PUBLISH: &dyn Policy = &all((role("manager"), scope("publish")));
///
/// let user =
///     |scope: &str| gate.acting_as(acting_as("alice").with_role("owner").with_scope(scope));
/// assert_eq!(answer(&user("publish"), PUBLISH, get("/articles/1")), "200");
/// assert_eq!(answer(&user("read"), PUBLISH, get("/articles/1")), "403 insufficient_scope");
/// let nothing: [Box<dyn Policy>; 0] = [];
/// assert!(gate.plan(all(nothing)).is_err()); // would otherwise allow every caller
/// # Ok(()) }
/// ```
#[must_use]
pub const fn all<L: PolicyList>(list: L) -> All<L> {
    All(list)
}

/// At least one of several policies. See [`any`].
#[derive(Debug, Clone, Copy)]
pub struct Any<L>(L);

/// Requires at least one of these policies.
///
/// They are asked in order, up to the first that allows. One that fails with an error ends the search, so put those that
/// need no database first. An empty list is a configuration error.
///
/// A denial is the last part's, except one that only says that the caller's scheme is not accepted there. If a part only
/// requires a [recent sign-in](super::signed_in_within) or a [factor](super::factor), its denial is the answer, also where
/// another part is hidden: the caller would be allowed then.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = gate(&[("alice", 1, "viewer")])?;
/// const READ: &dyn Policy = &any((staff(), role("viewer").on("project", path("project_id"))));
///
/// let alice = gate.acting_as(acting_as("alice"));
/// // no membership is asked about it
/// let admin = gate.acting_as(acting_as("root").with_staff(true));
/// assert_eq!(answer(&alice, READ, project(1)), "200");
/// assert_eq!(answer(&alice, READ, project(2)), "403 not_a_member");
/// assert_eq!(answer(&admin, READ, project(2)), "200");
/// # Ok(()) }
/// ```
#[must_use]
pub const fn any<L: PolicyList>(list: L) -> Any<L> {
    Any(list)
}

impl<L> Sealed for All<L> {}

impl<L: PolicyList> Policy for All<L> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        combine(&self.0, true, question.to_parts_of(self))
    }

    fn describe(&self) -> Description {
        Description::All(each(&self.0).map(Policy::describe).collect())
    }

    fn is_transparent(&self) -> bool {
        true
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        let mut named = each(&self.0).map(|part| part.names_scope(scopes));
        if named.any(|scope| scope == NamedScope::Present) { NamedScope::Present } else { NamedScope::None }
    }
}

impl<L> Sealed for Any<L> {}

impl<L: PolicyList> Policy for Any<L> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        combine(&self.0, false, question)
    }

    fn describe(&self) -> Description {
        Description::Any(each(&self.0).map(Policy::describe).collect())
    }

    fn is_transparent(&self) -> bool {
        true
    }

    /// Whichever part lets the caller in, it has to name one.
    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        let mut named = each(&self.0).map(|part| part.names_scope(scopes));
        if named.all(|scope| scope == NamedScope::Present) { NamedScope::Present } else { NamedScope::None }
    }
}

fn each<L: PolicyList>(list: &L) -> impl Iterator<Item = &dyn Policy> {
    (0..).map_while(|place| list.nth(place))
}

fn combine<'a, L: PolicyList>(list: &'a L, all: bool, question: Question<'a>) -> Answer<'a, Verdict> {
    let mut tally = Tally { all, access: None, denial: None, parts: Vec::new(), explaining: question.explaining };
    let mut rest = each(list);
    while let Some(policy) = rest.next() {
        match ask(policy, question).ready() {
            Ok(Ok(decision)) => {
                if tally.settles(decision) {
                    break;
                }
            }
            Ok(Err(error)) => return Answer::now(Err(error)),
            Err(later) => {
                return Answer::later(async move {
                    let mut settled = tally.settles(later.await?);
                    while !settled && let Some(policy) = rest.next() {
                        settled = tally.settles(ask(policy, question).await?);
                    }
                    tally.end(list)
                });
            }
        }
    }
    Answer::now(tally.end(list))
}

/// The decisions of the parts so far.
struct Tally {
    all: bool,
    access: Option<Access>,
    denial: Option<Denial>,
    parts: Vec<Explanation>,
    explaining: bool,
}

impl Tally {
    /// Counts a part's decision, and returns whether it settles the result.
    fn settles(&mut self, mut decision: Decision) -> bool {
        if self.explaining {
            self.parts.extend(decision.explanation_mut().take().map(|part| *part));
        }
        match decision {
            Decision::Allow(access) => {
                self.access = Some(match self.access.take() {
                    Some(before) => before.join(access),
                    None => access,
                });
                !self.all
            }
            Decision::Deny(denial) => {
                // What another part denies firmly is no reason to sign in again.
                let is_settled = self.all && !denial.is_step_up();
                self.denial = Some(match self.denial.take() {
                    Some(step_up) if self.all => step_up.and(denial),
                    Some(before) => before.then(denial),
                    None => denial,
                });
                is_settled
            }
        }
    }

    fn end(self, list: &impl PolicyList) -> Verdict {
        let decision = match (self.access, self.denial) {
            (Some(access), None) => Decision::Allow(access),
            (Some(access), Some(_)) if !self.all => Decision::Allow(access),
            // The next sign-in has to meet what this one meets, too.
            (_, Some(denial)) if self.all && denial.is_step_up() => {
                let required = each(list).filter_map(|part| required(&part.describe()));
                Decision::Deny(required.fold(denial, Denial::and))
            }
            (_, Some(denial)) => Decision::Deny(denial),
            (None, None) => return Err(empty_list()),
        };
        if !self.explaining {
            return Ok(decision);
        }
        let part = if self.all { "all of" } else { "any of" };
        let allowed = decision.is_allowed();
        Ok(decision.explained(Explanation::new(part, allowed).with_parts(self.parts)))
    }
}

/// Returned where a route is added, and where a request is decided.
pub(crate) fn empty_list() -> Error {
    Error::misconfigured(
        "a policy has an empty list, which neither allows nor denies; write `anyone()`, or leave it out",
    )
}

/// The opposite of a policy. See [`not`].
#[derive(Debug, Clone, Copy)]
pub struct Not<P>(P);

/// Allows the callers that this policy denies.
///
/// The code of its denials is `not_allowed`.
///
/// What cannot be judged is an error and is not inverted: a role, permission or list in the policy that cannot be right, a
/// claim of another type, a membership that fails or returns an unknown role, parents of a resource that could not all be
/// followed. What is absent is a clear no: a claim or role that the caller does not have, a resource on which it has no
/// role. So `not(role("banned").on("project", ..))` allows strangers; combine it with a policy that says who is allowed.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = gate(&[("alice", 1, "viewer"), ("bob", 1, "manager")])?;
/// const PROJECT: values::OnResource = role("viewer").on("project", path("project_id"));
/// const FEEDBACK: &dyn Policy =
///     &all((PROJECT, not(role("manager").on("project", path("project_id")))));
///
/// let [alice, bob] = ["alice", "bob"].map(|name| gate.acting_as(acting_as(name)));
/// assert_eq!(answer(&alice, FEEDBACK, project(1)), "200");
/// assert_eq!(answer(&bob, FEEDBACK, project(1)), "403 not_allowed");
/// // what is missing stays missing
/// assert_eq!(answer(&alice, not(PROJECT), project(77)), "404 not_found");
/// # Ok(()) }
/// ```
#[must_use]
pub const fn not<P: Policy>(policy: P) -> Not<P> {
    Not(policy)
}

impl<P> Sealed for Not<P> {}

impl<P: Policy> Policy for Not<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        // Asked about the owner: what a key lacks must not let it in.
        ask(&self.0, Question { below_not: true, narrowing: Narrowing::Off, ..question }).map(move |verdict| {
            let decision = match verdict? {
                Decision::Deny(denial) if denial.why().is_firm => return Ok(Decision::Deny(denial)),
                decision => decision,
            };
            let allowed = !decision.is_allowed();
            let parts = decision.explain().cloned().into_iter().collect();
            Ok(question.verdict(allowed, "not_allowed", || Explanation::new("not", allowed).with_parts(parts)))
        })
    }

    fn describe(&self) -> Description {
        Description::Not(Box::new(self.0.describe()))
    }
}

/// A policy whose denials look like an unknown path. See [`hidden`].
#[derive(Debug, Clone, Copy)]
pub struct HiddenPolicy<P>(pub(super) P);

/// Callers this policy denies get 404, as if the resource did not exist.
///
/// Callers without a credential get 401. Only the resource is hidden. That such a route exists still shows: in this 401, in
/// the methods that a framework lists when another one is used, and in its answers to HEAD.
///
/// Use [`OnResource::hidden`](super::values::OnResource::hidden) to hide a resource from strangers alone. This is for policies
/// of other kinds, and to hide a resource from members without the right too.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// const DEBUG: &dyn Policy = &hidden(staff());
///
/// let admin = gate.acting_as(acting_as("root").with_staff(true));
/// let alice = gate.acting_as(acting_as("alice"));
/// assert_eq!(answer(&admin, DEBUG, get("/debug")), "200");
/// assert_eq!(answer(&alice, DEBUG, get("/debug")), "404 not_found");
/// assert_eq!(answer(&gate, DEBUG, get("/debug")), "401 credential_missing");
/// # Ok(()) }
/// ```
#[must_use]
pub const fn hidden<P: Policy>(policy: P) -> HiddenPolicy<P> {
    HiddenPolicy(policy)
}

impl<P> Sealed for HiddenPolicy<P> {}

impl<P: Policy> Policy for HiddenPolicy<P> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        ask(&self.0, question).map(|verdict| {
            verdict.map(|decision| match decision {
                Decision::Deny(denial) => Decision::Deny(denial.hidden()),
                allowed => allowed,
            })
        })
    }

    fn describe(&self) -> Description {
        Description::Hidden(Box::new(self.0.describe()))
    }

    fn is_transparent(&self) -> bool {
        true
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        self.0.names_scope(scopes)
    }
}
