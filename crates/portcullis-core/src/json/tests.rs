//! The reader beside `serde_json`, and what is particular to it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use super::{MAX_DEPTH, Value, object, outline, scan::Fault};
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
        // Without its feature `float_roundtrip`, serde_json may miss the nearest number by one.
        (Some(a), Some(b)) => assert!(a == b || (a - b).abs() <= a.abs() * 4.0 * f64::EPSILON, "{text}: {a} and {b}"),
        other => panic!("{text}: {other:?}"),
    }
    let integer = theirs.as_u64().map(|n| n.to_string()).or_else(|| theirs.as_i64().map(|n| n.to_string()));
    if let Some(integer) = integer {
        assert_eq!(ours.as_integer(), Some(&*integer), "{text}");
    } else {
        // They make a float of an integer beyond 64 bits, and of minus zero.
        assert!(ours.as_integer().is_none_or(|digits| digits.len() > 18 || digits == "-0"), "{text}");
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
                assert_same(member.value(text), &theirs[member.name(text)]);
            }
        }
        (Err(_), None) => {}
        (ours, theirs) => panic!("{text}\nours: {ours:?}\ntheirs: {theirs:?}"),
    }
}

fn space() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,2}"
}

fn string() -> impl Strategy<Value = String> {
    let plain = "[^\"\\\\\\x00-\\x1f]";
    let piece = prop_oneof![
        4 => "[a-c/~01]",
        2 => plain,
        1 => r#"\\["\\/bfnrt]"#,
        1 => r"\\u00[0-7][0-9a-fA-F]",
        1 => r"\\u[0-9a-cA-C][0-9a-f]{3}",
        1 => r"\\ud[89ab][0-9a-f]{2}\\uD[c-fC-F][0-9A-F]{2}",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn json() -> impl Strategy<Value = String> {
    let number = r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let leaf =
        prop_oneof![Just("true".to_owned()), Just("false".to_owned()), Just("null".to_owned()), number, string()];
    leaf.prop_recursive(6, 48, 6, |value| {
        let element = (space(), value, space()).prop_map(|(a, value, b)| format!("{a}{value}{b}")).boxed();
        let member = (space(), string(), space(), element.clone())
            .prop_map(|(a, name, b, value)| format!("{a}{name}{b}:{value}"));
        prop_oneof![
            prop::collection::vec(element, 0..5).prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// An object of several members, so that what is generated is mostly more than `true`.
fn document() -> impl Strategy<Value = String> {
    let member = (string(), json()).prop_map(|(name, value)| format!("{name}:{value}"));
    (space(), prop::collection::vec(member, 0..20), space())
        .prop_map(|(a, members, b)| format!("{a}{{{}}}{b}", members.join(",")))
}

/// A document with a few places changed, most of them to characters that mean something.
fn damaged() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![r#"[\[\]{},:"\\0-9eE.+\-tfnud ]"#, "\\PC", "[\\x00-\\x20]", string(), Just("1e999".to_owned())];
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

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

fn fault(text: &str) -> Option<Fault> {
    object(text).err()
}

#[test]
fn strings_and_their_escapes() {
    for (escaped, plain) in [
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"\u0041\u00e9\u20AC", "Aé€"),
        (r"\ud83d\ude00", "😀"),
        (r"\uDBFF\uDFFF", "\u{10ffff}"),
        (r"\uffff\u0000", "\u{ffff}\0"),
        (r"\\u0041", r"\u0041"),
        (r"a\\", r"a\"),
        ("é😀\u{7f}\u{2028}", "é😀\u{7f}\u{2028}"),
    ] {
        let text = format!(r#"{{"{escaped}":"{escaped}"}}"#);
        let members = object(&text).unwrap();
        assert_eq!(members[0].name(&text), plain);
        assert_eq!(members[0].value(&text).as_str().as_deref(), Some(plain));
        assert_eq!(Value::new(&text).member(plain).and_then(Value::as_str).as_deref(), Some(plain));
    }
    for bad in [
        r"\ud800",
        r"\udc00",
        r"\ud800\ud800",
        r"\ud800x",
        r"\ud800\n",
        r"\ud83d\u0041",
        r"\udc00\ud800",
        r"\ud800\u",
        r"\u12",
        r"\u12g4",
        r"\u+123",
        r"\u 123",
        r"\U0041",
        r"\x41",
        r"\'",
        r"\0",
        "\\",
        "\n",
        "\0",
        "\u{1f}",
        r"\u004é",
    ] {
        assert_eq!(fault(&format!(r#"{{"a":"{bad}"}}"#)), Some(Fault::Syntax), "{bad}");
        assert_eq!(fault(&format!(r#"{{"{bad}":1}}"#)), Some(Fault::Syntax), "{bad}");
    }
}

#[test]
fn numbers() {
    let read = |text: &str| {
        let document = format!(r#"{{"n":{text}}}"#);
        object(&document).ok().map(|members| members[0].value(&document).as_number().unwrap())
    };
    let digits = |count: usize| "9".repeat(count);
    for (text, number) in [
        ("0", 0.0),
        ("-0", 0.0),
        ("-1", -1.0),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("12e-1", 1.2),
        ("0e999", 0.0),
        ("1e-999", 0.0),
        ("1.7976931348623157e308", f64::MAX),
        (&digits(308), 1e308),
        (&format!("0.{}", digits(500)), 1.0),
    ] {
        assert_eq!(read(text), Some(number), "{text}");
    }
    for bad in [
        "",
        "-",
        "+1",
        "01",
        "-01",
        "00",
        "1.",
        ".1",
        "1.e1",
        "1e",
        "1e+",
        "1e1.5",
        "0x1",
        "1_0",
        "1 0",
        "NaN",
        "Infinity",
        "1e309",
        "-1e309",
        "1.8e308",
        "١",
        &digits(309),
        &digits(400),
    ] {
        assert_eq!(read(bad), None, "{bad}");
    }
    let integer = |text| Value::new(text).as_integer();
    assert_eq!(
        ["1", "-1", "1.0", "1e0", "\"1\"", "true"].map(integer),
        [Some("1"), Some("-1"), None, None, None, None]
    );
}

#[test]
fn depth() {
    let nested = |open: &str, close: &str, levels: usize| format!("{}{}", open.repeat(levels), close.repeat(levels));
    for (open, close) in [("[", "]"), (r#"{"a":["#, "]}"), (r#"[[{"a":"#, "}]]")] {
        let each = open.matches(['[', '{']).count();
        for levels in [1, MAX_DEPTH / each - 1, MAX_DEPTH / each, MAX_DEPTH] {
            let inner = nested(open, close, levels).replace(":}", ":0}");
            let text = format!(r#"{{"a":{inner}}}"#);
            let want = (1 + levels * each > MAX_DEPTH).then_some(Fault::Depth);
            assert_eq!(fault(&text), want, "{levels} of {open}");
        }
    }
    assert_eq!(fault(&nested(r#"{"":"#, "}", MAX_DEPTH).replace(":}", ":{}}")), Some(Fault::Depth));
    assert_eq!(fault(&nested(r#"{"":"#, "}", MAX_DEPTH).replace(":}", ":0}")), None);
    // Wide is not deep.
    assert_eq!(fault(&format!(r#"{{"a":[{}[]]}}"#, "[],".repeat(1000))), None);
}

#[test]
fn duplicates() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"\u0061":1,"\u0061":1}"#,
        r#"{"":1,"":1}"#,
        r#"{"/":1,"\/":1}"#,
        r#"{"😀":1,"\ud83d\uDE00":1}"#,
    ] {
        assert_eq!(fault(text), Some(Fault::Duplicate), "{text}");
        assert_eq!(outline(text).err(), Some(Fault::Duplicate), "{text}");
        let inside = format!(r#"{{"x":[{{"y":{text}}}]}}"#);
        assert_eq!(fault(&inside), Some(Fault::Duplicate), "{inside}");
        assert!(outline(&inside).is_ok(), "{inside}");
    }
    for text in [
        r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#,
        r#"{"a":1,"A":1,"a ":1,"\u0000a":1}"#,
        r#"{"\\u0061":1,"a":1}"#,
    ] {
        assert_eq!(fault(text), None, "{text}");
    }
    // Few names are compared in another way than many.
    for count in 2..40 {
        let names =
            |last: usize| (0..count - 1).chain([last]).map(|n| format!(r#""n{n}":0"#)).collect::<Vec<_>>().join(",");
        assert_eq!(fault(&format!("{{{}}}", names(count))), None, "{count}");
        for twice in 0..count - 1 {
            assert_eq!(fault(&format!("{{{}}}", names(twice))), Some(Fault::Duplicate), "{count}, {twice}");
        }
    }
    // What is wrong first is told: a duplicate is known at the end of its object.
    assert_eq!(fault(r#"{"a":1,"a":}"#), Some(Fault::Syntax));
    assert_eq!(outline(r#"{"a":[}"#).err(), Some(Fault::Syntax));
}
