//! Policies about the caller alone: what its credential or its verifier says about it.
//!
//! None of them waits. [`RequireRole::on`] and [`RequirePermission::on`] lead to policies about a resource, which ask a
//! membership.

use super::{Description, Locate, NamedScope, OnResource, Policy, Question, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Denial},
    error::Error,
    explanation::Explanation,
    principal::Principal,
    rights::{self, KeyScopes, NamedRight, Role},
};

/// Every caller, authenticated or not. See [`anyone`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Anyone;

/// Allows every caller, without authentication: for public routes.
///
/// Nothing is verified: a request with an expired token is allowed as well. If only certain resources are public, use
/// [`visitors`](super::visitors).
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// const HEALTH: &dyn Policy = &anyone();
///
/// assert_eq!(answer(&gate, HEALTH, get("/health")), "200");
/// assert_eq!(answer(&gate, HEALTH, get("/health").bearer("expired")), "200");
/// assert_eq!(answer(&gate, authenticated(), get("/me")), "401 credential_missing");
/// # Ok(()) }
/// ```
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
///
/// Includes services and keys, not only people. It says nothing about rights: use it for what belongs to the caller itself,
/// such as its profile.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// let token = TestIssuer::new().token("alice").sign();
///
/// assert_eq!(answer(&gate, authenticated(), get("/me").bearer(&token)), "200");
/// assert_eq!(answer(&gate, authenticated(), get("/me").bearer("forged")), "401 invalid_token");
/// # Ok(()) }
/// ```
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

/// Allows staff: the people who run the service.
///
/// The code of its denials is `staff_required`.
///
/// The flag comes from the token, by [`ClaimMap::staff`](crate::ClaimMap::staff), or from the verifier, by
/// [`Principal::with_staff`](crate::Principal::with_staff). A claim that is no flag counts as absent. Below
/// [`not`](super::not) it is an error, so that `not(staff())` allows nobody by mistake.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// let alice = gate.acting_as(acting_as("alice").with_staff(true));
/// let bob = gate.acting_as(acting_as("bob").with_role("owner"));
///
/// assert_eq!(answer(&alice, staff(), get("/admin")), "200");
/// assert_eq!(answer(&bob, staff(), get("/admin")), "403 staff_required");
/// # Ok(()) }
/// ```
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

/// Requires that the client was granted this scope (RFC 6749, section 3.3).
///
/// The code of its denials is `insufficient_scope`.
///
/// A scope limits what a client may do for its user. It is no right of that user, so require a role or a permission as well.
/// The challenge of a denial names the missing scope (RFC 6750, section 3.1).
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// const UPLOAD: &dyn Policy = &all((scope("files:write"), role("manager")));
///
/// let issuer = TestIssuer::new();
/// let request = |scopes| {
///     get("/files").bearer(&issuer.token("alice").role("manager").scope(scopes).sign())
/// };
/// assert_eq!(answer(&gate, UPLOAD, request("files:read files:write")), "200");
/// assert_eq!(answer(&gate, UPLOAD, request("files:read")), "403 insufficient_scope");
/// # Ok(()) }
/// ```
///
/// # Panics
/// If it is empty or contains white space, quotes or backslashes.
#[must_use]
#[track_caller]
pub const fn scope(scope: &'static str) -> RequireScope {
    assert!(rights::is_word(scope.as_bytes()), "a scope is a word, without quotes or backslashes");
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

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        NamedScope::of(scopes.name(self.0))
    }
}

/// Callers with a permission. See [`permission`].
#[derive(Debug, Clone, Copy)]
pub struct RequirePermission(&'static str);

/// Requires this permission, from the caller itself or from a role that it has everywhere.
///
/// The code of its denials is `permission_required`.
///
/// Where the gate lists its [permissions](crate::GateBuilder::permissions), any other one is a configuration error. Below
/// [`not`](super::not), a permission that neither that list nor a role names is one too, since a misspelt permission would
/// deny nobody.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let roles = RoleHierarchy::builder()
///     .ranked(["reader", "editor"])
///     .permits("editor", ["article:*"])
///     .build()?;
/// let gate = builder()?.roles(roles).permissions(["article:read", "article:delete"]).build()?;
/// const DELETE: &dyn Policy = &permission("article:delete");
///
/// let editor = gate.acting_as(acting_as("alice").with_role("editor"));
/// let reader = gate.acting_as(acting_as("bob").with_role("reader"));
/// assert_eq!(answer(&editor, DELETE, get("/articles/1")), "200");
/// assert_eq!(answer(&reader, DELETE, get("/articles/1")), "403 permission_required");
/// assert!(gate.plan(permission("article:delte")).is_err()); // found when the route is added
/// # Ok(()) }
/// ```
///
/// # Panics
/// If it is not `resource:action`; in a constant, the build fails.
#[must_use]
#[track_caller]
pub const fn permission(name: &'static str) -> RequirePermission {
    RequirePermission(rights::checked(name))
}

impl RequirePermission {
    /// Requires that the caller's role on a resource permits this, by the gate's roles or by
    /// [`Membership::permits`](crate::Membership::permits).
    ///
    /// Permissions that the caller has everywhere do not count.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let roles = RoleHierarchy::builder()
    ///     .ranked(["viewer", "owner"])
    ///     .permits("owner", ["project:delete"])
    ///     .build()?;
    /// let projects = Projects(&[("alice", 1, "owner"), ("alice", 2, "viewer")]);
    /// let gate = builder()?.roles_on("project", roles).membership("project", projects).build()?;
    /// const DELETE: &dyn Policy = &permission("project:delete").on("project", path("project_id"));
    ///
    /// let alice = gate.acting_as(acting_as("alice"));
    /// assert_eq!(answer(&alice, DELETE, project(1)), "200");
    /// assert_eq!(answer(&alice, DELETE, project(2)), "403 permission_required"); // a viewer there
    /// assert_eq!(answer(&alice, DELETE, project(3)), "403 not_a_member");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn on<I: Locate>(self, kind: &'static str, id: I) -> OnResource<I> {
        OnResource::permission(self.0, kind, id)
    }
}

impl Sealed for RequirePermission {}

impl Policy for RequirePermission {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        match question.is_first_role_enough(NamedRight::permission(self.0, None)) {
            true => Answer::now(Ok(Decision::allow())),
            false => self.judged(&question),
        }
    }

    fn describe(&self) -> Description {
        Description::Permission { permission: self.0, on: None }
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        NamedScope::of(scopes.permit(self.0))
    }
}

impl RequirePermission {
    /// By any role. Apart, so that the usual case needs no stack frame.
    #[inline(never)]
    fn judged<'a>(&self, question: &Question<'_>) -> Answer<'a, Verdict> {
        Answer::now(match question.place_with(NamedRight::permission(self.0, None)) {
            Some(_) if !question.explaining => Ok(Decision::allow()),
            _ => self.judge(question),
        })
    }

    #[inline(never)]
    fn judge(&self, question: &Question<'_>) -> Verdict {
        let by = question.role_with(NamedRight::permission(self.0, None))?;
        let principal = question.principal();
        let own = principal.permissions().holds(self.0);
        let holds = own || by.is_some();
        if !holds && question.is_without_permission(self.0) {
            return Ok(question.superuser_verdict(self.0, || format!("permission `{}`", self.0)));
        }
        let decision = match holds {
            true => Decision::allow(),
            false => Decision::Deny(Denial::new("permission_required").with(|why| why.required = Some(self.0))),
        };
        if !question.explaining {
            return Ok(decision);
        }
        let note = match by {
            _ if own => "its own".to_owned(),
            Some(place) => by_role(principal, place),
            None => format!("no role that permits it; {}", known_roles(question)),
        };
        Ok(decision.explained(Explanation::new(format!("permission `{}`", self.0), holds).with_note(note)))
    }
}

/// Callers with a role. See [`role`].
#[derive(Debug, Clone, Copy)]
pub struct RequireRole(&'static str);

/// Requires this role everywhere, or one that includes it; with [`on`](RequireRole::on), on a resource.
///
/// The code of its denials is `role_required`.
///
/// A role that the gate does not know is a configuration error. Roles in a token that the gate does not know have no
/// effect, below [`not`](super::not) as well: issuers also write roles of other services into their tokens.
///
/// Require a permission instead where several roles permit the same, or where customers define their roles.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// const REPORTS: &dyn Policy = &role("manager");
///
/// // The roles of this gate are viewer, manager and owner. Each includes those before it.
/// let owner = gate.acting_as(acting_as("alice").with_role("owner"));
/// let viewer = gate.acting_as(acting_as("bob").with_role("viewer"));
/// assert_eq!(answer(&owner, REPORTS, get("/reports")), "200");
/// assert_eq!(answer(&viewer, REPORTS, get("/reports")), "403 role_required");
/// assert!(gate.plan(role("manger")).is_err()); // unknown to the gate
/// # Ok(()) }
/// ```
#[must_use]
pub const fn role(name: &'static str) -> RequireRole {
    RequireRole(name)
}

impl RequireRole {
    /// Requires the role on a resource of this kind, where the caller has it itself or inherits it from a parent.
    ///
    /// Roles that the caller has everywhere do not count; combine both with [`any`](super::any). The gate's
    /// [`Membership`](crate::Membership) of the kind is asked once for a request.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// // alice manages project 1, bob may look at it.
    /// let gate = gate(&[("alice", 1, "manager"), ("bob", 1, "viewer")])?;
    /// const EDIT: &dyn Policy = &role("manager").on("project", path("project_id"));
    ///
    /// let [alice, bob, carol] =
    ///     ["alice", "bob", "carol"].map(|name| gate.acting_as(acting_as(name)));
    /// assert_eq!(answer(&alice, EDIT, project(1)), "200");
    /// assert_eq!(answer(&bob, EDIT, project(1)), "403 role_required");
    /// assert_eq!(answer(&carol, EDIT, project(1)), "403 not_a_member");
    /// assert_eq!(answer(&alice, EDIT, project(77)), "404 not_found"); // there is no such project
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn on<I: Locate>(self, kind: &'static str, id: I) -> OnResource<I> {
        OnResource::role(self.0, kind, id)
    }
}

impl Sealed for RequireRole {}

impl Policy for RequireRole {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        match question.is_first_role_enough(NamedRight::role(self.0, None)) {
            true => Answer::now(Ok(Decision::by_role(0))),
            false => self.judged(&question),
        }
    }

    fn describe(&self) -> Description {
        Description::Role { role: self.0, on: None }
    }
}

impl RequireRole {
    /// By any role. Apart, so that the usual case needs no stack frame.
    #[inline(never)]
    fn judged<'a>(&self, question: &Question<'_>) -> Answer<'a, Verdict> {
        Answer::now(match question.place_with(NamedRight::role(self.0, None)) {
            Some(place) if !question.explaining => Ok(Decision::by_role(place)),
            _ => self.judge(question),
        })
    }

    #[inline(never)]
    fn judge(&self, question: &Question<'_>) -> Verdict {
        let by = question.role_with(NamedRight::role(self.0, None))?;
        if by.is_none() && question.is_without_role() {
            return Ok(question.superuser_verdict(self.0, || format!("role `{}`", self.0)));
        }
        let principal = question.principal();
        let decision = match by {
            Some(place) => Decision::by_role(place),
            None => Decision::Deny(Denial::new("role_required").with(|why| {
                (why.required, why.held) = (Some(self.0), principal.roles().first().cloned());
            })),
        };
        if !question.explaining {
            return Ok(decision);
        }
        let note = match by {
            Some(place) => by_role(principal, place),
            None => format!("no role that includes it; {}", known_roles(question)),
        };
        Ok(decision.explained(Explanation::new(format!("role `{}`", self.0), by.is_some()).with_note(note)))
    }
}

/// A role that the caller has everywhere, and where it comes from.
fn by_role(principal: &Principal, place: usize) -> String {
    let role = principal.roles().get(place).map_or("", |role| role.as_str());
    format!("by the role `{role}` of the {}", principal.origin_of_role(place))
}

/// The caller's roles everywhere. Those that the gate does not know have no effect, and a token may have any number of them.
fn known_roles(question: &Question<'_>) -> String {
    let principal = question.principal();
    let known = |(_, role): &(usize, &Role)| question.rights.roles.knows(role.as_str());
    let known = principal.roles().iter().enumerate().filter(known);
    let known: Vec<String> =
        known.map(|(place, role)| format!("`{role}` of the {}", principal.origin_of_role(place))).collect();
    if known.is_empty() { "it has none that the gate knows".to_owned() } else { format!("it has {}", known.join(", ")) }
}
