use super::{Description, Hidden, On, Policy, Question, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Access, Decision, Explanation},
    error::Error,
    rights::ResourceRef,
};

/// Where in a request the identifier of a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceId(Place);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Path(&'static str),
    Query(&'static str),
}

/// The path parameter of this name, decoded as the handler will see it.
#[must_use]
pub const fn path(name: &'static str) -> ResourceId {
    ResourceId(Place::Path(name))
}

/// The query parameter of this name. A request without it is refused with 400.
#[must_use]
pub const fn query(name: &'static str) -> ResourceId {
    ResourceId(Place::Query(name))
}

impl ResourceId {
    fn of(self, question: &Question<'_>) -> Result<String, Error> {
        match self.0 {
            Place::Path(name) => question.param(name).map(Into::into),
            Place::Query(name) => match question.query(name)? {
                Some(id) if !id.is_empty() => Ok(id.into_owned()),
                _ => {
                    let detail = format!("the query has no `{name}`");
                    Err(Error::new(crate::ErrorKind::Malformed, detail))
                }
            },
        }
    }
}

/// Who has a role, or a permission by a role, on a resource of the request. See [`role`](super::role) and
/// [`permission`](super::permission).
#[derive(Debug, Clone, Copy)]
pub struct OnResource {
    asked: Asked,
    kind: &'static str,
    id: ResourceId,
}

#[derive(Debug, Clone, Copy)]
enum Asked {
    Role(&'static str),
    Permission(&'static str),
}

impl OnResource {
    pub(super) const fn role(name: &'static str, kind: &'static str, id: ResourceId) -> Self {
        Self { asked: Asked::Role(name), kind, id }
    }

    pub(super) const fn permission(permission: &'static str, kind: &'static str, id: ResourceId) -> Self {
        Self { asked: Asked::Permission(permission), kind, id }
    }

    /// Answers whom this denies as if there were nothing: 404, as for an unknown path.
    #[must_use]
    pub const fn hidden(self) -> Hidden<Self> {
        Hidden(self)
    }

    /// What the policy names has to be known, or nobody would have it.
    fn check(&self, question: &Question<'_>) -> Result<(), Error> {
        match self.asked {
            Asked::Role(name) => question.rights.knows_role(name, Some(self.kind)),
            Asked::Permission(name) => question.rights.knows_permission(name, Some(self.kind), question.below_not),
        }
    }

    async fn ask(&self, question: Question<'_>, resource: ResourceRef) -> Verdict {
        let held = question.rights.roles_held(question.principal, &resource).await?;
        let roles = question.rights.roles_on(self.kind);
        let fits = |role: &str| match self.asked {
            Asked::Role(name) => roles.includes(role, name),
            Asked::Permission(name) => roles.permitted(role).is_some_and(|permitted| permitted.holds(name)),
        };
        let by = held.iter().find(|held| fits(held.role.as_str()));
        let code = if matches!(self.asked, Asked::Role(_)) { "role_required" } else { "permission_required" };
        let part = || {
            let what = match self.asked {
                Asked::Role(name) => format!("role `{name}`"),
                Asked::Permission(name) => format!("permission `{name}`"),
            };
            let part = Explanation::new(format!("{what} on {resource}"), by.is_some());
            match by.or(held.first()) {
                None => part.with_note("no role there"),
                Some(held) => part.with_note(held.to_string()),
            }
        };
        let mut decision = question.verdict(by.is_some(), code, part);
        if let Decision::Allow(access) = &mut decision {
            let explanation = access.explanation.take();
            *access = Access { role: by.map(|held| held.role.clone()), resource: Some(resource), explanation };
        }
        Ok(decision)
    }
}

impl Sealed for OnResource {}

impl Policy for OnResource {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        match self.check(&question).and_then(|()| self.id.of(&question)) {
            Ok(id) => Answer::later(self.ask(question, ResourceRef::new(self.kind, id))),
            Err(error) => Answer::now(Err(error)),
        }
    }

    fn describe(&self) -> Description {
        let params = match self.id.0 {
            Place::Path(name) => vec![name],
            Place::Query(_) => Vec::new(),
        };
        let on = Some(On { kind: self.kind, params });
        match self.asked {
            Asked::Role(role) => Description::Role { role, on },
            Asked::Permission(permission) => Description::Permission { permission, on },
        }
    }
}
