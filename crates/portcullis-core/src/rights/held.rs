use super::{AnyMembership, ResourceRef, Rights, Role};
use crate::{
    error::{Error, quote},
    principal::Principal,
};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// How far inheritance is followed: project, team, department, … A longer chain is a mistake in the data.
const MAX_STEPS: usize = 8;

/// How many resources are asked about for one decision.
const MAX_RESOURCES: usize = 100;

/// A role that somebody has on a resource, and where it comes from.
#[derive(Debug)]
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

type HeldRoles<'a> = Pin<Box<dyn Future<Output = Result<Vec<HeldRole>, Error>> + Send + 'a>>;

impl Rights {
    /// The roles of a principal on a resource: its own one, or else those that it inherits.
    pub(crate) async fn roles_held(&self, principal: &Principal, on: &ResourceRef) -> Result<Vec<HeldRole>, Error> {
        let membership = self.membership.as_deref().ok_or_else(|| {
            Error::misconfigured(format!("a policy asks for a role on {on}, and the gate has no `.membership(…)`"))
        })?;
        self.held(membership, principal, on, &[], &AtomicUsize::new(0)).await
    }

    /// `below` is the way that led here; what is on it already is not asked again.
    fn held<'a>(
        &'a self,
        membership: &'a dyn AnyMembership,
        principal: &'a Principal,
        on: &'a ResourceRef,
        below: &'a [&'a ResourceRef],
        asked: &'a AtomicUsize,
    ) -> HeldRoles<'a> {
        Box::pin(async move {
            if asked.fetch_add(1, Relaxed) >= MAX_RESOURCES {
                let detail =
                    format!("more than {MAX_RESOURCES} resources above one; {on} is the last that was reached");
                return Err(Error::misconfigured(detail));
            }
            let roles = self.roles_on(on.kind());
            if let Some(role) = membership.role(principal, on).await? {
                // A stored role that nobody knows may be a misspelt one, and what it would forbid is not known.
                if !roles.knows(role.as_str()) {
                    let (role, kind, known) = (quote(role.as_str()), on.kind(), roles.names());
                    return Err(Error::misconfigured(format!(
                        "the membership answers the role {role} on a {kind}, where the gate knows {known:?}"
                    )));
                }
                return Ok(vec![HeldRole { role, from: None }]);
            }
            let mut inherited = Vec::new();
            if !roles.inherits() {
                return Ok(inherited);
            }
            let way: Vec<&ResourceRef> = below.iter().copied().chain([on]).collect();
            for parent in membership.parents(on).await? {
                if !roles.inherits_from(parent.kind()) || way.contains(&&parent) {
                    continue;
                }
                if below.len() >= MAX_STEPS {
                    let detail = format!("parents are followed for {MAX_STEPS} steps, and {on} has a further one");
                    return Err(Error::misconfigured(detail));
                }
                for held in self.held(membership, principal, &parent, &way, asked).await? {
                    let from = held.from.as_ref().unwrap_or(&parent);
                    let gives = roles.inherited_roles(parent.kind(), &held.role, self.roles_on(parent.kind()));
                    inherited.extend(gives.into_iter().map(|role| HeldRole { role, from: Some(from.clone()) }));
                }
            }
            Ok(inherited)
        })
    }
}
