//! The roles that have a right, worked out when a route is added, so that no request looks a name up.

use super::Rights;
use std::{fmt, iter, ptr};

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

/// Names of roles. One of the lists is empty.
#[derive(Debug)]
pub(crate) struct PassingRoles {
    /// They are compared one after the other.
    few: Vec<String>,
    /// Sorted.
    many: Vec<String>,
}

impl PassingRoles {
    fn of(right: NamedRight, rights: &Rights) -> Self {
        let all = rights.roles_of(right.kind).names().iter();
        let mut names: Vec<String> = all.filter(|role| rights.has(role, right)).cloned().collect();
        names.sort_unstable();
        let (few, many) = if names.len() <= FEW { (names, Vec::new()) } else { (Vec::new(), names) };
        Self { few, many }
    }

    #[inline(always)]
    pub(crate) fn has(&self, role: &str) -> bool {
        self.has_among_few(role) || self.has_among_many(role)
    }

    /// Without any call.
    #[inline(always)]
    pub(crate) fn has_among_few(&self, role: &str) -> bool {
        self.few.iter().any(|name| is_same_text(name.as_bytes(), role.as_bytes()))
    }

    #[inline(always)]
    fn has_among_many(&self, role: &str) -> bool {
        !self.many.is_empty() && self.many.binary_search_by(|name| name.as_str().cmp(role)).is_ok()
    }
}

/// Whether both texts are equal. Names of roles are short, so a call would cost more than the comparison.
#[inline(always)]
fn is_same_text(name: &[u8], other: &[u8]) -> bool {
    let bytes = || iter::zip(name, other).all(|(name, other)| name == other);
    name.len() == other.len()
        && is_same_by::<8>(name, other).or_else(|| is_same_by::<4>(name, other)).unwrap_or_else(bytes)
}

/// The same for texts of one length that is at least `N`: the last `N` bytes, which may overlap, and the chunks before.
#[inline(always)]
fn is_same_by<const N: usize>(name: &[u8], other: &[u8]) -> Option<bool> {
    let is_same_end = name.last_chunk::<N>()? == other.last_chunk::<N>()?;
    Some(is_same_end && iter::zip(name.as_chunks::<N>().0, other.as_chunks::<N>().0).all(|(name, other)| name == other))
}
