//! Policies about a resource that the request names.
//!
//! A decision asks in this order: is the name known to the gate, do the identifiers parse, does the resource exist, does it
//! belong to the others that the path names, and only then which roles the caller has there.

use super::{Description, Locate, NamedScope, On, Policy, Question, ResourceId, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Denial, Findings},
    error::{Error, ErrorKind},
    explanation::Explanation,
    rights::{self, Halt, HeldRole, HeldRoles, KeyScopes, NamedRight, PassingRoles, ResourceRef, Standing, State},
};
use std::{any::Any, any::type_name, fmt};

/// Callers with a role, or a permission, on a resource of the request. See [`role`](super::role) and
/// [`permission`](super::permission).
#[derive(Debug, Clone, Copy)]
pub struct OnResource<I = ResourceId> {
    right: NamedRight,
    kind: &'static str,
    id: I,
    of: [Option<(&'static str, ResourceId)>; 2],
    is_hidden: bool,
}

/// The text of a request is no identifier of the kind.
pub(super) fn malformed_id(kind: &str, parameter: &'static str) -> Error {
    let detail = format!("`{parameter}` is not an identifier of the kind `{kind}`");
    Error::new(ErrorKind::Malformed, detail).with_code("invalid_id").with_parameter(parameter)
}

impl<I: Locate> OnResource<I> {
    pub(super) const fn role(name: &'static str, kind: &'static str, id: I) -> Self {
        Self { right: NamedRight::role(name, Some(kind)), kind, id, of: [None, None], is_hidden: false }
    }

    pub(super) const fn permission(name: &'static str, kind: &'static str, id: I) -> Self {
        Self { right: NamedRight::permission(name, Some(kind)), kind, id, of: [None, None], is_hidden: false }
    }

    /// Strangers get 404, as if the resource did not exist.
    ///
    /// Members without the right get 403.
    ///
    /// For resources that strangers must not know of, such as private projects. Callers without a credential get 401, whether
    /// the resource exists or not. See [`hidden`](super::hidden) for what still shows.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate(&[("alice", 1, "viewer")])?;
    /// const EDIT: &dyn Policy = &role("manager").on("project", path("project_id")).hidden();
    ///
    /// let alice = gate.acting_as(acting_as("alice"));
    /// // a member knows that it exists
    /// assert_eq!(answer(&alice, EDIT, project(1)), "403 role_required");
    /// assert_eq!(answer(&alice, EDIT, project(2)), "404 not_found"); // private
    /// assert_eq!(answer(&alice, EDIT, project(77)), "404 not_found"); // missing
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    /// Requires that the resource belongs to this other one, such as a flight to the project in the path.
    ///
    /// Otherwise it counts as missing (404). Checked before anything is asked about the other one.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// #[derive(Debug)]
    /// struct Flights;
    ///
    /// impl Membership for Flights {
    ///     type Id = u32;
    ///
    ///     async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
    ///         Ok(Standing::role("viewer").under("project", 1)) // all flights belong to project 1
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// const READ: &dyn Policy = &role("viewer")
    ///     .on("flight", path("flight_id"))
    ///     .of("project", path("project_id"))
    ///     .hidden();
    ///
    /// let gate =
    ///     builder()?.membership("project", Projects(&[])).membership("flight", Flights).build()?;
    /// let alice = gate.acting_as(acting_as("alice"));
    /// assert_eq!(answer(&alice, READ, project(1).param("flight_id", 5)), "200");
    /// assert_eq!(answer(&alice, READ, project(2).param("flight_id", 5)), "404 not_found");
    /// # Ok(()) }
    /// ```
    ///
    /// Called twice, the resource has to belong to both, such as a photo to the flight and to the project in the path. Its
    /// membership names both with [`Standing::under`](crate::Standing::under).
    ///
    /// # Panics
    /// If it is called a third time; in a constant, the build fails.
    #[must_use]
    #[expect(clippy::panic, reason = "a mistake in the source, found when it is compiled or started")]
    pub const fn of(mut self, kind: &'static str, id: ResourceId) -> Self {
        self.of = match self.of {
            [None, _] => [Some((kind, id)), None],
            [first, None] => [first, Some((kind, id))],
            _ => panic!("a policy on a resource names at most two others that it belongs to"),
        };
        self
    }

    /// Requires something of the resource's row, which its membership provides with
    /// [`Standing::with`](crate::Standing::with).
    ///
    /// `code` is the code of the denial. Without a row of this type it cannot decide, which is an error.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// struct Flight {
    ///     is_locked: bool,
    /// }
    ///
    /// # #[derive(Debug)] struct Flights;
    /// # impl Membership for Flights {
    /// #     type Id = u32;
    /// #     async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
    /// #         Ok(Standing::role("manager").with(Flight { is_locked: *id == 6 }))
    /// #     }
    /// # }
    /// # fn main() -> Result<(), Error> {
    /// const WRITE: &dyn Policy = &role("manager")
    ///     .on("flight", path("flight_id"))
    ///     .row("flight_locked", |flight: &Flight| !flight.is_locked);
    ///
    /// let gate = builder()?.membership("flight", Flights).build()?;
    /// // a manager of both flights; flight 6 is locked
    /// let alice = gate.acting_as(acting_as("alice"));
    /// let flight = |id: u32| get("/flights/_").param("flight_id", id);
    /// assert_eq!(answer(&alice, WRITE, flight(5)), "200");
    /// assert_eq!(answer(&alice, WRITE, flight(6)), "403 flight_locked");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn row<T: Any + Send + Sync>(self, code: &'static str, holds: fn(&T) -> bool) -> OnRow<T, I> {
        OnRow { on: self, code, holds }
    }

    fn judge(&self, question: &Question<'_>) -> Result<Decision, Halt> {
        // The policy's names have to be known, or no caller could pass.
        let passing = question.named.roles_with(self.right);
        if passing.is_none() {
            question.rights.knows(self.right, question.below_not)?;
        }
        let (rights, asker) = (question.rights, question.asker());
        let mut parents = Vec::new();
        for (kind, id) in self.of.iter().flatten() {
            let (text, parameter) = id.locate(question)?;
            parents.push(rights.resource((*kind).into(), &text)?.ok_or_else(|| malformed_id(kind, parameter))?);
        }
        let (text, parameter) = self.id.locate(question)?;
        let found = rights.find(asker, self.kind, &text)?;
        let (on, own) = found.ok_or_else(|| malformed_id(self.kind, parameter))?;
        let is_other = !parents.iter().all(|parent| own.is_under(parent));
        match own.state() {
            State::Missing => return Ok(self.deny(question, Denial::missing(self.kind), &on, "there is none")),
            _ if is_other => return Ok(self.deny(question, Denial::missing(self.kind), &on, "belongs to another one")),
            State::Refused(code) => {
                let denial = self.denial(code.clone()).with(|why| why.is_firm = true);
                return Ok(self.deny(question, denial, &on, "a member that may do nothing now"));
            }
            // The most frequent answer, without a copy of the role.
            State::Role(role) if !question.explaining && passing.is_some_and(|passing| passing.has(role.as_str())) => {
                return Ok(Decision::Allow(
                    Findings { on: Some((on, own)), is_by_standing: true, ..Findings::default() }.into(),
                ));
            }
            State::Role(_) | State::Stranger => {}
        }
        let mut others = Vec::new();
        let held = rights.roles_held(asker, (&on, &own), &[], &mut others)?;
        let by = self.fitting(question, passing, &on, &held)?;
        if let (None, Some(role)) = (by, own.held()) {
            rights.check_stored(asker, role, &on)?;
        }
        let first = held.iter().next();
        let permits_itself = !self.right.is_role && own.permits(self.right.name);
        if by.is_none() && !permits_itself {
            if self.is_without(question) {
                return Ok(self.allow_superuser(question, on, own, others));
            }
            let Some(first) = first else {
                let denial = self.denial("not_a_member").with(|why| why.is_hidden = self.is_hidden);
                return Ok(self.deny(question, denial, &on, "no role there"));
            };
            let denial = self.denial(self.right.code()).with(|why| why.held = Some(first.role.clone()));
            return Ok(self.deny(question, denial, &on, first));
        }
        let role = by.or(first);
        let part = || {
            let note = by.map_or("permitted by the standing itself".to_owned(), ToString::to_string);
            Explanation::new(format!("{} on {on}", self.right), true).with_note(note)
        };
        let explanation = question.explaining.then(|| Box::new(part()));
        let role = role.map(|held| held.role.clone());
        Ok(Decision::Allow(Findings { role, on: Some((on, own)), others, explanation, ..Findings::default() }.into()))
    }

    fn is_without(&self, question: &Question<'_>) -> bool {
        if self.right.is_role { question.is_without_role() } else { question.is_without_permission(self.right.name) }
    }

    fn allow_superuser(
        &self,
        question: &Question<'_>,
        on: ResourceRef,
        own: Standing,
        others: Vec<(ResourceRef, Standing)>,
    ) -> Decision {
        let part =
            || Explanation::new(format!("{} on {on}", self.right), true).with_note("a superuser passes without it");
        let explanation = question.explaining.then(|| Box::new(part()));
        let superuser = Some(self.right.name);
        Decision::Allow(Findings { superuser, on: Some((on, own)), others, explanation, ..Findings::default() }.into())
    }

    /// The first of the roles that is enough.
    fn fitting<'h>(
        &self,
        question: &Question<'_>,
        passing: Option<&PassingRoles>,
        on: &ResourceRef,
        held: &'h HeldRoles,
    ) -> Result<Option<&'h HeldRole>, Halt> {
        for held in held.iter() {
            let (role, rights) = (held.role.as_str(), question.rights);
            let has = passing.map_or_else(|| rights.has(role, self.right), |passing| passing.has(role));
            let fits =
                has || !self.right.is_role && rights.permits(question.asker(), &held.role, on, self.right.name)?;
            if fits {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    fn denial(&self, code: impl Into<std::borrow::Cow<'static, str>>) -> Denial {
        Denial::new(code).with(|why| (why.required, why.kind) = (Some(self.right.name), Some(self.kind.into())))
    }

    fn deny(&self, question: &Question<'_>, denial: Denial, on: &ResourceRef, note: impl fmt::Display) -> Decision {
        // Without a credential, a missing resource and a private one look alike.
        let is_absent = question.caller.is_none() && (self.is_hidden || !denial.is_missing());
        let denial = if is_absent { Denial::absent() } else { denial };
        let decision = Decision::Deny(denial);
        let part = || Explanation::new(format!("{} on {on}", self.right), false).with_note(note.to_string());
        if question.explaining { decision.explained(part()) } else { decision }
    }

    fn on(&self) -> On {
        let of = self.of.iter().flatten().flat_map(|(_, id)| id.params());
        let own = self.id.params();
        On {
            own_params: own.len(),
            kind: self.kind,
            of: self.of.iter().flatten().map(|(kind, _)| *kind).collect(),
            is_hidden: self.is_hidden,
            params: own.into_iter().chain(of).collect(),
        }
    }
}

impl<I> Sealed for OnResource<I> {}

impl<I: Locate> Policy for OnResource<I> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        rights::answer(move || self.judge(&question))
    }

    fn describe(&self) -> Description {
        let on = Some(self.on());
        let NamedRight { name, is_role, .. } = self.right;
        if is_role { Description::Role { role: name, on } } else { Description::Permission { permission: name, on } }
    }

    fn judges_visitors(&self, question: &Question<'_>) -> bool {
        question.visitors
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        if self.right.is_role { NamedScope::None } else { NamedScope::of(scopes.permit(self.right.name)) }
    }
}

/// Callers with a role or permission on a resource with a suitable row. See [`OnResource::row`].
pub struct OnRow<T, I = ResourceId> {
    on: OnResource<I>,
    code: &'static str,
    holds: fn(&T) -> bool,
}

impl<T, I: Clone> Clone for OnRow<T, I> {
    fn clone(&self) -> Self {
        Self { on: self.on.clone(), code: self.code, holds: self.holds }
    }
}

impl<T, I: Copy> Copy for OnRow<T, I> {}

impl<T, I: fmt::Debug> fmt::Debug for OnRow<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}.row({})", self.on, self.code)
    }
}

impl<T, I> Sealed for OnRow<T, I> {}

impl<T: Any + Send + Sync, I: Locate> Policy for OnRow<T, I> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        self.on.decide(question).map(move |verdict| {
            let access = match verdict? {
                Decision::Allow(access) => access,
                denied => return Ok(denied),
            };
            // The resource's own row: a parent may have one of the same type.
            let own = access.own().and_then(|(_, standing)| standing.row::<T>());
            let row = own.ok_or_else(|| {
                let kind = self.on.kind;
                Error::misconfigured(format!(
                    "the membership of a {kind} returned no row of the type `{}`",
                    type_name::<T>()
                ))
            })?;
            if (self.holds)(row) {
                return Ok(Decision::Allow(access));
            }
            let decision = Decision::Deny(Denial::new(self.code).with(|why| why.kind = Some(self.on.kind.into())));
            let part = || Explanation::new(format!("row of the {}: {}", self.on.kind, self.code), false);
            Ok(if question.explaining { decision.explained(part()) } else { decision })
        })
    }

    fn describe(&self) -> Description {
        Description::Row { code: self.code, part: Box::new(self.on.describe()) }
    }

    fn judges_visitors(&self, question: &Question<'_>) -> bool {
        question.visitors
    }

    fn names_scope(&self, scopes: &KeyScopes) -> NamedScope {
        self.on.names_scope(scopes)
    }
}
