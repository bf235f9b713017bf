//! The roles of a caller on a resource, its own or inherited.
//!
//! The nearest role counts: parents are asked only where the caller has no role on the resource itself. What cannot be right is
//! an error and never "no role", since a `not` around the policy would turn that into an allow.

use super::{ResourceRef, Rights, Role, Standing, Standings, standing::State};
use crate::{
    clock::Moment,
    error::{Error, quote},
    principal::Principal,
};
use std::{fmt, future::Future, pin::Pin};

/// How far inheritance is followed: project, team, department, … A longer chain is a mistake in the data.
const MAX_STEPS: usize = 8;

/// How many resources are asked about for one decision.
const MAX_RESOURCES: usize = 100;

/// A role of a caller on a resource, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct HeldRole {
    pub(crate) role: Role,
    from: Option<ResourceRef>,
}

impl fmt::Display for HeldRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            None => write!(f, "has the role `{}` there", self.role),
            Some(from) => write!(f, "has the role `{}`, inherited from {from}", self.role),
        }
    }
}

/// Who asks about standings: a caller, or none, with the memory of the request.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) who: Option<&'a Principal>,
    pub(crate) standings: &'a Standings,
    pub(crate) moment: Moment,
}

/// All standings that a decision looks at, the resource's own first.
pub(crate) type Seen = Vec<(ResourceRef, Standing)>;

type Held<'a> = Pin<Box<dyn Future<Output = Result<Vec<HeldRole>, Error>> + Send + 'a>>;

impl Rights {
    /// The resource with this identifier; `None` if the text is no identifier of its kind.
    pub(crate) fn resource(&self, kind: &str, id: &str) -> Result<Option<ResourceRef>, Error> {
        Ok(self.membership(kind)?.canonical(id).map(|id| ResourceRef::new(kind.to_owned(), id)))
    }

    /// The caller's standing on a resource, from the memory of the request.
    pub(crate) async fn standing(&self, asker: Asker<'_>, on: &ResourceRef) -> Result<Standing, Error> {
        let membership = self.membership(on.kind())?;
        let standing = asker.standings.standing(membership, asker.who, on, asker.moment).await?;
        let mut standing = standing.at(asker.moment.now);
        for parent in &mut standing.parents {
            let (kind, id) = (parent.on.kind().to_owned(), parent.on.id());
            let known = self.membership(&kind)?.canonical(id).ok_or_else(|| {
                Error::misconfigured(format!(
                    "a {} names the {kind} {}, which is no identifier of one",
                    on.kind(),
                    quote(id)
                ))
            })?;
            if let Some(least) = parent.least {
                self.knows_role(least, Some(&kind))?;
            }
            parent.on = ResourceRef::new(kind, known);
        }
        Ok(standing)
    }

    /// Whether a role on a resource permits this, by the gate's roles or by those of the application.
    pub(crate) async fn permits(
        &self,
        asker: Asker<'_>,
        role: &Role,
        on: &ResourceRef,
        permission: &str,
    ) -> Result<bool, Error> {
        if self.roles_on(on.kind()).permitted(role.as_str()).is_some_and(|permitted| permitted.holds(permission)) {
            return Ok(true);
        }
        let permitted = asker.standings.permits(self.membership(on.kind())?, role, on, asker.moment).await?;
        Ok(permitted.is_some_and(|permitted| permitted.holds(permission)))
    }

    /// The roles of the caller on a resource: its own, or else the inherited ones. `seen` gets every standing that was
    /// read.
    pub(crate) async fn roles_held(
        &self,
        asker: Asker<'_>,
        on: &ResourceRef,
        seen: &mut Seen,
    ) -> Result<Vec<HeldRole>, Error> {
        self.held(asker, on, &[], seen).await
    }

    /// `below` is the path that led here. Resources on it are not asked again.
    fn held<'a>(
        &'a self,
        asker: Asker<'a>,
        on: &'a ResourceRef,
        below: &'a [&'a ResourceRef],
        seen: &'a mut Seen,
    ) -> Held<'a> {
        Box::pin(async move {
            if seen.len() >= MAX_RESOURCES {
                let detail =
                    format!("more than {MAX_RESOURCES} resources above one; {on} is the last that was reached");
                return Err(Error::misconfigured(detail));
            }
            let standing = self.standing(asker, on).await?;
            seen.push((on.clone(), standing.clone()));
            let roles = self.roles_on(on.kind());
            match standing.state {
                State::Missing | State::Refused(_) => return Ok(Vec::new()),
                State::Role(role) => {
                    self.check_stored(asker, &role, on).await?;
                    return Ok(vec![HeldRole { role, from: None }]);
                }
                State::Stranger => {}
            }
            let mut inherited = Vec::new();
            let way: Vec<&ResourceRef> = below.iter().copied().chain([on]).collect();
            for parent in &standing.parents {
                let kind = parent.on.kind();
                if parent.gives.is_none() && !roles.inherits_from(kind) || way.contains(&&parent.on) {
                    continue;
                }
                if below.len() >= MAX_STEPS {
                    let detail = format!("parents are followed for {MAX_STEPS} steps, and {on} has a further one");
                    return Err(Error::misconfigured(detail));
                }
                if let Some(role) = &parent.gives {
                    self.check_stored(asker, role, on).await?;
                }
                let there = self.roles_on(kind);
                for held in self.held(asker, &parent.on, &way, seen).await? {
                    if parent.least.is_some_and(|least| !there.includes(held.role.as_str(), least)) {
                        continue;
                    }
                    let from = held.from.as_ref().unwrap_or(&parent.on);
                    let gives = match &parent.gives {
                        Some(role) => vec![role.clone()],
                        None => roles.inherited_roles(kind, &held.role, there),
                    };
                    inherited.extend(gives.into_iter().map(|role| HeldRole { role, from: Some(from.clone()) }));
                }
            }
            Ok(inherited)
        })
    }

    /// A stored role that is unknown may be a misspelt one, and what it would forbid is not known.
    async fn check_stored(&self, asker: Asker<'_>, role: &Role, on: &ResourceRef) -> Result<(), Error> {
        let roles = self.roles_on(on.kind());
        if roles.knows(role.as_str())
            || asker.standings.permits(self.membership(on.kind())?, role, on, asker.moment).await?.is_some()
        {
            return Ok(());
        }
        let (role, kind, known) = (quote(role.as_str()), on.kind(), roles.names());
        Err(Error::misconfigured(format!(
            "the membership answers the role {role} on a {kind}, where the gate knows {known:?}; roles that customers define are \
             told by `Membership::permits`"
        )))
    }
}
