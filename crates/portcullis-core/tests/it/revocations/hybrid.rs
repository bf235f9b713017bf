//! Tokens that are verified here and asked about as well: what the token says of itself counts, whatever is answered.

use super::{HERE, at, by, seconds, session, token_id, user};
use crate::{
    fresh::{active, upstream::Upstream},
    head::Head,
    tokens::{NOW, hs256, issuer},
};
use futures_util::FutureExt;
use portcullis_core::{Gate, Introspection, RevocationList, Scheme, Verifier, WhoAmI, testing::FixedClock};
use std::time::Duration;

/// A token with these members of its own.
fn token(own: &str) -> String {
    let claims = format!(r#"{{"iss":"{HERE}","aud":"test","sub":"alice","exp":{}{own}}}"#, NOW + 300);
    hs256().sign(crate::tokens::HEADER, &claims)
}

/// What the gates answer a token with these members, of which is said this.
fn statuses(own: &str, said: &str, revoke: impl Fn(&RevocationList)) -> [u16; 2] {
    let clock = FixedClock::at(NOW);
    let list = by(&clock, RevocationList::new(seconds(900)));
    revoke(&list);
    let upstream = Upstream::saying(active("alice", said));
    let issuer = || issuer().leeway(Duration::ZERO).unwrap();
    let introspection = Introspection::new(issuer(), "https://issuer.test/introspect", upstream.clone()).unwrap();
    let who_am_i = WhoAmI::new(issuer(), "https://issuer.test/me", upstream.clone()).unwrap();
    let gate = |verifier: Verifier| {
        Gate::builder()
            .scheme(Scheme::new(verifier).bearer())
            .clock(clock.clone())
            .revocations(list.clone())
            .build()
            .unwrap()
    };
    let gates = [gate(introspection.into()), gate(who_am_i.into())];
    let found = gates.map(|gate| {
        let who = gate.establish(&Head::new().bearer(&token(own))).now_or_never().unwrap();
        who.principal().map_or_else(|error| error.status(), |_| 200)
    });
    assert_eq!(upstream.asked(), 2, "each of them asks");
    found
}

/// Nothing is said of the token's names, or the answer has names of its own.
const SAID: [&str; 2] = ["", r#","jti":"said","sid":"said","iat":1767268800"#];

#[test]
fn the_tokens_own_id_counts() {
    for said in SAID {
        let revoked = |name: &'static str| statuses(r#","jti":"own""#, said, |list| list.revoke_token(&token_id(name)));
        assert_eq!((revoked("own"), revoked("other")), ([401; 2], [200; 2]), "where is said {said:?}");
    }
}

#[test]
fn the_tokens_own_session_counts() {
    for said in SAID {
        let revoked = |name: &'static str| statuses(r#","sid":"own""#, said, |list| list.end_session(&session(name)));
        assert_eq!((revoked("own"), revoked("other")), ([401; 2], [200; 2]), "where is said {said:?}");
    }
}

#[test]
fn when_the_token_itself_was_issued_counts() {
    let iat = format!(r#","iat":{}"#, NOW - 10);
    for said in SAID {
        let revoked = |before| statuses(&iat, said, |list| list.sign_out(&user("alice"), at(before)));
        assert_eq!((revoked(NOW - 10), revoked(NOW - 11)), ([401; 2], [200; 2]), "where is said {said:?}");
    }
}

/// What the issuer says counts as well: it may know of a session that the token does not name.
#[test]
fn what_is_said_counts_too() {
    let said = r#","jti":"said","sid":"said""#;
    for own in ["", r#","jti":"own","sid":"own""#] {
        let token = |name: &'static str| statuses(own, said, |list| list.revoke_token(&token_id(name)));
        assert_eq!((token("said"), token("other")), ([401; 2], [200; 2]), "where the token says {own:?}");
        let of = |name: &'static str| statuses(own, said, |list| list.end_session(&session(name)));
        assert_eq!((of("said"), of("other")), ([401; 2], [200; 2]), "where the token says {own:?}");
    }
}
