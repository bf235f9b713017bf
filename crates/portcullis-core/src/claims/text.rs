//! Texts that stand in the claims of a token, which are kept anyway.

use super::Claims;
use std::{
    borrow::Cow,
    hash::{Hash, Hasher},
};

/// A text of its own, or a part of claims. A clone is of its own: who stores an id should not keep the claims of its token.
pub(crate) enum Text {
    Own(Box<str>),
    /// Where it begins and ends.
    Part(Claims, (u32, u32)),
}

impl Text {
    /// What was read from these claims.
    pub(super) fn of(claims: &Claims, text: Cow<'_, str>) -> Self {
        match place(&text, claims.0.object.text()) {
            Some(place) => Self::Part(claims.clone(), place),
            None => Self::Own(text.into()),
        }
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Own(text) => text,
            Self::Part(claims, (start, end)) => {
                claims.0.object.text().get(*start as usize..*end as usize).unwrap_or_default()
            }
        }
    }
}

/// Where a part of a text stands; `None` if it was read with escapes, and is no part.
fn place(part: &str, text: &str) -> Option<(u32, u32)> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start.checked_add(part.len()).filter(|end| *end <= text.len())?;
    Some((start.try_into().ok()?, end.try_into().ok()?))
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Own(text.into())
    }
}

impl Clone for Text {
    fn clone(&self) -> Self {
        Self::Own(self.as_str().into())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
