//! What makes a gate, and how it finds out who is asking.

use crate::{
    asking::{Data, Members, decide, shared, why},
    head::Head,
};
use futures_util::FutureExt;
use portcullis_core::{
    Authenticator, Credential, CredentialSource, Error, ErrorKind, Gate, GateBuilder, Principal, PrincipalKind,
    RoleHierarchy, Scheme,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use std::sync::{Arc, Mutex};

/// An authenticator that says what it was told to, at once or later, and writes down that it was asked.
#[derive(Debug, Clone)]
struct Says {
    outcome: Option<ErrorKind>,
    later: bool,
    name: &'static str,
    asked: Arc<Mutex<Vec<&'static str>>>,
}

impl Authenticator for Says {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        assert_eq!(credential.expose(), "abc");
        if self.later {
            tokio::task::yield_now().await;
        }
        self.asked.lock().unwrap().push(self.name);
        match self.outcome {
            None => Ok(Principal::new(PrincipalKind::Key, self.name)),
            Some(kind) => Err(Error::new(kind, self.name)),
        }
    }
}

/// What needs no waiting.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("an answer at once")
}

/// Every chain of three, each of them at once or later.
#[tokio::test]
async fn the_first_scheme_that_recognizes_a_credential_decides() {
    let names = ["first", "second", "third"];
    let outcomes = [
        None,
        Some(ErrorKind::Unrecognized),
        Some(ErrorKind::Invalid),
        Some(ErrorKind::Expired),
        Some(ErrorKind::Denied),
        Some(ErrorKind::Unavailable),
        Some(ErrorKind::Misconfigured),
        Some(ErrorKind::Missing),
    ];
    for case in 0..outcomes.len().pow(3) * 8 {
        let (mask, case) = (case % 8, case / 8);
        let chain = [case % 8, case / 8 % 8, case / 64].map(|place| outcomes[place]);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut builder = Gate::builder();
        for (place, outcome) in chain.into_iter().enumerate() {
            let later = mask >> place & 1 == 1;
            let says = Says { outcome, later, name: names[place], asked: asked.clone() };
            builder = builder.scheme(Scheme::new(says).bearer());
        }
        let gate = builder.build().unwrap();
        let answer = gate.establish(&Head::new().bearer("abc")).await;
        let decisive = chain.iter().position(|outcome| *outcome != Some(ErrorKind::Unrecognized)).unwrap_or(2);
        assert_eq!(*asked.lock().unwrap(), names[..=decisive], "{chain:?} {mask:b}");
        assert_eq!(answer.source(), Some(&CredentialSource::bearer()));
        match (chain[decisive], answer.visitor()) {
            (None, Ok(Some(principal))) => assert_eq!(principal.id().subject(), names[decisive]),
            (Some(kind), Err(error)) => {
                assert_eq!((error.kind(), error.to_string().as_str()), (kind, names[decisive]));
                assert_eq!(error.credential_source(), Some(&CredentialSource::bearer()));
                assert_eq!(answer.principal().unwrap_err().kind(), kind);
            }
            other => panic!("{chain:?} {mask:b}: {other:?}"),
        }
    }
}

#[test]
fn what_needs_no_waiting_is_established_at_once() {
    let says = |later, outcome| Says { outcome, later, name: "key", asked: Arc::default() };
    let (now, later) = (says(false, None), says(true, None));
    let gate = |first: Says, second: Says| {
        Gate::builder().scheme(Scheme::new(first).bearer()).scheme(Scheme::new(second).bearer()).build().unwrap()
    };
    let head = Head::new().bearer("abc");
    let quick = gate(now, later);
    assert!(quick.establish(&head).ready().is_ok());
    let slow = gate(says(false, Some(ErrorKind::Unrecognized)), says(true, None));
    assert!(slow.establish(&head).ready().is_err());
    // Nobody is asked about nothing, nor about what cannot be read.
    assert!(slow.establish(&Head::new()).ready().is_ok());
    assert!(slow.establish(&Head::of(&[("authorization", "Bearer")])).ready().is_ok());
}

#[test]
fn absent_and_invalid_and_valid_stay_apart() {
    let issuer = TestIssuer::new();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).cookie("session").bearer()).build().unwrap();
    let token = issuer.token("alice").sign();
    let other = TestIssuer::new().named("https://other.test").token("alice").sign();
    let late = issuer.token("alice").expired_for(std::time::Duration::from_secs(3600)).sign();
    let cookie = |line: &str| Head::new().header("cookie", line);
    for (what, head, visitor) in [
        ("nothing", Head::new(), Ok(None)),
        ("an empty cookie", cookie("session="), Ok(None)),
        ("another scheme", Head::of(&[("authorization", "Basic eA==")]), Ok(None)),
        (
            "identity headers of a proxy",
            Head::of(&[("x-user", "alice"), ("x-forwarded-user", "alice"), ("remote-user", "a")]),
            Ok(None),
        ),
        ("a token", Head::new().bearer(&token), Ok(Some("alice"))),
        ("a cookie", cookie(&format!("session={token}")), Ok(Some("alice"))),
        ("an expired token", Head::new().bearer(&late), Err((ErrorKind::Expired, "token_expired"))),
        ("of another issuer", Head::new().bearer(&other), Err((ErrorKind::Unrecognized, "invalid_token"))),
        ("no JWT", Head::new().bearer("abc"), Err((ErrorKind::Unrecognized, "invalid_token"))),
        ("no token", Head::of(&[("authorization", "Bearer")]), Err((ErrorKind::Invalid, "invalid_token"))),
        ("two cookies", cookie("session=a; session=b"), Err((ErrorKind::Malformed, "invalid_request"))),
        // A credential that does not hold is not helped out by a good one elsewhere.
        (
            "a bad cookie, a good token",
            cookie("session=abc").header("authorization", format!("Bearer {token}")),
            Err((ErrorKind::Unrecognized, "invalid_token")),
        ),
        ("a good cookie, a bad token", cookie(&format!("session={token}")).bearer("abc"), Ok(Some("alice"))),
    ] {
        let who = gate.establish(&head).ready().unwrap();
        let visible = who.visitor().map(|visitor| visitor.map(|principal| principal.id().subject()));
        assert_eq!(
            visible.map_err(|error| why::<()>(Err(error))),
            visitor.map_err(|(kind, code)| (kind, code.to_owned())),
            "{what}"
        );
        let principal = who.principal().map(|principal| principal.id().subject()).map_err(|error| error.kind());
        let expected = visitor.map_err(|(kind, _)| kind).and_then(|visitor| visitor.ok_or(ErrorKind::Missing));
        assert_eq!(principal, expected, "{what}");
        // Nobody passes whom it does not know, whatever the policy.
        for policy in [shared(authenticated()), shared(not(staff())), shared(any((when("always", |_| true), staff())))]
        {
            let access = now(decide(&gate, &who, policy.clone(), &head));
            assert_eq!(access.map(|_| ()).map_err(|error| error.kind()), expected.map(|_| ()), "{what}: {policy:?}");
        }
    }
}

#[test]
fn a_gate_believes_only_itself() {
    let issuer = TestIssuer::new();
    let build = || Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    let (gate, alike) = (build(), build());
    let head = Head::new().bearer(&issuer.token("alice").sign());
    let who = gate.establish(&head).ready().unwrap();
    let acting = gate.acting_as(acting_as("alice"));
    assert!(who.is_of(&gate) && who.is_of(&gate.clone()) && who.clone().is_of(&gate));
    let plan = gate.plan(authenticated()).unwrap();
    assert!(gate.authorize(&who, &plan, &head).ready().unwrap().is_ok());
    for other in [&alike, &acting] {
        assert!(!who.is_of(other) && !other.is_same(&gate));
        let (own, public) = (other.plan(authenticated()).unwrap(), other.plan(anyone()).unwrap());
        assert_eq!(why(other.authorize(&who, &own, &head).ready().unwrap()).0, ErrorKind::Misconfigured);
        assert_eq!(why(other.explain(&who, &public, &head).ready().unwrap()).0, ErrorKind::Misconfigured);
    }
    // A plan is good for one gate as well, and for those that act for it.
    let foreign = alike.plan(authenticated()).unwrap();
    assert_eq!(why(gate.authorize(&who, &foreign, &head).ready().unwrap()).0, ErrorKind::Misconfigured);
    let alice = acting.establish_for(&plan, &head).ready().unwrap();
    assert!(acting.authorize(&alice, &plan, &head).ready().unwrap().is_ok());
}

#[test]
fn acting_as_needs_no_credential_and_changes_no_other_gate() {
    let issuer = TestIssuer::new();
    let roles = RoleHierarchy::ranked(["viewer", "owner"]).unwrap();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).roles(roles).build().unwrap();
    let acting = gate.acting_as(acting_as("alice").with_role("owner"));
    for head in [Head::new(), Head::new().bearer("broken"), Head::of(&[("authorization", "Bearer")])] {
        let who = acting.establish(&head).ready().unwrap();
        assert_eq!((who.principal().unwrap().id().subject(), who.source()), ("alice", None));
        assert!(now(decide(&acting, &who, role("viewer"), &head)).is_ok());
        assert!(gate.establish(&head).ready().unwrap().principal().is_err());
    }
}

#[test]
fn what_is_incomplete_or_cannot_be_said_fails_the_build() {
    type With = fn(GateBuilder) -> GateBuilder;
    let issuer = TestIssuer::new();
    let accepted: &[(&str, With)] = &[
        ("no realm", |builder| builder),
        ("a realm", |builder| builder.realm("My app: v2, (test)")),
        ("an empty realm", |builder| builder.realm("")),
        ("roles on a kind", |builder| builder.roles_on("team", RoleHierarchy::default()).members(&Data::default())),
    ];
    let refused: &[(&str, With)] = &[
        ("a quote", |builder| builder.realm("a\"b")),
        ("a backslash", |builder| builder.realm("a\\b")),
        ("a line break", |builder| builder.realm("a\r\nset-cookie: b")),
        ("a tab", |builder| builder.realm("a\tb")),
        ("a control byte", |builder| builder.realm("a\0")),
        ("a delete", |builder| builder.realm("\u{7f}")),
        ("not ASCII", |builder| builder.realm("Zürich")),
    ];
    for (what, with) in accepted {
        assert!(with(Gate::builder()).scheme(Scheme::new(issuer.verifier()).bearer()).build().is_ok(), "{what}");
        assert_eq!(why(with(Gate::builder()).build()).0, ErrorKind::Misconfigured, "{what}, no scheme");
        let unread = with(Gate::builder()).scheme(Scheme::new(issuer.verifier())).build();
        assert_eq!(why(unread).0, ErrorKind::Misconfigured, "{what}, nothing is read");
    }
    for (what, with) in refused {
        let built = with(Gate::builder()).scheme(Scheme::new(issuer.verifier()).bearer()).build();
        assert_eq!(why(built), (ErrorKind::Misconfigured, "misconfigured".to_owned()), "{what}");
    }
}

#[test]
fn names_that_a_gate_does_not_know_are_found_before_any_request() {
    let build = |parts: fn(GateBuilder) -> GateBuilder| {
        let builder = Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer());
        parts(builder.roles(RoleHierarchy::ranked(["viewer", "owner"]).unwrap())).build().unwrap()
    };
    let with =
        build(|builder| builder.members(&Data::default()).roles_on("team", RoleHierarchy::ranked(["mate"]).unwrap()));
    let without = build(|builder| builder);
    let on = |name: &'static str, kind| role(name).on(kind, path("id"));
    let by_permission = permission("kb:read").on("kb", query("id"));
    for (policy, known_with, known_without) in [
        (shared(role("viewer")), true, true),
        (shared(role("Viewer")), false, false),
        (shared(role("")), false, false),
        (shared(role("mate")), false, false),
        (shared(on("viewer", "project")), true, false),
        (shared(on("mate", "team")), true, false),
        (shared(on("viewer", "team")), false, false),
        (shared(on("mate", "project")), false, false),
        (shared(by_permission), true, false),
        (shared(all((staff(), any((role("viewer"), not(hidden(role("ghost")))))))), false, false),
        (shared(all((staff(), any((role("viewer"), not(hidden(role("owner")))))))), true, true),
        (shared(any([Box::new(staff()) as Box<dyn Policy>, Box::new(by_permission)])), true, false),
        (shared(shared(role("ghost"))), false, false),
        (shared(on("ghost", "project").hidden()), false, false),
        (shared(any((anyone(), authenticated(), scope("a"), claim("a"), permission("kb:read")))), true, true),
    ] {
        for (gate, known) in [(&with, known_with), (&without, known_without)] {
            let checked = gate.plan(policy.clone());
            assert_eq!(
                checked.map(drop).map_err(|error| error.kind()).err(),
                (!known).then_some(ErrorKind::Misconfigured),
                "{policy:?}"
            );
        }
    }
    let message = with.plan(role("owne")).unwrap_err().to_string();
    assert!(message.contains("`owne`") && message.contains("\"viewer\", \"owner\""), "{message}");
}
