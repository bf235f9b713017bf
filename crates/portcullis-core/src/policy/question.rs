//! What a policy is asked, and what a [`Rule`](super::Rule) can learn from it.

use super::{Narrowing, Policy, Verdict, ask};
use crate::{
    clock::Moment,
    decision::{Decision, Denial},
    error::{Error, ErrorKind},
    explanation::Explanation,
    head::{RequestHead, query_param},
    principal::{Principal, PrincipalKind},
    rights::{self, Asker, NamedRight, Rights, RightsNamed, Standing, Standings},
    scheme::SchemeSet,
};
use std::{borrow::Cow, fmt, sync::LazyLock};

/// What a policy is asked: the caller, and its request.
///
/// Closures of [`when`](super::when) and a [`Rule`](super::Rule) get it.
///
/// What it reads of accounts and standings is read once for a request. It offers no credential and no body.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use portcullis_core::{
///     Decision, Question,
///     policy::{Rule, Verdict},
/// };
///
/// /// Members may leave a project; its managers may remove others.
/// #[derive(Debug)]
/// struct RemoveMember;
///
/// impl Rule for RemoveMember {
///     async fn decide(&self, question: &Question<'_>) -> Verdict {
///         let is_own =
///             question.query("member")?.as_deref() == Some(question.principal().id().subject());
///         let standing = question.standing("project", question.param("project_id")?).await?;
///         Ok(match standing.held() {
///             Some(role) if is_own || role.as_str() == "manager" => Decision::allow(),
///             _ => Decision::deny("not_a_manager"),
///         })
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// let gate = gate(&[("alice", 1, "manager"), ("bob", 1, "viewer")])?;
/// let [alice, bob] = ["alice", "bob"].map(|name| gate.acting_as(acting_as(name)));
/// let remove =
///     |member: &str| get(&format!("/projects/1?member={member}")).param("project_id", 1);
/// assert_eq!(answer(&alice, RemoveMember, remove("bob")), "200");
/// assert_eq!(answer(&bob, RemoveMember, remove("bob")), "200");
/// assert_eq!(answer(&bob, RemoveMember, remove("alice")), "403 not_a_manager");
/// # Ok(()) }
/// ```
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub(crate) rights: &'a Rights,
    /// The roles and permissions that the policy names.
    pub(crate) named: &'a RightsNamed,
    /// `None` for callers without a credential, where they may be judged.
    pub(crate) caller: Option<&'a Principal>,
    /// The caller's scheme, by its place.
    pub(crate) scheme: Option<usize>,
    /// The schemes whose callers may pass here.
    pub(crate) accepted: SchemeSet,
    pub(crate) head: &'a dyn RequestHead,
    /// Whether callers without a credential are judged here.
    pub(crate) visitors: bool,
    pub(crate) standings: &'a Standings,
    pub(crate) moment: Moment,
    /// Whether the answer will be inverted, perhaps more than once.
    pub(crate) below_not: bool,
    pub(crate) narrowing: Narrowing,
    pub(crate) explaining: bool,
    /// Whether the caller passes without the rights in the superuser's scope.
    pub(crate) as_superuser: bool,
}

impl<'a> Question<'a> {
    /// The caller.
    ///
    /// Closures and [`Rule`](super::Rule)s are not asked about callers without a credential.
    #[must_use]
    pub fn principal(&self) -> &'a Principal {
        static NOBODY: LazyLock<Principal> = LazyLock::new(|| Principal::new(PrincipalKind::Key, ""));
        self.caller.unwrap_or(&NOBODY)
    }

    /// The row of the caller's account that the gate's [`Directory`](crate::Directory) found.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if there is none of this type.
    pub fn account<T: std::any::Any + Send + Sync>(&self) -> Result<&'a T, Error> {
        self.principal().account()
    }

    /// The head of the request: method, path, headers.
    #[must_use]
    pub fn head(&self) -> &'a dyn RequestHead {
        self.head
    }

    /// A parameter of the route's path, decoded as the handler will see it.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if it cannot be decoded, and
    /// [`ErrorKind::Misconfigured`] if the route has no such parameter.
    pub fn param(&self, name: &str) -> Result<Cow<'a, str>, Error> {
        self.head.param(name)?.ok_or_else(|| {
            Error::misconfigured(format!(
                "the route has no path parameter `{name}`; name it as the route does, and put the guard on the route that \
                 declares it"
            ))
        })
    }

    /// A query parameter.
    ///
    /// It may be present at most once.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if it is present twice.
    pub fn query(&self, name: &str) -> Result<Option<Cow<'a, str>>, Error> {
        query_param(self.head, name)
    }

    /// The caller's standing on a resource, read once for a request.
    ///
    /// It is the caller's own standing there. For roles that it inherits from parents, [`ask`](Self::ask) a policy on the resource.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the text is no identifier of this kind, and as the gate's
    /// [`Membership`](crate::Membership) returns.
    pub async fn standing(&self, kind: &str, id: impl ToString) -> Result<Standing, Error> {
        let on = self.rights.resource(kind.to_owned().into(), &id.to_string())?.ok_or_else(|| {
            let detail = format!("not an identifier of the kind `{kind}`");
            Error::new(ErrorKind::Malformed, detail).with_code("invalid_id")
        })?;
        rights::answer(|| self.rights.standing(self.asker(), &on)).await
    }

    /// The first of the roles that the caller has everywhere which has this right: its place among them.
    pub(super) fn role_with(&self, right: NamedRight) -> Result<Option<usize>, Error> {
        if self.named.roles_with(right).is_some() {
            return Ok(self.place_with(right));
        }
        self.rights.knows(right, self.below_not)?;
        Ok(self.principal().roles().iter().position(|role| self.rights.has(role.as_str(), right)))
    }

    /// The same, of a right that the policy of the route names.
    #[inline]
    pub(super) fn place_with(&self, right: NamedRight) -> Option<usize> {
        let (caller, passing) = (self.caller?, self.named.roles_with(right)?);
        caller.roles().iter().position(|role| passing.has(role.as_str()))
    }

    /// Whether the caller's first role has it, as for most requests. It makes no call, so it costs least; `false` says nothing.
    #[inline(always)]
    pub(super) fn is_first_role_enough(&self, right: NamedRight) -> bool {
        let Some(caller) = self.caller.filter(|_| !self.explaining) else { return false };
        let Some(passing) = self.named.roles_with(right) else { return false };
        caller.roles().first().is_some_and(|role| passing.has_among_few(role.as_str()))
    }

    pub(crate) fn asker(&self) -> Asker<'a> {
        Asker { who: self.caller, standings: self.standings, moment: self.moment }
    }

    /// Whether it is about a caller of an accepted scheme that is no key with scopes, and nobody wants to know why.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        let is_accepted = self.scheme.is_some_and(|scheme| self.accepted.has(scheme));
        is_accepted && self.caller.is_some() && self.narrowing == Narrowing::Off && !self.explaining
    }

    /// The decision of another policy on the same question.
    ///
    /// A rule that asks policies lists them in [`Rule::parts`](super::Rule::parts), where there is an example.
    ///
    /// # Errors
    /// If the policy cannot decide.
    pub async fn ask(&self, policy: &dyn Policy) -> Verdict {
        ask(policy, *self).await
    }

    /// The denial of whoever has no credential of a scheme that is accepted here.
    #[inline]
    pub(crate) fn unaccepted(&self) -> Option<Denial> {
        match (self.caller, self.scheme) {
            (None, _) => Some(Denial::absent()),
            (Some(_), Some(scheme)) if self.accepted.has(scheme) => None,
            (Some(_), _) => Some(Denial::of_another_scheme()),
        }
    }

    /// An allow or a denial. The explanation is made only when it is wanted.
    pub(crate) fn verdict(&self, allowed: bool, code: &'static str, part: impl FnOnce() -> Explanation) -> Decision {
        let decision = if allowed { Decision::allow() } else { Decision::deny(code) };
        if self.explaining { decision.explained(part()) } else { decision }
    }
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("caller", &self.caller)
            .field("method", &self.head.method())
            .field("path", &self.head.path())
            .finish_non_exhaustive()
    }
}
