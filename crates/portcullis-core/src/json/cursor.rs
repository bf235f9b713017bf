//! Reads a checked text from its beginning to its end.

use super::{
    scan::plain,
    value::{Value, unescape},
};
use std::borrow::Cow;

/// A place in a text that was checked, where a value begins or has ended.
///
/// Nothing here checks grammar again: on a text that was not checked the answers would be wrong, but never a panic, and each
/// value goes on by a character at least.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
    /// Whether the rest is one value and nothing else.
    is_value: bool,
    /// Whether this value is known to be a string without escapes.
    is_plain: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(value: Value<'a>) -> Self {
        Self { rest: value.text(), is_value: true, is_plain: value.is_plain() }
    }

    /// Reads the value that begins here. Goes to its end, also where the reader fails in the middle, or reads nothing.
    #[inline]
    pub(crate) fn read<T, E>(&mut self, reader: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let start = self.rest;
        let read = reader(self);
        if read.is_err() || self.rest.len() == start.len() {
            self.rest = start;
            self.value();
        }
        read
    }

    pub(crate) fn is_at_null(&self) -> bool {
        self.rest.starts_with("null")
    }

    pub(crate) fn is_at_object(&self) -> bool {
        self.rest.starts_with('{')
    }

    /// Enters the array or object that begins with this bracket. Returns whether there is one.
    #[inline]
    pub(crate) fn enter(&mut self, bracket: char) -> bool {
        let inside = self.rest.strip_prefix(bracket);
        if let Some(inside) = inside {
            (self.rest, self.is_value, self.is_plain) = (inside, false, false);
        }
        inside.is_some()
    }

    /// Goes to the next part of the array or object that it is in. At the end, which this bracket is, it leaves, and returns
    /// `false`.
    #[inline]
    pub(crate) fn next(&mut self, bracket: u8) -> bool {
        self.white_space();
        match self.rest.as_bytes().first() {
            Some(b',') => {
                self.advance(1);
                self.white_space();
                true
            }
            Some(first) if *first == bracket => {
                self.advance(1);
                false
            }
            first => first.is_some(),
        }
    }

    /// The name of a member. Goes to its value.
    #[inline]
    pub(crate) fn name(&mut self) -> Cow<'a, str> {
        let name = self.string().unwrap_or_default();
        self.white_space();
        self.advance(1); // the colon
        self.white_space();
        name
    }

    /// The string that begins here, without its escapes. `None` if it is a value of another type.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.is_plain {
            return std::mem::take(&mut self.rest).get(1..)?.strip_suffix('"').map(Cow::Borrowed);
        }
        self.string_inside()
    }

    #[inline(never)]
    fn string_inside(&mut self) -> Option<Cow<'a, str>> {
        let inside = self.rest.strip_prefix('"')?;
        let mut end = plain(inside.as_bytes());
        let is_escaped = inside.as_bytes().get(end) == Some(&b'\\');
        if is_escaped {
            end = string_extent(inside.as_bytes()).saturating_sub(1);
        }
        let raw = inside.get(..end).unwrap_or(inside);
        self.rest = inside.get(end + 1..).unwrap_or_default();
        Some(if is_escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) })
    }

    /// The value that begins here, as it is written. Goes to its end.
    #[inline]
    pub(crate) fn value(&mut self) -> Value<'a> {
        match (self.is_value, self.is_plain) {
            (true, true) => Value::plain(std::mem::take(&mut self.rest)),
            (true, false) => Value::new(std::mem::take(&mut self.rest)),
            _ => self.value_inside(),
        }
    }

    #[inline(never)]
    fn value_inside(&mut self) -> Value<'a> {
        let (value, rest) = self.rest.split_at_checked(extent(self.rest)).unwrap_or((self.rest, ""));
        self.rest = rest;
        Value::new(value)
    }

    fn white_space(&mut self) {
        if let Some(b' ' | b'\n' | b'\r' | b'\t') = self.rest.as_bytes().first() {
            self.rest = self.rest.trim_ascii_start();
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

/// How far the value that starts here reaches. At least one character, if there is any.
fn extent(text: &str) -> usize {
    let (bytes, mut at, mut depth) = (text.as_bytes(), 0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at += string_extent(bytes.get(at..).unwrap_or_default()),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ => {
                let others = bytes.get(at..).unwrap_or_default();
                let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'"' | b'{' | b'[' | 0..=b' ');
                return at + others.iter().position(is_end).unwrap_or(others.len());
            }
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// How far a string reaches after its first quote.
fn string_extent(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += plain(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            // Also past what is escaped, such as a quote.
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}
