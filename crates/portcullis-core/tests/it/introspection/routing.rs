//! Which tokens an issuer is asked about, which ones never leave this service, and who is asked next.

use super::{
    INACTIVE, URL, active, ask, asking, asking_of, assert_is, client::Endpoint, jwt_of, with_keys, without_keys,
};
use crate::{
    head::Head,
    tokens::{HEADER, ISSUER, NOW, PASSES, Want, base64url, expired, hs256, invalid, unrecognized, with_header},
};
use futures_util::FutureExt;
use portcullis_core::{
    Algorithm, Audience, ClaimMap, Error, ErrorKind, Gate, Introspection, Issuer, Jwt, OpaqueTokens, Rules, Scheme,
    testing::{FixedClock, SigningKey, TestIssuer},
};

const OTHER: &str = "https://other.test";

/// Each row on a fresh verifier: what came of it, and how often the issuer was asked.
fn hold(make: impl Fn(&Endpoint) -> Introspection, rows: &[(&str, String, Want, usize)]) {
    for (what, token, want, asked) in rows {
        let endpoint = Endpoint::saying(active(&[]));
        assert_is(what, &ask(&make(&endpoint), token), *want);
        assert_eq!(endpoint.asked(), *asked, "{what}: how often it is asked");
        if want.is_ok() && *asked > 0 {
            // Its last word is the issuer's.
            let endpoint = Endpoint::saying(INACTIVE);
            assert_is(what, &ask(&make(&endpoint), token), invalid("not active"));
            assert_eq!(endpoint.asked(), 1, "{what}");
        }
    }
}

fn ours(more: &str) -> String {
    jwt_of(ISSUER, more)
}

/// The same with one character of the signature changed.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{signed}.{first}{}", &signature[1..])
}

fn unsigned(claims: &str) -> String {
    format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url(claims))
}

fn signed(claims: &str) -> String {
    hs256().sign(HEADER, claims)
}

/// The longest token of ours with no more than 8192 bytes, and the shortest with more.
fn around_the_limit() -> (String, String) {
    let tokens = (5500..).map(|more| ours(&format!(r#","x":"{}""#, "x".repeat(more))));
    let mut last = String::new();
    for token in tokens {
        if token.len() > 8192 {
            return (last, token);
        }
        last = token;
    }
    unreachable!("tokens grow");
}

#[test]
fn an_issuer_with_keys_hears_of_no_forged_tokens() {
    let late = format!(r#"{{"iss":"{ISSUER}","aud":"test","sub":"alice","exp":{NOW}}}"#);
    let foreign = SigningKey::embedded(Algorithm::Es256).sign(r#"{"alg":"ES256"}"#, &late);
    hold(
        |endpoint| asking_of(with_keys(), endpoint, &FixedClock::at(NOW)),
        &[
            ("opaque", "2YotnFZFEjr1zCsicMWpAA".into(), PASSES, 1),
            ("ours", ours(""), PASSES, 1),
            ("forged", forged(&ours("")), invalid("the signature does not fit"), 0),
            ("cut off", ours("").split_at(ours("").len() - 10).0.to_owned(), invalid("the signature does not fit"), 0),
            ("unsigned", unsigned(&late), invalid(""), 0),
            ("another algorithm", foreign, invalid(""), 0),
            ("another type", with_header(r#"{"alg":"HS256","typ":"id+jwt"}"#), invalid("`typ`"), 0),
            ("expired", signed(&late), expired("expired 0 s ago"), 0),
            ("for others", signed(&late.replace("\"test\"", "\"x\"")), invalid("not for `test`"), 0),
            ("no `exp`", signed(&late.replace("exp", "until")), invalid("no `exp`"), 0),
            ("no `iss`", signed(&late.replace("iss", "from")), unrecognized("no `iss`"), 0),
            ("`iss` a number", signed(&late.replace(&format!("\"{ISSUER}\""), "7")), unrecognized("not a string"), 0),
            ("another issuer", jwt_of(OTHER, ""), unrecognized("accepted are `https://issuer.test`"), 0),
            ("another issuer, forged", forged(&jwt_of(OTHER, "")), unrecognized("accepted are"), 0),
            ("almost this issuer", jwt_of("https://issuer.test/", ""), unrecognized("accepted are"), 0),
        ],
    );
}

#[test]
fn an_issuer_without_keys_is_asked_about_its_jwts() {
    let claims = format!(r#"{{"iss":"{ISSUER}","sub":"alice"}}"#);
    hold(
        asking,
        &[
            ("opaque", "2YotnFZFEjr1zCsicMWpAA".into(), PASSES, 1),
            ("ours", ours(""), PASSES, 1),
            ("what it leaves out its issuer may say", signed(&claims), PASSES, 1),
            ("forged, for all that is known here", forged(&ours("")), PASSES, 1),
            ("of nobody", signed(r#"{"sub":"alice"}"#), PASSES, 1),
            ("another issuer", jwt_of(OTHER, ""), unrecognized("not of"), 0),
            ("another issuer, escaped", jwt_of("https:\\/\\/other.test", ""), unrecognized("not of"), 0),
            ("ours, escaped", jwt_of("https:\\/\\/issuer.test", ""), PASSES, 1),
            ("another issuer, unsigned", unsigned(r#"{"iss":"x"}"#), unrecognized("not of"), 0),
            ("ours, unsigned", unsigned(&claims), invalid("the token is not signed"), 0),
            ("an algorithm that the issuer may know", of_header(r#"{"alg":"ES256K"}"#, ""), PASSES, 1),
        ],
    );
}

/// A token of ours below this header.
fn of_header(header: &str, more: &str) -> String {
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"test","sub":"alice"{more}}}"#);
    format!("{}.{}.c2ln", base64url(header), base64url(claims))
}

/// It is believed without a signature, with keys and without.
#[test]
fn what_a_token_says_against_itself() {
    let rules = || Rules::new().forbid("share").unwrap().if_present("status", ["active"]).unwrap();
    let issuer = |issuer: Issuer| issuer.rules(rules());
    let claims = |claims: &str| signed(&format!(r#"{{"iss":"{ISSUER}","sub":"alice",{claims}}}"#));
    let usual = |more: &str| claims(&format!(r#""aud":"test","exp":{}{more}"#, NOW + 1));
    let at = |name: &str, seconds: u64| usual(&format!(r#","{name}":{seconds}"#));
    let rows = [
        ("nothing", usual(""), PASSES, 1),
        ("for others", claims(&format!(r#""aud":"other","exp":{}"#, NOW + 1)), invalid("not for `test`"), 0),
        ("for others too", claims(&format!(r#""aud":["other","test"],"exp":{}"#, NOW + 1)), PASSES, 1),
        ("for nobody", claims(&format!(r#""aud":[],"exp":{}"#, NOW + 1)), invalid("not for `test`"), 0),
        ("expired", claims(&format!(r#""aud":"test","exp":{NOW}"#)), expired("expired 0 s ago"), 0),
        ("an end that is no time", claims(r#""aud":"test","exp":"never""#), invalid("`exp` is not a time"), 0),
        ("now", at("nbf", NOW), PASSES, 1),
        ("not yet", at("nbf", NOW + 3600), invalid("`nbf`"), 0),
        ("issued tomorrow", at("iat", NOW + 3600), invalid("`iat`"), 0),
        ("a share", usual(r#","share":"s1""#), invalid("with the claim `share`"), 0),
        ("active", usual(r#","status":"active""#), PASSES, 1),
        ("suspended", usual(r#","status":"suspended""#), invalid("the claim `status`"), 0),
        ("an ID token", with_header(r#"{"alg":"HS256","typ":"id+jwt"}"#), invalid("`typ`"), 0),
        ("another's", jwt_of(OTHER, r#","share":1"#), unrecognized(""), 0),
    ];
    hold(|endpoint| asking_of(issuer(without_keys()), endpoint, &FixedClock::at(NOW)), &rows);
    hold(|endpoint| asking_of(issuer(with_keys()), endpoint, &FixedClock::at(NOW)), &rows);
    let absent = || issuer(Issuer::without_keys(ISSUER, Audience::absent()).unwrap());
    let rows = [("it has an `aud`", usual(""), invalid("meant for another service"), 0)];
    hold(|endpoint| asking_of(absent(), endpoint, &FixedClock::at(NOW)).dangerous_any_client(), &rows);
    let client = || issuer(Issuer::without_keys(ISSUER, Audience::client_id("app")).unwrap());
    let rows = [("another client", claims(r#""client_id":"other""#), invalid("`client_id`"), 0)];
    hold(|endpoint| asking_of(client(), endpoint, &FixedClock::at(NOW)).dangerous_any_client(), &rows);
}

/// What presents itself as a JWT and is none that is read here, and what is encrypted, is shown to nobody.
#[test]
fn tokens_that_are_not_read_are_shown_to_nobody() {
    let refused = |what, header: &str, why| (what, of_header(header, ""), invalid(why), 0);
    let encrypted = format!("{}.e.e.e.e", base64url(r#"{"alg":"dir","enc":"A256GCM"}"#));
    let rows = [
        ("good", ours(""), PASSES, 1),
        ("encrypted", encrypted.clone(), invalid("the token is encrypted (JWE)"), 0),
        ("five parts", format!("{}.e.e.e.e", base64url(HEADER)), invalid("encrypted"), 0),
        refused("extensions", r#"{"alg":"HS256","crit":["exp"]}"#, "`crit`"),
        refused("compressed", r#"{"alg":"HS256","zip":"DEF"}"#, "`zip`"),
        refused("not encoded", r#"{"alg":"HS256","b64":false}"#, "`b64`"),
        refused("a token in a token", r#"{"alg":"HS256","cty":"JWT"}"#, "`cty`"),
        refused("an algorithm that is no text", r#"{"alg":256}"#, "`alg`"),
        refused("two algorithms", r#"{"alg":"HS256","alg":"none"}"#, "the header is a JSON object with a duplicate"),
        refused("a lone surrogate", r#"{"alg":"HS256","x":"\ud800"}"#, "the header is not a JSON object"),
        refused(
            "deep",
            &format!(r#"{{"alg":"HS256","x":{}1{}}}"#, "[".repeat(99), "]".repeat(99)),
            "nested too deeply",
        ),
        ("duplicate claims", ours(r#","aud":"other""#), invalid("the claims are a JSON object with a duplicate"), 0),
        ("a space in front", format!(" {}", ours("")), invalid("the header is not base64url"), 0),
        ("claims of one", format!("{}.W10.c2ln", base64url(HEADER)), invalid("the claims are not a JSON object"), 0),
        ("claims cut off", format!("{}.ey.c2ln", base64url(HEADER)), invalid("the claims are not"), 0),
    ];
    hold(asking, &rows);
    hold(|endpoint| asking_of(with_keys(), endpoint, &FixedClock::at(NOW)), &rows);
    // And to nobody behind a verifier.
    let endpoint = Endpoint::saying(active(&[]));
    let gate = Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
        .scheme(Scheme::new(asking_other(&endpoint)).bearer());
    let gate = gate.build().unwrap();
    for token in
        [encrypted, of_header(r#"{"alg":"HS256","crit":["exp"]}"#, ""), format!("{}.W10.c2ln", base64url(HEADER))]
    {
        assert_eq!((enter(&gate, &token), endpoint.asked()), (Err(ErrorKind::Invalid), 0), "{token}");
    }
}

/// An opaque credential gets past a verifier, whatever its dots and however long it is.
#[test]
fn opaque_credentials_with_dots() {
    let endpoint = Endpoint::saying(active(&[]));
    let long = asking_of(without_keys().max_token_bytes(20_000), &endpoint, &FixedClock::at(NOW));
    let gate =
        Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).scheme(Scheme::new(long).bearer());
    let gate = gate.build().unwrap();
    let tokens = [
        "a.b.c".to_owned(),
        "ya29.a0AfH6SMBx-_.Z9".to_owned(),
        "..".to_owned(),
        "a.b.c.d.e".to_owned(),
        format!("{}.b.c", base64url(r#"{"typ":"opaque"}"#)),
        format!("{}.b.c", base64url("[1]")),
        "x".repeat(20_000),
        format!("x.y.{}", "z".repeat(19_996)),
    ];
    for (at, token) in tokens.iter().enumerate() {
        assert_eq!((enter(&gate, token), endpoint.asked()), (Ok(ISSUER.into()), at + 1), "{token}");
    }
    assert_eq!((enter(&gate, &"x".repeat(20_001)), endpoint.asked()), (Err(ErrorKind::Invalid), tokens.len()));
}

/// Whatever `iss` says, as long as the issuer's own key or its own word vouches for the token.
#[test]
fn an_issuer_of_any_name() {
    let no_iss = format!(r#"{{"aud":"test","sub":"alice","exp":{}}}"#, NOW + 300);
    hold(
        |endpoint| asking_of(with_keys().dangerous_any_name(), endpoint, &FixedClock::at(NOW)),
        &[
            ("ours", ours(""), PASSES, 1),
            ("another name", jwt_of(OTHER, ""), PASSES, 1),
            ("no name", signed(&no_iss), PASSES, 1),
            ("forged", forged(&jwt_of(OTHER, "")), invalid("the signature does not fit"), 0),
        ],
    );
    let any = || without_keys().dangerous_any_name();
    hold(
        |endpoint| asking_of(any(), endpoint, &FixedClock::at(NOW)),
        &[("another name", jwt_of(OTHER, ""), PASSES, 1), ("too long", "x".repeat(8193), invalid("8192"), 0)],
    );
    for (iss, want) in [(r#""https://other.test""#, PASSES), ("", PASSES), ("7", invalid("`iss` is not a string"))] {
        let endpoint = Endpoint::saying(active(&[("iss", iss)]));
        assert_is(iss, &ask(&asking_of(any(), &endpoint, &FixedClock::at(NOW)), "opaque"), want);
        assert_eq!(endpoint.asked(), 1);
    }
}

/// What merely has the dots of a JWT is opaque.
#[test]
fn garbage_in_three_parts() {
    let claims = |text: &[u8]| format!("{}.{}.c2ln", base64url(HEADER), base64url(text));
    let rows: Vec<(&str, String, Want, usize)> = vec![
        ("a header without `alg`", format!("{}.W10.c2ln", base64url(r#"{"typ":"JWT"}"#)), PASSES, 1),
        ("letters", "a.b.c".into(), PASSES, 1),
        ("dots", "..".into(), PASSES, 1),
        ("no claims", format!("{}..c2ln", base64url(HEADER)), invalid("the claims are not a JSON object"), 0),
        ("no JSON", claims(b"garbage"), invalid("the claims are not a JSON object"), 0),
        ("no object", claims(b"[]"), invalid("the claims are not a JSON object"), 0),
        ("no UTF-8", claims(b"{\"iss\":\"\xff\"}"), invalid("the claims are not UTF-8"), 0),
        ("four parts", format!("{}.e.e.e", base64url(HEADER)), PASSES, 1),
        ("two parts", "a.b".into(), PASSES, 1),
    ];
    hold(asking, &rows);
    hold(|endpoint| asking_of(with_keys(), endpoint, &FixedClock::at(NOW)), &rows);
}

#[test]
fn long_tokens_are_not_passed_on() {
    let (longest, longer) = around_the_limit();
    assert!((8190..=8192).contains(&longest.len()) && (8193..8196).contains(&longer.len()));
    let rows = [
        ("opaque, 8192", "x".repeat(8192), PASSES, 1),
        ("opaque, 8193", "x".repeat(8193), invalid("more than 8192 bytes"), 0),
        ("opaque, a million", "x".repeat(1 << 20), invalid("more than 8192 bytes"), 0),
        ("dots", ".".repeat(8193), invalid("more than 8192 bytes"), 0),
        ("two bytes each", "é".repeat(4097), invalid("more than 8192 bytes"), 0),
        ("ours, the longest", longest, PASSES, 1),
        ("ours, longer", longer, invalid("more than 8192 bytes"), 0),
    ];
    hold(asking, &rows);
    hold(|endpoint| asking_of(with_keys(), endpoint, &FixedClock::at(NOW)), &rows);
}

/// Good tokens of people with many roles or groups are long; how long, each issuer knows for itself.
#[test]
fn how_long_a_token_may_be_is_its_issuer_s() {
    let long = ours(&format!(r#","groups":"{}""#, "x".repeat(16_000)));
    let (bytes, limit) = (long.len(), || invalid("; Issuer::max_token_bytes sets how many it may have"));
    let opaque = |bytes: usize| "x".repeat(bytes);
    let rows = |bytes: usize| {
        [
            (
                "long",
                long.clone(),
                if long.len() <= bytes { PASSES } else { limit() },
                usize::from(long.len() <= bytes),
            ),
            ("opaque", opaque(bytes), PASSES, 1),
            ("opaque and longer", opaque(bytes + 1), limit(), 0),
        ]
    };
    for bytes in [8192, bytes - 1, bytes, 64 << 10] {
        hold(|at| asking_of(without_keys().max_token_bytes(bytes), at, &FixedClock::at(NOW)), &rows(bytes));
        hold(|at| asking_of(with_keys().max_token_bytes(bytes), at, &FixedClock::at(NOW)), &rows(bytes));
    }
    // Of several issuers in one verifier each has its own.
    let other = Issuer::new(OTHER, Audience::is("test"), [Algorithm::Hs256], hs256().key()).unwrap();
    for (ours, theirs) in [(bytes, 100), (100, bytes), (bytes, bytes)] {
        let verifier =
            Jwt::new(with_keys().max_token_bytes(ours)).issuer(other.clone().max_token_bytes(theirs)).unwrap();
        let verifier = verifier.clock(FixedClock::at(NOW));
        let found = verifier.verify(&long).map(drop).map_err(|error| (error.kind(), error.to_string()));
        let refused =
            format!("the token has more than {ours} bytes; Issuer::max_token_bytes sets how many it may have");
        assert_eq!(found, if ours < bytes { Err((ErrorKind::Invalid, refused)) } else { Ok(()) });
        assert_eq!(verifier.verify(&jwt_of(OTHER, "")).is_ok(), theirs == bytes);
    }
}

#[test]
fn sessions_are_asked_about() {
    let with_sid = |value: &str| ours(&format!(r#","sid":{value}"#));
    let usual = |endpoint: &Endpoint| asking_of(with_keys(), endpoint, &FixedClock::at(NOW));
    hold(
        |endpoint| usual(endpoint).sessions_only(),
        &[
            ("none", ours(""), PASSES, 0),
            ("one", with_sid(r#""7""#), PASSES, 1),
            ("a number", with_sid("7"), PASSES, 1),
            ("empty", with_sid(r#""""#), PASSES, 1),
            ("null", with_sid("null"), PASSES, 1),
            ("another name", ours(r#","Sid":"7""#), PASSES, 0),
            ("opaque", "opaque".into(), PASSES, 1),
            ("forged", forged(&with_sid("7")), invalid("signature"), 0),
            ("forged without one", forged(&ours("")), invalid("signature"), 0),
            ("another issuer", jwt_of(OTHER, r#","sid":"7""#), unrecognized(""), 0),
        ],
    );
    hold(
        |endpoint| {
            let map = ClaimMap::new().session("/session/id").unwrap();
            asking_of(with_keys().claim_map(map), endpoint, &FixedClock::at(NOW)).sessions_only()
        },
        &[
            ("none", ours(r#","session":{}"#), PASSES, 0),
            ("one", ours(r#","session":{"id":7}"#), PASSES, 1),
            ("elsewhere", ours(r#","/session/id":7"#), PASSES, 0),
        ],
    );
    // Without keys nothing is taken as it is.
    hold(|endpoint| asking(endpoint).sessions_only(), &[("none", ours(""), PASSES, 1)]);
}

/// What a JWT says counts at each request, whatever is remembered of the issuer's answer.
#[test]
fn a_jwt_expires_while_it_is_remembered() {
    let (endpoint, clock) = (Endpoint::saying(active(&[])), FixedClock::at(NOW));
    let asking = asking_of(with_keys(), &endpoint, &clock).remember(super::seconds(3600), super::seconds(3600));
    assert_is("good", &ask(&asking, &ours("")), PASSES);
    clock.advance(super::seconds(299));
    assert_is("still good", &ask(&asking, &ours("")), PASSES);
    clock.advance(super::seconds(1));
    assert_is("expired", &ask(&asking, &ours("")), expired("expired 0 s ago"));
    assert_eq!(endpoint.asked(), 1);
}

/// Who is let in, as it says on the principal, or the kind of the refusal.
fn enter(gate: &Gate, token: &str) -> Result<String, ErrorKind> {
    let head = Head::new().bearer(token);
    let who = gate.establish(&head).now_or_never().expect("an answer at once");
    who.principal().map(|who| who.issuer().unwrap_or_default().to_owned()).map_err(|error: Error| error.kind())
}

fn asking_other(endpoint: &Endpoint) -> Introspection {
    asking_of(Issuer::without_keys(OTHER, Audience::is("test")).unwrap(), endpoint, &FixedClock::at(NOW))
}

#[test]
fn keys_of_one_issuer_and_answers_of_another() {
    let test = TestIssuer::new();
    for jwt_first in [true, false] {
        let endpoint = Endpoint::saying(active(&[]));
        let (jwt, other) = (Scheme::new(test.verifier()).bearer(), asking_other(&endpoint));
        // Whom every opaque token is shown to comes last.
        let gate = match jwt_first {
            true => Gate::builder().scheme(jwt).scheme(Scheme::new(other).bearer()),
            false => Gate::builder().scheme(Scheme::new(other.opaque_tokens(beginning())).bearer()).scheme(jwt),
        };
        let gate = gate.build().unwrap();
        let own = test.token("alice").sign();
        assert_eq!(enter(&gate, &own), Ok(ISSUER.into()));
        assert_eq!(enter(&gate, &forged(&own)), Err(ErrorKind::Invalid));
        assert_eq!(enter(&gate, &test.token("alice").expired_for(super::seconds(9)).sign()), Err(ErrorKind::Expired));
        assert_eq!(enter(&gate, &jwt_of("https://third.test", "")), Err(ErrorKind::Unrecognized));
        assert_eq!(endpoint.asked(), 0, "none of that is shown to the other issuer");
        assert_eq!(enter(&gate, &jwt_of(OTHER, "")), Ok(OTHER.into()));
        assert_eq!(enter(&gate, "opaque"), Ok(OTHER.into()));
        assert_eq!(endpoint.asked(), 2);
        endpoint.become_like(&Endpoint::saying(INACTIVE));
        assert_eq!(enter(&gate, &jwt_of(OTHER, r#","x":1"#)), Err(ErrorKind::Invalid));
        assert_eq!(enter(&gate, "opaque-too"), Err(ErrorKind::Invalid));
        assert_eq!(enter(&gate, &own), Ok(ISSUER.into()));
        assert_eq!(endpoint.asked(), 4);
    }
}

/// What the opaque tokens here begin with.
fn beginning() -> OpaqueTokens {
    OpaqueTokens::new().prefix("opaque").unwrap()
}

/// Two that are asked: each hears of its own tokens, and the first knows opaque ones by their beginning.
#[test]
fn answers_of_two_issuers() {
    for (said, want) in [
        (active(&[]), Ok(ISSUER.to_owned())),
        (INACTIVE.into(), Err(ErrorKind::Invalid)),
        (active(&[("aud", r#""x""#)]), Err(ErrorKind::Invalid)),
        (active(&[("iss", r#""https://other.test""#)]), Err(ErrorKind::Invalid)),
    ] {
        let (first, second) = (Endpoint::saying(said), Endpoint::saying(active(&[])));
        let gate = Gate::builder()
            .scheme(Scheme::new(asking(&first).opaque_tokens(beginning())).bearer())
            .scheme(Scheme::new(asking_other(&second)).bearer());
        let gate = gate.build().unwrap();
        for token in [ours(""), "opaque".to_owned()] {
            let before = first.asked();
            assert_eq!(enter(&gate, &token), want);
            assert_eq!((first.asked(), second.asked()), (before + 1, 0));
        }
        assert_eq!(enter(&gate, &jwt_of(OTHER, "")), Ok(OTHER.into()));
        assert_eq!((first.asked(), second.asked()), (2, 1));
    }
}

/// Who is asked may be on the same address, and still hears only what is its own.
#[test]
fn an_issuer_with_keys_behind_one_that_is_asked() {
    let endpoint = Endpoint::saying(active(&[]));
    let verifier = Jwt::new(with_keys()).clock(FixedClock::at(NOW));
    let asking = Introspection::new(without_keys(), URL, endpoint.clone()).unwrap().clock(FixedClock::at(NOW));
    let gate =
        Gate::builder().scheme(Scheme::new(verifier).bearer()).scheme(Scheme::new(asking).bearer()).build().unwrap();
    assert_eq!(enter(&gate, &ours("")), Ok(ISSUER.into()));
    assert_eq!(enter(&gate, &forged(&ours(""))), Err(ErrorKind::Invalid));
    assert_eq!(endpoint.asked(), 0);
    assert_eq!(enter(&gate, "opaque"), Ok(ISSUER.into()));
    assert_eq!(endpoint.asked(), 1);
}
