//! Errors that a handler returns with `?`. The guard of its route renders them, as it does its own.

use crate::{
    cast::ISSUER,
    row::{
        Expected, Request, Row, ask, detail, forbidden, get, insufficient_scope, malformed, misconfigured, not_found,
        ok, post, rejected, row, unauthorized, unavailable,
    },
    sites::Site,
};

fn fails(how: &str) -> Request {
    get(format!("/fails?{how}")).by("alice")
}

pub fn rows() -> Vec<Row> {
    [of_all_kinds(), insisting(), asked(), in_a_realm(), rendered()].concat()
}

/// A failure, and what is answered to it by default.
pub fn kinds() -> Vec<(&'static str, Expected)> {
    vec![
        ("missing", unauthorized("credential_missing")),
        ("invalid", unauthorized("invalid_token")),
        ("expired", unauthorized("token_expired")),
        ("account", unauthorized("user_not_found")),
        ("malformed", malformed("conflicting_ids")),
        ("denied", forbidden("too_late")),
        ("gone", not_found()),
        (
            "taken",
            Expected {
                body: r#"{"code":"email_taken","suggestions":["alice1","alice2"],"status":409,"title":"Conflict"}"#
                    .into(),
                ..rejected(409, "Conflict", "email_taken")
            },
        ),
        ("password", unauthorized("wrong_password")),
        ("no-invitation", rejected(404, "Not Found", "invitation_not_found")),
        ("often", rejected(429, "Too Many Requests", "too_many_attempts").header("retry-after", "9")),
        ("redirect", misconfigured()),
        ("down", unavailable(9)),
        ("down-quietly", unavailable(None)),
        ("wiring", misconfigured()),
        ("claims", unauthorized("invalid_token")),
        ("staff", forbidden("staff_required")),
        ("hidden", not_found()),
        ("scope", insufficient_scope("kb:read")),
        ("role", forbidden("not_a_member")),
        ("misspelt", misconfigured()),
    ]
}

fn of_all_kinds() -> Vec<Row> {
    let somebody = kinds().into_iter().map(|(how, expected)| row(format!("returned: {how}"), fails(how), expected));
    let nested = kinds().into_iter().map(|(how, expected)| {
        let request = Request { path: format!("/n/deep/fails?{how}"), ..fails(how) };
        row(format!("returned nested: {how}"), request, expected)
    });
    // Callers that the guard refuses reach no handler.
    let nobody = kinds().into_iter().flat_map(|(how, _)| {
        let path = format!("/fails?{how}");
        [
            row(format!("returned: {how}, nobody"), get(&*path), unauthorized("credential_missing")),
            row(
                format!("returned: {how}, an invalid token"),
                get(&*path).bearer("opaque"),
                unauthorized("invalid_token"),
            ),
        ]
    });
    somebody.chain(nested).chain(nobody).collect()
}

/// On a public route.
fn insisting() -> Vec<Row> {
    vec![
        row("insists: somebody", get("/insists").by("alice"), ok("alice")),
        row("insists: somebody, to change it", post("/insists").by("alice"), ok("alice")),
        row("insists: nobody", get("/insists"), unauthorized("credential_missing")),
        row("insists: nobody, to change it", post("/insists"), unauthorized("credential_missing")),
        row("insists: nobody, the head", ask("HEAD", "/insists"), unauthorized("credential_missing").without_body()),
        row("insists: an invalid token", get("/insists").bearer("opaque"), unauthorized("invalid_token")),
        row("insists: the directory is down", get("/insists").bearer("down"), unavailable(7)),
        row("insists slow: somebody", get("/insists").by("alice").at(Site::Slow), ok("alice")),
        row("insists slow: nobody", get("/insists").at(Site::Slow), unauthorized("credential_missing")),
    ]
}

/// Callers that the handler's own policy allows, beside those above.
fn asked() -> Vec<Row> {
    let by = |token: String, how: &str| get(format!("/fails?{how}")).bearer(&token);
    let alice = || ISSUER.token("alice");
    vec![
        row("returned: staff, and they are", by(alice().staff().sign(), "staff"), ok("alice")),
        row("returned: hidden, and they may", by(alice().staff().sign(), "hidden"), ok("alice")),
        row("returned: a scope, and they have it", by(alice().scope("kb:read").sign(), "scope"), ok("alice")),
        row("returned: a role, and they have it", by(ISSUER.token("viewer").sign(), "role"), ok("viewer")),
        row("returned: a claim, and it is there", by(alice().claim("tier", 3).sign(), "claims"), ok("a tier")),
        row("returned: no error, somebody", by(alice().sign(), "allows"), ok("staff=false")),
        row("returned: no error, staff", by(alice().staff().sign(), "allows"), ok("staff=true")),
    ]
}

/// A guard names its realm in challenges. Without a guard there is none to name.
fn in_a_realm() -> Vec<Row> {
    const INVALID: &str =
        r#"Bearer realm="the books", error="invalid_token", error_description="the token is not valid""#;
    const EXPIRED: &str =
        r#"Bearer realm="the books", error="invalid_token", error_description="the token has expired""#;
    const SCOPE: &str = r#"Bearer realm="the books", error="insufficient_scope", scope="kb:read""#;
    const MALFORMED: &str = r#"Bearer realm="the books", error="invalid_request""#;
    let bare = r#"Bearer realm="the books""#;
    let rows = kinds().into_iter().map(|(how, expected)| {
        let challenge = match how {
            "missing" | "account" | "password" => bare,
            "invalid" | "claims" => INVALID,
            "expired" => EXPIRED,
            "scope" => SCOPE,
            "malformed" => MALFORMED,
            _ => return row(format!("returned in a realm: {how}"), fails(how).at(Site::Realm), expected),
        };
        let expected = expected.header("www-authenticate", challenge);
        row(format!("returned in a realm: {how}"), fails(how).at(Site::Realm), expected)
    });
    let insists = unauthorized("credential_missing").header("www-authenticate", bare);
    rows.chain([row("insists in a realm: nobody", get("/insists").at(Site::Realm), insists)]).collect()
}

/// A gate that renders its answers renders these too.
fn rendered() -> Vec<Row> {
    let codes = [
        ("missing", 401, "credential_missing"),
        ("invalid", 401, "invalid_token"),
        ("expired", 401, "token_expired"),
        ("account", 401, "user_not_found"),
        ("malformed", 400, "conflicting_ids"),
        ("denied", 403, "too_late"),
        ("gone", 404, "not_found"),
        ("taken", 409, "email_taken"),
        ("password", 401, "wrong_password"),
        ("no-invitation", 404, "invitation_not_found"),
        ("redirect", 500, "misconfigured"),
        ("down-quietly", 503, "unavailable"),
        ("wiring", 500, "misconfigured"),
        ("claims", 401, "invalid_token"),
        ("staff", 403, "staff_required"),
        ("hidden", 404, "not_found"),
        ("scope", 403, "insufficient_scope"),
        ("role", 403, "not_a_member"),
        ("misspelt", 500, "misconfigured"),
    ];
    let rows = codes
        .iter()
        .map(|(how, status, code)| row(format!("returned, rendered: {how}"), fails(how), detail(*status, code)));
    let down = detail(503, "unavailable").header("retry-after", "9");
    let often = detail(429, "too_many_attempts").header("retry-after", "9");
    let more = [
        row("returned, rendered: down", fails("down"), down),
        row("returned, rendered: often", fails("often"), often),
        row("insists, rendered: nobody", get("/insists"), detail(401, "credential_missing")),
        row(
            "insists, rendered by its guard: an invalid token",
            get("/insists").bearer("opaque"),
            detail(401, "invalid_token"),
        ),
        row("insists, rendered by its guard: somebody", get("/insists").by("alice"), ok("alice")),
    ];
    rows.chain(more).map(|row| Row { request: row.request.at(Site::Rendered), ..row }).collect()
}
