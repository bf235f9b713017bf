//! An issuer with keys: what is verified here first, and what the answer may still change.

use super::{ME, Outcome, RIGHTS, ask, assert_is, begun, client::*, down, poll, seconds, subject};
use crate::tokens::{HEADER, ISSUER, NOW, PASSES, Want, expired, hs256, invalid, issuer};
use portcullis_core::{ClaimMap, Rules, WhoAmI, testing::FixedClock};
use std::time::SystemTime;

/// What the issuer says of the token of Alice.
const SAYS: &str = r#"{"sub":"alice","aud":"test"}"#;

fn service(answer: &str) -> Service {
    Service::saying(ok(answer), ok(r#"{"admin":true}"#))
}

/// The issuer of [`token`], asked at both addresses for the whole answers.
fn asking(service: &Service, clock: &FixedClock) -> WhoAmI {
    let issuer = issuer().claim_map(ClaimMap::new().staff("admin").unwrap());
    WhoAmI::new(issuer, ME, service.clone()).unwrap().and(RIGHTS).unwrap().clock(clock.clone())
}

fn ask_once(service: &Service, token: &str) -> Outcome {
    ask(&asking(service, &FixedClock::at(NOW)), token)
}

/// A good token with these members after the others.
fn token(more: &str) -> String {
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"test","sub":"alice","exp":{}{more}}}"#, NOW + 300);
    hs256().sign(HEADER, &claims)
}

/// The same with one character of the signature changed.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{signed}.{first}{}", &signature[1..])
}

/// What the answer says counts, rather than the token; whom it is about, both have to say.
#[test]
fn the_token_and_the_answer() {
    let somebody_else = || invalid("the issuer's answer is about another principal than the token");
    let rows: [(&str, &str, Want); 9] = [
        ("the same", SAYS, PASSES),
        ("escaped", r#"{"s\u0075b":"\u0061lice","aud":"test"}"#, PASSES),
        ("somebody else", r#"{"sub":"mallory","aud":"test"}"#, somebody_else()),
        ("almost the same", r#"{"sub":"Alice","aud":"test"}"#, somebody_else()),
        ("more than the same", r#"{"sub":"alice ","aud":"test"}"#, somebody_else()),
        ("nobody", r#"{"aud":"test"}"#, invalid("has no valid subject")),
        ("for others, which the token says", r#"{"sub":"alice","aud":"other"}"#, PASSES),
        ("for whom only the token says", r#"{"sub":"alice"}"#, PASSES),
        ("another issuer's", r#"{"sub":"alice","aud":"test","iss":"https://other.test"}"#, invalid("not of")),
    ];
    for (what, answer, want) in rows {
        let service = service(answer);
        let asking = asking(&service, &FixedClock::at(NOW));
        for _ in 0..3 {
            assert_is(what, &ask(&asking, &token("")), want);
        }
        assert_eq!(service.asked(), 2, "{what}: remembered");
    }
    // A flag of the token is not believed, nor is its absence.
    let flag = |admin: &str| Service::saying(ok(SAYS), ok(format!(r#"{{"admin":{admin}}}"#)));
    assert!(!ask_once(&flag("false"), &token(r#","admin":true"#)).unwrap().is_staff());
    assert!(!ask_once(&flag("null"), &token(r#","admin":true"#)).unwrap().is_staff());
    assert!(ask_once(&flag("true"), &token(r#","admin":false"#)).unwrap().is_staff());
}

/// A token has to say what tokens have to, and an answer about it what answers have to. Of an opaque token the answer says
/// both.
#[test]
fn two_sets_of_rules() {
    let of_tokens = || Rules::new().require("/use/as", "access").unwrap().forbid("share").unwrap();
    let of_answers = || Rules::new().if_present("/profile/status", ["active", "invited"]).unwrap();
    let issuer = issuer().claim_map(ClaimMap::new()).rules(of_tokens()).max_token_age(seconds(60));
    let asks = |service: &Service| {
        let asks = WhoAmI::new(issuer.clone(), ME, service.clone()).unwrap();
        asks.rules(of_answers()).clock(FixedClock::at(NOW))
    };
    let good = token(&format!(r#","use":{{"as":"access"}},"iat":{NOW}"#));
    let whole = format!(r#"{{"sub":"alice","aud":"test","use":{{"as":"access"}},"iat":{NOW}}}"#);
    let suspended = r#"{"sub":"alice","profile":{"status":"suspended"}}"#;
    let not_active = || invalid("the claim `/profile/status` is not `active` or `invited`");
    let rows: [(&str, &str, &str, Want, usize); 12] = [
        ("UserInfo", &good, r#"{"sub":"alice"}"#, PASSES, 1),
        ("invited", &good, r#"{"sub":"alice","profile":{"status":"invited"}}"#, PASSES, 1),
        ("suspended", &good, suspended, not_active(), 1),
        ("what no token may have", &good, r#"{"sub":"alice","share":1}"#, PASSES, 1),
        ("a token of another use", &token(&format!(r#","iat":{NOW}"#)), &whole, invalid("`/use/as`"), 0),
        ("an old token", &token(r#","use":{"as":"access"},"iat":7"#), &whole, expired("too long ago"), 0),
        ("a share", &token(&format!(r#","use":{{"as":"access"}},"iat":{NOW},"share":1"#)), &whole, invalid("share"), 0),
        ("opaque", "abc", &whole, PASSES, 1),
        (
            "opaque, suspended",
            "abc",
            &whole.replace("\"iat", r#""profile":{"status":"suspended"},"iat"#),
            not_active(),
            1,
        ),
        ("opaque, for nobody", "abc", &whole.replace("aud", "x"), invalid("the token has no `aud`"), 1),
        ("opaque, of another use", "abc", &whole.replace("access", "x"), invalid("`/use/as` is not `access`"), 1),
        ("opaque, of no age", "abc", &whole.replace("iat", "x"), invalid("does not say when it was issued"), 1),
    ];
    for (what, token, answer, want, asked) in rows {
        let service = Service::saying(ok(answer), outage());
        assert_is(what, &ask(&asks(&service), token), want);
        assert_eq!(service.asked(), asked, "{what}");
    }
}

/// What is not proven here is shown to nobody.
#[test]
fn an_issuer_with_keys_hears_of_no_forged_tokens() {
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"test","sub":"alice","exp":{NOW}}}"#);
    let rows: [(&str, String, Want, usize); 8] = [
        ("good", token(""), PASSES, 2),
        ("opaque", "abc".into(), PASSES, 2),
        ("three parts and no JWT", "a.b.c".into(), PASSES, 2),
        ("forged", forged(&token("")), invalid("the signature does not fit"), 0),
        ("cut off", token("").split_at(token("").len() - 9).0.into(), invalid("the signature does not fit"), 0),
        ("expired", hs256().sign(HEADER, &claims), expired("expired 0 s ago"), 0),
        ("for others", hs256().sign(HEADER, &claims.replace("\"test\"", "\"x\"")), invalid("not for `test`"), 0),
        ("not yet", token(&format!(r#","nbf":{}"#, NOW + 61)), invalid("ahead"), 0),
    ];
    for (what, token, want, asked) in rows {
        let service = service(SAYS);
        assert_is(what, &ask_once(&service, &token), want);
        assert_eq!(service.asked(), asked, "{what}");
        if want.is_ok() {
            let service = Service::saying(status(401), outage());
            assert_is(what, &ask_once(&service, &token), invalid("refuses the token"));
            assert_eq!(service.asked(), 1, "{what}: the last word is the issuer's");
        }
    }
}

/// Until the first of the two ends, and what the token says counts at each request.
#[test]
fn expiry_is_the_token_s() {
    for (said, end) in [(None, 300), (Some(60), 60), (Some(300), 300), (Some(600), 300)] {
        let more = said.map_or(String::new(), |said| format!(r#","exp":{}"#, NOW + said));
        let clock = FixedClock::at(NOW);
        let service = service(&SAYS.replace('}', &format!("{more}}}")));
        let asking = asking(&service, &clock).remember(seconds(3600), seconds(3600));
        let principal = ask(&asking, &token("")).unwrap();
        assert_eq!(principal.expires_at(), Some(SystemTime::UNIX_EPOCH + seconds(NOW + end)), "{said:?}");
        clock.advance(seconds(end - 1));
        assert!(ask(&asking, &token("")).is_ok(), "{said:?}");
        assert_eq!(service.asked(), 2, "{said:?}");
        clock.advance(seconds(1));
        assert_is("over", &ask(&asking, &token("")), expired(""));
    }
}

#[test]
fn sessions_are_asked_about() {
    let only = |service: &Service| asking(service, &FixedClock::at(NOW)).sessions_only();
    let rows: [(&str, String, usize); 6] = [
        ("none", token(""), 0),
        ("one", token(r#","sid":"s1""#), 2),
        ("a number", token(r#","sid":7"#), 2),
        ("null", token(r#","sid":null"#), 2),
        ("another name", token(r#","session":"s1""#), 0),
        ("opaque", "abc".into(), 2),
    ];
    for (what, token, asked) in rows {
        let service = service(SAYS);
        let principal = ask(&only(&service), &token).unwrap();
        assert_eq!((subject(&Ok(principal.clone())), service.asked()), ("alice", asked), "{what}");
        assert_eq!(principal.is_staff(), asked > 0, "{what}: the answers were heard");
        let ended = Service::saying(status(401), outage());
        assert_eq!(ask(&only(&ended), &token).is_ok(), asked == 0, "{what}");
        let gone = Service::saying(ok(SAYS), outage());
        let outcome = ask(&only(&gone), &token);
        assert_is(what, &outcome, if asked == 0 { PASSES } else { down("connection refused") });
    }
    assert_is("forged", &ask(&only(&service(SAYS)), &forged(&token(r#","sid":7"#))), invalid("signature"));
    // The session is the token's, unless the answer names one.
    let session = |answer: &str| {
        let outcome = ask(&only(&service(answer)), &token(r#","sid":"s1""#));
        outcome.unwrap().session().map(|session| session.id().to_owned())
    };
    assert_eq!(session(SAYS).as_deref(), Some("s1"));
    assert_eq!(session(r#"{"sub":"alice","aud":"test","sid":"s2"}"#).as_deref(), Some("s2"));
}

/// A token that expires while its answer is on the way.
#[test]
fn an_answer_that_comes_late() {
    let (service, clock) = (Service::later(), FixedClock::at(NOW + 299));
    let asking = asking(&service, &clock);
    let token = token("");
    let mut waiting = begun(&asking, &token);
    service.answer(&token, ok(SAYS));
    clock.advance(seconds(1));
    service.answer(&token, ok("{}"));
    let late = poll(&mut waiting).unwrap();
    assert_eq!(
        late.unwrap().expires_at(),
        Some(SystemTime::UNIX_EPOCH + seconds(NOW + 300)),
        "and it says when it ended"
    );
    assert_is("the next request", &ask(&asking, &token), expired("expired 0 s ago"));
}
