//! Permissions, and sets of them with wildcards.

use crate::error::Error;
use std::{borrow::Cow, fmt, str::FromStr};

/// An action on a kind of resource: `resource:action`, such as `kb:read`.
///
/// It has no wildcards; those are for a [`PermissionSet`]. Case matters.
///
/// ```
/// use portcullis_core::Permission;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// // a typo such as "kb-read" fails the build
/// const READ: Permission = Permission::from_static("kb:read");
///
/// let stored: Permission = "kb:read".parse()?;
/// assert_eq!(stored, READ);
/// assert!("kb".parse::<Permission>().is_err() && "kb:*".parse::<Permission>().is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(Cow<'static, str>);

impl Permission {
    /// A permission from a literal; in a constant, a malformed one fails the build.
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

/// Whether the text is a scope (RFC 6749, section 3.3).
pub(crate) const fn is_word(text: &[u8]) -> bool {
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if !matches!(first, b'!' | b'#'..=b'[' | b']'..=b'~') {
            return false;
        }
        rest = tail;
    }
    !text.is_empty()
}

const fn tail(text: &[u8], at: usize) -> Option<(u8, &[u8])> {
    match text.split_at_checked(at) {
        Some((_, [first, rest @ ..])) => Some((*first, rest)),
        _ => None,
    }
}

/// Granted permissions, with wildcards: `kb:*`, `*:read`, `*:*`.
///
/// A star stands for a whole side or for the end of one: `kb*:read` includes `kb_docs:read`.
///
/// ```
/// use portcullis_core::{Permission, PermissionSet};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let editor = PermissionSet::new(["kb*:read", "article:*", "user:invite"])?;
/// let may = |name| editor.contains(&Permission::from_static(name));
/// assert!(may("kb_docs:read") && may("article:delete") && may("user:invite"));
/// assert!(!may("kb_docs:write") && !may("user:delete"));
///
/// assert!(PermissionSet::new(["article"]).is_err()); // no action
/// assert!(PermissionSet::default().is_empty()); // permits nothing
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermissionSet {
    /// Sorted, without duplicates; so are the patterns.
    exact: Vec<String>,
    patterns: Vec<(String, String)>,
}

impl PermissionSet {
    pub(crate) const EMPTY: Self = Self { exact: Vec::new(), patterns: Vec::new() };

    /// The set of these permissions.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if one of them is malformed.
    pub fn new<S: AsRef<str>>(held: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let mut set = Self::default();
        for text in held {
            if !set.push(text.as_ref()) {
                let detail =
                    format!("{:?} is no permission: `resource:action`, a star for a side or its end", text.as_ref());
                return Err(Error::misconfigured(detail));
            }
        }
        Ok(set.sorted())
    }

    /// The set of these permissions, without wildcards.
    ///
    /// For permissions that others write, such as those of roles that customers edit: `*:*` is an error there, and grants
    /// nothing.
    ///
    /// ```
    /// # use portcullis_core::PermissionSet;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let editor = PermissionSet::exact(["kb:read", "kb:write"])?;
    /// assert!(editor.contains(&"kb:write".parse()?));
    /// assert!(!editor.contains(&"kb:delete".parse()?));
    /// assert!(PermissionSet::exact(["kb:*"]).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if one of them is malformed or has a wildcard.
    pub fn exact<S: AsRef<str>>(held: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let parsed: Result<Vec<Permission>, Error> = held.into_iter().map(|text| text.as_ref().parse()).collect();
        Self::new(parsed?.iter().map(Permission::as_str))
    }

    /// The permissions of a token. Malformed ones are ignored.
    pub(crate) fn from_untrusted(held: impl IntoIterator<Item = String>) -> Self {
        let mut set = Self::default();
        for text in held {
            if !set.push(&text) {
                tracing::debug!(target: "portcullis", "a malformed permission in a token was left out");
            }
        }
        set.sorted()
    }

    /// Appends without sorting: sort after the last one.
    fn push(&mut self, text: &str) -> bool {
        if !is_permission(text.as_bytes(), true) {
            return false;
        }
        match text.split_once(':') {
            Some((resource, action)) if text.contains('*') => {
                self.patterns.push((resource.to_owned(), action.to_owned()));
            }
            _ => self.exact.push(text.to_owned()),
        }
        true
    }

    fn sorted(mut self) -> Self {
        self.exact.sort();
        self.exact.dedup();
        self.patterns.sort();
        self.patterns.dedup();
        self
    }

    /// Whether this permission is in the set, by name or by a wildcard.
    #[must_use]
    pub fn contains(&self, permission: &Permission) -> bool {
        self.holds(permission.as_str())
    }

    /// The same for a text that was checked already.
    pub(crate) fn holds(&self, text: &str) -> bool {
        self.names(text) || self.matches(text)
    }

    fn matches(&self, text: &str) -> bool {
        let Some((resource, action)) = text.split_once(':') else { return false };
        if self.patterns.len() > FEW {
            let fits = |group: &[(String, String)]| !group.is_empty();
            return any_group(
                &self.patterns,
                |(held, _)| held,
                resource,
                |group| any_group(group, |(_, held)| held, action, fits),
            );
        }
        self.patterns.iter().any(|pattern| pattern_holds(pattern, resource, action))
    }

    /// Whether this permission itself is in the set, not only a wildcard that includes it.
    pub(crate) fn names(&self, text: &str) -> bool {
        self.exact.binary_search_by(|held| held.as_str().cmp(text)).is_ok()
    }

    /// Its permissions without wildcards.
    pub(crate) fn exact_names(&self) -> impl Iterator<Item = &str> {
        self.exact.iter().map(String::as_str)
    }

    /// An entry that includes none of these permissions.
    pub(crate) fn beside(&self, all: &Self) -> Option<String> {
        let sides =
            |text: &str| text.split_once(':').map(|(resource, action)| (resource.to_owned(), action.to_owned()));
        let all_sides: Vec<_> = all.exact.iter().filter_map(|text| sides(text)).collect();
        let holds_one =
            |pattern: &&(String, String)| all_sides.iter().any(|asked| pattern_holds(pattern, &asked.0, &asked.1));
        let exact = self.exact.iter().find(|text| !all.names(text)).cloned();
        exact.or_else(|| self.patterns.iter().find(|pattern| !holds_one(pattern)).map(|(r, a)| format!("{r}:{a}")))
    }

    /// Both, as one set.
    pub(crate) fn union(mut self, other: &Self) -> Self {
        self.exact.extend_from_slice(&other.exact);
        self.patterns.extend_from_slice(&other.patterns);
        self.sorted()
    }

    /// Its permissions: those without a wildcard first, each kind sorted. [`new`](Self::new) makes the same set of them.
    ///
    /// ```
    /// # use portcullis_core::PermissionSet;
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let set = PermissionSet::new(["kb:*", "user:invite", "kb:read"])?;
    /// assert!(set.iter().eq(["kb:read", "user:invite", "kb:*"]));
    /// assert_eq!(PermissionSet::new(set.iter())?, set);
    /// # Ok(()) }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let patterns = self.patterns.iter().map(|(resource, action)| Cow::Owned(format!("{resource}:{action}")));
        self.exact_names().map(Cow::Borrowed).chain(patterns)
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.patterns.is_empty()
    }
}

fn pattern_holds(pattern: &(String, String), resource: &str, action: &str) -> bool {
    let side = |held: &str, asked: &str| held.strip_suffix('*').map_or(held == asked, |start| asked.starts_with(start));
    side(&pattern.0, resource) && side(&pattern.1, action)
}

/// At most this many patterns are compared one by one.
const FEW: usize = 32;

/// Whether this holds for one of the groups of patterns in which a side fits: those that name it, and those that name a
/// beginning of it and a star. The patterns are sorted by that side.
fn any_group(
    sorted: &[(String, String)],
    side: impl Fn(&(String, String)) -> &String,
    asked: &str,
    holds: impl Fn(&[(String, String)]) -> bool,
) -> bool {
    let group = |start: &str, end: &str| {
        let order = |pattern: &(String, String)| side(pattern).bytes().cmp(start.bytes().chain(end.bytes()));
        let from = sorted.partition_point(|pattern| order(pattern).is_lt());
        let rest = sorted.get(from..).unwrap_or_default();
        rest.get(..rest.partition_point(|pattern| order(pattern).is_eq())).unwrap_or_default()
    };
    let starts = (0..=asked.len()).filter_map(|end| asked.get(..end));
    holds(group(asked, "")) || starts.into_iter().any(|start| holds(group(start, "*")))
}
