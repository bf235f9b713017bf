//! The reader beside `serde_json`: what one accepts the other does, and they read the same.
//!
//! Three differences are meant: `serde_json` takes the last of duplicate members (so duplicates are refused for it here),
//! it nests 128 levels deep, and without its feature `float_roundtrip` it may miss the nearest number by a hair.

use crate::json::{Value, object, outline};
use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Theirs};
use std::fmt;

/// What `serde_json` reads, but with duplicate members refused.
struct Unique(Theirs);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Theirs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Theirs, E> {
                Ok(Theirs::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Theirs, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Theirs, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Theirs, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Theirs, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Theirs, E> {
                Ok(value.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Theirs, A::Error> {
                let mut values = Vec::new();
                while let Some(Unique(value)) = access.next_element()? {
                    values.push(value);
                }
                Ok(Theirs::Array(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Theirs, A::Error> {
                let mut members = Map::new();
                while let Some((name, Unique(value))) = access.next_entry::<String, _>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("duplicate"));
                    }
                }
                Ok(Theirs::Object(members))
            }
        }

        deserializer.deserialize_any(Any).map(Self)
    }
}

fn theirs(text: &str) -> Option<Theirs> {
    serde_json::from_str::<Unique>(text).ok().map(|Unique(value)| value).filter(Theirs::is_object)
}

/// Asserts that a value of ours reads as theirs does, all the way down.
fn assert_same(ours: Value<'_>, theirs: &Theirs) {
    let text = ours.text();
    assert_eq!(ours.is_true(), *theirs == Theirs::Bool(true), "{text}");
    assert_eq!(ours.as_str().as_deref(), theirs.as_str(), "{text}");
    assert_eq!(ours.is_number(), theirs.is_number(), "{text}");
    match (ours.as_number(), theirs.as_f64()) {
        (None, None) => {}
        (Some(a), Some(b)) => assert!(a == b || (a - b).abs() <= a.abs() * 4.0 * f64::EPSILON, "{text}: {a} and {b}"),
        other => panic!("{text}: {other:?}"),
    }
    let integer = theirs.as_u64().map(|n| n.to_string()).or_else(|| theirs.as_i64().map(|n| n.to_string()));
    if let Some(integer) = integer {
        assert_eq!(ours.as_integer(), Some(&*integer), "{text}");
    } else {
        // They make a float of an integer beyond 64 bits.
        assert!(ours.as_integer().is_none_or(|digits| digits.len() > 18), "{text}");
    }
    assert_eq!(ours.elements().map(Iterator::count), theirs.as_array().map(Vec::len), "{text}");
    for (ours, theirs) in ours.elements().into_iter().flatten().zip(theirs.as_array().into_iter().flatten()) {
        assert_same(ours, theirs);
    }
    assert_eq!(ours.members().map(Iterator::count), theirs.as_object().map(Map::len), "{text}");
    for (name, member) in ours.members().into_iter().flatten() {
        assert_same(member, &theirs[&*name]);
        assert_eq!(ours.member(&name), Some(member), "{text}");
    }
}

/// Asserts that both accept a text or neither does, and that they read the same.
fn assert_agree(text: &str) {
    match (object(text), theirs(text)) {
        (Ok(members), Some(theirs)) => {
            assert_same(Value::new(text.trim()), &theirs);
            assert_eq!(members.len(), theirs.as_object().map_or(0, Map::len), "{text}");
            for member in &members {
                assert_same(member.value(text), &theirs[&*member.name(text)]);
            }
        }
        (Err(_), None) => {}
        (ours, theirs) => panic!("{text}\nours: {ours:?}\ntheirs: {theirs:?}"),
    }
}

fn space() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(&["", "", " ", "\r\n\t"][..])
}

fn string() -> impl Strategy<Value = String> + Clone {
    const ESCAPES: [&str; 12] =
        [r#"\""#, r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t", r"\u0061", r"\u002F", r"\u20ac", r"\uD83d\ude00"];
    let plain = any::<char>().prop_map(|c| match c {
        '"' | '\\' | '\0'..='\u{1f}' => format!("\\u{:04x}", u32::from(c)),
        _ => c.into(),
    });
    let known = |texts: &'static [&str]| prop::sample::select(texts).prop_map(str::to_owned);
    let piece = prop_oneof![4 => known(&["a", "b", "c", "/", "~", "0", "1"]), 2 => plain, 1 => known(&ESCAPES)];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn number() -> impl Strategy<Value = String> + Clone {
    let digits = prop::collection::vec(0_u8..10, 0..25);
    let long = (any::<i8>(), digits, -320_i32..300).prop_map(|(whole, digits, exponent)| {
        let fraction: String = digits.into_iter().map(|digit| char::from(b'0' + digit)).collect();
        format!("{whole}.0{fraction}E{exponent:+}")
    });
    prop_oneof![
        any::<u64>().prop_map(|n| n.to_string()),
        any::<i8>().prop_map(|n| n.to_string()),
        any::<i128>().prop_map(|n| n.to_string()),
        prop::num::f64::NORMAL.prop_map(|n| format!("{n:e}")),
        prop::num::f32::NORMAL.prop_map(|n| n.to_string()),
        Just("-0".to_owned()),
        long,
    ]
}

fn json() -> impl Strategy<Value = String> {
    let word = prop::sample::select(&["true", "false", "null"][..]).prop_map(str::to_owned);
    prop_oneof![word, number(), string()].prop_recursive(4, 16, 4, |value| {
        let element = (space(), value, space()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let member = (space(), string(), element.clone()).prop_map(|(a, name, value)| format!("{a}{name}{a}:{value}"));
        prop_oneof![
            prop::collection::vec(element, 0..4).prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// An object of several members, so that what is generated is mostly more than `true`.
fn document() -> impl Strategy<Value = String> {
    let member = (string(), json()).prop_map(|(name, value)| format!("{name}:{value}"));
    (space(), prop::collection::vec(member, 0..6), space())
        .prop_map(|(a, members, b)| format!("{a}{{{}}}{b}", members.join(",")))
}

/// A document with a few places changed, most of them to characters that mean something.
fn damaged() -> impl Strategy<Value = String> {
    let meaning: Vec<char> = "[]{},:\"\\/0123456789eE.+-tfnudx \n\0".chars().collect();
    let piece = prop_oneof![
        8 => prop::sample::select(meaning).prop_map(String::from),
        1 => any::<char>().prop_map(String::from),
        1 => string(),
        1 => Just("1e999".to_owned()),
    ];
    let change = (any::<prop::sample::Index>(), 0_usize..3, piece);
    (document(), prop::collection::vec(change, 1..4)).prop_map(|(text, changes)| {
        changes.into_iter().fold(text, |text, (at, removed, piece)| {
            let characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len().max(1));
            let rest = characters.iter().skip(at + removed);
            characters.iter().take(at).copied().chain(piece.chars()).chain(rest.copied()).collect()
        })
    })
}

/// Every character, at every place of numbers that are shorter and longer than the digits that are looked at together.
#[test]
fn each_digit_is_looked_at() {
    for length in [1, 2, 7, 8, 9, 15, 16, 17] {
        for (place, other) in (0..=length).flat_map(|place| (0..=0xFF_u8).map(move |other| (place, char::from(other))))
        {
            let mut number = "1".repeat(length);
            number.insert(place, other);
            assert_agree(&format!(r#"{{"a":{number},"b":1}}"#));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn generated_documents_read_alike(text in document()) {
        assert_agree(&text);
    }

    #[test]
    fn damaged_documents_read_alike(text in damaged()) {
        assert_agree(&text);
    }

    #[test]
    fn pointers_lead_to_the_same(text in document(), pointers in prop::collection::vec("(/([a-c/0-3]|~0|~1|~|\\+1|-|00|01){0,3}){0,3}|[a-c]", 8)) {
        if let (Ok(_), Some(theirs)) = (object(&text), theirs(&text)) {
            let ours = Value::new(text.trim());
            let names = theirs.as_object().into_iter().flat_map(Map::keys).map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")));
            let deeper = names.clone().flat_map(|name| ["/0", "/1", "/+1", "/a", "/"].map(|next| format!("{name}{next}")));
            for pointer in names.clone().chain(deeper).chain(pointers) {
                match (ours.pointer(&pointer), theirs.pointer(&pointer)) {
                    (Some(ours), Some(theirs)) => assert_same(ours, theirs),
                    (None, None) => {}
                    (ours, theirs) => panic!("{pointer} in {text}: {ours:?} and {theirs:?}"),
                }
            }
        }
    }

    #[test]
    fn nothing_panics_on_a_text_that_was_not_checked(text in r#"[\[\]{},:"\\u0-9aé😀 ]{0,12}|\PC{0,8}"#, pointer in "(/[a0-9~\"]{0,2}){0,3}") {
        _ = (object(&text), outline(&text));
        let value = Value::new(&text);
        _ = (value.is_true(), value.as_str(), value.as_number(), value.as_integer(), value.pointer(&pointer));
        _ = (value.elements().map(Iterator::count), value.members().map(Iterator::count), value.member("a"));
    }
}
