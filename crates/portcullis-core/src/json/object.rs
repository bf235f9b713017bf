//! An object whose members are found once, and then read by name.

use super::{
    scan::{Fault, Member, bit, mark, object},
    value::{Value, reference},
};
use std::{borrow::Cow, fmt};

/// A text that is one checked JSON object, with its members found.
#[derive(Clone)]
pub(crate) struct Object {
    text: String,
    members: Box<[Member]>,
}

impl Object {
    /// Checks the whole text in one pass, and keeps it.
    pub(crate) fn read(text: String) -> Result<Self, Fault> {
        let members = object(&text)?;
        Ok(Self { text, members })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn value(&self) -> Value<'_> {
        Value::new(self.text.trim())
    }

    /// Names, without escapes, and values.
    pub(crate) fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
        self.members.iter().map(|member| (member.name(&self.text), member.value(&self.text)))
    }

    /// Those whose names have one of these [`bit`]s: the ones that are sought, and few others.
    pub(crate) fn members_among(&self, bits: u64) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
        let members = self.members.iter().filter(move |member| bit(member.mark) & bits != 0);
        members.map(|member| (member.name(&self.text), member.value(&self.text)))
    }

    pub(crate) fn member(&self, name: &str) -> Option<Value<'_>> {
        let mark = mark(name.as_bytes());
        let found = self.members.iter().find(|member| member.is_called(name, mark, &self.text));
        found.map(|member| member.value(&self.text))
    }

    /// The value at a [`ClaimPath`](crate::ClaimPath).
    pub(crate) fn at(&self, path: &str) -> Option<Value<'_>> {
        let Some(pointer) = path.strip_prefix('/') else { return self.member(path) };
        let (first, rest) = pointer.split_at_checked(pointer.find('/').unwrap_or(pointer.len()))?;
        self.member(&reference(first))?.pointer(rest)
    }
}

/// The names of its members: what it says of them may be about people, or a secret.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members().map(|(name, _)| name)).finish()
    }
}
