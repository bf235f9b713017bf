//! Callers who pass without the role or permission that a route requires.

use super::GateBuilder;
use crate::{
    answer::Answer,
    decision::{Decision, Denial},
    error::Error,
    explanation::Explanation,
    policy::{Plan, Policy, Question, Superuser, Verdict, ask},
    rights::{PermissionSet, Rights},
};
use std::sync::Arc;

/// What a [superuser](GateBuilder::superuser) passes without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuperuserScope(Option<Vec<String>>);

impl SuperuserScope {
    /// These permissions, everywhere and on every resource.
    #[must_use]
    pub fn permissions<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self(Some(names.into_iter().map(Into::into).collect()))
    }

    /// Every role and every permission, everywhere and on every resource.
    #[must_use]
    pub fn every_role_and_permission() -> Self {
        Self(None)
    }
}

impl GateBuilder {
    /// Lets callers whom this policy allows pass without a role or permission: operators who have to see all projects, for
    /// example.
    ///
    /// Each `role` and `permission` of the [scope](SuperuserScope) counts as fulfilled for them where the policy of a route
    /// requires it. All else stays required: what other parts of the policy ask, the
    /// [baseline](Self::baseline), the schemes that the route accepts. A resource that does not exist, or does not belong to the
    /// other one in the path, stays missing (404). What stands below [`not`](crate::policy::not) stays as it is.
    ///
    /// A key with scopes is a superuser only if this policy names one of its scopes, and passes only without the permissions of its
    /// scopes.
    ///
    /// It is asked only after the policy has denied the caller. Each use is logged at level `info` (target `portcullis`), with
    /// what the caller passed without; [`Access::superuser`](crate::Access::superuser) tells the handler.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use portcullis_core::SuperuserScope;
    ///
    /// let gate = builder()?
    ///     .membership("project", Projects(&[("alice", 1, "viewer")]))
    ///     .superuser(staff(), SuperuserScope::permissions(["project:read"]))
    ///     .build()?;
    /// const READ: &dyn Policy = &permission("project:read").on("project", path("project_id"));
    /// const DELETE: &dyn Policy =
    ///     &permission("project:delete").on("project", path("project_id"));
    ///
    /// let operator = gate.acting_as(acting_as("root").with_staff(true));
    /// assert_eq!(answer(&operator, READ, project(1)), "200");
    /// assert_eq!(answer(&operator, DELETE, project(1)), "403 not_a_member");
    /// assert_eq!(answer(&operator, READ, project(77)), "404 not_found"); // there is none
    ///
    /// let bob = gate.acting_as(acting_as("bob"));
    /// assert_eq!(answer(&bob, READ, project(1)), "403 not_a_member");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn superuser(mut self, policy: impl Policy + 'static, scope: SuperuserScope) -> Self {
        self.once(".superuser(…)", self.superuser.is_none());
        self.superuser = Some((Arc::new(policy), scope));
        self
    }
}

/// What the plans of all policies need to know of it.
///
/// # Errors
/// If the scope names a permission that is malformed, or that the gate does not know.
pub(super) fn describe(policy: &dyn Policy, scope: SuperuserScope, rights: &Rights) -> Result<Superuser, Error> {
    let permissions = scope.0.map(|names| {
        names.iter().try_for_each(|name| rights.knows_permission(name, None, false))?;
        if names.is_empty() {
            return Err(Error::misconfigured(
                "the scope of `.superuser(…)` is empty; name permissions, or leave it out",
            ));
        }
        PermissionSet::exact(names)
    });
    Ok(Superuser { policy: policy.describe(), permissions: permissions.transpose()? })
}

/// What cannot be asked about callers of every route.
///
/// # Errors
/// If the plan reads the path, a fresh identity or no caller at all.
pub(super) fn check(plan: &Plan) -> Result<(), Error> {
    let problem = if plan.is_public() || plan.asks_visitors() {
        "allows callers without a credential"
    } else if plan.max_age().is_some() {
        "has `fresh`, which no route would use"
    } else if !plan.params().is_empty() {
        "reads a parameter of the path, which other routes do not have"
    } else {
        return Ok(());
    };
    Err(Error::misconfigured(format!(
        "the policy of `.superuser(…)` {problem}; name those who are superusers on all routes"
    )))
}

/// Asks the policy of a route, and where it denies the caller, asks it once more if the caller is a superuser.
#[inline]
pub(super) fn ask_policy<'a>(
    superuser: Option<&'a Plan>,
    plan: &'a Plan,
    question: Question<'a>,
) -> Answer<'a, Verdict> {
    match superuser.filter(|_| plan.has_superuser()) {
        None => ask(plan.policy(), question),
        Some(superuser) => ask_twice(superuser, plan, question),
    }
}

fn ask_twice<'a>(superuser: &'a Plan, plan: &'a Plan, question: Question<'a>) -> Answer<'a, Verdict> {
    ask(plan.policy(), question).then(move |verdict| match verdict {
        Ok(Decision::Deny(denial)) if question.caller.is_some() => or_as_superuser(superuser, plan, question, denial),
        verdict => Answer::now(verdict),
    })
}

fn or_as_superuser<'a>(
    superuser: &'a Plan,
    plan: &'a Plan,
    question: Question<'a>,
    denial: Denial,
) -> Answer<'a, Verdict> {
    let (accepted, named) = (superuser.unnamed(), superuser.named());
    let asked = Question { accepted, named, explaining: false, ..question };
    ask(superuser.policy(), asked).then(move |verdict| match verdict {
        Ok(Decision::Allow(_)) => ask(plan.policy(), Question { as_superuser: true, ..question })
            .map(move |verdict| verdict.map(|decision| recorded(superuser, decision))),
        Ok(Decision::Deny(step_up)) if step_up.is_step_up() => {
            // It is the answer only to who would pass as a superuser then.
            ask(plan.policy(), Question { as_superuser: true, explaining: false, ..question }).map(|verdict| {
                let is_enough = verdict?.is_allowed();
                let explanation = denial.why().explanation.clone();
                let step_up = step_up.with(|why| why.explanation = explanation);
                Ok(Decision::Deny(if is_enough { step_up } else { denial }))
            })
        }
        Ok(Decision::Deny(_)) => Answer::now(Ok(Decision::Deny(denial))),
        Err(error) => Answer::now(Err(error)),
    })
}

/// The decision about a superuser: logged, and explained as one.
fn recorded(superuser: &Plan, mut decision: Decision) -> Decision {
    if let Decision::Allow(access) = &decision {
        let (policy, right) = (superuser.description(), access.superuser());
        tracing::info!(target: "portcullis", %policy, right, "a superuser passes without the right that a route requires");
    }
    match decision.explanation_mut().take() {
        Some(part) => {
            let (allowed, words) = (decision.is_allowed(), format!("superuser ({})", superuser.description()));
            decision.explained(Explanation::new(words, allowed).with_parts(vec![*part]))
        }
        None => decision,
    }
}
