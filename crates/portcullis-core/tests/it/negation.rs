//! What cannot be judged is an error, so that `not` lets nobody in by ignorance.

use crate::{
    asking::{Data, Members, Quiet, ask, decide, gate, shared, why},
    head::Head,
};
use portcullis_core::{
    ErrorKind, Gate, GateBuilder, PermissionSet, RoleHierarchy, Scheme,
    policy::{values::ResourceId, *},
    testing::{TestIssuer, acting_as},
};
use proptest::prelude::{ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};
use std::{sync::Arc, task};

fn roles() -> RoleHierarchy {
    let roles = RoleHierarchy::builder().ranked(["viewer", "manager"]).permits("viewer", ["kb:read"]);
    roles.permits("manager", ["kb:*"]).inherits("team").build().unwrap()
}

#[tokio::test]
async fn names_that_nobody_knows_are_errors_wherever_a_policy_is_asked() {
    let with = |parts: fn(GateBuilder) -> GateBuilder| {
        gate(|builder| parts(builder.roles(roles()).members(&Data::default().role("project:1", "manager"))))
    };
    let (open, closed) = (with(|b| b), with(|b| b.permissions(["kb:read", "kb:write"])));
    let none = gate(|builder| builder.members(&Data::default()));
    let head = Head::new().query("id=1");
    let on = |name| role(name).on("project", query("id"));
    let may = |name| permission(name).on("project", query("id"));
    // Whether each is an error on the gate whose permissions are open, on the one where they are closed, and on the one
    // without any roles; the same below `not`.
    for (policy, plain, below_not) in [
        (shared(role("viewer")), [false, false, true], [false, false, true]),
        (shared(role("viewr")), [true; 3], [true; 3]),
        (shared(role("")), [true; 3], [true; 3]),
        (shared(on("manager")), [false, false, true], [false, false, true]),
        (shared(on("Manager")), [true; 3], [true; 3]),
        (shared(permission("kb:read")), [false; 3], [false, false, true]),
        // A wildcard holds it, and says nothing of how it is spelt.
        (shared(permission("kb:write")), [false; 3], [true, false, true]),
        (shared(permission("kb:raed")), [false, true, false], [true; 3]),
        (shared(may("kb:read")), [false; 3], [false, false, true]),
        (shared(may("kb:write")), [false; 3], [true, false, true]),
        (shared(may("kb:raed")), [false, true, false], [true; 3]),
    ] {
        for (place, gate) in [&open, &closed, &none].into_iter().enumerate() {
            let part = || policy.clone();
            for (policy, is_error) in [
                (part(), plain[place]),
                (shared(hidden(part())), plain[place]),
                (shared(any((staff(), part()))), plain[place]),
                (shared(all((authenticated(), part()))), plain[place]),
                (shared(not(part())), below_not[place]),
                (shared(not(not(part()))), below_not[place]),
                (shared(all((authenticated(), not(any((staff(), hidden(part()))))))), below_not[place]),
            ] {
                for who in
                    [acting_as("alice"), acting_as("bob").with_role("manager"), acting_as("eve").with_role("ghost")]
                {
                    // Also where it is found at the request alone.
                    let asked = ask(gate, &who, Quiet(policy.clone()), &head).await;
                    let found = asked.as_ref().err().is_some_and(|error| error.status() == 500);
                    assert_eq!(found, is_error, "{place}: {policy:?}: {asked:?}");
                }
                assert_eq!(gate.plan(policy.clone()).is_err(), is_error, "{place}: {policy:?}");
            }
        }
    }
    let message = why_text(&open, not(permission("kb:write")));
    assert!(message.contains("`kb:write`") && message.contains(".permissions(…)"), "{message}");
    let message = why_text(&closed, permission("kb:raed"));
    assert!(message.contains("`kb:raed`") && message.contains(".permissions(…)"), "{message}");
}

fn why_text(gate: &Gate, policy: impl Policy + 'static) -> String {
    gate.plan(policy).unwrap_err().to_string()
}

#[tokio::test]
async fn what_is_not_there_is_a_firm_no() {
    let gate = gate(|builder| builder.roles(roles()).members(&Data::default().role("project:1", "viewer")));
    let head = |id: &str| Head::new().query(&format!("id={id}"));
    let banned = || not(role("manager").on("project", query("id")));
    for (id, who) in [("1", "alice"), ("2", "alice"), ("1", "a stranger")] {
        assert!(ask(&gate, &acting_as(who), banned(), &head(id)).await.is_ok(), "{who} on {id}");
    }
    let manager = self::gate(|builder| builder.roles(roles()).members(&Data::default().role("project:1", "manager")));
    assert_eq!(why(ask(&manager, &acting_as("alice"), banned(), &head("1")).await).0, ErrorKind::Denied);
    let down = self::gate(|builder| builder.roles(roles()).members(&Data::down()));
    assert_eq!(why(ask(&down, &acting_as("alice"), banned(), &head("1")).await).0, ErrorKind::Unavailable);
    let stored = self::gate(|builder| builder.roles(roles()).members(&Data::default().role("project:1", "Manager")));
    let error = ask(&stored, &acting_as("alice"), banned(), &head("1")).await.unwrap_err();
    assert!(error.to_string().contains("`Manager`") && error.to_string().contains("\"manager\""), "{error}");
    assert_eq!(error.status(), 500);
}

/// A flag of another type makes nobody staff, and nobody passes for not being staff by it.
#[tokio::test]
async fn a_staff_flag_that_is_none() {
    let issuer = TestIssuer::new();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    let asked = async |flag: Option<Value>, policy: Arc<dyn Policy>| {
        let token = issuer.token("alice");
        let token = flag.map_or_else(|| issuer.token("alice"), |flag| token.claim("staff", flag)).sign();
        let head = Head::new().bearer(&token);
        let who = gate.establish(&head).await;
        decide(&gate, &who, policy, &head).await.map(drop).map_err(|error| (error.kind(), error.status()))
    };
    for (flag, is_staff) in [(json!(true), true), (json!(1), true), (json!(false), false), (json!(0), false)] {
        assert_eq!(asked(Some(flag.clone()), shared(staff())).await.is_ok(), is_staff, "{flag}");
        assert_eq!(asked(Some(flag.clone()), shared(not(staff()))).await.is_ok(), !is_staff, "{flag}");
    }
    for flag in [json!("true"), json!("false"), json!(2), json!([true]), json!({ "true": true }), json!(1.0)] {
        assert_eq!(asked(Some(flag.clone()), shared(staff())).await, Err((ErrorKind::Denied, 403)), "{flag}");
        for policy in [shared(not(staff())), shared(not(not(staff()))), shared(all((authenticated(), not(staff()))))] {
            assert_eq!(
                asked(Some(flag.clone()), policy.clone()).await,
                Err((ErrorKind::Invalid, 401)),
                "{flag} {policy:?}"
            );
        }
    }
    for none in [None, Some(Value::Null)] {
        assert_eq!(asked(none.clone(), shared(staff())).await, Err((ErrorKind::Denied, 403)));
        assert_eq!(asked(none, shared(not(staff()))).await, Ok(()));
    }
}

/// A part of a policy, and with that what is to be said of it.
#[derive(Debug, Clone)]
enum Part {
    /// Roles everywhere: one that is held, one that is not, one that nobody knows.
    Role(&'static str),
    /// Roles on a thing, by which alice manages 1, has nothing on 2, a role that nobody knows on 3, and of 4 the parents
    /// are too many.
    On(&'static str, u8),
    /// The token has flags and texts of each type.
    Flag(usize),
    Text(usize),
    Permission(&'static str),
    PermissionOn(&'static str, u8),
    Not(Box<Part>),
    Hidden(Box<Part>),
    All(Vec<Part>),
    Any(Vec<Part>),
}

/// The claims of the token: the value, whether it is a flag that is set, and whether it is the text.
fn claims() -> [(&'static str, Value, Option<bool>, Option<bool>); 9] {
    [
        ("/c/a", json!(true), Some(true), None),
        ("/c/b", json!(0), Some(false), None),
        ("/c/c", json!("gold"), None, Some(true)),
        ("/c/d", json!(["a", "gold"]), None, Some(true)),
        ("/c/e", json!(["gold", 1]), None, None),
        ("/c/f", json!({"gold": true}), None, None),
        ("/c/g", json!(null), Some(false), Some(false)),
        ("/c/b/h", json!(null), None, None),
        ("/c/i", json!(2), None, None),
    ]
}

const ROLES: [&str; 4] = ["viewer", "manager", "ghost", "Viewer"];
const PERMISSIONS: [&str; 4] = ["kb:read", "kb:write", "kb:raed", "own:it"];

fn part() -> impl Strategy<Value = Part> {
    let leaf = prop_oneof![
        prop::sample::select(&ROLES[..]).prop_map(Part::Role),
        (prop::sample::select(&ROLES[..]), 1..5_u8).prop_map(|(role, id)| Part::On(role, id)),
        (0..9_usize).prop_map(Part::Flag),
        (0..9_usize).prop_map(Part::Text),
        prop::sample::select(&PERMISSIONS[..]).prop_map(Part::Permission),
        (prop::sample::select(&PERMISSIONS[..]), 1..5_u8).prop_map(|(name, id)| Part::PermissionOn(name, id)),
    ];
    leaf.prop_recursive(5, 24, 4, |part| {
        prop_oneof![
            3 => part.clone().prop_map(|part| Part::Not(Box::new(part))),
            1 => part.clone().prop_map(|part| Part::Hidden(Box::new(part))),
            2 => prop::collection::vec(part.clone(), 0..4).prop_map(Part::All),
            2 => prop::collection::vec(part, 0..4).prop_map(Part::Any),
        ]
    })
}

fn id(id: u8) -> ResourceId {
    query(["", "one", "two", "three", "four"][id as usize])
}

/// Whether there is such a permission, as far as a gate can tell.
fn is_known(name: &str, below_not: bool, closed: bool) -> bool {
    match closed {
        true => ["kb:read", "kb:write", "own:it"].contains(&name),
        false => !below_not || name == "kb:read",
    }
}

impl Part {
    fn policy(&self) -> Arc<dyn Policy> {
        let list = |parts: &[Self]| parts.iter().map(Self::policy).collect::<Vec<_>>();
        match self {
            Self::Role(name) => Arc::new(role(name)),
            Self::On(name, on) => Arc::new(role(name).on("project", id(*on))),
            Self::Flag(place) => Arc::new(claim(claims()[*place].0)),
            Self::Text(place) => Arc::new(claim(claims()[*place].0).is("gold")),
            Self::Permission(name) => Arc::new(permission(name)),
            Self::PermissionOn(name, on) => Arc::new(permission(name).on("project", id(*on))),
            Self::Not(part) => Arc::new(not(part.policy())),
            Self::Hidden(part) => Arc::new(hidden(part.policy())),
            Self::All(parts) => Arc::new(all(list(parts))),
            Self::Any(parts) => Arc::new(any(list(parts))),
        }
    }

    /// Whether each name in it is known, and no list empty.
    fn is_sound(&self, below_not: bool, closed: bool) -> bool {
        match self {
            Self::Role(name) | Self::On(name, _) => ["viewer", "manager"].contains(name),
            Self::Permission(name) | Self::PermissionOn(name, _) => is_known(name, below_not, closed),
            Self::Flag(_) | Self::Text(_) => true,
            Self::Not(part) => part.is_sound(true, closed),
            Self::Hidden(part) => part.is_sound(below_not, closed),
            Self::All(parts) | Self::Any(parts) => {
                !parts.is_empty() && parts.iter().all(|part| part.is_sound(below_not, closed))
            }
        }
    }

    /// Yes, no, or that it cannot be judged. In a list, what comes after the part that settles it is not looked at.
    fn oracle(&self, below_not: bool, closed: bool) -> Option<bool> {
        let known = |name: &str| is_known(name, below_not, closed);
        // Which role alice has there.
        let there = |id: u8| match id {
            1 => Some(Some("manager")),
            2 => Some(None),
            _ => None,
        };
        let permits = |role: Option<&str>, name: &str| match role {
            Some("manager") => name.starts_with("kb:"),
            Some("viewer") => name == "kb:read",
            _ => false,
        };
        match self {
            Self::Role(name) => match *name {
                "viewer" => Some(true),
                "manager" => Some(false),
                _ => None,
            },
            Self::On("viewer" | "manager", id) => there(*id).map(|role| role.is_some()),
            Self::On(..) => None,
            Self::Flag(place) => claims()[*place].2,
            Self::Text(place) => claims()[*place].3,
            Self::Permission(name) if known(name) => Some(permits(Some("viewer"), name) || *name == "own:it"),
            Self::PermissionOn(name, id) if known(name) => there(*id).map(|role| permits(role, name)),
            Self::Permission(_) | Self::PermissionOn(..) => None,
            Self::Not(part) => part.oracle(true, closed).map(|holds| !holds),
            Self::Hidden(part) => part.oracle(below_not, closed),
            Self::All(parts) | Self::Any(parts) => {
                let is_all = matches!(self, Self::All(_));
                let mut found = None;
                for part in parts {
                    found = Some(part.oracle(below_not, closed)?);
                    if found == Some(!is_all) {
                        break;
                    }
                }
                found
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_gets_in_where_it_cannot_be_judged(part in part(), closed in prop::bool::ANY) {
        let data = (5..20).fold(Data::default(), |data, n| data.parents(&format!("project:{n}"), &[CHAIN[n - 4]]));
        let data = data.role("project:1", "manager").role("project:3", "ghost").parents("project:4", &[CHAIN[0]]);
        let issuer = TestIssuer::new();
        let inherits = RoleHierarchy::builder().ranked(["viewer", "manager"]).permits("viewer", ["kb:read"]);
        let inherits = inherits.permits("manager", ["kb:*"]).inherits("project").build().unwrap();
        let builder = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).members(&data).roles(inherits);
        let builder = if closed { builder.permissions(["kb:read", "kb:write", "own:it"]) } else { builder };
        let gate = builder.build().unwrap();
        let values = json!({
            "a": true, "b": 0, "c": "gold", "d": ["a", "gold"], "e": ["gold", 1], "f": {"gold": true}, "g": null, "i": 2,
        });
        let token = issuer.token("alice").role("viewer").permission("own:it").claim("c", values).sign();
        let head = Head::new().bearer(&token).query("one=1&two=2&three=3&four=4");
        prop_assert_eq!(gate.plan(part.policy()).is_ok(), part.is_sound(false, closed), "{:?}", part);
        // Found at the request alone, it lets nobody in either.
        let plan = gate.plan(Quiet(part.policy())).unwrap();
        let who = done(gate.establish(&head));
        let found = match done(gate.authorize(&who, &plan, &head)) {
            Ok(_) => Some(true),
            Err(error) if matches!(error.kind(), ErrorKind::Denied | ErrorKind::Hidden) => Some(false),
            Err(error) => {
                prop_assert!(matches!(error.kind(), ErrorKind::Misconfigured | ErrorKind::Invalid), "{:?}", error);
                None
            }
        };
        prop_assert_eq!(found, part.oracle(false, closed), "{:?}", part);
        let explained = done(gate.explain(&who, &plan, &head)).ok().map(|decision| decision.is_allowed());
        prop_assert_eq!(explained, found);
    }
}

/// A chain that nobody follows to its end.
const CHAIN: [&str; 16] = [
    "project:5",
    "project:6",
    "project:7",
    "project:8",
    "project:9",
    "project:10",
    "project:11",
    "project:12",
    "project:13",
    "project:14",
    "project:15",
    "project:16",
    "project:17",
    "project:18",
    "project:19",
    "project:20",
];

/// Nothing here has to be waited for.
fn done<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut task::Context::from_waker(task::Waker::noop())) {
        task::Poll::Ready(value) => value,
        task::Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn closed_permissions_are_held_against_what_roles_permit() {
    let build = |permits: &'static str, names: &[&str]| {
        let roles = RoleHierarchy::builder().role("viewer", []).permits("viewer", [permits]).build().unwrap();
        let builder = Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer());
        builder.roles(roles).permissions(names).build()
    };
    for (permits, names) in [
        ("kb:read", &["kb:read", "kb:write"][..]),
        ("kb:*", &["kb:read"]),
        ("*:read", &["kb:read"]),
        ("k*:re*", &["kb:read"]),
        ("*:*", &["kb:read"]),
    ] {
        assert!(build(permits, names).is_ok(), "{permits} of {names:?}");
    }
    for (permits, names) in [
        ("kb:raed", &["kb:read", "kb:write"][..]),
        ("KB:*", &["kb:read"]),
        ("*:write", &["kb:read"]),
        ("kb:read", &[]),
        ("kb:read", &["kb:read", "kb"]),
        ("kb:read", &["kb:read", "kb:*"]),
    ] {
        let error = build(permits, names).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{permits} of {names:?}");
    }
    // What tokens bring is not held against it: others than this service may have given it.
    let gate = build("kb:read", &["kb:read"]).unwrap();
    let held = acting_as("alice").with_permissions(PermissionSet::new(["other:thing", "kb:*"]).unwrap());
    assert!(done(ask(&gate, &held, permission("kb:read"), &Head::new())).is_ok());
}
