//! Values inside a checked text.

use super::cursor::Cursor;
use std::{borrow::Cow, collections::HashMap, iter};

/// One JSON value inside a text that [`object`](super::object) has checked.
///
/// Everything is read where it stands. Nothing here checks grammar again: on a text that was not checked the answers
/// would be wrong, but never a panic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    text: &'a str,
    /// Whether it is known to be a string without escapes.
    plain: bool,
}

impl<'a> Value<'a> {
    pub(crate) fn new(checked: &'a str) -> Self {
        Self { text: checked, plain: false }
    }

    /// A string in which the check has seen no escapes.
    pub(super) fn plain(checked: &'a str) -> Self {
        Self { text: checked, plain: true }
    }

    pub(super) fn is_plain(self) -> bool {
        self.plain
    }

    /// The value as it is written.
    pub(crate) fn text(self) -> &'a str {
        self.text
    }

    pub(crate) fn is_true(self) -> bool {
        self.text == "true"
    }

    pub(crate) fn is_null(self) -> bool {
        self.text == "null"
    }

    /// The string without its escapes; `None` for a value of another type.
    pub(crate) fn as_str(self) -> Option<Cow<'a, str>> {
        let raw = self.text.strip_prefix('"')?.strip_suffix('"')?;
        let is_escaped = !self.plain && raw.contains('\\');
        Some(if is_escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) })
    }

    pub(crate) fn is_string(self) -> bool {
        self.text.starts_with('"')
    }

    pub(crate) fn is_number(self) -> bool {
        self.text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    /// The number as `f64`, as JSON libraries read it; `None` for a value of another type.
    pub(crate) fn as_number(self) -> Option<f64> {
        match self.as_small_integer() {
            Some(number) => Some(number as f64),
            None => self.is_number().then(|| self.text.parse().ok()).flatten(),
        }
    }

    /// The number, if it is written with at most fifteen digits and nothing else. So many are exact in `f64` too.
    pub(crate) fn as_small_integer(self) -> Option<u64> {
        let bytes = self.text.as_bytes();
        if !(1..=15).contains(&bytes.len()) {
            return None;
        }
        let (mut number, rest) = match bytes.split_first_chunk() {
            Some((eight, rest)) => (eight_digits(*eight)?, rest),
            None => (0, bytes),
        };
        for byte in rest {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            number = number * 10 + u64::from(digit);
        }
        Some(number)
    }

    /// The digits of a number that is written as an integer. Each has one spelling, so `-0` is none.
    pub(crate) fn as_integer(self) -> Option<&'a str> {
        let digits = self.text.strip_prefix('-').unwrap_or(self.text);
        let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        (is_integer && self.text != "-0").then_some(self.text)
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
        self.text == other.text
    }

    /// The elements of an array; `None` for a value of another type.
    pub(crate) fn elements(self) -> Option<impl Iterator<Item = Value<'a>>> {
        let mut cursor = Cursor::new(self);
        let is_array = cursor.enter('[');
        is_array.then(|| iter::from_fn(move || cursor.next(b']').then(|| cursor.value())))
    }

    /// The names and values of an object; `None` for a value of another type.
    pub(crate) fn members(self) -> Option<impl Iterator<Item = (Cow<'a, str>, Value<'a>)>> {
        let mut cursor = Cursor::new(self);
        let is_object = cursor.enter('{');
        is_object.then(|| iter::from_fn(move || cursor.next(b'}').then(|| (cursor.name(), cursor.value()))))
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

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A token of a JSON pointer without its escapes (RFC 6901, section 4).
pub(super) fn reference(token: &str) -> Cow<'_, str> {
    match token.contains('~') {
        true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(token),
    }
}

/// The number that these eight digits are; `None` if one of them is none. They are joined as neighbours: digits, pairs, fours.
fn eight_digits(bytes: [u8; 8]) -> Option<u64> {
    let (digits, others) = digits_and_others(bytes);
    if others != 0 {
        return None;
    }
    let pairs = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some((fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF)
}

/// The values of eight digits, and the highest bit of each byte that is none. Above the first of those, bits may be wrong.
#[inline]
pub(super) fn digits_and_others(bytes: [u8; 8]) -> (u64, u64) {
    let digits = u64::from_le_bytes(bytes) ^ 0x3030_3030_3030_3030;
    // With this added, a byte above nine has its highest bit, unless it had it before.
    (digits, (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080)
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
