//! Tokens that somebody has changed.

use proptest::prelude::*;

/// What somebody does to a token that is not theirs.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// Another character at this place.
    Byte(u16),
    Truncated(u16),
    /// With the signature of another one.
    Spliced(usize),
    /// Another header before the same claims.
    Header,
    Longer,
}

pub(super) fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => any::<u16>().prop_map(Change::Byte),
        1 => (1..100_u16).prop_map(Change::Truncated),
        2 => (0..8_usize).prop_map(Change::Spliced),
        1 => Just(Change::Header),
        1 => Just(Change::Longer),
    ]
}

impl Change {
    pub(super) fn of(&self, text: &str, other: &str) -> String {
        let mut changed = text.to_owned();
        match self {
            Self::Byte(place) => {
                let place = usize::from(*place) % text.len();
                let with = if text.as_bytes()[place] == b'A' { "B" } else { "A" };
                changed.replace_range(place..=place, with);
            }
            Self::Truncated(by) => changed.truncate(text.len().saturating_sub(usize::from(*by))),
            Self::Spliced(_) => {
                let (message, signature) = (text.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
                changed = format!("{message}.{signature}");
            }
            Self::Header => changed = format!("eyJhbGciOiJub25lIn0.{}", text.split_once('.').unwrap().1),
            Self::Longer => changed.push('A'),
        }
        changed
    }
}
