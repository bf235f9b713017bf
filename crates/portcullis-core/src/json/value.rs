//! Values inside a checked text.

use std::{borrow::Cow, collections::HashMap};

/// One JSON value inside a text that [`object`](super::object) has checked.
///
/// Everything is read where it stands. Nothing here checks grammar again: on a text that was not checked the answers
/// would be wrong, but never a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value<'a>(&'a str);

impl<'a> Value<'a> {
    pub(crate) fn new(checked: &'a str) -> Self {
        Self(checked)
    }

    /// The value as it is written.
    pub(crate) fn text(self) -> &'a str {
        self.0
    }

    pub(crate) fn is_true(self) -> bool {
        self.0 == "true"
    }

    pub(crate) fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// The string without its escapes; `None` for a value of another type.
    pub(crate) fn as_str(self) -> Option<Cow<'a, str>> {
        let raw = self.0.strip_prefix('"')?.strip_suffix('"')?;
        Some(if raw.contains('\\') { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) })
    }

    pub(crate) fn is_string(self) -> bool {
        self.0.starts_with('"')
    }

    pub(crate) fn is_number(self) -> bool {
        self.0.starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    /// The number as `f64`, as JSON libraries read it; `None` for a value of another type.
    pub(crate) fn as_number(self) -> Option<f64> {
        // Up to fifteen digits are exact, and quicker to read as an integer.
        let with = |number: u64, byte: u8| byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'));
        let exact = if (1..=15).contains(&self.0.len()) { self.0.bytes().try_fold(0, with) } else { None };
        match exact {
            Some(number) => Some(number as f64),
            None => self.is_number().then(|| self.0.parse().ok()).flatten(),
        }
    }

    /// The digits of a number that is written as an integer.
    pub(crate) fn as_integer(self) -> Option<&'a str> {
        let digits = self.0.strip_prefix('-').unwrap_or(self.0);
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(self.0)
    }

    /// Whether both say the same, whatever the order of members and the escapes; numbers are compared as they are written.
    pub(crate) fn is_same(self, other: Self) -> bool {
        if let (Some(mine), Some(theirs)) = (self.as_str(), other.as_str()) {
            return mine == theirs;
        }
        if let (Some(mine), Some(theirs)) = (self.elements(), other.elements()) {
            let (mine, theirs): (Vec<_>, Vec<_>) = (mine.collect(), theirs.collect());
            return mine.len() == theirs.len()
                && mine.into_iter().zip(theirs).all(|(mine, theirs)| mine.is_same(theirs));
        }
        if let (Some(mine), Some(theirs)) = (self.members(), other.members()) {
            let (mine, theirs): (HashMap<_, _>, HashMap<_, _>) = (mine.collect(), theirs.collect());
            let is_there = |(name, value): (&_, &Self)| theirs.get(name).is_some_and(|theirs| value.is_same(*theirs));
            return mine.len() == theirs.len() && mine.iter().all(is_there);
        }
        self.0 == other.0
    }

    /// The elements of an array; `None` for a value of another type.
    pub(crate) fn elements(self) -> Option<impl Iterator<Item = Value<'a>>> {
        let inside = self.0.strip_prefix('[')?.strip_suffix(']')?;
        Some(parts(inside).map(Value))
    }

    /// The names and values of an object; `None` for a value of another type.
    pub(crate) fn members(self) -> Option<impl Iterator<Item = (Cow<'a, str>, Value<'a>)>> {
        let inside = self.0.strip_prefix('{')?.strip_suffix('}')?;
        Some(parts(inside).filter_map(|part| {
            let (name, rest) = part.split_at_checked(extent(part))?;
            Some((Value(name.trim_end()).as_str()?, Value(rest.trim_start().strip_prefix(':')?.trim())))
        }))
    }

    pub(crate) fn member(self, name: &str) -> Option<Value<'a>> {
        self.members()?.find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Follows a JSON pointer (RFC 6901) from here; the empty pointer is this value.
    pub(crate) fn pointer(self, pointer: &str) -> Option<Value<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| {
            let token = reference(token);
            match value.elements() {
                Some(mut elements) if token == "0" || !token.starts_with(['0', '+']) => {
                    elements.nth(token.parse().ok()?)
                }
                Some(_) => None,
                None => value.member(&token),
            }
        })
    }
}

/// A token of a JSON pointer without its escapes (RFC 6901, section 4).
pub(super) fn reference(token: &str) -> Cow<'_, str> {
    match token.contains('~') {
        true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(token),
    }
}

/// The parts of an array's or object's inside, cut at the commas of this level.
fn parts(inside: &str) -> impl Iterator<Item = &str> {
    let mut rest = inside.trim();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        while let Some(tail) = rest.get(end..).filter(|tail| !tail.is_empty() && !tail.starts_with(',')) {
            end += extent(tail);
        }
        let (part, tail) = rest.split_at_checked(end)?;
        rest = tail.strip_prefix(',').unwrap_or(tail).trim_start();
        Some(part.trim())
    })
}

/// How far the string, array or object that starts here reaches; one character for anything else.
fn extent(text: &str) -> usize {
    let mut depth = 0_usize;
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !quoted {
            // The end of a character, so that cutting here never splits one.
            return if byte.is_ascii() { at + 1 } else { text.chars().next().map_or(text.len(), char::len_utf8) };
        }
    }
    text.len()
}

/// Resolves the escapes of a checked string.
pub(super) fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut characters = escape.chars();
        match characters.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let unit = |text: &str| text.get(..4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
                let high = unit(characters.as_str());
                let low = characters.as_str().get(4..).and_then(|text| text.strip_prefix("\\u")).and_then(unit);
                let is_pair = high.is_some_and(|unit| (0xD800..0xDC00).contains(&unit));
                let units = high.into_iter().chain(low.filter(|_| is_pair));
                out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
                rest = characters.as_str().get(if is_pair { 10 } else { 4 }..).unwrap_or_default();
                continue;
            }
            Some(other) => out.push(other),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}
