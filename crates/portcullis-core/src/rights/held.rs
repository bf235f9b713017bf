//! The roles of a caller on a resource, its own or inherited.
//!
//! The nearest role counts: parents are asked only where the caller has no role on the resource itself. What cannot be right is
//! an error and never "no role", since a `not` around the policy would turn that into an allow.

use super::{
    Halt, ResourceRef, Rights, Role, Standing, Standings,
    standing::{Parent, State},
};
use crate::{
    clock::Moment,
    error::{Error, quote},
    principal::Principal,
};
use std::{borrow::Cow, fmt};

/// How far inheritance is followed: project, team, department, … A longer chain is a mistake in the data.
pub(super) const MAX_STEPS: usize = 8;

/// How many resources above one are asked about.
const MAX_RESOURCES: usize = 99;

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

/// The roles of a caller on a resource: its own, or else the inherited ones.
#[derive(Default)]
pub(crate) struct HeldRoles {
    own: Option<HeldRole>,
    inherited: Vec<HeldRole>,
}

impl HeldRoles {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &HeldRole> {
        self.own.iter().chain(&self.inherited)
    }
}

impl Rights {
    /// The resource with this identifier; `None` if the text is no identifier of its kind.
    pub(crate) fn resource(&self, kind: Cow<'static, str>, id: &str) -> Result<Option<ResourceRef>, Error> {
        Ok(self.membership(&kind)?.canonical(id).map(|id| ResourceRef::new(kind, id)))
    }

    /// The same, and the caller's standing on it.
    pub(crate) fn find(
        &self,
        asker: Asker<'_>,
        kind: &'static str,
        id: &str,
    ) -> Result<Option<(ResourceRef, Standing)>, Halt> {
        // A text that is in the memory was printed by the membership, and needs neither parsing nor printing.
        if let Some((on, standing)) = asker.standings.known(kind, id, asker.who.is_none())? {
            let standing = self.settled(asker, &on, standing)?;
            return Ok(Some((on, standing)));
        }
        let Some(on) = self.resource(kind.into(), id)? else { return Ok(None) };
        let standing = self.standing(asker, &on)?;
        Ok(Some((on, standing)))
    }

    /// The caller's standing on a resource, from the memory of the request.
    pub(crate) fn standing(&self, asker: Asker<'_>, on: &ResourceRef) -> Result<Standing, Halt> {
        let standing = asker.standings.standing(self.membership(on.kind())?, asker.who, on, asker.moment)?;
        Ok(self.settled(asker, on, standing)?)
    }

    /// A standing as of now, with parents as their memberships print them.
    fn settled(&self, asker: Asker<'_>, on: &ResourceRef, standing: Standing) -> Result<Standing, Error> {
        let standing = standing.at(asker.moment.now);
        if standing.parents().is_empty() {
            return Ok(standing);
        }
        let parents = standing.parents().iter().map(|parent| {
            let (kind, id) = (parent.on.kind(), parent.on.id());
            let known = self.membership(kind)?.canonical(id).ok_or_else(|| {
                let id = quote(id);
                Error::misconfigured(format!("a {} names the {kind} {id}, which cannot be parsed", on.kind()))
            })?;
            if let Some(least) = parent.least {
                self.knows_role(least, Some(kind))?;
            }
            Ok(Parent { on: ResourceRef::new(parent.on.shared_kind(), known), ..parent.clone() })
        });
        let parents = parents.collect::<Result<_, Error>>()?;
        Ok(standing.with_parents(parents))
    }

    /// Whether a role on a resource permits this by what the application says of it, beyond the gate's roles.
    pub(crate) fn permits(
        &self,
        asker: Asker<'_>,
        role: &Role,
        on: &ResourceRef,
        permission: &str,
    ) -> Result<bool, Halt> {
        let permitted = asker.standings.permits(self.membership(on.kind())?, role, on, asker.moment)?;
        Ok(permitted.is_some_and(|permitted| permitted.holds(permission)))
    }

    /// The roles of a caller with this standing on a resource. Its own is not [checked](Self::check_stored). `above` gets
    /// the standings of parents. `below` is the path that led here, and resources on it are not asked again.
    pub(crate) fn roles_held(
        &self,
        asker: Asker<'_>,
        (on, standing): (&ResourceRef, &Standing),
        below: &[&ResourceRef],
        above: &mut Vec<(ResourceRef, Standing)>,
    ) -> Result<HeldRoles, Halt> {
        match standing.state() {
            State::Missing | State::Refused(_) => return Ok(HeldRoles::default()),
            State::Role(role) => {
                let own = Some(HeldRole { role: role.clone(), from: None });
                return Ok(HeldRoles { own, inherited: Vec::new() });
            }
            State::Stranger => {}
        }
        let roles = self.roles_on(on.kind());
        let mut inherited = Vec::new();
        let way: Vec<&ResourceRef> = below.iter().copied().chain([on]).collect();
        for parent in standing.parents() {
            let kind = parent.on.kind();
            if parent.gives.is_none() && !roles.inherits_from(kind) || way.contains(&&parent.on) {
                continue;
            }
            if below.len() >= MAX_STEPS {
                let detail = format!("parents are followed for {MAX_STEPS} steps, and {on} has a further one");
                return Err(Error::misconfigured(detail).into());
            }
            if above.len() >= MAX_RESOURCES {
                let (on, most) = (&parent.on, MAX_RESOURCES);
                let detail = format!("more than {most} resources above one; {on} is the last that was reached");
                return Err(Error::misconfigured(detail).into());
            }
            if let Some(role) = &parent.gives {
                self.check_stored(asker, role, on)?;
            }
            let standing = self.standing(asker, &parent.on)?;
            above.push((parent.on.clone(), standing.clone()));
            let held = self.roles_held(asker, (&parent.on, &standing), &way, above)?;
            if let Some(own) = standing.held() {
                self.check_stored(asker, own, &parent.on)?;
            }
            let there = self.roles_on(kind);
            for held in held.iter() {
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
        Ok(HeldRoles { own: None, inherited })
    }

    /// A stored role that is unknown may be a misspelt one, and what it would forbid is not known.
    pub(crate) fn check_stored(&self, asker: Asker<'_>, role: &Role, on: &ResourceRef) -> Result<(), Halt> {
        let roles = self.roles_on(on.kind());
        if roles.knows(role.as_str())
            || asker.standings.permits(self.membership(on.kind())?, role, on, asker.moment)?.is_some()
        {
            return Ok(());
        }
        let (role, kind, known) = (quote(role.as_str()), on.kind(), roles.names());
        let detail = format!(
            "the membership returned the role {role} on a {kind}, where the gate knows {known:?}; add it to the gate's roles, or \
             return what it permits by `Membership::permits`"
        );
        Err(Error::misconfigured(detail).into())
    }
}
