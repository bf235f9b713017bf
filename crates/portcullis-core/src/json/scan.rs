//! The grammar: a text is checked as a whole before anything in it is read.

use super::{
    MAX_DEPTH,
    value::{Value, unescape},
};
use std::{borrow::Cow, ops::Range};

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

/// A member of an object: where its name stands (without quotes) and where its value stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    name: (u32, u32),
    value: (u32, u32),
    /// Differs where length, first or last byte of the names do, as those of most names do.
    pub(super) mark: u32,
    escaped: bool,
    /// Whether the value is a string without escapes.
    plain: bool,
}

impl Member {
    pub(crate) fn name(self, text: &str) -> Cow<'_, str> {
        let raw = part(text, self.name);
        if self.escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) }
    }

    pub(crate) fn value(self, text: &str) -> Value<'_> {
        let text = part(text, self.value);
        if self.plain { Value::plain(text) } else { Value::new(text) }
    }
}

fn part(text: &str, (start, end): (u32, u32)) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// What tells most names apart.
pub(crate) const fn mark(name: &[u8]) -> u32 {
    match name {
        [] => 0,
        [only] => 1 << 16 | (*only as u32) << 8 | *only as u32,
        [first, .., last] => (name.len() as u32) << 16 | (*first as u32) << 8 | *last as u32,
    }
}

/// Checks that the whole text is one object, and finds its members.
pub(crate) fn object(text: &str) -> Result<Vec<Member>, Fault> {
    scan(text, MAX_DEPTH)
}

/// As [`object`], but a duplicate further inside is no fault: for a document whose parts are then read, and refused, one
/// by one.
pub(crate) fn outline(text: &str) -> Result<Vec<Member>, Fault> {
    scan(text, 1)
}

fn scan(text: &str, unique_to: usize) -> Result<Vec<Member>, Fault> {
    if u32::try_from(text.len()).is_err() {
        return Err(Fault::Syntax);
    }
    // Room for the members of most tokens.
    let members = Vec::with_capacity((text.len() / 32 + 4).min(64));
    let mut scanner = Scanner { text, at: 0, unique_to, members };
    scanner.expect(b'{')?;
    scanner.object(1)?;
    match scanner.token() {
        None => Ok(scanner.members),
        Some(_) => Err(Fault::Syntax),
    }
}

/// Goes through a text once. What it has passed is sound.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Down to which depth names have to differ.
    unique_to: usize,
    /// Those of the outermost object so far, and then those of the objects that are open inside it.
    members: Vec<Member>,
}

impl Scanner<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Passes white space, and returns the byte after it.
    #[inline]
    fn token(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Passes white space, and this byte.
    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.token() != Some(byte) {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    /// Passes a comma, after which another part has to come, or the end of an object or array. Returns whether it was a comma.
    #[inline]
    fn comma(&mut self, end: u8) -> Result<bool, Fault> {
        let found = self.token();
        self.at += 1;
        match found {
            Some(b',') => Ok(true),
            Some(byte) if byte == end => Ok(false),
            _ => Err(Fault::Syntax),
        }
    }

    /// Passes a value whose first byte is this. Returns whether it is a string without escapes.
    #[inline(always)]
    fn value(&mut self, first: Option<u8>, depth: usize) -> Result<bool, Fault> {
        let other = match first {
            Some(b'"') => return self.string().map(|escaped| !escaped),
            Some(b'{') => {
                self.at += 1;
                self.object(depth + 1)
            }
            Some(b'[') => {
                self.at += 1;
                self.array(depth + 1)
            }
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(Fault::Syntax),
        };
        other.map(|()| false)
    }

    /// Passes an object after its brace. Of nested objects, only the duplicates matter.
    fn object(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        if self.token() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let first = self.members.len();
        let mut names = Names::default();
        loop {
            self.token();
            let start = self.at + 1;
            let escaped = self.string()?;
            let name = start..self.at - 1;
            let mark = match escaped {
                true => mark(unescape(self.text.get(name.clone()).unwrap_or_default()).as_bytes()),
                false => mark(self.text.as_bytes().get(name.clone()).unwrap_or_default()),
            };
            self.expect(b':')?;
            let value = self.token();
            let start = self.at;
            let plain = self.value(value, depth)?;
            // INVARIANT: the text is shorter than 4 GiB, or it would not have been read.
            let place = |range: Range<usize>| (range.start as u32, range.end as u32);
            let member = Member { name: place(name), value: place(start..self.at), mark, escaped, plain };
            if names.may_have(mark) {
                names.compare(&member, self.members.get(first..).unwrap_or_default(), self.text);
            }
            self.members.push(member);
            if !self.comma(b'}')? {
                break;
            }
        }
        let is_unique =
            depth > self.unique_to || names.differ(self.members.get(first..).unwrap_or_default(), self.text);
        if depth > 1 {
            self.members.truncate(first);
        }
        if is_unique { Ok(()) } else { Err(Fault::Duplicate) }
    }

    /// Passes an array after its bracket.
    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        let mut first = self.token();
        if first == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(first, depth)?;
            if !self.comma(b']')? {
                return Ok(());
            }
            first = self.token();
        }
    }

    /// Passes exactly this word, such as `true`.
    #[inline]
    fn literal<const N: usize>(&mut self, word: &[u8; N]) -> Result<(), Fault> {
        if self.rest().first_chunk() != Some(word) {
            return Err(Fault::Syntax);
        }
        self.at += N;
        Ok(())
    }

    /// Passes a string, quotes included, and tells whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, Fault> {
        if self.peek() != Some(b'"') {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        let rest = self.rest();
        let passed = plain(rest);
        let found = rest.get(passed).copied();
        self.at += passed + 1;
        match found {
            Some(b'"') => Ok(false),
            Some(b'\\') => self.escaped().map(|()| true),
            _ => Err(Fault::Syntax),
        }
    }

    /// Passes what follows the first backslash of a string.
    #[cold]
    fn escaped(&mut self) -> Result<(), Fault> {
        loop {
            self.escape()?;
            self.at += plain(self.rest());
            let found = self.peek();
            self.at += 1;
            match found {
                Some(b'"') => return Ok(()),
                Some(b'\\') => {}
                _ => return Err(Fault::Syntax),
            }
        }
    }

    /// Passes an escape after its backslash. Of `\u`, only whole surrogate pairs are characters (RFC 8259, section 8.2).
    fn escape(&mut self) -> Result<(), Fault> {
        let kind = self.peek().ok_or(Fault::Syntax)?;
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.hex()? {
                0xD800..0xDC00 => {
                    self.literal(b"\\u")?;
                    if (0xDC00..0xE000).contains(&self.hex()?) { Ok(()) } else { Err(Fault::Syntax) }
                }
                0xDC00..0xE000 => Err(Fault::Syntax),
                _ => Ok(()),
            },
            _ => Err(Fault::Syntax),
        }
    }

    fn hex(&mut self) -> Result<u32, Fault> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Fault::Syntax)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Fault::Syntax);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| Fault::Syntax)
    }

    fn digits(&mut self) -> usize {
        let rest = self.rest();
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        count
    }

    /// Passes a number without reading its value, except where it might not be finite.
    #[inline(never)]
    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(Fault::Syntax);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(Fault::Syntax);
            }
        }
        let scaled = matches!(self.peek(), Some(b'e' | b'E'));
        if scaled {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(Fault::Syntax);
            }
        }
        // Up to 300 characters without an exponent are always finite; the rest is asked.
        if !scaled && self.at - start <= 300 {
            return Ok(());
        }
        let text = self.text.get(start..self.at).ok_or(Fault::Syntax)?;
        if text.parse::<f64>().is_ok_and(f64::is_finite) { Ok(()) } else { Err(Fault::Syntax) }
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
