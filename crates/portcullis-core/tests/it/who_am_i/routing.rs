//! Which tokens leave this service, and who is asked next.

use super::{ask, asking, asking_of, assert_is, client::*};
use crate::{
    head::Head,
    tokens::{ISSUER, NOW, PASSES, Want, base64url, invalid, unrecognized},
};
use futures_util::FutureExt;
use portcullis_core::{
    Audience, ErrorKind, Gate, Issuer, OpaqueTokens, Scheme,
    testing::{FixedClock, TestIssuer},
};

const OTHER: &str = "https://other.test";

/// A JWT that nobody signed.
fn unsigned(claims: &str) -> String {
    format!("{}.{}.c2ln", base64url(r#"{"alg":"HS256"}"#), base64url(claims))
}

#[test]
fn a_jwt_of_another_issuer_is_shown_to_nobody() {
    let another = || unrecognized("the token is not of `https://issuer.test`");
    let rows: [(&str, String, Want, usize); 14] = [
        ("opaque", "abc".into(), PASSES, 2),
        ("ours, whoever signed it", unsigned(r#"{"iss":"https://issuer.test"}"#), PASSES, 2),
        ("ours, escaped", unsigned(r#"{"i\u0073s":"https:\/\/issuer.test"}"#), PASSES, 2),
        ("of nobody", unsigned(r#"{"sub":"alice"}"#), PASSES, 2),
        ("no claims", unsigned("garbage"), invalid("the claims are not a JSON object"), 0),
        ("another's", unsigned(r#"{"iss":"https://other.test"}"#), another(), 0),
        ("another's, escaped", unsigned(r#"{"\u0069ss":"https:\/\/other.test"}"#), another(), 0),
        ("almost ours", unsigned(r#"{"iss":"https://issuer.test/"}"#), another(), 0),
        (
            "another's, unsigned",
            format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url(r#"{"iss":"x"}"#)),
            another(),
            0,
        ),
        ("no header of a JWT", format!("{}.{}.", base64url("{}"), base64url(r#"{"iss":"x"}"#)), PASSES, 2),
        ("as long as may be", "x".repeat(8192), PASSES, 2),
        ("longer", "x".repeat(8193), invalid("the token has more than 8192 bytes"), 0),
        ("a million", "x".repeat(1 << 20), invalid("more than 8192 bytes"), 0),
        ("two bytes each", "é".repeat(4097), invalid("more than 8192 bytes"), 0),
    ];
    for (what, token, want, asked) in rows {
        let service = Service::of_alice();
        let asking = asking(&service);
        for _ in 0..2 {
            assert_is(what, &ask(&asking, &token), want);
        }
        assert_eq!(service.asked(), asked, "{what}");
    }
}

/// Who is let in, as its issuer, or the kind of the refusal.
fn enter(gate: &Gate, token: &str) -> Result<String, ErrorKind> {
    let head = Head::new().bearer(token);
    let who = gate.establish(&head).now_or_never().expect("an answer at once");
    who.principal().map(|who| who.issuer().unwrap_or_default().to_owned()).map_err(|error| error.kind())
}

#[test]
fn keys_of_one_issuer_and_answers_of_another() {
    let test = TestIssuer::new();
    let other = || Issuer::without_keys(OTHER, Audience::absent()).unwrap().claim_map(super::map());
    for jwt_first in [true, false] {
        let service = Service::of_alice();
        let who = asking_of(other(), &service, &FixedClock::at(NOW));
        let jwt = Scheme::new(test.verifier()).bearer();
        // Whom every opaque token is shown to comes last.
        let gate = match jwt_first {
            true => Gate::builder().scheme(jwt).scheme(Scheme::new(who).bearer()),
            false => Gate::builder().scheme(Scheme::new(who.opaque_tokens(beginning())).bearer()).scheme(jwt),
        };
        let gate = gate.build().unwrap();
        let own = test.token("alice").sign();
        assert_eq!(enter(&gate, &own), Ok(ISSUER.into()));
        assert_eq!(enter(&gate, &format!("{own}x")), Err(ErrorKind::Invalid));
        assert_eq!(enter(&gate, &unsigned(r#"{"iss":"https://third.test"}"#)), Err(ErrorKind::Unrecognized));
        assert_eq!(service.asked(), 0, "none of that is shown to the other issuer");
        assert_eq!(enter(&gate, &unsigned(r#"{"iss":"https://other.test"}"#)), Ok(OTHER.into()));
        assert_eq!(enter(&gate, "opaque"), Ok(OTHER.into()));
        assert_eq!(service.asked(), 4);
        service.become_like(&Service::saying(status(401), outage()));
        assert_eq!(enter(&gate, "opaque-too"), Err(ErrorKind::Invalid));
        service.become_like(&Service::saying(status(500), outage()));
        assert_eq!(enter(&gate, "opaque-as-well"), Err(ErrorKind::Unavailable));
        assert_eq!((enter(&gate, &own), service.asked()), (Ok(ISSUER.into()), 6));
    }
}

/// What the opaque tokens here begin with.
fn beginning() -> OpaqueTokens {
    OpaqueTokens::new().prefix("opaque").unwrap()
}

/// Of two that are asked, the first knows opaque tokens by their beginning, and its refusal is final.
#[test]
fn a_refusal_is_no_reason_to_ask_the_next() {
    for (answer, want) in [
        (ok(super::ALICE), Ok(ISSUER.to_owned())),
        (status(401), Err(ErrorKind::Invalid)),
        (status(403), Err(ErrorKind::Invalid)),
        (ok("{}"), Err(ErrorKind::Invalid)),
        (status(500), Err(ErrorKind::Unavailable)),
        (outage(), Err(ErrorKind::Unavailable)),
    ] {
        let (first, second) = (Service::saying(answer, ok("{}")), Service::of_alice());
        let other = Issuer::without_keys(OTHER, Audience::absent()).unwrap().claim_map(super::map());
        let gate = Gate::builder()
            .scheme(Scheme::new(asking(&first).opaque_tokens(beginning())).bearer())
            .scheme(Scheme::new(asking_of(other, &second, &FixedClock::at(NOW))).bearer());
        let gate = gate.build().unwrap();
        assert_eq!(enter(&gate, "opaque"), want);
        assert_eq!(second.asked(), 0);
        assert_eq!(enter(&gate, &unsigned(r#"{"iss":"https://other.test"}"#)), Ok(OTHER.into()));
        assert_eq!(second.asked(), 2);
    }
}
