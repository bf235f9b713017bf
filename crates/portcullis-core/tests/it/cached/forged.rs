//! Nothing is kept of what is refused.

use super::{
    alive::{alive, leave},
    *,
};
use crate::tokens::{HEADER, base64url, hs256, issuer, with_claims};
use std::collections::BTreeSet;

/// A gate with room for ten tokens of one secret, and two good ones that it knows.
fn knowing() -> (Gate, [String; 2]) {
    let jwt = Jwt::new(issuer()).clock(FixedClock::at(NOW));
    let gate = Gate::builder().scheme(Scheme::new(jwt).bearer()).cache(TokenCache::new(10)).build().unwrap();
    let good = ["a", "b"].map(|jti| with_claims(&claims(jti, "")));
    for token in &good {
        leave(ask(&gate, token).unwrap());
    }
    (gate, good)
}

fn ask(gate: &Gate, token: &str) -> Result<Principal, ErrorKind> {
    let who = gate.establish(&Head::new().bearer(token)).ready().unwrap();
    who.principal().cloned().map_err(|error| error.kind())
}

/// A good token's message, with another signature.
fn with_signature(token: &str, signature: impl AsRef<[u8]>) -> String {
    let message = token.rsplit_once('.').unwrap().0;
    format!("{message}.{}", base64url(signature))
}

#[test]
fn a_forged_token_is_refused_each_time_and_the_good_one_accepted() {
    let (gate, [good, other]) = knowing();
    let end = other.rsplit_once('.').unwrap().1;
    let message = good.rsplit_once('.').unwrap().0;
    let claims_of = |token: &str| token.split('.').nth(1).unwrap().to_owned();
    let forged = [
        with_signature(&good, [0; 32]),
        with_signature(&good, ""),
        // The end of a token that is known, after the beginning of another one that is.
        format!("{message}.{end}"),
        format!("{}.{}", base64url(r#"{"alg":"none"}"#), claims_of(&good)) + ".",
        format!("{}.{}.{end}", base64url(r#"{"alg":"HS256"}"#), claims_of(&other)),
        format!("{}.{}.{end}", base64url(HEADER), base64url(claims("b", r#","roles":["owner"]"#))),
        good.replacen('.', ".A", 1),
        good[1..].to_owned(),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
    ];
    let kept = alive();
    let first = [&good, &other].map(|token| ask(&gate, token).unwrap());
    for forged in &forged {
        for _ in 0..3 {
            assert!(ask(&gate, forged).is_err(), "{forged}");
        }
        for (token, first) in [&good, &other].into_iter().zip(&first) {
            assert!(share(first, &ask(&gate, token).unwrap()), "after {forged}");
        }
    }
    assert_eq!(alive(), kept);
}

/// A token that was refused before its time, or before its key was known, is accepted later all the same.
#[test]
fn a_refusal_is_not_remembered() {
    let rig = Rig::cached();
    rig.warm();
    let (early, new) = (signed(1, "k1", &claims("early", &format!(r#","nbf":{}"#, NOW + 70))), token(3, "new"));
    assert_eq!([&early, &new].map(|token| rig.refused(token)), [ErrorKind::Invalid; 2]);
    rig.publish(&[("k1", 1), ("k3", 3)]);
    rig.advance(10);
    rig.comes(&early);
    rig.comes(&new);
}

#[test]
fn ten_thousand_forged_tokens_push_nothing_out() {
    let (gate, good) = knowing();
    let first = good.each_ref().map(|token| ask(&gate, token).unwrap());
    let wanted: BTreeSet<String> = ["a", "b"].map(Into::into).into();
    for n in 0..10_000_u32 {
        let forged = match n % 5 {
            0 => with_signature(&good[0], hs256().sign_bytes(&n.to_le_bytes())),
            1 => format!("{n}"),
            2 => format!("{}.{}.{n}", base64url(HEADER), base64url("{}")),
            3 => hs256().sign(HEADER, &claims("expired", "").replace(&(NOW + 3600).to_string(), &n.to_string())),
            _ => hs256().sign(HEADER, &claims("", "").replace(ISSUER, "https://other.test")),
        };
        assert!(ask(&gate, &forged).is_err());
        if n % 1000 == 0 {
            assert!(share(&first[0], &ask(&gate, &good[0]).unwrap()));
        }
    }
    assert_eq!(alive(), wanted);
    for (token, first) in good.iter().zip(&first) {
        assert!(share(first, &ask(&gate, token).unwrap()));
    }
}
