use super::Role;
use crate::{answer::Answer, error::Error, principal::Principal};
use std::{borrow::Cow, fmt, future::Future};

/// A thing that roles are held on: its kind and its identifier, such as project 42.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourceRef {
    kind: Cow<'static, str>,
    id: String,
}

impl ResourceRef {
    /// The resource of this kind with this identifier.
    #[must_use]
    pub fn new(kind: impl Into<Cow<'static, str>>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// The kind, such as `project`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The identifier, as it stands in the request.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.id)
    }
}

/// Which role a principal has on a resource: the question that only your database can answer.
///
/// Written with plain `async fn`. Answer what is stored; that a team's roles hold on its projects is said once in the
/// [`RoleHierarchy`](crate::RoleHierarchy), and this is then asked for the parents.
///
/// ```
/// use portcullis_core::{Error, Membership, Principal, ResourceRef, Role};
///
/// #[derive(Debug)]
/// struct Projects;
///
/// impl Membership for Projects {
///     async fn role(&self, principal: &Principal, on: &ResourceRef) -> Result<Option<Role>, Error> {
///         Ok((on.kind() == "project" && principal.id().subject() == "alice").then(|| Role::new("owner")))
///     }
/// }
/// ```
pub trait Membership: fmt::Debug + Send + Sync + 'static {
    /// The role that the principal itself has on this resource; `None` if it has none, or there is no such resource.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it could not be found out.
    fn role(&self, principal: &Principal, on: &ResourceRef)
    -> impl Future<Output = Result<Option<Role>, Error>> + Send;

    /// What the resource belongs to, such as a project to its team. Asked only where the hierarchy inherits.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it could not be found out.
    fn parents(&self, of: &ResourceRef) -> impl Future<Output = Result<Vec<ResourceRef>, Error>> + Send {
        let _ = of;
        async { Ok(Vec::new()) }
    }
}

/// [`Membership`] as the gate holds it.
pub(crate) trait AnyMembership: fmt::Debug + Send + Sync {
    fn role<'a>(&'a self, principal: &'a Principal, on: &'a ResourceRef) -> Answer<'a, Result<Option<Role>, Error>>;
    fn parents<'a>(&'a self, of: &'a ResourceRef) -> Answer<'a, Result<Vec<ResourceRef>, Error>>;
}

impl<M: Membership> AnyMembership for M {
    fn role<'a>(&'a self, principal: &'a Principal, on: &'a ResourceRef) -> Answer<'a, Result<Option<Role>, Error>> {
        Answer::later(Membership::role(self, principal, on))
    }

    fn parents<'a>(&'a self, of: &'a ResourceRef) -> Answer<'a, Result<Vec<ResourceRef>, Error>> {
        Answer::later(Membership::parents(self, of))
    }
}
