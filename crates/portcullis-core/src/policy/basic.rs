//! Policies about the principal alone.

use super::{Description, Locate, OnResource, Policy, Question, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Explanation},
    error::Error,
    rights,
};

/// Everybody, whether they say who they are or not. See [`anyone`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Anyone;

/// Lets everybody pass, and asks nobody: a public route says so with this.
#[must_use]
pub const fn anyone() -> Anyone {
    Anyone
}

impl Sealed for Anyone {}

impl Policy for Anyone {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        Answer::now(Ok(question.verdict(true, "", || Explanation::new("anyone", true))))
    }

    fn describe(&self) -> Description {
        Description::Anyone
    }

    fn judges_visitors(&self, _: &Question<'_>) -> bool {
        true
    }
}

/// Every principal. See [`authenticated`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AnyPrincipal;

/// Lets every principal pass.
#[must_use]
pub const fn authenticated() -> AnyPrincipal {
    AnyPrincipal
}

impl Sealed for AnyPrincipal {}

impl Policy for AnyPrincipal {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        Answer::now(Ok(question.verdict(true, "", || Explanation::new("authenticated", true))))
    }

    fn describe(&self) -> Description {
        Description::Authenticated
    }
}

/// Who has the staff flag. See [`staff`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Staff;

/// Lets staff pass: those who run the service. Code `staff_required`.
#[must_use]
pub const fn staff() -> Staff {
    Staff
}

impl Sealed for Staff {}

impl Policy for Staff {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let Some(is) = question.principal().staff_flag().or((!question.below_not).then_some(false)) else {
            return Answer::now(Err(Error::invalid("the token's staff flag is neither `true` nor `false`")));
        };
        Answer::now(Ok(question.verdict(is, "staff_required", || Explanation::new("staff", is))))
    }

    fn describe(&self) -> Description {
        Description::Staff
    }
}

/// Who was lent a scope. See [`scope`].
#[derive(Debug, Clone, Copy)]
pub struct RequireScope(&'static str);

/// Lets principals pass whose client was lent this scope (RFC 6749, section 3.3). Code `insufficient_scope`.
///
/// # Panics
/// If it is empty or has white space, quotes or backslashes in it.
#[must_use]
#[track_caller]
pub const fn scope(scope: &'static str) -> RequireScope {
    let mut rest = scope.as_bytes();
    assert!(!rest.is_empty(), "a scope is a word");
    while let [first, tail @ ..] = rest {
        assert!(matches!(first, b'!' | b'#'..=b'[' | b']'..=b'~'), "a scope is a word, without quotes or backslashes");
        rest = tail;
    }
    RequireScope(scope)
}

impl Sealed for RequireScope {}

impl Policy for RequireScope {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let has = question.principal().scopes().iter().any(|scope| scope == self.0);
        let part = || Explanation::new(format!("scope `{}`", self.0), has);
        let mut decision = question.verdict(has, "insufficient_scope", part);
        if let Decision::Deny(denial) = &mut decision {
            let why = denial.why_mut();
            (why.required, why.is_scope) = (Some(self.0), true);
        }
        Answer::now(Ok(decision))
    }

    fn describe(&self) -> Description {
        Description::Scope(self.0)
    }
}

/// Who holds a permission. See [`permission`].
#[derive(Debug, Clone, Copy)]
pub struct RequirePermission(&'static str);

/// Lets principals pass that hold this permission, by themselves or by a role that they have everywhere. Code
/// `permission_required`.
///
/// Where the gate names its [permissions](crate::GateBuilder::permissions), another one is an error of the wiring. So is
/// one below [`not`](super::not) that is named neither there nor by a role, since nobody would hold what is misspelt.
///
/// # Panics
/// If it is not `resource:action`; in a constant that is an error of the build.
#[must_use]
#[track_caller]
pub const fn permission(name: &'static str) -> RequirePermission {
    RequirePermission(rights::checked(name))
}

impl RequirePermission {
    /// Lets principals pass whose role on a resource permits this.
    #[must_use]
    pub const fn on<I: Locate>(self, kind: &'static str, id: I) -> OnResource<I> {
        OnResource::permission(self.0, kind, id)
    }
}

impl Sealed for RequirePermission {}

impl Policy for RequirePermission {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        if let Err(error) = question.rights.knows_permission(self.0, None, question.below_not) {
            return Answer::now(Err(error));
        }
        let principal = question.principal();
        let roles = &question.rights.roles;
        let own = principal.permissions().holds(self.0);
        let permits = |role: &str| roles.permitted(role).is_some_and(|permitted| permitted.holds(self.0));
        let by = || principal.roles().iter().find(|role| permits(role.as_str()));
        let holds = own || by().is_some();
        let part = || {
            let part = Explanation::new(format!("permission `{}`", self.0), holds);
            match by() {
                Some(role) if !own => part.with_note(format!("by the role `{role}`")),
                _ => part,
            }
        };
        let mut decision = question.verdict(holds, "permission_required", part);
        if let Decision::Deny(denial) = &mut decision {
            denial.why_mut().required = Some(self.0);
        }
        Answer::now(Ok(decision))
    }

    fn describe(&self) -> Description {
        Description::Permission { permission: self.0, on: None }
    }
}

/// Who has a role. See [`role`].
#[derive(Debug, Clone, Copy)]
pub struct RequireRole(&'static str);

/// Lets principals pass that have this role everywhere, or one that includes it; with [`on`](RequireRole::on), those
/// that have it on a resource. Code `role_required`.
///
/// A role that the gate does not know is an error of the wiring. One that a token brings and the gate does not know is worth
/// nothing, to [`not`](super::not) as well: issuers write roles of other services into their tokens too.
#[must_use]
pub const fn role(name: &'static str) -> RequireRole {
    RequireRole(name)
}

impl RequireRole {
    /// Lets principals pass that have the role on a resource, which the gate's membership is asked for.
    #[must_use]
    pub const fn on<I: Locate>(self, kind: &'static str, id: I) -> OnResource<I> {
        OnResource::role(self.0, kind, id)
    }
}

impl Sealed for RequireRole {}

impl Policy for RequireRole {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let roles = &question.rights.roles;
        if let Err(error) = question.rights.knows_role(self.0, None) {
            return Answer::now(Err(error));
        }
        let by = question.principal().roles().iter().find(|role| roles.includes(role.as_str(), self.0));
        let part = || {
            let part = Explanation::new(format!("role `{}`", self.0), by.is_some());
            part.with_note(by.map_or("no role that includes it".to_owned(), |role| format!("by the role `{role}`")))
        };
        let mut decision = question.verdict(by.is_some(), "role_required", part);
        match &mut decision {
            Decision::Allow(access) => access.found_mut().role = by.cloned(),
            Decision::Deny(denial) => {
                let why = denial.why_mut();
                (why.required, why.held) = (Some(self.0), question.principal().roles().first().cloned());
            }
        }
        Answer::now(Ok(decision))
    }

    fn describe(&self) -> Description {
        Description::Role { role: self.0, on: None }
    }
}
