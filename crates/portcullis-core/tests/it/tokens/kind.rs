//! What kind of token claims say they are of (RFC 8725, section 3.11).

use super::{HEADER, PASSES, Want, at_noon, claims, hold, hs256, invalid, issuer, verifier, with_more};
use portcullis_core::Rules;

const LOGOUT: &str = r#""events":{"http://schemas.openid.net/event/backchannel-logout":{}}"#;

fn no_access() -> Want {
    invalid("says that this is no access token")
}

#[test]
fn what_is_not_for_access_is_refused() {
    let mut table = Vec::new();
    for (claim, others) in [
        ("typ", ["ID", "Refresh", "Offline", "Logout", "Serialized-ID", "logout+jwt", "dpop+jwt"]),
        ("token_use", ["id", "refresh", "ID", "Refresh", "id_token", "refresh_token", "logout"]),
        ("token_type", ["refresh", "refresh_token", "id", "id_token", "REFRESH", "logout_token", "offline"]),
        ("type", ["refresh", "id", "logout", "Refresh", "secevent+jwt", "id_token", "refresh+jwt"]),
    ] {
        for other in others {
            table.push((format!("{claim} {other}"), with_more(&format!(r#""{claim}":"{other}""#)), no_access()));
        }
        for access in ["Bearer", "DPoP", "access", "access_token", "at+jwt", "user", "idp", ""] {
            table.push((format!("{claim} {access}"), with_more(&format!(r#""{claim}":"{access}""#)), PASSES));
        }
        table.push((format!("{claim}, a number"), with_more(&format!(r#""{claim}":7"#)), PASSES));
        table.push((format!("{claim} inside"), with_more(&format!(r#""x":{{"{claim}":"id"}}"#)), PASSES));
    }
    table.extend([
        ("escaped".to_owned(), with_more(r#""t\u0079p":"Re\u0066resh""#), no_access()),
        ("a logout token".to_owned(), with_more(LOGOUT), no_access()),
        ("a security event".to_owned(), with_more(r#""events":{}"#), no_access()),
        ("events, null".to_owned(), with_more(r#""events":null"#), no_access()),
        ("Events".to_owned(), with_more(r#""Events":{}"#), PASSES),
    ]);
    hold(&verifier(), table);
}

/// The ID tokens of Amazon Cognito, said out loud; the rule goes for its claim alone.
#[test]
fn a_rule_decides_in_its_place() {
    let id = Rules::new().require("token_use", "id").unwrap();
    hold(
        &at_noon(issuer().rules(id)),
        [
            ("an ID token", with_more(r#""token_use":"id""#), PASSES),
            ("an access token", with_more(r#""token_use":"access""#), invalid("the claim `token_use` is not `id`")),
            ("two kinds", with_more(r#""token_use":"id","typ":"Refresh""#), invalid("the claim `typ` says")),
            ("an event", with_more(r#""token_use":"id","events":{}"#), invalid("the claim `events` says")),
        ],
    );
    let any_of = Rules::new().one_of("/typ", ["Bearer", "ID"]).unwrap();
    hold(
        &at_noon(issuer().rules(any_of)),
        [
            ("an ID token", with_more(r#""typ":"ID""#), PASSES),
            ("a refresh token", with_more(r#""typ":"Refresh""#), invalid("is not `Bearer` or `ID`")),
            ("elsewhere", with_more(r#""typ":"ID","type":"refresh""#), invalid("the claim `type` says")),
        ],
    );
    let forbidden = Rules::new().forbid("typ").unwrap();
    hold(
        &at_noon(issuer().rules(forbidden)),
        [("none", with_more(""), PASSES), ("an ID token", with_more(r#""typ":"ID""#), invalid("the claim `typ`"))],
    );
}

#[test]
fn logout_tokens_where_they_are_asked_for() {
    let token = |typ: &str, more: &str| hs256().sign(&HEADER.replace("JWT", typ), &claims(more));
    for asked in ["logout+jwt", "application/Logout+JWT", "secevent+jwt"] {
        let typ = asked.to_lowercase().replace("application/", "");
        hold(
            &at_noon(issuer().token_type(asked)),
            [
                ("a logout token", token(&typ, LOGOUT), PASSES),
                ("a JWT", token("JWT", LOGOUT), invalid("`typ` `JWT` is not accepted")),
                ("a refresh token", token(&typ, r#""typ":"Refresh""#), no_access()),
            ],
        );
    }
    hold(
        &at_noon(issuer().token_type("at+jwt")),
        [("a token", token("at+jwt", ""), PASSES), ("with events", token("at+jwt", LOGOUT), no_access())],
    );
    hold(
        &at_noon(issuer().dangerous_any_token_type()),
        [
            ("a logout token", token("logout+jwt", LOGOUT), PASSES),
            ("a refresh token", token("JWT", r#""typ":"Refresh""#), PASSES),
            (
                "for others",
                hs256().sign(HEADER, &claims(LOGOUT).replace("\"test\"", "\"x\"")),
                invalid("not for `test`"),
            ),
        ],
    );
}
