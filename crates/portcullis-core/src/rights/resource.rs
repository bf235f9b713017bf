//! Resources by name.

use std::{borrow::Cow, fmt, sync::Arc};

/// A resource on which callers have roles: its kind and its identifier, such as project 42.
///
/// Handlers get it from [`Access::resource`](crate::Access::resource), for a log of changes for example. Its identifier is the
/// canonical one, whichever text the request had.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = gate(&[("alice", 7, "viewer")])?.acting_as(acting_as("alice"));
/// let request = get("/projects/007").param("project_id", "007");
/// let plan = gate.plan(role("viewer").on("project", path("project_id")))?;
///
/// let who = now(gate.establish_for(&plan, &request));
/// let access = now(gate.authorize(&who, &plan, &request))?;
/// assert_eq!(access.resource(), Some(&ResourceRef::new("project", "7")));
/// assert_ne!(access.resource(), Some(&ResourceRef::new("team", "7")));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourceRef {
    kind: Cow<'static, str>,
    id: Arc<str>,
}

impl ResourceRef {
    /// The resource of this kind with this identifier.
    #[must_use]
    pub fn new(kind: impl Into<Cow<'static, str>>, id: impl Into<Arc<str>>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// The kind, such as `project`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The identifier, as the membership of the kind prints it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn shared_kind(&self) -> Cow<'static, str> {
        self.kind.clone()
    }

    pub(super) fn shared_id(&self) -> Arc<str> {
        self.id.clone()
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.id)
    }
}
