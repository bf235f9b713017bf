//! Any policy and any key: what is allowed to a key is allowed to its owner, and is covered by a scope that is named.

use super::*;
use crate::asking::{Data, Members, ask, gate, shared};
use portcullis_core::{RoleHierarchy, policy::*, testing::acting_as};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

#[derive(Debug, Clone)]
enum Part {
    Anyone,
    Authenticated,
    Staff,
    Role(&'static str),
    On(&'static str, u8),
    Permission(&'static str),
    PermissionOn(&'static str, u8),
    Scope(&'static str),
    When(bool),
    Not(Box<Part>),
    Hidden(Box<Part>),
    All(Vec<Part>),
    Any(Vec<Part>),
}

const ROLES: [&str; 2] = ["viewer", "editor"];
const PERMISSIONS: [&str; 3] = ["kb:read", "kb:write", "user:read"];
const SCOPES: [&str; 7] = ["kb:read", "kb:*", "*:read", "user:read", "reports", "orders", "kb:write"];

fn part() -> impl Strategy<Value = Part> {
    let leaf = prop_oneof![
        1 => Just(Part::Anyone),
        1 => Just(Part::Authenticated),
        1 => Just(Part::Staff),
        2 => prop::sample::select(&ROLES[..]).prop_map(Part::Role),
        2 => (prop::sample::select(&ROLES[..]), 1..3_u8).prop_map(|(role, id)| Part::On(role, id)),
        4 => prop::sample::select(&PERMISSIONS[..]).prop_map(Part::Permission),
        3 => (prop::sample::select(&PERMISSIONS[..]), 1..3_u8).prop_map(|(name, id)| Part::PermissionOn(name, id)),
        2 => prop::sample::select(&["reports", "orders", "kb:read"][..]).prop_map(Part::Scope),
        1 => prop::bool::ANY.prop_map(Part::When),
    ];
    leaf.prop_recursive(4, 24, 4, |part| {
        prop_oneof![
            1 => part.clone().prop_map(|part| Part::Not(Box::new(part))),
            1 => part.clone().prop_map(|part| Part::Hidden(Box::new(part))),
            3 => prop::collection::vec(part.clone(), 1..4).prop_map(Part::All),
            2 => prop::collection::vec(part, 1..4).prop_map(Part::Any),
        ]
    })
}

/// What the key has of this name, read naively.
fn permits(scopes: &[&str], name: &str) -> bool {
    let (resource, action) = name.split_once(':').unwrap();
    [name.to_owned(), format!("{resource}:*"), format!("*:{action}")].iter().any(|text| scopes.contains(&&**text))
}

impl Part {
    fn policy(&self) -> Arc<dyn Policy> {
        let list = |parts: &[Self]| parts.iter().map(Self::policy).collect::<Vec<_>>();
        let at = |id: u8| query(["", "one", "two"][usize::from(id)]);
        match self {
            Self::Anyone => shared(anyone()),
            Self::Authenticated => shared(authenticated()),
            Self::Staff => shared(staff()),
            Self::Role(name) => shared(role(name)),
            Self::On(name, id) => shared(role(name).on("project", at(*id))),
            Self::Permission(name) => shared(permission(name)),
            Self::PermissionOn(name, id) => shared(permission(name).on("project", at(*id))),
            Self::Scope(name) => shared(scope(name)),
            Self::When(holds) => {
                let holds = *holds;
                shared(when("when", move |_| holds))
            }
            Self::Not(part) => shared(not(part.policy())),
            Self::Hidden(part) => shared(hidden(part.policy())),
            Self::All(parts) => shared(all(list(parts))),
            Self::Any(parts) => shared(any(list(parts))),
        }
    }

    /// Whether the owner is allowed: alice is a viewer, and an editor of the first project.
    fn owner(&self, scopes: &[&str]) -> bool {
        match self {
            Self::Anyone | Self::Authenticated | Self::Role("viewer") | Self::On(_, 1) => true,
            Self::Staff | Self::Role(_) | Self::On(..) => false,
            Self::Permission(name) => *name == "kb:read",
            Self::PermissionOn(name, id) => *id == 1 && name.starts_with("kb:"),
            Self::Scope(name) => scopes.contains(name),
            Self::When(holds) => *holds,
            Self::Not(part) => !part.owner(scopes),
            Self::Hidden(part) => part.owner(scopes),
            Self::All(parts) => parts.iter().all(|part| part.owner(scopes)),
            Self::Any(parts) => parts.iter().any(|part| part.owner(scopes)),
        }
    }

    /// Whether it names a permission or scope that the key has, whichever way it allows.
    fn names(&self, scopes: &[&str]) -> bool {
        match self {
            Self::Permission(name) | Self::PermissionOn(name, _) => permits(scopes, name),
            Self::Scope(name) => scopes.contains(name),
            Self::Hidden(part) => part.names(scopes),
            Self::All(parts) => parts.iter().any(|part| part.names(scopes)),
            Self::Any(parts) => parts.iter().all(|part| part.names(scopes)),
            _ => false,
        }
    }

    /// Whether a key with these scopes is allowed, by the rule as it is written down.
    fn key(&self, scopes: &[&str], is_covered: bool) -> bool {
        match self {
            Self::Anyone => true,
            Self::Permission(_) | Self::PermissionOn(..) | Self::Scope(_) => self.owner(scopes) && self.names(scopes),
            Self::Hidden(part) => part.key(scopes, is_covered),
            Self::All(parts) => {
                let is_covered = is_covered || self.names(scopes);
                parts.iter().all(|part| part.key(scopes, is_covered))
            }
            Self::Any(parts) => parts.iter().any(|part| part.key(scopes, is_covered)),
            leaf => is_covered && leaf.owner(scopes),
        }
    }

    /// Whether some permission or scope of the key stands anywhere in it, or it lets in everybody.
    fn mentions(&self, scopes: &[&str]) -> bool {
        match self {
            Self::Anyone => true,
            Self::Not(part) | Self::Hidden(part) => part.mentions(scopes),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.mentions(scopes)),
            leaf => leaf.names(scopes),
        }
    }
}

fn world() -> Gate {
    let roles = RoleHierarchy::builder().ranked(["viewer", "editor"]).permits("viewer", ["kb:read"]);
    let roles = roles.permits("editor", ["kb:*"]).build().unwrap();
    gate(|builder| {
        let builder = builder.roles(roles).members(&Data::default().role("project:1", "editor"));
        builder.permissions(["kb:read", "kb:write", "user:read"])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_may_what_its_owner_may_and_its_scopes_name(
        part in part(), scopes in prop::collection::hash_set(prop::sample::select(&SCOPES[..]), 1..4),
    ) {
        let scopes: Vec<&str> = scopes.into_iter().collect();
        let (gate, head) = (world(), Head::new().query("one=1&two=2"));
        let alice = || acting_as("alice").with_role("viewer");
        let allowed = |who: Principal| {
            let answer = now(ask(&gate, &who, part.policy(), &head));
            prop_assert!(answer.as_ref().err().is_none_or(|error| error.status() < 500), "{:?}: {:?}", part, answer);
            Ok(answer.is_ok())
        };
        let key = allowed(alice().with_key_scopes(KeyScopes::new(&scopes).unwrap()))?;
        // Its owner, with what `scope(..)` asks of the key.
        let owner = allowed(scopes.iter().fold(alice(), |alice, scope| alice.with_scope(*scope)))?;
        prop_assert_eq!(owner, part.owner(&scopes), "{:?}", part);
        let is_public = part.policy().describe().is_public();
        prop_assert_eq!(key, is_public || part.key(&scopes, false), "{:?} {:?}", part, scopes);
        if key {
            prop_assert!(owner, "{:?}", part);
            prop_assert!(part.mentions(&scopes), "{:?}", part);
        }
        // All rights are those of the owner, who has no scopes of a key.
        let all_rights = allowed(alice().with_key_scopes(KeyScopes::all_rights()))?;
        prop_assert_eq!(all_rights, allowed(alice())?, "{:?}", part);
        prop_assert_eq!(all_rights, part.owner(&[]), "{:?}", part);
    }
}
