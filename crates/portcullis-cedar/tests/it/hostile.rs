//! Texts from outside are identifiers and nothing else.

use crate::{edit, gate_with, kit::*};
use portcullis_cedar::Cedar;
use proptest::prelude::{ProptestConfig, any as anything, prop_assert_eq, proptest};

const HOSTILE: [&str; 12] = [
    r#"alice" in Role::"editor"#,
    r#"alice"); permit(principal, action, resource);//"#,
    "alice\n",
    "alice\0",
    " alice",
    "ALICE",
    "al\u{ed}ce",
    "user|alice",
    "alice|",
    r"alice\u{41}",
    "Role::\"editor\"",
    "",
];

/// Permits this caller alone.
fn permitting(caller: &Principal) -> Cedar {
    let id = caller.id().to_string().escape_debug().to_string();
    Cedar::new(&format!("permit (principal == User::\"{id}\", action, resource);")).unwrap()
}

#[test]
fn a_subject_is_compared_as_a_whole() {
    let cedar = permitting(&acting_as("alice"));
    assert_eq!(edit(&cedar, acting_as("alice")), "200");
    for subject in HOSTILE {
        assert_eq!(edit(&cedar, acting_as(subject)), "403 engine_denied", "{subject}");
        assert_eq!(edit(&permitting(&acting_as(subject)), acting_as(subject)), "200", "{subject}");
        assert_eq!(edit(&permitting(&acting_as(subject)), acting_as("alice")), "403 engine_denied", "{subject}");
    }
}

#[test]
fn of_another_issuer_or_kind_it_is_another_principal() {
    let alice = |issuer: &str, kind| Principal::new(kind, "alice").with_issuer(issuer.to_owned());
    let cedar = permitting(&alice("https://one.test", PrincipalKind::User));
    assert_eq!(edit(&cedar, alice("https://one.test", PrincipalKind::User)), "200");
    assert_eq!(edit(&cedar, alice("https://two.test", PrincipalKind::User)), "403 engine_denied");
    assert_eq!(edit(&cedar, alice("https://one.test", PrincipalKind::Service)), "403 engine_denied");
    assert_eq!(edit(&cedar, acting_as("alice")), "403 engine_denied");
}

#[test]
fn a_role_is_compared_as_a_whole() {
    let cedar = Cedar::new("permit (principal in Role::\"editor\", action, resource);").unwrap();
    assert_eq!(edit(&cedar, acting_as("bob").with_role("editor")), "200");
    for role in HOSTILE {
        let role = role.replace("alice", "editor");
        assert_eq!(edit(&cedar, acting_as("bob").with_role(role.clone())), "403 engine_denied", "{role}");
    }
}

#[test]
fn an_identifier_of_a_request_is_compared_as_a_whole() {
    let cedar = Cedar::new("permit (principal, action, resource == Note::\"n1\");").unwrap();
    let gate = gate_with(cedar).acting_as(acting_as("alice"));
    let read = |id: &str| answer(&gate, engine("cedar", "read").on("note", path("id")), get("/").param("id", id));
    assert_eq!(read("n1"), "200");
    for id in HOSTILE.into_iter().chain(["n1\" ", "N1", "n1/", "n1\"", "\"n1\"", "Note::\"n1\""]) {
        let id = id.replace("alice", "n1");
        assert!(read(&id).starts_with('4'), "{id}");
    }
}

#[test]
fn a_kind_has_one_type_or_none() {
    let cedar = Cedar::new("permit (principal, action, resource is TileSet);").unwrap();
    let gate = gate_with(cedar).acting_as(acting_as("alice"));
    let asked = |kind| answer(&gate, engine("cedar", "read").on(kind, path("id")), get("/").param("id", 1));
    assert_eq!([asked("tile_set"), asked("tile-set")], ["200", "200"]);
    assert_eq!([asked("tile"), asked("tileset"), asked("tile_set_set")], ["403 engine_denied"; 3]);
    // The last ones could be taken for a caller, or for no resource.
    for kind in
        ["tile set", "tile::set", "1tile", "tîle", "_tile", "tile\"", "tile.set", "", "user", "Key", "application"]
    {
        assert_eq!(asked(kind), "500 misconfigured", "{kind}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_two_subjects_are_told_apart(one in anything::<String>(), other in anything::<String>()) {
        let expected = if one == other { "200" } else { "403 engine_denied" };
        prop_assert_eq!(edit(&permitting(&acting_as(&one)), acting_as(&other)), expected);
        prop_assert_eq!(edit(&permitting(&acting_as(&one)), acting_as(&one)), "200");
    }
}
