//! The roles that have a right, worked out when a route is added, so that no request looks a name up.

use super::Rights;
use std::{fmt, ptr};

/// Up to this many names are compared one after the other.
const FEW: usize = 8;

/// A role or a permission that a policy names, everywhere or on a kind of resources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedRight {
    pub(crate) name: &'static str,
    pub(crate) is_role: bool,
    pub(crate) kind: Option<&'static str>,
}

impl NamedRight {
    pub(crate) const fn role(name: &'static str, kind: Option<&'static str>) -> Self {
        Self { name, is_role: true, kind }
    }

    pub(crate) const fn permission(name: &'static str, kind: Option<&'static str>) -> Self {
        Self { name, is_role: false, kind }
    }

    /// The code of the denial of a caller without it.
    pub(crate) fn code(self) -> &'static str {
        if self.is_role { "role_required" } else { "permission_required" }
    }

    /// Whether both are of the same part of a policy: by the address of their texts. Equal texts elsewhere count as others,
    /// and are then looked up by name.
    #[inline(always)]
    fn is_same(self, other: Self) -> bool {
        let same_kind = match (self.kind, other.kind) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => ptr::eq(ours, theirs),
            _ => false,
        };
        ptr::eq(self.name, other.name) && self.is_role == other.is_role && same_kind
    }
}

impl fmt::Display for NamedRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_role { "role" } else { "permission" };
        write!(f, "{word} `{}`", self.name)
    }
}

/// The rights that a policy names, with the roles of the gate that have them.
#[derive(Debug, Default)]
pub(crate) struct RightsNamed(Vec<(NamedRight, PassingRoles)>);

impl RightsNamed {
    /// For a policy that no plan has seen, or one that is asked with other roles than its plan.
    pub(crate) const NONE: &'static Self = &Self(Vec::new());

    pub(crate) fn push(&mut self, right: NamedRight, rights: &Rights) {
        if self.roles_with(right).is_none() {
            self.0.push((right, PassingRoles::of(right, rights)));
        }
    }

    /// The roles that have this right; `None` if it is not known here.
    #[inline(always)]
    pub(crate) fn roles_with(&self, right: NamedRight) -> Option<&PassingRoles> {
        self.0.iter().find(|(known, _)| known.is_same(right)).map(|(_, roles)| roles)
    }
}

/// Names of roles, sorted.
#[derive(Debug)]
pub(crate) struct PassingRoles(Vec<String>);

impl PassingRoles {
    fn of(right: NamedRight, rights: &Rights) -> Self {
        let all = rights.roles_of(right.kind).names().iter();
        let mut names: Vec<String> = all.filter(|role| rights.has(role, right)).cloned().collect();
        names.sort_unstable();
        Self(names)
    }

    #[inline(always)]
    pub(crate) fn has(&self, role: &str) -> bool {
        if self.0.len() > FEW { self.has_among_many(role) } else { self.0.iter().any(|name| name == role) }
    }

    #[inline(never)]
    fn has_among_many(&self, role: &str) -> bool {
        self.0.binary_search_by(|name| name.as_str().cmp(role)).is_ok()
    }
}
