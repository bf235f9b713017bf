//! What a policy answers: allow with what it found out, or deny with what it required.
//!
//! Decisions are passed by value through every combinator, so both are small: an [`Access`] without facts has no allocation,
//! and the facts of a [`Denial`] are behind one pointer.

use crate::{
    error::{Error, ErrorKind},
    explanation::Explanation,
    principal::Principal,
    rights::{ResourceRef, Role, Standing},
};
use std::{
    any::{Any, type_name},
    borrow::Cow,
    time::Duration,
};

/// The result of a policy: allow or deny.
///
/// A policy that cannot decide returns an [`Error`](crate::Error) instead, which allows nobody, also below
/// [`not`](crate::policy::not).
///
/// A [`Rule`](crate::policy::Rule) of yours returns one:
///
/// ```
/// use portcullis_core::{
///     Decision, Question,
///     policy::{Rule, Verdict},
/// };
///
/// #[derive(Debug)]
/// struct OpenHours;
/// # impl OpenHours { async fn is_open(&self, _: Option<&str>) -> Result<bool, portcullis_core::Error> { Ok(true) } }
///
/// impl Rule for OpenHours {
///     async fn decide(&self, question: &Question<'_>) -> Verdict {
///         match self.is_open(question.principal().organization()).await? {
///             true => Ok(Decision::allow()),
///             false => Ok(Decision::deny("closed")),
///         }
///     }
/// }
///
/// assert!(Decision::allow().is_allowed());
/// assert!(
///     matches!(Decision::deny("closed"), Decision::Deny(denial) if denial.code() == "closed")
/// );
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_enums, reason = "a third answer would have to break every match")]
pub enum Decision {
    /// The caller is allowed.
    Allow(Access),
    /// The caller is denied.
    Deny(Denial),
}

impl Decision {
    /// Allows, without further facts.
    #[must_use]
    pub fn allow() -> Self {
        Self::Allow(Access::default())
    }

    /// Denies, with this code for the client.
    #[must_use]
    pub fn deny(code: impl Into<Cow<'static, str>>) -> Self {
        Self::Deny(Denial::new(code))
    }

    /// Allows by the role at this place of those that the caller has everywhere.
    pub(crate) fn by_role(place: usize) -> Self {
        Self::Allow(Access { role: place.try_into().ok(), ..Access::default() })
    }

    /// Whether it allows.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// The reasons, part by part. Recorded for [`Gate::explain`](crate::Gate::explain), and for denials while the log is at
    /// debug level.
    #[must_use]
    pub fn explain(&self) -> Option<&Explanation> {
        match self {
            Self::Allow(access) => access.found.as_ref()?.explanation.as_deref(),
            Self::Deny(denial) => denial.0.explanation.as_deref(),
        }
    }

    pub(crate) fn explained(mut self, explanation: Explanation) -> Self {
        *self.explanation_mut() = Some(Box::new(explanation));
        self
    }

    pub(crate) fn explanation_mut(&mut self) -> &mut Option<Box<Explanation>> {
        match self {
            Self::Allow(access) => &mut access.found_mut().explanation,
            Self::Deny(denial) => &mut denial.0.explanation,
        }
    }
}

/// What a policy found out when it allowed the caller.
///
/// A handler reads the caller's role, the resource and its row from it, and need not ask again what the policy asked:
///
/// ```
/// use portcullis_core::{
///     Error, Gate, Membership, Principal, RoleHierarchy, Scheme, Standing,
///     policy::*,
///     testing::{TestIssuer, acting_as},
/// };
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
///
/// struct Project {
///     title: &'static str,
/// }
///
/// #[derive(Debug)]
/// struct Projects; // a table in a service
///
/// impl Membership for Projects {
///     type Id = u32;
///
///     async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
///         Ok(match (*id, who.id().subject()) {
///             (7, "alice") => Standing::role("owner").with(Project { title: "Bridge" }),
///             (7, _) => Standing::stranger(),
///             _ => Standing::missing(),
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let gate = Gate::builder()
///     .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
///     .roles(RoleHierarchy::ranked(["viewer", "owner"])?)
///     .membership("project", Projects)
///     .build()?;
/// let plan = gate.plan(role("viewer").on("project", path("id")))?;
/// let request = get("/projects/7").param("id", 7);
///
/// let as_alice = gate.acting_as(acting_as("alice"));
/// let who = as_alice.establish_for(&plan, &request).await;
/// let access = as_alice.authorize(&who, &plan, &request).await?;
/// assert_eq!(access.principal()?.id().subject(), "alice");
/// assert_eq!(access.role().map(|role| role.as_str()), Some("owner"));
/// assert_eq!(access.resource().map(|on| (on.kind(), on.id())), Some(("project", "7")));
/// assert_eq!(access.row::<Project>()?.title, "Bridge");
/// assert!(access.standing("team").is_none()); // not asked
///
/// let as_bob = gate.acting_as(acting_as("bob"));
/// let who = as_bob.establish_for(&plan, &request).await;
/// assert!(
///     as_bob
///         .authorize(&who, &plan, &request)
///         .await
///         .is_err_and(|error| error.code() == "not_a_member")
/// );
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The gate sets it at the end: a policy only borrows the caller.
    pub(crate) principal: Option<Principal>,
    /// The place of the role that allowed the caller among those it has everywhere.
    pub(crate) role: Option<u16>,
    /// `None` for most policies: decisions are passed by value.
    pub(crate) found: Option<Box<Findings>>,
}

/// What a policy found out about the caller on a resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    /// The role that allowed it there.
    pub(crate) role: Option<Role>,
    /// Whether that is the role of the standing, which is then not copied.
    pub(crate) is_by_standing: bool,
    /// What the caller passed without, as a superuser.
    pub(crate) superuser: Option<&'static str>,
    /// The resource on which the caller is allowed, with its standing there.
    pub(crate) on: Option<(ResourceRef, Standing)>,
    /// Other standings that were read: those of its parents, then those of further parts of the policy.
    pub(crate) others: Vec<(ResourceRef, Standing)>,
    pub(crate) explanation: Option<Box<Explanation>>,
}

impl Access {
    /// The caller.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] (401) if a policy for [`visitors`](crate::policy::visitors) allowed a caller without a
    /// credential.
    pub fn principal(&self) -> Result<&Principal, Error> {
        let detail = "the handler needs a caller with a credential, and this request has none";
        self.principal.as_ref().ok_or_else(|| Error::new(ErrorKind::Missing, detail))
    }

    /// The caller, if it presented a credential. Below [`visitors`](crate::policy::visitors) and on public routes it need not.
    #[must_use]
    pub fn visitor(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// The role that allowed the caller, if one did: on the [`resource`](Self::resource), if there is one.
    #[must_use]
    pub fn role(&self) -> Option<&Role> {
        match self.found.as_deref() {
            Some(Findings { on: Some((_, standing)), is_by_standing: true, .. }) => standing.held(),
            Some(Findings { role, on: Some(_), .. }) => role.as_ref(),
            _ => self.principal.as_ref()?.roles().get(usize::from(self.role?)),
        }
    }

    /// The role or permission that the caller does not have and passed without, as a
    /// [superuser](crate::GateBuilder::superuser).
    #[must_use]
    pub fn superuser(&self) -> Option<&str> {
        self.found.as_ref()?.superuser
    }

    /// The resource on which the caller is allowed, if there is one.
    #[must_use]
    pub fn resource(&self) -> Option<&ResourceRef> {
        self.own().map(|(on, _)| on)
    }

    /// The caller's standing on the resource of this kind, if the policy read it. Includes parents that were asked.
    #[must_use]
    pub fn standing(&self, kind: &str) -> Option<&Standing> {
        self.seen().find(|(on, _)| on.kind() == kind).map(|(_, standing)| standing)
    }

    /// The row of this type from a membership, so that the handler need not read it again.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if there is none, or if two resources have one: use [`standing`](Self::standing) then.
    pub fn row<T: Any + Send + Sync>(&self) -> Result<&T, Error> {
        let mut rows = self.seen().filter_map(|(on, standing)| Some((on, standing.row::<T>()?)));
        let Some((on, row)) = rows.next() else {
            let detail = format!("no membership that was read has a row of the type `{}`", type_name::<T>());
            return Err(Error::misconfigured(detail));
        };
        match rows.find(|(other, _)| *other != on) {
            Some((other, _)) => Err(Error::misconfigured(format!(
                "a {} and a {} both have a row of the type `{}`; take it from `standing(kind)`",
                on.kind(),
                other.kind(),
                type_name::<T>()
            ))),
            None => Ok(row),
        }
    }

    /// The resource on which the caller is allowed, with its standing there.
    pub(crate) fn own(&self) -> Option<&(ResourceRef, Standing)> {
        self.found.as_ref()?.on.as_ref()
    }

    /// All standings that were read.
    fn seen(&self) -> impl Iterator<Item = &(ResourceRef, Standing)> {
        self.own().into_iter().chain(self.found.iter().flat_map(|found| &found.others))
    }

    pub(crate) fn found_mut(&mut self) -> &mut Findings {
        self.found.get_or_insert_default()
    }

    /// Joins both. A role stays with the resource that it is on: a role that the caller has everywhere, or elsewhere, does
    /// not replace it.
    pub(crate) fn join(self, other: Self) -> Self {
        let found = match (self.found, other.found) {
            (Some(mut found), Some(other)) => {
                if found.on.is_some() {
                    found.others.extend(other.on);
                } else {
                    (found.role, found.is_by_standing, found.on) = (other.role, other.is_by_standing, other.on);
                }
                found.superuser = found.superuser.or(other.superuser);
                found.others.extend(other.others);
                Some(found)
            }
            (found, other) => found.or(other),
        };
        Self { found, role: self.role.or(other.role), ..self }
    }
}

impl From<Findings> for Access {
    fn from(found: Findings) -> Self {
        Self { found: Some(Box::new(found)), ..Self::default() }
    }
}

/// Why a policy denied, and what it required.
///
/// Clients see the [`code`](Self::code), the name of a missing scope, and what sign-in is required. The rest is for logs and
/// renderers:
///
/// ```
/// use portcullis_core::{
///     Decision, Gate, RoleHierarchy, Scheme,
///     policy::*,
///     testing::{TestIssuer, acting_as},
/// };
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// let gate = Gate::builder()
///     .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
///     .roles(RoleHierarchy::ranked(["viewer", "editor"])?)
///     .build()?;
/// let (plan, request) = (gate.plan(role("editor"))?, get("/"));
///
/// let as_bob = gate.acting_as(acting_as("bob").with_role("viewer"));
/// let who = as_bob.establish_for(&plan, &request).await;
/// let refused = as_bob.authorize(&who, &plan, &request).await;
/// let error = refused.err().ok_or_else(|| portcullis_core::Error::missing("denial"))?;
/// assert_eq!((error.status(), error.code()), (403, "role_required"));
/// let required = error.denial().map(|denial| (denial.required(), denial.is_hidden()));
/// assert_eq!(required, Some((Some("editor"), false)));
///
/// let as_alice = gate.acting_as(acting_as("alice").with_role("editor"));
/// let who = as_alice.establish_for(&plan, &request).await;
/// assert!(as_alice.explain(&who, &plan, &request).await?.is_allowed());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Denial(Box<Why>);

#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Why {
    pub(crate) code: Cow<'static, str>,
    pub(crate) required: Option<&'static str>,
    pub(crate) is_scope: bool,
    pub(crate) kind: Option<Cow<'static, str>>,
    pub(crate) held: Option<Role>,
    pub(crate) is_hidden: bool,
    /// No negation turns it into an allow: there is nothing to judge, or the caller may do nothing at all.
    pub(crate) is_firm: bool,
    /// It only says that the caller used another scheme.
    pub(crate) is_about_scheme: bool,
    /// It only says that there was no credential.
    pub(crate) is_absent: bool,
    /// It only says that the address is not signed.
    pub(crate) is_unsigned: bool,
    /// It only says that the caller has to sign in again. What is required is the factor.
    pub(crate) is_step_up: bool,
    /// How old a sign-in may be.
    pub(crate) max_age: Option<Duration>,
    pub(crate) explanation: Option<Box<Explanation>>,
}

/// The code of a denial of a key for its scopes.
const SCOPE_REQUIRED: &str = "scope_required";

/// The code of a denial that a new sign-in would lift (RFC 9470, section 3).
pub(crate) const STEP_UP: &str = "insufficient_user_authentication";

impl Denial {
    pub(crate) fn new(code: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Why {
            code: code.into(),
            required: None,
            is_scope: false,
            kind: None,
            held: None,
            is_hidden: false,
            is_firm: false,
            is_about_scheme: false,
            is_absent: false,
            is_unsigned: false,
            is_step_up: false,
            max_age: None,
            explanation: None,
        }))
    }

    pub(crate) fn why(&self) -> &Why {
        &self.0
    }

    pub(crate) fn why_mut(&mut self) -> &mut Why {
        &mut self.0
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Why)) -> Self {
        change(&mut self.0);
        self
    }

    /// The resource does not exist.
    pub(crate) fn missing(kind: impl Into<Cow<'static, str>>) -> Self {
        let kind = Some(kind.into());
        Self::new("missing").with(|why| (why.kind, why.is_hidden, why.is_firm) = (kind, true, true))
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.0.code == "missing"
    }

    /// No credential that counts here was presented.
    pub(crate) fn absent() -> Self {
        Self::new("credential_missing").with(|why| (why.is_firm, why.is_absent) = (true, true))
    }

    pub(crate) fn of_another_scheme() -> Self {
        Self::new("scheme_not_accepted").with(|why| (why.is_firm, why.is_about_scheme) = (true, true))
    }

    /// The caller's key has not the scope that is required, if one is named there.
    pub(crate) fn of_key(scope: Option<&'static str>) -> Self {
        Self::new(SCOPE_REQUIRED).with(|why| (why.required, why.is_scope, why.is_firm) = (scope, scope.is_some(), true))
    }

    /// A person who has signed in has to do it again, a short time ago or by a factor.
    pub(crate) fn step_up(max_age: Option<Duration>, factor: Option<&'static str>) -> Self {
        Self::new(STEP_UP).with(|why| {
            (why.is_step_up, why.is_firm, why.max_age, why.required) = (true, true, max_age, factor);
        })
    }

    pub(crate) fn is_step_up(&self) -> bool {
        self.0.is_step_up
    }

    /// The caller is no person, so it cannot sign in.
    pub(crate) fn user_required() -> Self {
        Self::new("user_required").with(|why| why.is_firm = true)
    }

    /// The same as a 404, which says nothing of a sign-in.
    pub(crate) fn hidden(self) -> Self {
        self.with(|why| (why.is_hidden, why.is_step_up) = (!why.is_absent, false))
    }

    /// Joins this step-up with what else has denied in the same `all`: both requirements, if that is one too.
    pub(crate) fn and(self, later: Self) -> Self {
        if !later.0.is_step_up {
            return later;
        }
        self.with(|why| {
            why.max_age = why.max_age.into_iter().chain(later.0.max_age).min();
            // Several in `acr_values` would mean one of them. The other one is required after this one.
            why.required = why.required.or(later.0.required);
        })
    }

    /// Joins both: the later reason, unless the earlier one says more. Hidden if one of them is, and firm if one is.
    pub(crate) fn then(self, later: Self) -> Self {
        let names_no_scope = |why: &Why| why.code == SCOPE_REQUIRED && why.required.is_none();
        // A caller whose address is not signed may not need one that is, so what it lacks elsewhere says more.
        let says = |Self(why): &Self| match () {
            () if why.is_unsigned => 0,
            () if why.is_about_scheme || why.is_absent || names_no_scope(why) => 1,
            () if !why.is_step_up => 2,
            // Whoever signs in again is allowed, so nothing is hidden from it.
            () => 3,
        };
        let (is_hidden, is_firm) = (self.0.is_hidden || later.0.is_hidden, self.0.is_firm || later.0.is_firm);
        let reason = if says(&later) < says(&self) { self } else { later };
        reason.with(|why| (why.is_hidden, why.is_firm) = (is_hidden && !why.is_absent && !why.is_step_up, is_firm))
    }

    /// The code for the client, which does not see it if the denial is hidden.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The name of the required role, permission, scope or [factor](crate::policy::factor).
    #[must_use]
    pub fn required(&self) -> Option<&str> {
        self.0.required
    }

    /// How old a sign-in may be, if the caller has to [sign in again](crate::policy::signed_in_within).
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.0.max_age
    }

    /// The kind of the resource.
    #[must_use]
    pub fn resource_kind(&self) -> Option<&str> {
        self.0.kind.as_deref()
    }

    /// The role that the caller has there instead.
    #[must_use]
    pub fn held(&self) -> Option<&Role> {
        self.0.held.as_ref()
    }

    /// Whether the client gets 404, as if the resource did not exist.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.0.is_hidden
    }
}
