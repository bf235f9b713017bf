//! What an engine is asked.

use crate::{
    principal::Principal,
    rights::{ResourceRef, Standing},
};
use std::fmt;

/// What an [`Engine`](crate::Engine) is asked: may this principal do this, on this resource?
#[derive(Debug, Clone)]
pub struct EngineRequest {
    principal: Principal,
    action: &'static str,
    resource: Option<EngineResource>,
}

/// The resource that an [`Engine`](crate::Engine) is asked about.
#[derive(Clone)]
pub struct EngineResource {
    on: ResourceRef,
    standing: Option<Standing>,
}

impl EngineRequest {
    /// A request, for tests of an engine.
    #[must_use]
    pub fn new(principal: Principal, action: &'static str) -> Self {
        Self { principal, action, resource: None }
    }

    /// With a resource.
    #[must_use]
    pub fn on(self, resource: EngineResource) -> Self {
        Self { resource: Some(resource), ..self }
    }

    /// The caller, with its roles and its account.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What it wants to do, as the policy names it.
    #[must_use]
    pub fn action(&self) -> &'static str {
        self.action
    }

    /// The resource, if the policy names one.
    #[must_use]
    pub fn resource(&self) -> Option<&EngineResource> {
        self.resource.as_ref()
    }
}

impl EngineResource {
    /// A resource.
    #[must_use]
    pub fn new(on: ResourceRef) -> Self {
        Self { on, standing: None }
    }

    /// With the caller's standing there.
    #[must_use]
    pub fn with_standing(self, standing: Standing) -> Self {
        Self { standing: Some(standing), ..self }
    }

    /// Its kind, as the policy names it.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.on.kind()
    }

    /// Its identifier. Where the gate has a membership of the kind, as that prints it; otherwise the text of the request.
    #[must_use]
    pub fn id(&self) -> &str {
        self.on.id()
    }

    /// The caller's standing on it, where the gate has a membership of the kind: the role there, and the row.
    #[must_use]
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }

    pub(crate) fn into_parts(self) -> (ResourceRef, Option<Standing>) {
        (self.on, self.standing)
    }
}

/// An identifier may be an e-mail address.
impl fmt::Debug for EngineResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineResource").field("kind", &self.kind()).finish_non_exhaustive()
    }
}
