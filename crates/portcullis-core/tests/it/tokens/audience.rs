//! `aud` and `client_id`: for whom a token is meant (RFC 7519, section 4.1.3; RFC 8725, section 3.9).

use super::*;

fn says(members: &str) -> String {
    with_claims(&format!(r#"{{"iss":"{ISSUER}","sub":"alice","exp":{}{members}}}"#, NOW + 300))
}

fn with(audience: Audience) -> Jwt {
    at_noon(Issuer::new(ISSUER, audience, [Algorithm::Hs256], hs256().key()).unwrap())
}

#[test]
fn one_of_its_names_is_ours() {
    let other = || invalid("not for `test`");
    hold(
        &with(Audience::is("test")),
        [
            ("a string", says(r#","aud":"test""#), PASSES),
            ("an array", says(r#","aud":["test"]"#), PASSES),
            ("an array with others", says(r#","aud":["other","test","third"]"#), PASSES),
            ("escaped", says(r#","aud":["\u0074est"]"#), PASSES),
            ("absent", says(""), invalid("the token has no `aud`; expected `test`")),
            ("another", says(r#","aud":"other""#), other()),
            ("others", says(r#","aud":["other","third"]"#), other()),
            ("empty", says(r#","aud":"""#), other()),
            ("an empty array", says(r#","aud":[]"#), other()),
            ("the beginning", says(r#","aud":"tes""#), other()),
            ("more", says(r#","aud":"test2""#), other()),
            ("upper case", says(r#","aud":"TEST""#), other()),
            ("in a list of words", says(r#","aud":"other test""#), other()),
            ("the client", says(r#","client_id":"test""#), invalid("the token has no `aud`")),
        ],
    );
    let two = with(Audience::any_of(["orders", "invoices"]));
    hold(
        &two,
        [
            ("the first", says(r#","aud":"orders""#), PASSES),
            ("the second", says(r#","aud":["x","invoices"]"#), PASSES),
            ("neither", says(r#","aud":"ordersinvoices""#), invalid("not for `orders` or `invoices`")),
        ],
    );
}

#[test]
fn a_malformed_audience_never_passes() {
    // CVE-2026-25537: a claim of the wrong type was taken for one that is absent.
    let values =
        ["5", "null", "true", "{}", r#"{"test":1}"#, r#"[["test"]]"#, r#"["test",5]"#, r#"[null]"#, r#"["test",null]"#];
    for (rule, good) in [
        (Audience::is("test"), r#","aud":"test","client_id":"x""#),
        (Audience::client_id("x"), r#","client_id":"x""#),
        (Audience::absent(), ""),
        (Audience::dangerous_anybody(), ""),
    ] {
        let mut table = vec![(format!("{rule:?}"), says(good), PASSES)];
        for value in values {
            let token = says(&format!(r#","aud":{value},"client_id":"x""#));
            table.push((
                format!("{value} for {rule:?}"),
                token,
                invalid("`aud` is neither a string nor an array of strings"),
            ));
        }
        hold(&with(rule), table);
    }
}

#[test]
fn no_audience_means_none_at_all() {
    let meant = || invalid("the token has an `aud`, so it is meant for another service; see Audience::is");
    hold(
        &with(Audience::absent()),
        [
            ("absent", says(""), PASSES),
            ("inside another claim", says(r#","x":{"aud":"test"}"#), PASSES),
            ("a string", says(r#","aud":"test""#), meant()),
            ("an empty string", says(r#","aud":"""#), meant()),
            ("an empty array", says(r#","aud":[]"#), meant()),
        ],
    );
    hold(
        &with(Audience::client_ids(["web", "test"])),
        [
            ("the first", says(r#","client_id":"web""#), PASSES),
            ("the second", says(r#","client_id":"test""#), PASSES),
            ("another", says(r#","client_id":"other""#), invalid("is `other`, not `web` or `test`")),
            ("with an audience", says(r#","client_id":"web","aud":"test""#), meant()),
        ],
    );
    hold(
        &with(Audience::client_id("test")),
        [
            ("the client", says(r#","client_id":"test""#), PASSES),
            ("another", says(r#","client_id":"other""#), invalid("`client_id` is `other`, not `test`")),
            ("absent", says(""), invalid("`client_id` is")),
            ("an array", says(r#","client_id":["test"]"#), invalid("`client_id` is")),
            ("with an audience", says(r#","client_id":"test","aud":"test""#), meant()),
            ("with an empty audience", says(r#","client_id":"test","aud":[]"#), meant()),
        ],
    );
    hold(
        &with(Audience::dangerous_anybody()),
        [
            ("absent", says(""), PASSES),
            ("another", says(r#","aud":["other"]"#), PASSES),
            ("malformed", says(r#","aud":5"#), invalid("`aud` is neither")),
        ],
    );
}

#[test]
fn claims_that_must_and_must_not_be_there() {
    let verifier = at_noon(
        issuer().rules(portcullis_core::Rules::new().require("token_use", "access").unwrap().forbid("nonce").unwrap()),
    );
    let wrong = || invalid("the claim `token_use` is not `access`");
    let forbidden = || invalid("a token with the claim `nonce` is not accepted here");
    hold(
        &verifier,
        [
            ("access", with_more(r#""token_use":"access""#), PASSES),
            ("nonce inside another claim", with_more(r#""token_use":"access","x":{"nonce":1}"#), PASSES),
            ("an ID token", with_more(r#""token_use":"id""#), wrong()),
            ("absent", with_more(""), wrong()),
            ("upper case", with_more(r#""token_use":"Access""#), wrong()),
            ("an array", with_more(r#""token_use":["access"]"#), wrong()),
            ("null", with_more(r#""token_use":null"#), wrong()),
            ("nonce", with_more(r#""token_use":"access","nonce":"x""#), forbidden()),
            ("nonce, null", with_more(r#""token_use":"access","nonce":null"#), forbidden()),
            ("nonce, escaped", with_more(r#""token_use":"access","non\u0063e":"""#), forbidden()),
        ],
    );
}
