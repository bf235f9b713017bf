//! A JWT that is asked about and that nobody verifies here: what it says of itself counts against it.

use super::{HERE, at, list, session, token_id, user};
use crate::{
    fresh::{active, upstream::Upstream},
    head::Head,
    tokens::{NOW, hs256},
};
use futures_util::FutureExt;
use portcullis_core::{
    Audience, Gate, Introspection, Issuer, Principal, RevocationList, Scheme, Verifier, WhoAmI, testing::FixedClock,
};
use std::time::Duration;

fn gates((list, clock): &(RevocationList, FixedClock), said: &str) -> [Gate; 2] {
    let upstream = Upstream::saying(active("alice", said));
    let issuer = || Issuer::without_keys(HERE, Audience::is("test")).unwrap().leeway(Duration::ZERO).unwrap();
    let introspection = Introspection::new(issuer(), "https://issuer.test/i", upstream.clone()).unwrap();
    let who_am_i = WhoAmI::new(issuer(), "https://issuer.test/me", upstream).unwrap();
    let gate = |verifier: Verifier| {
        Gate::builder()
            .scheme(Scheme::new(verifier).bearer())
            .clock(clock.clone())
            .revocations(list.clone())
            .build()
            .unwrap()
    };
    [gate(introspection.into()), gate(who_am_i.into())]
}

fn token(own: &str) -> String {
    let claims = format!(r#"{{"iss":"{HERE}","aud":"test","sub":"alice","exp":{}{own}}}"#, NOW + 300);
    hs256().sign(crate::tokens::HEADER, &claims)
}

fn come(gate: &Gate, token: &str) -> Result<Principal, u16> {
    let who = gate.establish(&Head::new().bearer(token)).now_or_never().unwrap();
    who.principal().cloned().map_err(|error| error.status())
}

fn statuses(own: &str, said: &str, revoke: impl Fn(&RevocationList)) -> [u16; 2] {
    let listed = list();
    revoke(&listed.0);
    gates(&listed, said).map(|gate| come(&gate, &token(own)).map_or_else(|status| status, |_| 200))
}

/// The answer says nothing of it, or something else.
const SAID: [&str; 2] = ["", r#","jti":"said","sid":"said""#];

#[test]
fn its_id_and_its_session() {
    for said in SAID {
        let token = |name: &'static str| statuses(r#","jti":"own""#, said, |list| list.revoke_token(&token_id(name)));
        assert_eq!((token("own"), token("other")), ([401; 2], [200; 2]), "where is said {said:?}");
        let of = |name: &'static str| statuses(r#","sid":"own""#, said, |list| list.end_session(&session(name)));
        assert_eq!((of("own"), of("other")), ([401; 2], [200; 2]), "where is said {said:?}");
    }
    for own in ["", r#","jti":"own","sid":"own""#] {
        let said = r#","jti":"said","sid":"said""#;
        let token = |name: &'static str| statuses(own, said, |list| list.revoke_token(&token_id(name)));
        assert_eq!((token("said"), token("other")), ([401; 2], [200; 2]), "where the token says {own:?}");
        let of = |name: &'static str| statuses(own, said, |list| list.end_session(&session(name)));
        assert_eq!((of("said"), of("other")), ([401; 2], [200; 2]), "where the token says {own:?}");
    }
}

/// An old time of its own refuses it; a new one does not let it in.
#[test]
fn when_it_was_issued() {
    let sign_out = |own: u64, said: &str| {
        statuses(&format!(r#","iat":{own}"#), said, |list| list.sign_out(&user("alice"), at(NOW - 100)))
    };
    let (old, new) = (NOW - 200, NOW - 50);
    let said = |time: u64| format!(r#","iat":{time}"#);
    assert_eq!(sign_out(old, &said(new)), [401; 2]);
    assert_eq!(sign_out(new, &said(old)), [401; 2]);
    assert_eq!(sign_out(new, ""), [401; 2], "nobody vouches for it");
    assert_eq!(sign_out(new, &said(new)), [200; 2]);
    // Where it says nothing, the answer is enough.
    let without = statuses("", &said(new), |list| list.sign_out(&user("alice"), at(NOW - 100)));
    assert_eq!(without, [200; 2]);
    let signed_in =
        statuses("", &format!(r#","auth_time":{new}"#), |list| list.sign_out(&user("alice"), at(NOW - 100)));
    assert_eq!(signed_in, [200; 2]);
}

#[test]
fn it_does_not_speak_for_it() {
    for gate in gates(&list(), "") {
        let alice = come(&gate, &token(r#","jti":"own","sid":"own","iat":5"#)).unwrap();
        assert_eq!((alice.session(), alice.token_id(), alice.issued_at()), (None, None, None));
        assert_eq!(alice.expires_at(), Some(at(NOW + 300)), "but it ends when it says so");
    }
}

/// Who came with it can be signed out without knowing any of its names.
#[test]
fn what_came_is_withdrawn() {
    for own in [r#","jti":"own""#, r#","sid":"own""#, ""] {
        let listed = list();
        for gate in gates(&listed, r#","iat":1"#) {
            let Ok(alice) = come(&gate, &token(own)) else { continue };
            listed.0.revoke(&alice);
            assert_eq!(come(&gate, &token(own)).map(drop), Err(401), "{own}");
            let other = token(r#","jti":"another","sid":"another""#);
            assert_eq!(come(&gate, &other).is_ok(), !own.is_empty(), "{own}");
        }
    }
}
