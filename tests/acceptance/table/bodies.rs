//! Handlers that ask about resources that stand in the body, which no guard reads.

use crate::{
    cast::{ISSUER, token},
    row::{
        Request, Row, forbidden, get, malformed, not_found, ok, post, row, unauthorized, unavailable, unidentified,
        unreadable,
    },
    sites::{SECRET, Site},
};
use std::time::Duration;

/// That a flight moves to a project.
fn asks(flight: &str, to: &str) -> Request {
    body(&format!(r#"{{"flight":"{flight}","to":"{to}"}}"#))
}

fn body(body: &str) -> Request {
    post("/moves").json(body)
}

pub fn rows() -> Vec<Row> {
    [resources(), malformed_bodies(), callers(), elsewhere()].concat()
}

fn resources() -> Vec<Row> {
    let by = |who: &str, flight: &str, to: &str| asks(flight, to).by(who);
    let other_query = post("/moves?flight=1&to=42").json(r#"{"flight":"3","to":"42"}"#);
    vec![
        row("body: a member of both", by("manager", "1", "42"), ok("manager flight=1 to=42")),
        row("body: with a role above", by("owner", "1", "42"), ok("owner flight=1 to=42")),
        row("body: with a role below", by("viewer", "1", "42"), forbidden("role_required")),
        row("body: a stranger to both", by("alice", "1", "42"), forbidden("not_a_member")),
        row("body: a stranger to the first", by("manager", "3", "42"), forbidden("not_a_member")),
        row("body: a stranger to the second, which is hidden", by("pilot", "1", "42"), not_found()),
        row("body: a role below on the second", by("viewer", "2", "42"), forbidden("role_required")),
        row("body: the first is missing", by("pilot", "9", "42"), not_found()),
        row("body: the second is missing", by("manager", "1", "43"), not_found()),
        row("body: suspended", by("suspended", "1", "42"), forbidden("suspended")),
        row("body: at its end", by("past", "1", "42"), forbidden("not_a_member")),
        row("body: an identifier with a zero", by("manager", "01", "42"), ok("manager flight=01 to=42")),
        row("body: an identifier that is none", by("manager", "one", "42"), unidentified("invalid_id")),
        row("body: an identifier that is none, a stranger", by("alice", "one", "42"), unidentified("invalid_id")),
        row("body: an empty identifier", by("manager", "", "42"), unidentified("invalid_id")),
        row("body: an identifier is no path", by("manager", "1", "a/b"), ok("manager flight=1 to=a/b")),
        row("body: an identifier is not decoded", by("manager", "1", "a%2Fb"), ok("manager flight=1 to=a%2Fb")),
        row("body: the query does not count", other_query.clone().by("manager"), forbidden("not_a_member")),
        row("body: the query does not count, nobody", other_query, unauthorized("credential_missing")),
        row("body: the membership is down", by("manager", "1", "13"), unavailable(30)),
        row("body: the membership is down, a stranger to the first", by("alice", "1", "13"), forbidden("not_a_member")),
    ]
}

/// A caller that the route refuses gets that answer, whatever the body is.
fn malformed_bodies() -> Vec<Row> {
    const BODIES: [(&str, &str); 5] = [
        ("empty", ""),
        ("cut off", r#"{"flight":"1","#),
        ("of another shape", r#"{"flight":1,"to":["42"]}"#),
        ("without one of the two", r#"{"flight":"1"}"#),
        ("a member twice", r#"{"flight":"1","flight":"3","to":"42"}"#),
    ];
    let rows = BODIES.iter().flat_map(|(name, text)| {
        [
            row(format!("body {name}: a member"), body(text).by("manager"), unreadable()),
            row(format!("body {name}: nobody"), body(text), unauthorized("credential_missing")),
            row(format!("body {name}: an invalid token"), body(text).bearer("opaque"), unauthorized("invalid_token")),
        ]
    });
    let plain = || post("/moves").header("content-type", "text/plain");
    let plain = || Request { body: r#"{"flight":"1","to":"42"}"#.to_owned(), ..plain() };
    rows.chain([
        row("body: not JSON by its type", plain().by("manager"), unreadable()),
        row("body: not JSON by its type, nobody", plain(), unauthorized("credential_missing")),
    ])
    .collect()
}

fn callers() -> Vec<Row> {
    let may = || asks("1", "42");
    let expired = ISSUER.token("manager").expired_for(Duration::from_secs(60)).sign();
    let cookie = || may().cookie(&token("manager"));
    vec![
        row("body: nobody", may(), unauthorized("credential_missing")),
        row("body: nobody, about what is missing", asks("9", "99"), unauthorized("credential_missing")),
        row("body: an invalid token", may().bearer("opaque"), unauthorized("invalid_token")),
        row("body: an expired token", may().bearer(&expired), unauthorized("token_expired")),
        row("body: two tokens", may().by("manager").by("manager"), malformed("invalid_request")),
        row("body: the directory is down", may().bearer("down"), unavailable(7)),
        row("body: a cookie", cookie().header("sec-fetch-site", "same-origin"), ok("manager flight=1 to=42")),
        row(
            "body: a cookie, of another site",
            cookie().header("sec-fetch-site", "cross-site"),
            forbidden("cross_origin"),
        ),
        row("body: a secret", may().header("x-sync-secret", SECRET), unauthorized("credential_missing")),
        row("body: nobody, to read", get("/moves"), unauthorized("credential_missing")),
        row("body: somebody, to read", get("/moves").by("manager"), unreadable()),
    ]
}

fn elsewhere() -> Vec<Row> {
    let by = |who: &str, site: Site| asks("1", "42").by(who).at(site);
    let nested = |request: Request| Request { path: "/n/deep/moves".to_owned(), ..request };
    vec![
        row("body nested: a member", nested(asks("1", "42").by("manager")), ok("manager flight=1 to=42")),
        row("body nested: a stranger", nested(asks("1", "42").by("alice")), forbidden("not_a_member")),
        row("body nested: hidden", nested(asks("1", "42").by("pilot")), not_found()),
        row("body nested: nobody", nested(asks("1", "42")), unauthorized("credential_missing")),
        row("body slow: a member", by("manager", Site::Slow), ok("manager flight=1 to=42")),
        row("body slow: a stranger", by("alice", Site::Slow), forbidden("not_a_member")),
        row("body slow: nobody", asks("1", "42").at(Site::Slow), unauthorized("credential_missing")),
        row("body slow: a body cut off, nobody", body("{").at(Site::Slow), unauthorized("credential_missing")),
        row("body slow: a body cut off, a member", body("{").by("manager").at(Site::Slow), unreadable()),
        row("body, accounts: a member", by("manager", Site::Accounts), ok("manager flight=1 to=42")),
        row("body, accounts: unconfirmed", by("unconfirmed", Site::Accounts), forbidden("unconfirmed")),
        row("body, accounts: unknown", by("unknown", Site::Accounts), unauthorized("user_not_found")),
        row(
            "body, by a secret: a member of none",
            asks("1", "42").header("x-sync-secret", SECRET).at(Site::Service),
            forbidden("not_a_member"),
        ),
        row(
            "body, by a secret: what is everybody's",
            asks("2", "42").header("x-sync-secret", SECRET).at(Site::Service),
            not_found(),
        ),
    ]
}
