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
}

impl Member {
    pub(crate) fn name(self, text: &str) -> Cow<'_, str> {
        let raw = part(text, self.name);
        if self.escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) }
    }

    pub(crate) fn value(self, text: &str) -> Value<'_> {
        Value::new(part(text, self.value))
    }
}

fn part(text: &str, (start, end): (u32, u32)) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// What tells most names apart.
pub(crate) const fn mark(name: &[u8]) -> u32 {
    const fn byte(byte: Option<&u8>) -> u32 {
        match byte {
            Some(byte) => *byte as u32,
            None => 0,
        }
    }
    (name.len() as u32) << 16 | byte(name.first()) << 8 | byte(name.last())
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
    let mut scanner = Scanner { text, at: 0, unique_to };
    scanner.space();
    let members = scanner.object(1)?;
    scanner.space();
    if scanner.at == text.len() { Ok(members) } else { Err(Fault::Syntax) }
}

/// Goes through a text once, byte by byte. What it has passed is sound.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Down to which depth names have to differ.
    unique_to: usize,
}

impl Scanner<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        match self.peek() {
            Some(b'{') => self.object(depth + 1).map(drop),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(Fault::Syntax),
        }
    }

    /// Passes an object and returns where its members are. Of nested objects, only the duplicates matter.
    fn object(&mut self, depth: usize) -> Result<Vec<Member>, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        self.expect(b'{')?;
        self.space();
        let mut members = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(members);
        }
        loop {
            let start = self.at + 1;
            let escaped = self.string()?;
            let name = start..self.at - 1;
            let mark = if escaped {
                mark(unescape(self.text.get(name.clone()).unwrap_or_default()).as_bytes())
            } else {
                mark(self.text.as_bytes().get(name.clone()).unwrap_or_default())
            };
            self.space();
            self.expect(b':')?;
            self.space();
            let start = self.at;
            self.value(depth)?;
            if members.capacity() == 0 {
                members.reserve(if depth == 1 { 16 } else { 4 });
            }
            // INVARIANT: the text is shorter than 4 GiB, or it would not have been read.
            let place = |range: Range<usize>| (range.start as u32, range.end as u32);
            members.push(Member { name: place(name), value: place(start..self.at), mark, escaped });
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.space();
                }
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                _ => return Err(Fault::Syntax),
            }
        }
        let unique = depth > self.unique_to || !has_duplicate(&members, self.text);
        if unique { Ok(members) } else { Err(Fault::Duplicate) }
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        self.expect(b'[')?;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth)?;
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.space();
                }
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Fault::Syntax),
            }
        }
    }

    /// Passes exactly this word, such as `true`.
    fn literal(&mut self, word: &str) -> Result<(), Fault> {
        let rest = self.text.as_bytes().get(self.at..).ok_or(Fault::Syntax)?;
        if !rest.starts_with(word.as_bytes()) {
            return Err(Fault::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes a string, quotes included, and tells whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, Fault> {
        self.expect(b'"')?;
        let mut escaped = false;
        loop {
            self.at += plain(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    self.escape()?;
                }
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
                    self.literal("\\u")?;
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
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    /// Passes a number without reading its value, except where it might not be finite.
    #[inline]
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
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // The lowest bit that this sets stands in the first byte that is below the limit; those above it may be wrong.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let (words, rest) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = below(word, 0x20) | below(word ^ (ONES * 0x22), 1) | below(word ^ (ONES * 0x5C), 1);
        if found != 0 {
            return place * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    words.len() * 8 + rest.iter().position(special).unwrap_or(rest.len())
}

/// Few names are compared pair by pair; many are sorted first, so that hostile objects cost no quadratic work.
fn has_duplicate(members: &[Member], text: &str) -> bool {
    if members.len() > 64 {
        let mut names: Vec<_> = members.iter().map(|member| member.name(text)).collect();
        names.sort_unstable();
        return !names.is_sorted_by(|a, b| a < b);
    }
    let mut rest = members;
    while let [first, others @ ..] = rest {
        if others.iter().any(|other| other.mark == first.mark && other.name(text) == first.name(text)) {
            return true;
        }
        rest = others;
    }
    false
}
