//! A gate asks its revocations about whomever a credential brings, whoever let them in.

use super::{HERE, list, seconds, session, token_id, user};
use crate::{
    asking::decide,
    fresh::{active, upstream::Upstream},
    head::Head,
    tokens::{NOW, issuer, verifier, with_more},
};
use futures_util::FutureExt;
use portcullis_core::{
    Audience, Authenticator, Credential, Error, ErrorKind, Gate, GateBuilder, Introspection, Issuer, Principal,
    PrincipalId, PrincipalKind, RevocationList, Scheme, SessionId, SharedSecret, TokenCache, WhoAmI,
    policy::*,
    testing::{FixedClock, acting_as},
};

/// Knows one credential, and answers at once or later.
#[derive(Debug)]
struct Own {
    later: bool,
}

impl Authenticator for Own {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        if self.later {
            tokio::task::yield_now().await;
        }
        match credential.expose() {
            "own" => Ok(Principal::new(PrincipalKind::User, "alice").with_issuer(HERE).with_session("hers")),
            _ => Err(Error::new(ErrorKind::Unrecognized, "not of this house")),
        }
    }
}

fn upstream() -> Upstream {
    Upstream::saying(active("alice", r#","sid":"hers""#))
}

fn introspection(issuer: Issuer) -> Introspection {
    Introspection::new(issuer, "https://issuer.test/i", upstream()).unwrap().clock(FixedClock::at(NOW))
}

fn who_am_i(issuer: Issuer) -> WhoAmI {
    WhoAmI::new(issuer, "https://issuer.test/me", upstream()).unwrap().clock(FixedClock::at(NOW))
}

fn without_keys() -> Issuer {
    Issuer::without_keys(HERE, Audience::is("test")).unwrap()
}

fn status(gate: &Gate, token: &str) -> u16 {
    let head = Head::new().bearer(token);
    let who = gate.establish(&head).now_or_never().expect("an answer at once");
    match decide(gate, &who, authenticated(), &head).now_or_never().unwrap() {
        Ok(_) => 200,
        Err(error) => gate.refuse(&error).status(),
    }
}

type Makes = fn(GateBuilder) -> GateBuilder;

#[test]
fn whoever_let_them_in() {
    let token = with_more(r#""sid":"hers""#);
    let rows: [(&str, &str, Makes); 10] = [
        ("verified", &token, |gate| gate.scheme(Scheme::new(verifier()).bearer())),
        ("verified, in a cache", &token, |gate| {
            gate.scheme(Scheme::new(verifier()).bearer()).cache(TokenCache::new(10))
        }),
        ("introspected", "opaque", |gate| gate.scheme(Scheme::new(introspection(without_keys())).bearer())),
        ("introspected and verified", &token, |gate| gate.scheme(Scheme::new(introspection(issuer())).bearer())),
        ("introspected if in a session", &token, |gate| {
            gate.scheme(Scheme::new(introspection(issuer()).sessions_only()).bearer())
        }),
        ("shown", "opaque", |gate| gate.scheme(Scheme::new(who_am_i(without_keys())).bearer())),
        ("shown and verified", &token, |gate| gate.scheme(Scheme::new(who_am_i(issuer())).bearer())),
        ("own", "own", |gate| gate.scheme(Scheme::new(Own { later: false }).bearer())),
        ("own, later", "own", |gate| gate.scheme(Scheme::new(Own { later: true }).bearer())),
        ("the second of two", "own", |gate| {
            gate.scheme(Scheme::new(verifier()).bearer()).scheme(Scheme::new(Own { later: true }).bearer())
        }),
    ];
    for (what, credential, make) in rows {
        let (list, clock) = list();
        let gate = make(Gate::builder()).clock(clock).revocations(list.clone()).build().unwrap();
        assert_eq!([status(&gate, credential), status(&gate, credential)], [200, 200], "{what}");
        list.end_session(&session("another"));
        list.end_session(&SessionId::new("hers").with_issuer("https://other.test"));
        assert_eq!(status(&gate, credential), 200, "{what}: of others");
        list.end_session(&session("hers"));
        assert_eq!([status(&gate, credential), status(&gate, credential)], [401, 401], "{what}");
        let free = make(Gate::builder()).build().unwrap();
        assert_eq!(status(&free, credential), 200, "{what}: where nobody asks");
    }
}

#[test]
fn a_shared_secret_is_somebody_too() {
    let secret = "a-secret-that-two-services-know-of";
    let machine = Principal::new(PrincipalKind::Service, "batch").with_issuer("ours");
    let (list, clock) = list();
    let verifier = SharedSecret::of(machine, secret).unwrap();
    let gate = Gate::builder().scheme(Scheme::new(verifier).bearer()).clock(clock);
    let gate = gate.revocations(list.clone()).build().unwrap();
    list.sign_out(&user("batch"), super::at(NOW));
    assert_eq!(status(&gate, secret), 200, "the one of another issuer");
    list.sign_out(&PrincipalId::new(PrincipalKind::User, "batch").with_issuer("ours"), super::at(NOW));
    assert_eq!(status(&gate, secret), 200, "a person of that name");
    list.sign_out(&PrincipalId::new(PrincipalKind::Service, "batch").with_issuer("ours"), super::at(NOW));
    assert_eq!(status(&gate, secret), 401);
    assert_eq!(status(&gate, "another-secret-as-long-as-that-one"), 401);
}

/// What is refused without is not asked about, and is refused for what it is.
#[test]
fn what_does_not_hold_is_not_taken_for_revoked() {
    let (list, clock) = list();
    let gate = Gate::builder().scheme(Scheme::new(verifier()).bearer()).clock(clock);
    let gate = gate.revocations(list.clone()).build().unwrap();
    list.sign_out(&user("alice"), super::at(NOW + 9));
    let why = |head: Head| {
        let who = gate.establish(&head).now_or_never().unwrap();
        who.principal().map(drop).map_err(|error| (error.kind(), error.code().to_owned()))
    };
    let revoked = with_more("");
    assert_eq!(why(Head::new()), Err((ErrorKind::Missing, "credential_missing".into())));
    assert_eq!(why(Head::new().bearer("abc")).unwrap_err().0, ErrorKind::Unrecognized);
    assert_eq!(why(Head::new().bearer(&revoked)), Err((ErrorKind::Invalid, "invalid_token".into())));
    let refused = gate.establish(&Head::new().bearer(&revoked)).now_or_never().unwrap();
    assert!(refused.principal().unwrap_err().to_string().contains("revoked"), "the log says so");
    assert_eq!(gate.establish(&Head::new()).now_or_never().unwrap().visitor().unwrap().map(drop), None);
}

#[test]
fn one_list_for_several_gates_and_one_gate_for_each_list() {
    let ((shared, clock), other) = (list(), RevocationList::new(seconds(100)));
    let gate = |list: &RevocationList| {
        let gate = Gate::builder().scheme(Scheme::new(verifier()).bearer()).clock(clock.clone());
        gate.revocations(list.clone()).build().unwrap()
    };
    let gates = [gate(&shared), gate(&shared), gate(&shared.clone()), gate(&other)];
    let token = with_more(r#""jti":"t""#);
    assert_eq!(gates.each_ref().map(|gate| status(gate, &token)), [200; 4]);
    shared.revoke_token(&token_id("t"));
    assert_eq!(gates.each_ref().map(|gate| status(gate, &token)), [401, 401, 401, 200]);
    assert_eq!(gates.each_ref().map(|gate| status(gate, &with_more(r#""jti":"u""#))), [200; 4]);
    // Whom a test acts as came with no credential, which could be withdrawn.
    shared.sign_out(&user("alice"), super::at(NOW) + seconds(5));
    let acting = gates[0].acting_as(acting_as("alice").with_issuer(HERE));
    assert_eq!((status(&acting, ""), status(&gates[0], &with_more(r#""jti":"u""#))), (200, 401));
}
