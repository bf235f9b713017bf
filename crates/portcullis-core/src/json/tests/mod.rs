//! What is particular to this reader; [`beside`] holds it against another.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod beside;

use super::{MAX_DEPTH, Object, Value, object, outline, scan::Fault};

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
        ["0", "1", "-1", "-0", "1.0", "1e0", "\"1\"", "true"].map(integer),
        [Some("0"), Some("1"), Some("-1"), None, None, None, None, None]
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

/// Names whose length a mark tells, those that are too long for it, and those whose length differs from what is written.
#[test]
fn names_of_any_length() {
    let long = [65_534, 65_535, 65_536, 65_537, 131_072].map(|length| "n".repeat(length));
    let names = long.iter().map(|name| (name.clone(), name.clone()));
    let escaped = |written: &str, name: &str| (written.to_owned(), name.to_owned());
    let names = names.chain([
        escaped("", ""),
        escaped("a", "a"),
        escaped(r#"\""#, "\""),
        escaped(r#"\\\"b\\"#, "\\\"b\\"),
        escaped(r"\u0061\u00e9", "a\u{e9}"),
        (format!(r"{}\u006e", "n".repeat(65_535)), "n".repeat(65_536)),
    ]);
    for (written, name) in names {
        let object = Object::read(format!(r#"{{ "before":0,"{written}" :[1],"after":2}}"#)).unwrap();
        let found: Vec<_> = object.members().map(|(name, value)| (name.into_owned(), value.text())).collect();
        let same = [("before", "0"), (&name, "[1]"), ("after", "2")].map(|(name, value)| (name.to_owned(), value));
        assert!(found == same, "{} bytes", written.len());
        assert_eq!(object.member(&name).map(Value::text), Some("[1]"), "{} bytes", written.len());
        assert!(object.member(&format!("{name}n")).is_none());
        let twice = format!(r#"{{"{written}":0,"{written}":0}}"#);
        assert_eq!(fault(&twice), Some(Fault::Duplicate), "{} bytes", written.len());
    }
}
