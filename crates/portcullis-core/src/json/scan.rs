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

/// A member of the outermost object: where its name stands (without quotes) and where its value stands.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    name: Range<usize>,
    unescaped: Option<String>,
    value: Range<usize>,
}

impl Member {
    pub(crate) fn name<'t>(&'t self, text: &'t str) -> &'t str {
        self.unescaped.as_deref().unwrap_or_else(|| text.get(self.name.clone()).unwrap_or_default())
    }

    pub(crate) fn value<'t>(&self, text: &'t str) -> Value<'t> {
        Value::new(text.get(self.value.clone()).unwrap_or_default())
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
    let mut scanner = Scanner { text, at: 0, names: Vec::with_capacity(16), unique_to };
    let mut members = Vec::with_capacity(12);
    scanner.space();
    scanner.object(1, Some(&mut members))?;
    scanner.space();
    if scanner.at == text.len() { Ok(members) } else { Err(Fault::Syntax) }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The member names of every object that is open, innermost last.
    names: Vec<Cow<'a, str>>,
    /// Down to which depth names have to differ.
    unique_to: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        match self.peek() {
            Some(b'{') => self.object(depth + 1, None),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(Fault::Syntax),
        }
    }

    fn object(&mut self, depth: usize, mut found: Option<&mut Vec<Member>>) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        self.expect(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let outer = self.names.len();
        loop {
            let (name, escaped) = self.string()?;
            let raw = self.text.get(name.clone()).ok_or(Fault::Syntax)?;
            let unescaped = escaped.then(|| unescape(raw));
            self.names.push(unescaped.clone().map_or(Cow::Borrowed(raw), Cow::Owned));
            self.space();
            self.expect(b':')?;
            self.space();
            let start = self.at;
            self.value(depth)?;
            if let Some(members) = found.as_deref_mut() {
                members.push(Member { name, unescaped, value: start..self.at });
            }
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
        let duplicate = depth <= self.unique_to && self.names.get_mut(outer..).is_some_and(has_duplicate);
        self.names.truncate(outer);
        if duplicate { Err(Fault::Duplicate) } else { Ok(()) }
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

    fn literal(&mut self, word: &str) -> Result<(), Fault> {
        let rest = self.text.as_bytes().get(self.at..).ok_or(Fault::Syntax)?;
        if !rest.starts_with(word.as_bytes()) {
            return Err(Fault::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// Where the text between the quotes stands, and whether it has escapes.
    fn string(&mut self) -> Result<(Range<usize>, bool), Fault> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..).ok_or(Fault::Syntax)?;
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).ok_or(Fault::Syntax)?;
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((start..self.at - 1, escaped));
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
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(Fault::Syntax);
            }
        }
        // Up to 300 characters without an exponent are always finite; the rest is asked.
        let text = self.text.get(start..self.at).ok_or(Fault::Syntax)?;
        let short = text.len() <= 300 && !text.contains(['e', 'E']);
        if short || text.parse::<f64>().is_ok_and(f64::is_finite) { Ok(()) } else { Err(Fault::Syntax) }
    }
}

/// Few names are compared pair by pair; many are sorted first, so that hostile objects cost no quadratic work.
fn has_duplicate(names: &mut [Cow<'_, str>]) -> bool {
    if names.len() > 16 {
        names.sort_unstable();
        return !names.is_sorted_by(|a, b| a < b);
    }
    let mut rest: &[Cow<'_, str>] = names;
    while let [first, others @ ..] = rest {
        if others.contains(first) {
            return true;
        }
        rest = others;
    }
    false
}
