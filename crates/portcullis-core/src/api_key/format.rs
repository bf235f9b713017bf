//! The text of a key: `{prefix}_`, 43 characters of base64url for 32 random bytes, and a checksum of six characters.
//!
//! The checksum is the CRC-32 of everything before it (ISO 3309, as in zlib), as a number in base 62 with the digits `0-9A-Za-z`,
//! the greatest first and zeros in front. It is no secret. It lets a scanner tell a key from other text, and a typo costs no
//! question to the store.

use crate::{
    error::{Error, ErrorKind},
    jwt::base64url,
};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

const BODY: usize = 43;
const CHECKSUM: usize = 6;

/// How many characters after the prefix are shown in lists.
const SHOWN: usize = 4;

/// The prefix of the keys of one service, with its underscore.
#[derive(Debug, Clone)]
pub(super) struct Format(Box<str>);

/// What a text is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A key with another prefix, or something else.
    Foreign,
    /// Ours by its prefix, and no key that was ever made.
    Malformed,
    WellFormed,
}

impl Format {
    pub(super) fn new(prefix: &str) -> Result<Self, Error> {
        let is_valid = matches!(prefix.as_bytes(), [b'a'..=b'z', rest @ ..] if (1..20).contains(&rest.len())
            && rest.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9')));
        if !is_valid {
            return Err(Error::misconfigured(format!(
                "the prefix of keys has 2 to 20 lower-case letters and digits and begins with a letter; {prefix:?} is none"
            )));
        }
        Ok(Self(format!("{prefix}_").into()))
    }

    /// A new text.
    pub(super) fn random(&self) -> Result<Zeroizing<String>, Error> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        rand::fill(&mut *bytes)
            .map_err(|_| Error::new(ErrorKind::Unavailable, "the system gave no random bytes for a key"))?;
        let body = Zeroizing::new(base64url::encode(&*bytes));
        let mut text = Zeroizing::new(String::with_capacity(self.0.len() + BODY + CHECKSUM));
        text.push_str(&self.0);
        text.push_str(&body);
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.map(char::from));
        Ok(text)
    }

    pub(super) fn form(&self, text: &str) -> Form {
        let Some(rest) = text.strip_prefix(&*self.0) else { return Form::Foreign };
        let is_key = || {
            let (body, _) = rest.as_bytes().split_at_checked(BODY)?;
            let (before, end) = text.as_bytes().split_at_checked(self.0.len().saturating_add(BODY))?;
            let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            Some(body.iter().all(is_base64url) && end == checksum(before))
        };
        if is_key().unwrap_or(false) { Form::WellFormed } else { Form::Malformed }
    }

    /// The beginning of a key, for lists.
    pub(super) fn start(&self, text: &str) -> String {
        text.chars().take(self.0.len().saturating_add(SHOWN)).collect()
    }
}

fn checksum(text: &[u8]) -> [u8; CHECKSUM] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32(text);
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS.get((rest % 62) as usize).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

fn crc32(text: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
        TABLE.get(usize::from(low)).copied().unwrap_or_default() ^ (crc >> 8)
    };
    !text.iter().fold(u32::MAX, step)
}

/// The remainder of each byte.
static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let (mut byte, mut rest): (u32, &mut [u32]) = (0, &mut table);
    while let [first, tail @ ..] = rest {
        let (mut crc, mut bit) = (byte, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        *first = crc;
        byte += 1;
        rest = tail;
    }
    table
};
