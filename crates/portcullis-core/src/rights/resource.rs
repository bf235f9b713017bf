use std::{borrow::Cow, fmt, sync::Arc};

/// A resource on which callers have roles: its kind and its identifier, such as project 42.
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

    pub(super) fn shared_id(&self) -> Arc<str> {
        self.id.clone()
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.id)
    }
}
