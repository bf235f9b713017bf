//! Tokens that hold and tokens that do not: the usual faults in every source, and rarer ones in the header.

use crate::{
    cast::{self, ISSUER, token},
    row::{Expected, Request, Row, get, ok, row, unauthorized},
};
use portcullis::{Algorithm, testing::TestIssuer};
use std::time::Duration;

/// A source, and how a token gets there.
type Carrier = (&'static str, fn(Request, &str) -> Request);

const CARRIERS: [Carrier; 6] = [
    ("cookie", |request, token| request.cookie(token)),
    ("bearer", |request, token| request.bearer(token)),
    ("header", |request, token| request.header("x-api-key", token)),
    ("query", |request, token| request.query("access_token", token)),
    ("websocket protocol", |request, token| {
        request.upgrade().header("sec-websocket-protocol", format!("bearer, {token}")).header("origin", ORIGIN)
    }),
    ("websocket query", |request, token| request.upgrade().query("ws_token", token)),
];

const ORIGIN: &str = "https://api.example.com";

pub fn rows() -> Vec<Row> {
    let (invalid, minute) = (|| unauthorized("invalid_token"), Duration::from_secs(60));
    let other = TestIssuer::new().named("https://other.test");
    let from_now = ISSUER.clock().seconds() + 61;
    let everywhere = [
        ("good", token("alice"), ok("alice")),
        ("the signature of another token", cast::badly_signed(), invalid()),
        ("another algorithm", cast::signed_with(Algorithm::Rs256), invalid()),
        ("another issuer", other.token("alice").sign(), invalid()),
        ("another audience", ISSUER.token("alice").claim("aud", "other").sign(), invalid()),
        ("expired", ISSUER.token("alice").expired_for(minute).sign(), unauthorized("token_expired")),
        ("not yet good", ISSUER.token("alice").claim("nbf", from_now).sign(), invalid()),
        ("of no kind that is known", "opaque-0123456789".to_owned(), invalid()),
    ];
    let rows = CARRIERS.iter().flat_map(|(source, put)| {
        everywhere.iter().map(move |(name, token, expected)| {
            row(format!("{source}: a token, {name}"), put(get("/me"), token), expected.clone())
        })
    });
    rows.chain(rarer()).collect()
}

fn rarer() -> impl Iterator<Item = Row> {
    let (good, now) = (token("alice"), ISSUER.clock().seconds());
    let alice = || ISSUER.token("alice");
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let key = ISSUER.signing_key();
    let header_text = r#"{"alg":"ES256","typ":"JWT"}"#;
    let twice = format!(r#"{{"iss":"https://issuer.test","aud":"test","sub":"bob","sub":"alice","exp":{}}}"#, now + 60);
    let invalid = || unauthorized("invalid_token");
    let rows: Vec<(&str, String, Expected)> = vec![
        ("an audience among others", alice().claim("aud", vec!["other", "test"]).sign(), ok("alice")),
        ("good from now on", alice().claim("nbf", now).sign(), ok("alice")),
        ("good in a minute, by a clock ahead", alice().claim("nbf", now + 60).sign(), ok("alice")),
        ("issued in a minute, by a clock ahead", alice().claim("iat", now + 60).sign(), ok("alice")),
        ("good for one more second", alice().claim("exp", now + 1).sign(), ok("alice")),
        ("expired right now", alice().claim("exp", now).sign(), unauthorized("token_expired")),
        ("without an expiry", alice().without("exp").sign(), invalid()),
        ("an expiry in words", alice().claim("exp", "tomorrow").sign(), invalid()),
        ("issued in the future", alice().claim("iat", now + 61).sign(), invalid()),
        ("without an issuer", alice().without("iss").sign(), invalid()),
        ("without an audience", alice().without("aud").sign(), invalid()),
        ("about nobody", alice().without("sub").sign(), invalid()),
        ("about an empty name", alice().claim("sub", "").sign(), invalid()),
        ("about two at once", key.sign(header_text, &twice), invalid()),
        ("unsigned, and saying so", cast::unsigned(), invalid()),
        ("without its signature", format!("{signed}."), invalid()),
        ("of two parts", signed.to_owned(), invalid()),
        ("of four parts", format!("{good}.{signature}"), invalid()),
        ("with its claims twice", format!("{header}.{claims}{claims}.{signature}"), invalid()),
        ("signed with the public key as a secret", cast::signed_with_the_public_key(), invalid()),
        ("with a critical header", alice().header("crit", vec!["exp"]).sign(), invalid()),
        ("of more than eight kilobytes", alice().claim("padding", "x".repeat(9000)).sign(), invalid()),
    ];
    rows.into_iter().map(|(name, token, expected)| row(format!("a token {name}"), get("/me").bearer(&token), expected))
}
