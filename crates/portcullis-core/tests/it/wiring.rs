//! Wiring that cannot work is an error where the gate is built; beside each stands what can.

use crate::asking::{Data, Members};
use portcullis_core::{
    Algorithm, Audience, Authenticator, Credential, CredentialSource, Error, ErrorKind, Gate, GateBuilder, HttpClient,
    HttpRequest, Introspection, Issuer, Jwt, Key, OpaqueTokens, Principal, Reply, RevocationList, RoleHierarchy,
    Scheme, SharedSecret, TokenCache, Verifier, WhoAmI, testing::TestIssuer,
};
use std::{sync::Arc, time::Duration};

const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";

#[derive(Debug)]
struct Nobody;

impl HttpClient for Nobody {
    fn send(&self, _: HttpRequest, reply: Reply) {
        drop(reply);
    }
}

fn issuer(name: &str) -> Issuer {
    let key = Key::secret(Algorithm::Hs256, SECRET).unwrap();
    Issuer::new(name.to_owned(), Audience::is("test"), [Algorithm::Hs256], key).unwrap()
}

fn without_keys(name: &str) -> Issuer {
    Issuer::without_keys(name.to_owned(), Audience::is("test")).unwrap()
}

fn jwt(name: &str) -> Verifier {
    Jwt::new(issuer(name)).into()
}

fn both(one: &str, other: &str) -> Verifier {
    Jwt::new(issuer(one)).issuer(issuer(other)).unwrap().into()
}

fn any_name() -> Verifier {
    Jwt::new(issuer("any").dangerous_any_name()).into()
}

fn unnamed() -> Verifier {
    Jwt::new(issuer("ours").unnamed()).into()
}

fn asks(issuer: Issuer) -> Verifier {
    Introspection::new(issuer, "https://issuer.test/introspect", Nobody).unwrap().into()
}

fn asks_about_some(name: &str) -> Verifier {
    let introspection = Introspection::new(issuer(name), "https://issuer.test/introspect", Nobody).unwrap();
    introspection.opaque_tokens(OpaqueTokens::new().prefix("at_").unwrap()).into()
}

fn who_am_i(issuer: Issuer) -> WhoAmI {
    WhoAmI::new(issuer, "https://issuer.test/userinfo", Nobody).unwrap()
}

fn secret(secret: &str) -> Verifier {
    SharedSecret::new("cron", secret).unwrap().into()
}

/// One of the application's own, of which a gate knows nothing.
#[derive(Debug)]
struct Wrapped(Jwt);

impl Authenticator for Wrapped {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.0.authenticate(credential).await
    }
}

/// What `build` says of it.
fn problem(gate: GateBuilder) -> Option<String> {
    let error = gate.build().err()?;
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(!error.to_string().contains(SECRET), "{error}");
    Some(error.to_string())
}

fn told(what: &str, found: Option<String>, expected: Option<&str>) {
    match (&found, expected) {
        (None, None) => {}
        (Some(found), Some(expected)) if found.contains(expected) => {}
        _ => panic!("{what}: {found:?}, not {expected:?}"),
    }
}

#[test]
fn each_scheme_of_one_source_can_be_reached() {
    let wrapped = || Wrapped(Jwt::new(issuer("a")));
    let never = Some("scheme 2 is never asked about tokens of `a`, since one before it decides; name an issuer once");
    let last = Some("scheme 2 is behind the one that asks `a` about opaque credentials");
    let last_of_b = Some("scheme 2 is behind the one that asks `b` about opaque credentials");
    for (what, verifiers, expected) in [
        ("two issuers", vec![jwt("a"), jwt("b")], None),
        ("one issuer twice", vec![jwt("a"), jwt("a")], never),
        ("one of two twice", vec![both("a", "b"), both("c", "b")], Some("scheme 2 is never asked about tokens of `b`")),
        // A wrapper may do more than what it is around, or less.
        ("in a wrapper", vec![jwt("a"), wrapped().into()], None),
        ("in a wrapper before it", vec![wrapped().into(), jwt("a")], None),
        ("in a wrapper behind a pointer", vec![Arc::new(wrapped()).into(), jwt("a")], None),
        ("any name after a name", vec![jwt("a"), any_name()], None),
        ("any name before a name", vec![any_name(), jwt("a")], never),
        ("any name twice", vec![any_name(), any_name()], Some("scheme 2 is never asked about tokens of `any`")),
        ("unnamed beside a name", vec![unnamed(), jwt("ours"), jwt("a"), any_name()], None),
        ("unnamed after any name", vec![any_name(), unnamed()], Some("scheme 2 is never asked about tokens of `ours`")),
        ("unnamed twice", vec![unnamed(), unnamed()], Some("scheme 2 is never asked about tokens of `ours`")),
        // Its tokens are verified by the first, and its opaque ones asked about by the second.
        ("verified and asked", vec![jwt("a"), asks(without_keys("a"))], None),
        ("verified and asked, with keys", vec![jwt("a"), asks(issuer("a"))], None),
        ("verified, and asked of another", vec![jwt("a"), asks(without_keys("b"))], None),
        // Whoever is asked about every opaque credential would be shown those of the schemes after it.
        ("asked and verified", vec![asks(without_keys("a")), jwt("a")], last),
        ("asked of another, and verified", vec![asks(without_keys("b")), jwt("a")], last_of_b),
        ("asked about some and verified", vec![asks_about_some("a"), jwt("a")], never),
        ("asked of another about some, and verified", vec![asks_about_some("b"), jwt("a")], None),
        ("asked twice", vec![asks(issuer("a")), asks(issuer("a"))], never),
        ("asked in two ways", vec![asks(issuer("a")), who_am_i(issuer("a")).into()], never),
        ("asked of two", vec![asks(issuer("b")), asks(issuer("a"))], last_of_b),
        ("asked of two, of one about some", vec![asks_about_some("b"), asks(issuer("a"))], None),
        ("shown to two", vec![who_am_i(issuer("b")).into(), who_am_i(issuer("a")).into()], last_of_b),
        ("any name asked, and another", vec![asks(issuer("b").dangerous_any_name()), asks(issuer("a"))], last_of_b),
        ("any name asked, and the same", vec![asks(issuer("a").dangerous_any_name()), asks(issuer("a"))], never),
        ("a secret before", vec![secret(SECRET), jwt("a"), asks(issuer("a"))], None),
        ("a secret behind", vec![asks(issuer("a")), secret(SECRET)], last),
        ("one of the application behind", vec![asks(issuer("a")), wrapped().into()], last),
        ("a secret behind some", vec![asks_about_some("a"), secret(SECRET)], None),
        ("asked about some first", vec![asks_about_some("a"), asks(issuer("a"))], None),
        ("asked about some last", vec![asks(issuer("a")), asks_about_some("a")], never),
        ("a secret behind a verifier", vec![jwt("a"), secret(SECRET)], None),
        ("another secret", vec![secret(SECRET), secret(&SECRET.to_lowercase())], None),
        (
            "the same secret",
            vec![secret(SECRET), secret(SECRET)],
            Some("scheme 2 has the shared secret of one before it"),
        ),
        (
            "no keys",
            vec![Jwt::new(without_keys("a")).into()],
            Some("scheme 1 verifies tokens of `a` and has no keys of it"),
        ),
        (
            "no keys of the second",
            vec![Jwt::new(issuer("a")).issuer(without_keys("b")).unwrap().into()],
            Some("verifies tokens of `b` and has no keys of it"),
        ),
        ("sessions only", vec![who_am_i(issuer("a")).sessions_only().into()], None),
        ("sessions only, no keys", vec![who_am_i(without_keys("a")).sessions_only().into()], Some("sessions_only")),
        (
            "sessions only, introspected",
            vec![Introspection::new(without_keys("a"), "https://a.test", Nobody).unwrap().sessions_only().into()],
            Some("sessions_only"),
        ),
    ] {
        let schemes = verifiers.into_iter().map(|verifier| Scheme::new(verifier).bearer());
        told(what, problem(schemes.fold(Gate::builder(), GateBuilder::scheme)), expected);
    }
}

/// Schemes get in each other's way where they read the same source on the same routes.
#[test]
fn schemes_apart_do_not_get_in_each_others_way() {
    let bearer = |verifier: Verifier| Scheme::new(verifier).bearer();
    let elsewhere = |verifier: Verifier| Scheme::new(verifier).header("x-key");
    let named = |verifier: Verifier| Scheme::named("key", verifier).bearer();
    let asked = || asks(issuer("a"));
    let last = Some("is behind the one that asks `a` about opaque credentials");
    for (what, schemes, expected) in [
        ("one issuer in two places", vec![bearer(jwt("a")), elsewhere(jwt("a"))], None),
        ("one secret in two places", vec![bearer(secret(SECRET)), elsewhere(secret(SECRET))], None),
        ("asked in two places", vec![bearer(asked()), elsewhere(secret(SECRET))], None),
        ("asked in one of two places", vec![bearer(asked()), elsewhere(jwt("b")).bearer()], last),
        // A route may accept the named one alone.
        ("one issuer, also with a name", vec![bearer(jwt("a")), named(jwt("a"))], None),
        ("one secret, also with a name", vec![bearer(secret(SECRET)), named(secret(SECRET))], None),
        ("one issuer, first with a name", vec![named(jwt("a")), bearer(jwt("a"))], None),
        // And another both, so that the issuer would be shown what it has nothing to do with.
        ("asked, and a name", vec![bearer(asked()), named(secret(SECRET))], last),
        ("asked with a name", vec![named(asked()), bearer(secret(SECRET))], last),
        ("a name, and asked", vec![named(secret(SECRET)), bearer(asked())], None),
        (
            "no keys, with a name",
            vec![named(Jwt::new(without_keys("a")).into())],
            Some("scheme `key` verifies tokens of"),
        ),
    ] {
        told(what, problem(schemes.into_iter().fold(Gate::builder(), GateBuilder::scheme)), expected);
    }
}

#[test]
fn each_secret_can_be_carried_by_a_source() {
    let places = [
        CredentialSource::bearer(),
        CredentialSource::cookie("key"),
        CredentialSource::header("x-key"),
        CredentialSource::query("key"),
        CredentialSource::websocket_protocol(),
        CredentialSource::websocket_query("key"),
    ];
    let padded = |text: &str| format!("{text}{}", "x".repeat(32));
    // In each place, in this order.
    for (text, carried) in [
        (padded(""), [true; 6]),
        (padded("aZ09-._~+/") + "==", [true; 6]),
        (padded("a=b"), [false, true, true, true, true, true]),
        (padded("hunter2!"), [false, true, true, true, true, true]),
        (padded("a;b"), [false, false, true, true, true, true]),
        (padded("a,b"), [false, true, true, true, false, true]),
        (format!("\"{}\"", padded("")), [false, false, true, true, true, true]),
        (padded("a secret of "), [false; 6]),
        (padded("") + "\n", [false; 6]),
        (padded(" "), [false; 6]),
        (padded("\u{e9}"), [false; 6]),
        (padded("\0"), [false; 6]),
    ] {
        let known = || SharedSecret::new("cron", &text).unwrap();
        for (source, carried) in places.iter().zip(carried) {
            let expected =
                (!carried).then_some("scheme 1 has a shared secret with characters that none of its sources can carry");
            let gate = |secret: SharedSecret| Gate::builder().scheme(Scheme::new(secret).source(source.clone()));
            told(&format!("{text:?} by {source}"), problem(gate(known())), expected);
            let second = SharedSecret::new("cron", SECRET).unwrap().also(&text).unwrap();
            told(&format!("{text:?} too, by {source}"), problem(gate(second)), expected);
            // What another scheme reads is no help.
            let beside = gate(known()).scheme(Scheme::new(jwt("a")).header("x-other"));
            told(&format!("{text:?} only by {source}"), problem(beside), expected);
        }
        let all = places.iter().cloned().fold(Scheme::new(known()), Scheme::source);
        assert_eq!(problem(Gate::builder().scheme(all)).is_none(), carried.contains(&true), "{text:?}");
    }
    // What is said to be carried is what is read.
    let gate = Gate::builder().scheme(Scheme::new(SharedSecret::new("cron", SECRET).unwrap()).bearer().cookie("key"));
    assert!(gate.build().is_ok());
}

#[test]
fn roles_are_inherited_from_kinds_and_roles_that_there_are() {
    let ranked = || RoleHierarchy::builder().ranked(["viewer", "owner"]);
    let mapped = |kind: &str, there: &str| ranked().inherits_as(kind, [(there, "viewer")]).build().unwrap();
    let teams = || RoleHierarchy::ranked(["mate", "lead"]).unwrap();
    let gate = || Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).members(&Data::default());
    for (what, builder, expected) in [
        ("right", gate().roles_on("team", teams()).roles_on("project", mapped("team", "lead")), None),
        ("for all kinds", gate().roles_on("team", teams()).roles(mapped("team", "lead")), None),
        (
            "a role misspelt",
            gate().roles_on("team", teams()).roles_on("project", mapped("team", "led")),
            Some("the role `led` on a `team`, where the gate knows [\"mate\", \"lead\"]"),
        ),
        (
            "a role of this kind",
            gate().roles_on("team", teams()).roles(mapped("team", "owner")),
            Some("the role `owner` on a `team`"),
        ),
        (
            "a kind misspelt",
            gate().roles_on("team", teams()).roles_on("project", mapped("taem", "lead")),
            Some("inherited from a `taem`, and the gate has no `.membership(\"taem\", …)` that says who has them"),
        ),
        ("the roles of everywhere", gate().roles(mapped("team", "lead")), Some("the role `lead` on a `team`")),
        ("the same roles", gate().roles(ranked().inherits("team").build().unwrap()), None),
        (
            "the same roles, of a kind without any",
            gate().roles_on("project", ranked().inherits("team").build().unwrap()),
            Some("inherited from a `team`"),
        ),
    ] {
        told(what, problem(builder), expected);
    }
    let alone = || Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer());
    let nobody = Some("no `.membership(\"team\", …)` that says");
    told("roles everywhere", problem(alone().roles(ranked().build().unwrap())), None);
    told("nobody to ask", problem(alone().roles_on("team", teams())), nobody);
    told("nobody to inherit from", problem(alone().roles(ranked().inherits("team").build().unwrap())), nobody);
}

#[test]
fn what_is_said_has_an_effect() {
    let own = || Wrapped(Jwt::new(issuer("a")));
    let list = || RevocationList::new(Duration::from_secs(60));
    let gate = || Gate::builder().scheme(Scheme::new(jwt("a")).bearer());
    let cookie = || Gate::builder().scheme(Scheme::new(jwt("a")).bearer().cookie("session"));
    let asking = || Gate::builder().scheme(Scheme::new(own()).bearer()).scheme(Scheme::new(asks(issuer("b"))).bearer());
    for (what, builder, expected) in [
        ("a cache", gate().cache(TokenCache::new(9)), None),
        (
            "a cache for one of several",
            asking().scheme(Scheme::new(jwt("c")).header("x-key")).cache(TokenCache::new(9)),
            None,
        ),
        (
            "a cache for nothing",
            asking().cache(TokenCache::new(9)),
            Some("`.cache(…)`, and no scheme whose answers may be in it"),
        ),
        ("conflicts of two", cookie().reject_conflicts(), None),
        ("conflicts of two schemes", gate().scheme(Scheme::new(own()).header("x-key")).reject_conflicts(), None),
        ("conflicts of one", gate().reject_conflicts(), Some("one source cannot conflict")),
        ("an origin and a cookie", cookie().allow_origin("https://a.test"), None),
        // Without a cookie, it has an effect on `check_origin`.
        ("an origin", gate().allow_origin("https://a.test"), None),
        ("any origin", gate().dangerous_allow_cross_origin(), None),
        ("revocations", gate().revocations(list()), None),
        (
            "revocations twice",
            gate().revocations(list()).revocations(list()),
            Some("`.revocations(…)` is called twice"),
        ),
        ("permissions", gate().permissions(["a:b"]).permissions(["c:d"]), Some("`.permissions(…)` is called twice")),
        (
            "roles on a kind",
            gate()
                .members(&Data::default())
                .roles_on("kb", RoleHierarchy::default())
                .roles_on("kb", RoleHierarchy::default()),
            Some("`.roles_on(\"kb\", …)` is called twice"),
        ),
        (
            "roles on two kinds",
            gate()
                .members(&Data::default())
                .roles_on("kb", RoleHierarchy::default())
                .roles_on("project", RoleHierarchy::default()),
            None,
        ),
    ] {
        told(what, problem(builder), expected);
    }
}
