//! Policies about the caller alone.

use super::{Description, Locate, OnResource, Policy, Question, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Explanation},
    error::Error,
    rights,
};

/// Every caller, authenticated or not. See [`anyone`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Anyone;

/// Allows every caller, without authentication: for public routes.
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

/// Every authenticated caller. See [`authenticated`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AnyPrincipal;

/// Allows every authenticated caller.
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

/// Callers with the staff flag. See [`staff`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Staff;

/// Allows staff: the people who run the service. Code `staff_required`.
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

/// Callers with a scope. See [`scope`].
#[derive(Debug, Clone, Copy)]
pub struct RequireScope(&'static str);

/// Requires that the client was granted this scope (RFC 6749, section 3.3). Code `insufficient_scope`.
///
/// # Panics
/// If it is empty or contains white space, quotes or backslashes.
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

/// Callers with a permission. See [`permission`].
#[derive(Debug, Clone, Copy)]
pub struct RequirePermission(&'static str);

/// Requires this permission, from the caller itself or from a role that it has everywhere. Code `permission_required`.
///
/// Where the gate lists its [permissions](crate::GateBuilder::permissions), any other one is a configuration error. Below
/// [`not`](super::not), a permission that neither that list nor a role names is one too, since a misspelt permission would
/// deny nobody.
///
/// # Panics
/// If it is not `resource:action`; in a constant, the build fails.
#[must_use]
#[track_caller]
pub const fn permission(name: &'static str) -> RequirePermission {
    RequirePermission(rights::checked(name))
}

impl RequirePermission {
    /// Requires that the caller's role on a resource permits this.
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

/// Callers with a role. See [`role`].
#[derive(Debug, Clone, Copy)]
pub struct RequireRole(&'static str);

/// Requires this role everywhere, or one that includes it; with [`on`](RequireRole::on), on a resource. Code
/// `role_required`.
///
/// A role that the gate does not know is a configuration error. Roles in a token that the gate does not know have no
/// effect, below [`not`](super::not) as well: issuers also write roles of other services into their tokens.
#[must_use]
pub const fn role(name: &'static str) -> RequireRole {
    RequireRole(name)
}

impl RequireRole {
    /// Requires the role on a resource. The gate's membership is asked for it.
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
