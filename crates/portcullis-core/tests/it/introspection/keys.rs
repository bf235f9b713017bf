//! An issuer whose keys have to be fetched before it is asked.

use super::{INACTIVE, active, ask, asking_of, assert_is, begun, client::*, down, jwt_of, poll};
use crate::{
    head::Head,
    tokens::{ISSUER, NOW, PASSES, base64url, invalid, unrecognized},
};
use futures_util::FutureExt;
use portcullis_core::{
    Algorithm, Audience, Gate, Introspection, Issuer, RemoteKeys, Scheme,
    testing::{FixedClock, SigningKey},
};

const P256: &[u8] = include_bytes!("../../../src/testing/keys/p256.spki");

/// The set with the one key of [`token`].
fn set() -> String {
    let (front, y) = P256.split_at(P256.len() - 32);
    let (x, y) = (base64url(&front[front.len() - 32..]), base64url(y));
    format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","kid":"1"}}]}}"#)
}

fn token(more: &str) -> String {
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"test","sub":"alice","exp":{}{more}}}"#, NOW + 300);
    SigningKey::embedded(Algorithm::Es256).sign(r#"{"alg":"ES256","kid":"1"}"#, &claims)
}

/// One endpoint for the keys and one for the questions.
fn asking(keys: &Endpoint, questions: &Endpoint) -> Introspection {
    let clock = FixedClock::at(NOW);
    let keys = RemoteKeys::jwks("https://issuer.test/jwks", keys.clone()).unwrap();
    let issuer = Issuer::new(ISSUER, Audience::is("test"), [Algorithm::Es256], keys).unwrap();
    asking_of(issuer, questions, &clock)
}

#[test]
fn first_the_keys_and_then_the_question() {
    let (keys, questions) = (Endpoint::later(), Endpoint::later());
    let asking = asking(&keys, &questions);
    let token = token("");
    let mut waiting: Vec<_> = (0..10).map(|_| begun(&asking, &token)).collect();
    assert_eq!((keys.asked(), questions.asked()), (1, 0));
    for waiting in &mut waiting {
        assert!(poll(waiting).is_none());
    }
    keys.answer_all(&ok(set()));
    for waiting in &mut waiting {
        assert!(poll(waiting).is_none(), "the issuer has the last word");
    }
    assert_eq!((keys.asked(), questions.asked()), (1, 1));
    questions.answer(&token, ok(active(&[])));
    for waiting in &mut waiting {
        assert_is("good", &poll(waiting).unwrap(), PASSES);
    }
    assert_is("remembered", &ask(&asking, &token), PASSES);
    assert_eq!((keys.asked(), questions.asked()), (1, 1));
}

#[test]
fn keys_that_prove_a_token_wrong() {
    let (keys, questions) = (Endpoint::later(), Endpoint::saying(active(&[])));
    let asking = asking(&keys, &questions);
    let mut bad = token("");
    bad.replace_range(bad.len() - 8.., "AAAAAAAA");
    let mut waiting = begun(&asking, &bad);
    keys.answer_all(&ok(set()));
    assert_is("forged", &poll(&mut waiting).unwrap(), invalid("the signature does not fit"));
    assert_eq!((keys.asked(), questions.asked()), (1, 0));
    questions.become_like(&Endpoint::saying(INACTIVE));
    assert_is("ended", &ask(&asking, &token("")), invalid("not active"));
    assert_eq!((keys.asked(), questions.asked()), (1, 1));
}

#[test]
fn without_keys_nothing_is_asked() {
    for (what, answer) in [("refused", outage()), ("garbage", ok("garbage")), ("no keys", ok(r#"{"keys":[]}"#))] {
        let (keys, questions) = (Endpoint::later(), Endpoint::saying(active(&[])));
        let asking = asking(&keys, &questions);
        let mut waiting = begun(&asking, &token(""));
        keys.answer_all(&answer);
        assert_is(what, &poll(&mut waiting).unwrap(), down("the issuer's keys "));
        assert_is(what, &ask(&asking, &token("")), down("the issuer's keys "));
        assert_eq!((keys.asked(), questions.asked()), (1, 0), "{what}: nobody is shown a token that is not verified");
        // What needs no keys goes on.
        assert_is(what, &ask(&asking, "opaque"), PASSES);
        assert_is(what, &ask(&asking, &jwt_of("https://other.test", "")), unrecognized(""));
        assert_eq!((keys.asked(), questions.asked()), (1, 1), "{what}");
    }
}

#[test]
fn who_leaves_while_the_keys_are_fetched_asks_nothing() {
    let (keys, questions) = (Endpoint::later(), Endpoint::saying(active(&[])));
    let asking = asking(&keys, &questions);
    drop(begun(&asking, &token("")));
    keys.answer_all(&ok(set()));
    assert_eq!((keys.asked(), questions.asked()), (1, 0));
    assert_is("with the keys that came", &ask(&asking, &token("")), PASSES);
    assert_eq!((keys.asked(), questions.asked()), (1, 1));
}

#[test]
fn sessions_and_keys() {
    let (keys, questions) = (Endpoint::later(), Endpoint::saying(INACTIVE));
    let asking = asking(&keys, &questions).sessions_only();
    let (mut plain, mut session) = (begun(&asking, &token("")), begun(&asking, &token(r#","sid":"7""#)));
    keys.answer_all(&ok(set()));
    assert_is("nothing to end", &poll(&mut plain).unwrap(), PASSES);
    assert_eq!(questions.asked(), 0);
    assert_is("ended", &poll(&mut session).unwrap(), invalid("not active"));
    assert_eq!((keys.asked(), questions.asked()), (1, 1));
}

/// In a gate, where each step has to be waited for.
#[test]
fn at_a_gate() {
    let (keys, questions) = (Endpoint::later(), Endpoint::later());
    let gate = Gate::builder().scheme(Scheme::new(asking(&keys, &questions)).bearer()).build().unwrap();
    let token = token("");
    let head = Head::new().bearer(&token);
    let mut who = Box::pin(gate.establish(&head));
    assert!((&mut who).now_or_never().is_none());
    keys.answer_all(&ok(set()));
    assert!((&mut who).now_or_never().is_none());
    questions.answer(&token, ok(active(&[])));
    assert_eq!((&mut who).now_or_never().unwrap().principal().unwrap().id().subject(), "alice");
    assert_eq!((keys.asked(), questions.asked()), (1, 1));
}
