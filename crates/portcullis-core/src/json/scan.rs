//! The grammar: a text is checked as a whole before anything in it is read.

use super::{
    MAX_DEPTH,
    value::{Value, digits_and_others, unescape},
};
use std::{borrow::Cow, cell::Cell};

/// Why a text is not the JSON object it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Syntax,
    Duplicate,
    Depth,
}

impl Fault {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Syntax => "not a JSON object",
            Self::Duplicate => "a JSON object with a duplicate member",
            Self::Depth => "nested too deeply",
        }
    }
}

/// A member of an object: where its name begins (after the quote) and where its value stands. Caches hold many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// [`FLAGGED`] if its mark does not say how long it is: it has escapes, or is very long.
    name: u32,
    /// [`FLAGGED`] if it is a string without escapes.
    value: (u32, u32),
    pub(super) mark: u32,
}

/// The highest bit of where something begins: texts are shorter.
const FLAGGED: u32 = 1 << 31;

impl Member {
    #[inline]
    pub(crate) fn name(self, text: &str) -> Cow<'_, str> {
        if self.name & FLAGGED != 0 {
            return self.unusual_name(text);
        }
        Cow::Borrowed(part(text, (self.name, self.name + (self.mark >> LENGTH))))
    }

    #[cold]
    fn unusual_name(self, text: &str) -> Cow<'_, str> {
        let from = text.get((self.name & !FLAGGED) as usize..).unwrap_or_default();
        let mut end = 0;
        loop {
            end += plain(from.as_bytes().get(end..).unwrap_or_default());
            match from.as_bytes().get(end) {
                Some(b'\\') => end += 2,
                _ => return Cow::Owned(unescape(from.get(..end).unwrap_or_default())),
            }
        }
    }

    /// Whether its name is this one. The [`mark`] rules out nearly all others.
    #[inline]
    pub(super) fn is_called(&self, name: &str, mark: u32, text: &str) -> bool {
        self.mark == mark && self.name(text) == name
    }

    pub(crate) fn value(self, text: &str) -> Value<'_> {
        let text = part(text, self.value);
        if self.value.0 & FLAGGED == 0 { Value::new(text) } else { Value::plain(text) }
    }
}

fn part(text: &str, (start, end): (u32, u32)) -> &str {
    text.get((start & !FLAGGED) as usize..end as usize).unwrap_or_default()
}

/// Where the length of a name stands in its mark, and how many bytes are too many for that.
const LENGTH: u32 = 16;
const VERY_LONG: usize = 1 << LENGTH;

/// What tells most names apart: differs where length, first or last byte do.
pub(crate) const fn mark(name: &[u8]) -> u32 {
    match name {
        [] => 0,
        [only] => 1 << LENGTH | (*only as u32) << 8 | *only as u32,
        [first, .., last] => (name.len() as u32) << LENGTH | (*first as u32) << 8 | *last as u32,
    }
}

/// Checks that the whole text is one object, and finds its members.
pub(crate) fn object(text: &str) -> Result<Box<[Member]>, Fault> {
    scan(text, MAX_DEPTH)
}

/// As [`object`], but a duplicate further inside is no fault: for a document whose parts are then read, and refused, one
/// by one.
pub(crate) fn outline(text: &str) -> Result<Box<[Member]>, Fault> {
    scan(text, 1)
}

/// How much room for notes a thread keeps.
const NOTED: usize = 256;

thread_local! {
    /// Where members are noted until it is known how many there are: what is kept has no room for more.
    static NOTES: Cell<Vec<Member>> = const { Cell::new(Vec::new()) };
}

fn scan(text: &str, unique_to: usize) -> Result<Box<[Member]>, Fault> {
    if i32::try_from(text.len()).is_err() {
        return Err(Fault::Syntax);
    }
    let members = NOTES.try_with(Cell::take).unwrap_or_default();
    let mut scanner = Scanner { text, unique_to, members };
    let found = scanner.document();
    let found = found.map(|()| scanner.members.as_slice().into());
    scanner.members.clear();
    if scanner.members.capacity() <= NOTED {
        _ = NOTES.try_with(|notes| notes.set(scanner.members));
    }
    found
}

/// Goes through a text once. Each function takes the place where its part begins, and returns the place after it. What has been
/// passed is sound.
struct Scanner<'a> {
    text: &'a str,
    /// Down to which depth names have to differ.
    unique_to: usize,
    /// Those of the outermost object so far, and then those of the objects that are open inside it.
    members: Vec<Member>,
}

impl Scanner<'_> {
    /// The whole text: one object.
    fn document(&mut self) -> Result<(), Fault> {
        let (at, first) = self.token(0);
        if first != Some(b'{') {
            return Err(Fault::Syntax);
        }
        let end = self.object(at + 1, 1)?;
        match self.token(end).1 {
            None => Ok(()),
            Some(_) => Err(Fault::Syntax),
        }
    }

    #[inline]
    fn peek(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    #[inline]
    fn rest(&self, at: usize) -> &[u8] {
        self.text.as_bytes().get(at..).unwrap_or_default()
    }

    /// Where the next byte is that is no white space, and that byte.
    #[inline]
    fn token(&self, mut at: usize) -> (usize, Option<u8>) {
        loop {
            match self.peek(at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => at += 1,
                other => return (at, other),
            }
        }
    }

    /// A comma, after which another part has to come (`true`), or the end of an object or array.
    #[inline]
    fn comma(&self, at: usize, end: u8) -> Result<(usize, bool), Fault> {
        match self.token(at) {
            (at, Some(b',')) => Ok((at + 1, true)),
            (at, Some(byte)) if byte == end => Ok((at + 1, false)),
            _ => Err(Fault::Syntax),
        }
    }

    /// A value that begins with this byte. Returns as well whether it is a string without escapes.
    #[inline(always)]
    fn value(&mut self, at: usize, first: Option<u8>, depth: usize) -> Result<(usize, bool), Fault> {
        let end = match first {
            Some(b'"') => return self.string(at + 1).map(|(end, escaped)| (end, !escaped)),
            Some(b'{') => self.object(at + 1, depth + 1),
            Some(b'[') => self.array(at + 1, depth + 1),
            Some(b't') => self.literal(at, b"true"),
            Some(b'f') => self.literal(at, b"false"),
            Some(b'n') => self.literal(at, b"null"),
            Some(b'-' | b'0'..=b'9') => self.number(at),
            _ => Err(Fault::Syntax),
        };
        end.map(|end| (end, false))
    }

    /// An object, from after its brace. Of nested objects, only the duplicates matter.
    fn object(&mut self, at: usize, depth: usize) -> Result<usize, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        let (mut at, mut next) = self.token(at);
        if next == Some(b'}') {
            return Ok(at + 1);
        }
        let first = self.members.len();
        let mut names = Names::default();
        loop {
            if next != Some(b'"') {
                return Err(Fault::Syntax);
            }
            let start = at + 1;
            let (end, escaped) = self.string(start)?;
            let name = start..end - 1;
            let mark = match escaped {
                true => mark(unescape(self.text.get(name.clone()).unwrap_or_default()).as_bytes()),
                false => mark(self.text.as_bytes().get(name.clone()).unwrap_or_default()),
            };
            let (colon, Some(b':')) = self.token(end) else { return Err(Fault::Syntax) };
            let (start, value) = self.token(colon + 1);
            let (end, plain) = self.value(start, value, depth)?;
            // INVARIANT: the text is shorter than 2 GiB, or it would not have been read.
            let flagged = |start: usize, flag| start as u32 | if flag { FLAGGED } else { 0 };
            let name = flagged(name.start, escaped || name.len() >= VERY_LONG);
            let member = Member { name, value: (flagged(start, plain), end as u32), mark };
            if names.may_have(mark) {
                names.compare(&member, self.members.get(first..).unwrap_or_default(), self.text);
            }
            self.members.push(member);
            let (after, is_comma) = self.comma(end, b'}')?;
            if !is_comma {
                at = after;
                break;
            }
            (at, next) = self.token(after);
        }
        let is_unique =
            depth > self.unique_to || names.differ(self.members.get(first..).unwrap_or_default(), self.text);
        if depth > 1 {
            self.members.truncate(first);
        }
        if is_unique { Ok(at) } else { Err(Fault::Duplicate) }
    }

    /// An array, from after its bracket.
    fn array(&mut self, at: usize, depth: usize) -> Result<usize, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        let (mut at, mut first) = self.token(at);
        if first == Some(b']') {
            return Ok(at + 1);
        }
        loop {
            let (end, _) = self.value(at, first, depth)?;
            let (after, is_comma) = self.comma(end, b']')?;
            if !is_comma {
                return Ok(after);
            }
            (at, first) = self.token(after);
        }
    }

    /// Exactly this word, such as `true`.
    #[inline]
    fn literal<const N: usize>(&self, at: usize, word: &[u8; N]) -> Result<usize, Fault> {
        if self.rest(at).first_chunk() == Some(word) { Ok(at + N) } else { Err(Fault::Syntax) }
    }

    /// A string, from after its first quote. Returns as well whether it has escapes.
    #[inline(always)]
    fn string(&self, at: usize) -> Result<(usize, bool), Fault> {
        let end = at + plain(self.rest(at));
        match self.peek(end) {
            Some(b'"') => Ok((end + 1, false)),
            Some(b'\\') => self.escaped(end + 1).map(|end| (end, true)),
            _ => Err(Fault::Syntax),
        }
    }

    /// What follows the first backslash of a string.
    #[cold]
    fn escaped(&self, mut at: usize) -> Result<usize, Fault> {
        loop {
            at = self.escape(at)?;
            at += plain(self.rest(at));
            match self.peek(at) {
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at += 1,
                _ => return Err(Fault::Syntax),
            }
        }
    }

    /// An escape, from after its backslash. Of `\u`, only whole surrogate pairs are characters (RFC 8259, section 8.2).
    fn escape(&self, at: usize) -> Result<usize, Fault> {
        match self.peek(at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
            Some(b'u') => match self.hex(at + 1)? {
                0xD800..0xDC00 => {
                    let low = self.literal(at + 5, b"\\u")?;
                    if (0xDC00..0xE000).contains(&self.hex(low)?) { Ok(low + 4) } else { Err(Fault::Syntax) }
                }
                0xDC00..0xE000 => Err(Fault::Syntax),
                _ => Ok(at + 5),
            },
            _ => Err(Fault::Syntax),
        }
    }

    /// Four digits.
    fn hex(&self, at: usize) -> Result<u32, Fault> {
        let digits = self.text.get(at..at + 4).ok_or(Fault::Syntax)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Fault::Syntax);
        }
        u32::from_str_radix(digits, 16).map_err(|_| Fault::Syntax)
    }

    /// Any number of digits; eight are looked at together.
    #[inline]
    fn digits(&self, mut at: usize) -> usize {
        let (words, rest) = self.rest(at).as_chunks();
        for word in words {
            let (_, others) = digits_and_others(*word);
            if others != 0 {
                return at + others.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
        at + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
    }

    /// At least one digit.
    fn some_digits(&self, at: usize) -> Result<usize, Fault> {
        let end = self.digits(at);
        if end == at { Err(Fault::Syntax) } else { Ok(end) }
    }

    /// A number. Its value is not read, except where it might not be finite.
    #[inline(never)]
    fn number(&self, start: usize) -> Result<usize, Fault> {
        let whole = start + usize::from(self.peek(start) == Some(b'-'));
        let mut at = self.some_digits(whole)?;
        if self.peek(whole) == Some(b'0') && at > whole + 1 {
            return Err(Fault::Syntax);
        }
        if self.peek(at) == Some(b'.') {
            at = self.some_digits(at + 1)?;
        }
        let scaled = matches!(self.peek(at), Some(b'e' | b'E'));
        if scaled {
            at += 1;
            at = self.some_digits(at + usize::from(matches!(self.peek(at), Some(b'+' | b'-'))))?;
        }
        // Up to 300 characters without an exponent are always finite; the rest is asked.
        if !scaled && at - start <= 300 {
            return Ok(at);
        }
        let text = self.text.get(start..at).ok_or(Fault::Syntax)?;
        if text.parse::<f64>().is_ok_and(f64::is_finite) { Ok(at) } else { Err(Fault::Syntax) }
    }
}

/// How many bytes come before the first quote, backslash or control character; eight are checked together.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let (words, rest) = bytes.as_chunks();
    let mut passed = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // With this bit flipped, the quote follows the control characters. The lowest bit that a subtraction leaves set
        // stands in the first byte that is below the limit; those above it may be wrong.
        let quote_or_control = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
        let backslash = (word ^ (ONES * 0x5C)).wrapping_sub(ONES);
        let found = (quote_or_control | backslash) & !word & HIGH;
        if found != 0 {
            return passed + found.trailing_zeros() as usize / 8;
        }
        passed += 8;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    passed + rest.iter().position(special).unwrap_or(rest.len())
}

/// One of 64 bits, which a mark shares with few others.
pub(crate) const fn bit(mark: u32) -> u64 {
    1 << (mark.wrapping_mul(0x9E37_79B1) >> 26)
}

/// Whether the names of an object differ. Few names are compared as they come, if they share a bit; many are sorted at the
/// end, so that hostile objects cost no quadratic work.
#[derive(Default)]
struct Names {
    seen: u64,
    is_twice: bool,
}

impl Names {
    const FEW: usize = 64;

    /// Adds a name. Returns whether it may be one of those before.
    #[inline]
    fn may_have(&mut self, mark: u32) -> bool {
        let bit = bit(mark);
        let is_seen = self.seen & bit != 0;
        self.seen |= bit;
        is_seen
    }

    #[inline(never)]
    fn compare(&mut self, member: &Member, before: &[Member], text: &str) {
        if before.len() < Self::FEW {
            let is_same = |other: &Member| other.mark == member.mark && other.name(text) == member.name(text);
            self.is_twice |= before.iter().any(is_same);
        }
    }

    fn differ(&self, members: &[Member], text: &str) -> bool {
        if members.len() <= Self::FEW {
            return !self.is_twice;
        }
        let mut names: Vec<_> = members.iter().map(|member| member.name(text)).collect();
        names.sort_unstable();
        names.is_sorted_by(|a, b| a < b)
    }
}
