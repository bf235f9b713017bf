use crate::error::Error;
use std::{borrow::Cow, fmt, str::FromStr};

/// Something that may be done to a kind of thing: `resource:action`, such as `kb:read`.
///
/// What is asked for has no wildcards; those are for what is held, in a [`PermissionSet`]. Compared with case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(Cow<'static, str>);

impl Permission {
    /// A permission from a literal; a malformed one fails the build when this is evaluated in a constant.
    ///
    /// # Panics
    /// If the text is not `resource:action`.
    #[must_use]
    #[track_caller]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Cow::Borrowed(checked(text)))
    }

    /// The text, `resource:action`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Permission {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if !is_permission(text.as_bytes(), false) {
            return Err(Error::misconfigured(format!(
                "{text:?} is no permission: `resource:action`, without wildcards"
            )));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A literal that is a permission.
#[track_caller]
pub(crate) const fn checked(text: &'static str) -> &'static str {
    assert!(is_permission(text.as_bytes(), false), "a permission is `resource:action`, without wildcards");
    text
}

/// Exactly one colon, something on each side, visible ASCII; where wildcards may be, at most one at the end of a side.
const fn is_permission(text: &[u8], wildcards: bool) -> bool {
    let (mut at, mut colons, mut side) = (0, 0, 0);
    while let Some((byte, rest)) = tail(text, at) {
        let ends_side = matches!(rest, [] | [b':', ..]);
        match byte {
            b':' if side == 0 => return false,
            b':' => (colons, side) = (colons + 1, 0),
            b'*' if !wildcards || !ends_side => return false,
            b'!'..=b'~' => side += 1,
            _ => return false,
        }
        at += 1;
    }
    colons == 1 && side > 0
}

const fn tail(text: &[u8], at: usize) -> Option<(u8, &[u8])> {
    match text.split_at_checked(at) {
        Some((_, [first, rest @ ..])) => Some((*first, rest)),
        _ => None,
    }
}

/// Permissions that somebody holds, wildcards included: `kb:*`, `*:read`, `*:*`.
///
/// A star stands for a whole side or for the end of one: `kb*:read` holds `kb_docs:read`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermissionSet {
    /// Sorted, without duplicates; so are the patterns.
    exact: Vec<String>,
    patterns: Vec<(String, String)>,
}

impl PermissionSet {
    /// The set of these permissions.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if one of them is malformed.
    pub fn new<S: AsRef<str>>(held: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let mut set = Self::default();
        for text in held {
            if !set.insert(text.as_ref()) {
                let detail =
                    format!("{:?} is no permission: `resource:action`, a star for a side or its end", text.as_ref());
                return Err(Error::misconfigured(detail));
            }
        }
        Ok(set)
    }

    /// Those of a token; what is malformed gives nothing.
    pub(crate) fn from_untrusted(held: impl IntoIterator<Item = String>) -> Self {
        let mut set = Self::default();
        for text in held {
            if !set.insert(&text) {
                tracing::debug!(target: "portcullis", "a malformed permission in a token was left out");
            }
        }
        set
    }

    fn insert(&mut self, text: &str) -> bool {
        if !is_permission(text.as_bytes(), true) {
            return false;
        }
        match text.split_once(':') {
            Some((resource, action)) if text.contains('*') => {
                insert_sorted(&mut self.patterns, (resource.to_owned(), action.to_owned()));
            }
            _ => insert_sorted(&mut self.exact, text.to_owned()),
        }
        true
    }

    /// Whether this permission is held, by name or by a wildcard.
    #[must_use]
    pub fn contains(&self, permission: &Permission) -> bool {
        self.holds(permission.as_str())
    }

    /// The same for a text that was checked before.
    pub(crate) fn holds(&self, text: &str) -> bool {
        self.exact.binary_search_by(|held| held.as_str().cmp(text)).is_ok() || self.matches(text)
    }

    fn matches(&self, text: &str) -> bool {
        let side =
            |held: &str, asked: &str| held.strip_suffix('*').map_or(held == asked, |start| asked.starts_with(start));
        text.split_once(':').is_some_and(|(resource, action)| {
            self.patterns
                .iter()
                .any(|(held_resource, held_action)| side(held_resource, resource) && side(held_action, action))
        })
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        other.exact.iter().for_each(|text| insert_sorted(&mut self.exact, text.clone()));
        other.patterns.iter().for_each(|pattern| insert_sorted(&mut self.patterns, pattern.clone()));
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.patterns.is_empty()
    }
}

fn insert_sorted<T: Ord>(sorted: &mut Vec<T>, item: T) {
    if let Err(place) = sorted.binary_search(&item) {
        sorted.insert(place, item);
    }
}
