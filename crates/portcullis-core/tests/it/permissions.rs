//! Permissions as they are asked for, and wildcards as they are held.

use portcullis_core::{ErrorKind, Permission, PermissionSet};
use proptest::prelude::*;

fn asked(text: &str) -> Permission {
    text.parse().unwrap()
}

fn held(texts: &[&str]) -> PermissionSet {
    PermissionSet::new(texts).unwrap()
}

#[test]
fn what_is_asked_for_is_resource_and_action() {
    for text in
        ["kb:read", "KB:Read", "a:b", "my-kb/docs.v2:read_all", "!#$:~", "kb:read,write", "kb[1]:read", "a:b@c/d"]
    {
        assert_eq!(asked(text).as_str(), text);
        assert_eq!(asked(text).to_string(), text);
        assert!(held(&[text]).contains(&asked(text)), "{text}");
    }
    for text in [
        "",
        ":",
        "::",
        "kb",
        "kb:",
        ":read",
        "kb:read:all",
        "kb::read",
        ":kb:read",
        "kb:read:",
        " kb:read",
        "kb:read ",
        "kb :read",
        "kb: read",
        "kb\t:read",
        "kb:read\n",
        "kb:read\0",
        "kb:\u{7f}",
        "kb:le\u{301}sen",
        "кб:read",
        "kb：read",
        "kb:read\u{200b}",
        // Wildcards are for what is held.
        "kb:*",
        "*:read",
        "*:*",
        "kb*:read",
        "kb:re*",
        "*",
        "**",
        "*kb:read",
    ] {
        let error = text.parse::<Permission>().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Misconfigured, "misconfigured"), "{text:?}");
    }
    const READ: Permission = Permission::from_static("kb:read");
    assert_eq!(READ, asked("kb:read"));
    assert_ne!(READ, asked("kb:Read"));
    assert!(std::panic::catch_unwind(|| Permission::from_static("kb:*")).is_err());
}

#[test]
fn what_is_held_may_end_a_side_with_a_star() {
    for text in ["kb:*", "*:read", "*:*", "kb*:read", "kb:re*", "k*:r*", "kb_*:*"] {
        assert!(PermissionSet::new([text]).is_ok(), "{text}");
    }
    for text in [
        "*kb:read",
        "a*b:c",
        "kb:**",
        "**:read",
        "**:**",
        "kb:*read",
        "kb:r*d",
        "*a*:read",
        "kb:*:*",
        "*",
        "*:",
        ":*",
        "kb*",
        "kb:* ",
        "kb：*",
        "kb:read kb:write",
        "",
    ] {
        let error = PermissionSet::new(["kb:read", text]).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Misconfigured, "misconfigured"), "{text:?}");
    }
}

#[test]
fn an_exact_set_has_no_wildcards() {
    let exact = PermissionSet::exact(["kb:read", "a:b", "kb:read"]).unwrap();
    assert_eq!(exact, held(&["a:b", "kb:read"]));
    assert!(exact.contains(&asked("kb:read")) && !exact.contains(&asked("kb:write")));
    assert_eq!(PermissionSet::exact([""; 0]).unwrap(), PermissionSet::default());
    for text in ["kb:*", "*:read", "*:*", "kb*:read", "kb:re*", "*", "kb", "kb:", "kb:read ", ""] {
        for texts in [["kb:read", text], [text, "kb:read"]] {
            let error = PermissionSet::exact(texts).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{text:?}");
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}

#[test]
fn what_a_set_holds() {
    for (texts, holds, lacks) in [
        (
            &["kb:read"][..],
            &["kb:read"][..],
            &["kb:write", "kb:reads", "kb:rea", "kbs:read", "KB:read", "kb:Read", "tool:read"][..],
        ),
        (&["kb:*"], &["kb:read", "kb:delete", "kb:x"], &["tool:read", "kb2:read", "KB:read", "k:read"]),
        (&["*:read"], &["kb:read", "tool:read"], &["kb:write", "kb:reads", "kb:READ"]),
        (&["*:*"], &["kb:read", "a:b", "KB:DELETE"], &[]),
        (
            &["kb*:read"],
            &["kb:read", "kb_docs:read", "kbread:read"],
            &["kb_docs:write", "k:read", "Kb_docs:read", "my_kb:read"],
        ),
        (&["kb:re*"], &["kb:re", "kb:read", "kb:revoke"], &["kb:r", "kb:write", "kb2:read"]),
        (&["k*:r*"], &["k:r", "kb:read"], &["kb:write", "tool:read"]),
        // None implies another.
        (&["kb:admin"], &["kb:admin"], &["kb:read", "kb:administer"]),
        (&[], &[], &["kb:read"]),
        // Overlap, in any order and as often as it likes.
        (&["kb:read", "kb:*", "*:read", "kb:read"], &["kb:read", "kb:write", "tool:read"], &["tool:write"]),
        (&["tool:write", "*:read", "kb:*"], &["tool:write", "tool:read", "kb:write"], &["tools:write", "tool:writes"]),
        (&["b:b", "a:a", "c:c", "a:b"], &["a:a", "a:b", "b:b", "c:c"], &["b:a", "c:a", "a:c"]),
        // A side is never matched across the colon.
        (&["a*:c"], &["ab:c"], &["a:b"]),
        (&["a:*"], &["a:b"], &["ab:c", "aa:a"]),
    ] {
        let set = held(texts);
        assert!(holds.iter().all(|text| set.contains(&asked(text))), "{texts:?} holds {holds:?}");
        assert!(!lacks.iter().any(|text| set.contains(&asked(text))), "{texts:?} lacks {lacks:?}");
        assert_eq!(set.is_empty(), texts.is_empty());
    }
}

#[test]
fn sets_are_equal_whatever_their_order() {
    assert_eq!(held(&["b:b", "a:a", "a:a"]), held(&["a:a", "b:b"]));
    assert_eq!(held(&["b:*", "a:*", "a:*"]), held(&["a:*", "b:*"]));
    assert_ne!(held(&["a:*"]), held(&["a:*", "b:*"]));
    assert_eq!(held(&[]), PermissionSet::default());
}

/// Backwards is the worst order: a set that moves all others for each one that is added would take minutes here.
#[test]
fn large_sets_hold_what_was_added_and_nothing_beside() {
    const COUNT: usize = 200_000;
    for (action, longer) in [("read", false), ("read*", true)] {
        let set = PermissionSet::new((0..COUNT).rev().map(|n| format!("resource{n:06}:{action}"))).unwrap();
        let holds = |text: &str| set.contains(&asked(text));
        for n in (0..COUNT).step_by(1_009) {
            assert!(holds(&format!("resource{n:06}:read")), "{n} {action}");
            assert_eq!(holds(&format!("resource{n:06}:reads")), longer, "{n} {action}");
            assert!(!holds(&format!("resource{n:06}s:read")) && !holds(&format!("resource{n:06}:rea")), "{n} {action}");
        }
        assert!(!holds("resource:read") && !holds("resource200000:read"), "{action}");
    }
}

/// The same rules once more, said naively.
mod model {
    pub fn is_permission(text: &str, wildcards: bool) -> bool {
        let sides: Vec<&str> = text.split(':').collect();
        let side = |side: &&str| {
            let name = if wildcards { side.strip_suffix('*').unwrap_or(side) } else { side };
            !side.is_empty() && name.chars().all(|char| char.is_ascii_graphic() && char != '*')
        };
        sides.len() == 2 && sides.iter().all(side)
    }

    pub fn holds(held: &[String], asked: &str) -> bool {
        let side = |held: &str, asked: &str| match held.find('*') {
            Some(star) => asked.len() >= star && asked[..star] == held[..star],
            None => asked == held,
        };
        let sides = |text: &str| {
            text.split_once(':').map(|(resource, action)| (resource.to_owned(), action.to_owned())).unwrap()
        };
        let (resource, action) = sides(asked);
        held.iter().map(|held| sides(held)).any(|held| side(&held.0, &resource) && side(&held.1, &action))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_agrees_with_the_model(text in "[ab*: é\u{7f}]{0,7}|[ab*]{0,3}:[ab*]{0,3}") {
        prop_assert_eq!(text.parse::<Permission>().is_ok(), model::is_permission(&text, false));
        prop_assert_eq!(PermissionSet::new([&text]).is_ok(), model::is_permission(&text, true));
    }

    #[test]
    fn holding_agrees_with_the_model(
        held in prop::collection::vec("([ab]{1,2}|[ab]{0,2}\\*):([ab]{1,2}|[ab]{0,2}\\*)", 0..4),
        asked in "[ab]{1,3}:[ab]{1,3}",
    ) {
        let set = PermissionSet::new(&held).unwrap();
        prop_assert_eq!(set.contains(&asked.parse().unwrap()), model::holds(&held, &asked));
        let backwards = PermissionSet::new(held.iter().rev()).unwrap();
        prop_assert_eq!(set, backwards);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// More of them than are looked at one by one.
    #[test]
    fn holding_many_agrees_with_the_model(
        held in prop::collection::vec("[abc]{1,2}[*]?:[abc]{1,2}[*]?|[*]:[abc]{3}|[abc]{3}:[*]", 30..90),
        asked in "[abc]{1,4}:[abc]{1,4}",
    ) {
        let set = PermissionSet::new(&held).unwrap();
        prop_assert_eq!(set.contains(&asked.parse().unwrap()), model::holds(&held, &asked));
    }
}
