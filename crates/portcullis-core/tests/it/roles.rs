//! What roles are worth: which include which, and what they permit.

use crate::asking::why;
use portcullis_core::{ErrorKind, Permission, RoleHierarchy, RoleHierarchyBuilder};
use proptest::prelude::{ProptestConfig, prop, prop_assert_eq, proptest};
use std::collections::BTreeSet;

fn includes(roles: &RoleHierarchy, rows: &[(&str, &str, bool)]) {
    for (held, asked, expected) in rows {
        assert_eq!(roles.includes(held, asked), *expected, "{held} includes {asked}");
    }
}

fn permits(roles: &RoleHierarchy, role: &str, permission: &str) -> bool {
    roles.permits(role, &permission.parse::<Permission>().unwrap())
}

#[test]
fn ranked_roles_include_those_before() {
    let roles = RoleHierarchy::ranked(["viewer", "manager", "owner"]).unwrap();
    includes(
        &roles,
        &[
            ("viewer", "viewer", true),
            ("manager", "viewer", true),
            ("owner", "viewer", true),
            ("owner", "manager", true),
            ("viewer", "manager", false),
            ("viewer", "owner", false),
            ("manager", "owner", false),
            // Names are compared byte by byte, and a name nobody listed is worth nothing, not even itself.
            ("Owner", "viewer", false),
            ("owner", "Viewer", false),
            ("owner ", "owner", false),
            ("ghost", "viewer", false),
            ("owner", "ghost", false),
            ("ghost", "ghost", false),
            ("", "", false),
            ("", "viewer", false),
        ],
    );
    assert_eq!(roles.names(), ["viewer", "manager", "owner"]);
    assert!(roles.knows("owner") && !roles.knows("Owner") && !roles.knows(""));
    let none = RoleHierarchy::ranked::<String>([]).unwrap();
    assert!(!none.knows("viewer") && !none.includes("viewer", "viewer"));
    assert!(!RoleHierarchy::default().includes("viewer", "viewer"));
}

#[test]
fn inheriting_roles_include_those_they_name() {
    let roles = RoleHierarchy::builder()
        .role("admin", ["editor", "billing", "editor"])
        .role("editor", ["viewer"])
        .role("billing", [])
        .role("viewer", [])
        .role("auditor", ["viewer", "billing"])
        .build()
        .unwrap();
    includes(
        &roles,
        &[
            ("admin", "editor", true),
            ("admin", "viewer", true),
            ("admin", "billing", true),
            ("auditor", "viewer", true),
            ("auditor", "billing", true),
            ("auditor", "editor", false),
            ("auditor", "admin", false),
            ("admin", "auditor", false),
            ("editor", "billing", false),
            ("billing", "viewer", false),
            ("viewer", "editor", false),
        ],
    );
}

#[test]
fn mistakes_fail_the_build() {
    type With = fn(RoleHierarchyBuilder) -> RoleHierarchyBuilder;
    let accepted: &[(&str, With)] = &[
        ("no roles", |b| b),
        ("a diamond", |b| b.role("a", ["b", "c"]).role("b", ["d"]).role("c", ["d"]).role("d", [])),
        ("forward references", |b| b.role("a", ["b"]).role("b", [])),
        ("two ranks beside each other", |b| b.ranked(["a", "b"]).ranked(["c", "d"])),
        ("a role above a rank", |b| b.ranked(["a", "b"]).role("c", ["b"])),
        ("wildcards", |b| b.role("a", []).permits("a", ["kb:*", "kb*:read", "*:*"])),
        ("the same kind of two names", |b| b.role("a", []).inherits("team").inherits("Team")),
        ("a foreign role there", |b| b.role("a", []).inherits_as("team", [("anything", "a")])),
    ];
    let refused: &[(&str, With)] = &[
        ("nameless", |b| b.role("", [])),
        ("nameless in a rank", |b| b.ranked(["a", ""])),
        ("there twice", |b| b.role("a", []).role("a", [])),
        ("twice in a rank", |b| b.ranked(["a", "b", "a"])),
        ("in a rank and beside it", |b| b.ranked(["a", "b"]).role("b", [])),
        ("includes itself", |b| b.role("a", ["a"])),
        ("a cycle of two", |b| b.role("a", ["b"]).role("b", ["a"])),
        ("a cycle of three", |b| b.role("a", ["b"]).role("b", ["c"]).role("c", ["a"])),
        ("a cycle behind a role", |b| b.role("a", ["b"]).role("b", ["c"]).role("c", ["b"])),
        ("a cycle beside a way out", |b| b.role("a", ["d", "b"]).role("b", ["d", "a"]).role("d", [])),
        ("includes an unknown one", |b| b.role("a", ["ghost"])),
        ("includes another case", |b| b.role("a", []).role("b", ["A"])),
        ("permits for an unknown one", |b| b.role("a", []).permits("ghost", ["kb:read"])),
        ("a malformed permission", |b| b.role("a", []).permits("a", ["kb:read", "kb"])),
        ("a star in the middle", |b| b.role("a", []).permits("a", ["k*b:read"])),
        ("inherited as an unknown one", |b| b.role("a", []).inherits_as("team", [("owner", "ghost")])),
        ("a kind twice", |b| b.role("a", []).inherits("team").inherits("team")),
        ("a kind in two ways", |b| b.role("a", []).inherits("team").inherits_as("team", [("a", "a")])),
    ];
    for (what, with) in accepted {
        assert!(with(RoleHierarchy::builder()).build().is_ok(), "{what}");
    }
    for (what, with) in refused {
        let refused = with(RoleHierarchy::builder()).build();
        assert_eq!(why(refused), (ErrorKind::Misconfigured, "misconfigured".to_owned()), "{what}");
    }
}

#[test]
fn there_may_be_many_roles() {
    for count in [63, 64, 65, 128, 129, 200] {
        let names: Vec<String> = (0..count).map(|n| format!("role-{n}")).collect();
        let roles = RoleHierarchy::ranked(names.clone()).unwrap();
        for (held, above) in names.iter().enumerate() {
            for (asked, below) in names.iter().enumerate() {
                assert_eq!(roles.includes(above, below), asked <= held, "{above} includes {below} of {count}");
            }
        }
        // Side by side, none includes another: no bit lands in a neighbour's place.
        let apart = names.iter().fold(RoleHierarchy::builder(), |builder, name| builder.role(name, []));
        let apart = apart.role("all", ["role-0", "role-62"]).build().unwrap();
        for (place, name) in names.iter().enumerate() {
            assert_eq!(apart.includes("all", name), [0, 62].contains(&place), "{name} of {count}");
            assert!(apart.includes(name, name) && (name == "role-0" || !apart.includes(name, "role-0")));
        }
    }
}

#[test]
fn what_roles_permit_is_closed_over_inclusion() {
    let roles = RoleHierarchy::builder()
        .permits("admin", ["project:*"])
        .ranked(["viewer", "editor", "admin"])
        .role("billing", [])
        .permits("viewer", ["project:read", "kb:read"])
        .permits("viewer", ["file:read"])
        .permits("editor", ["project:write"])
        .permits("billing", ["*:pay"])
        .build()
        .unwrap();
    for (role, allowed, denied) in [
        ("viewer", &["project:read", "kb:read", "file:read"][..], &["project:write", "project:delete"][..]),
        ("editor", &["project:read", "file:read", "project:write"], &["project:delete", "kb:write"]),
        ("admin", &["kb:read", "project:write", "project:delete"], &["kb:write", "projects:read", "x:pay"]),
        ("billing", &["project:pay", "kb:pay"], &["project:read", "kb:read", "kb:payment"]),
        ("ghost", &[], &["project:read", "kb:pay"]),
        ("", &[], &["project:read"]),
        ("Viewer", &[], &["project:read"]),
    ] {
        assert!(allowed.iter().all(|permission| permits(&roles, role, permission)), "{role}");
        assert!(!denied.iter().any(|permission| permits(&roles, role, permission)), "{role}");
    }
}

/// For each role, up to three roles before it that it includes.
type Graph = Vec<Vec<usize>>;

fn graph(steps: &[Vec<usize>]) -> Graph {
    let before = |(place, steps): (usize, &Vec<usize>)| {
        steps.iter().take(if place == 0 { 0 } else { 3 }).map(|step| step % place.max(1)).collect()
    };
    steps.iter().enumerate().map(before).collect()
}

/// All roles that are reached from this one, with itself.
fn reached(graph: &Graph, from: usize) -> BTreeSet<usize> {
    let (mut all, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(role) = open.pop() {
        open.extend(graph[role].iter().filter(|next| all.insert(**next)));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_table_agrees_with_a_search(
        steps in prop::collection::vec(prop::collection::vec(0..100_usize, 0..4), 1..80),
        permitting in prop::collection::btree_set(0..80_usize, 0..10),
    ) {
        let graph = graph(&steps);
        let names: Vec<String> = (0..graph.len()).map(|place| format!("role-{place}")).collect();
        let name = |place: &usize| names[*place].as_str();
        let mut builder = RoleHierarchy::builder();
        for (place, below) in graph.iter().enumerate() {
            builder = match below.iter().map(name).collect::<Vec<_>>()[..] {
                [] => builder.role(name(&place), []),
                [one] => builder.role(name(&place), [one]),
                [one, two] => builder.role(name(&place), [one, two]),
                [one, two, three, ..] => builder.role(name(&place), [one, two, three]),
            };
        }
        let permitting: BTreeSet<usize> = permitting.into_iter().filter(|place| *place < graph.len()).collect();
        for place in &permitting {
            builder = builder.permits(name(place), [format!("kb:{place}").as_str()]);
        }
        let roles = builder.build().unwrap();
        for held in 0..graph.len() {
            let found = reached(&graph, held);
            for asked in 0..graph.len() {
                prop_assert_eq!(roles.includes(name(&held), name(&asked)), found.contains(&asked));
            }
            for place in &permitting {
                prop_assert_eq!(permits(&roles, name(&held), &format!("kb:{place}")), found.contains(place));
            }
        }
    }
}
