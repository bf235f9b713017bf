//! Paths and methods that are not there, and what frameworks make of the rest.

use crate::{
    cast::ISSUER,
    row::{
        Row, ask, forbidden, get, insufficient_scope, malformed, method_not_allowed, not_found, ok, post, row,
        unauthorized, unavailable,
    },
    sites::Site,
};
use std::time::Duration;

pub fn rows() -> Vec<Row> {
    [paths(), methods(), realm()].concat()
}

fn paths() -> Vec<Row> {
    let missing = || unauthorized("credential_missing");
    vec![
        row("unknown path: nobody", get("/unknown"), not_found()),
        row("unknown path: somebody", get("/unknown").by("alice"), not_found()),
        row("unknown path: a token that does not hold", get("/unknown").bearer("opaque"), not_found()),
        row("unknown path: the directory is down", get("/unknown").bearer("down"), not_found()),
        row("unknown path: to change it, with a cookie", post("/unknown").cookie("opaque"), not_found()),
        row("unknown path: below another one", get("/me/unknown"), not_found()),
        row("unknown path: below a nested one", get("/n/unknown"), not_found()),
        row("unknown path: the prefix alone", get("/n"), not_found()),
        row("unknown path: a slash after it", get("/me/"), not_found()),
        row("unknown path: a slash before it", get("//me"), not_found()),
        row("unknown path: in another case", get("/ME"), not_found()),
        row("known path: with a query", get("/me?next=/staff").by("alice"), ok("alice")),
        row("known path: with an empty query", get("/me?").by("alice"), ok("alice")),
        row("encoded path: nobody", get("/%6De"), not_found()),
        row("encoded path: somebody", get("/%73taff").by("alice"), not_found()),
        row("nested path: public", get("/n/open"), ok("open")),
        row("nested path: nobody", get("/n/me"), missing()),
        row("nested path: somebody", get("/n/me").by("alice"), ok("alice")),
        row("nested path: hidden", get("/n/hidden-staff").by("alice"), not_found()),
        row("nested path: in a nested one, nobody", get("/n/deep/me"), missing()),
        row("nested path: in a nested one", get("/n/deep/me").by("alice"), ok("alice")),
    ]
}

fn methods() -> Vec<Row> {
    let missing = || unauthorized("credential_missing");
    let staff = ISSUER.token("alice").staff().sign();
    vec![
        row("method: post", post("/me").by("alice"), ok("alice")),
        row("method: post, nobody", post("/me"), missing()),
        row("method: options, nobody", ask("OPTIONS", "/me"), missing()),
        row("method: delete, somebody", ask("DELETE", "/staff").by("alice"), forbidden("staff_required")),
        row("method: head", ask("HEAD", "/me").by("alice"), ok("")),
        row("method: head, nobody", ask("HEAD", "/me"), missing().without_body()),
        row("method: head, in a scope", ask("HEAD", "/admin/users").bearer(&staff), ok("")),
        row("method: unknown", ask("PURGE", "/me").by("alice"), method_not_allowed()),
        row("method: unknown, nobody", ask("PURGE", "/me"), missing()),
        row("method: unknown, not staff", ask("PURGE", "/staff").by("alice"), forbidden("staff_required")),
        row("method: unknown, staff", ask("PURGE", "/staff").bearer(&staff), method_not_allowed()),
        row("method: unknown, hidden", ask("PURGE", "/hidden-staff").by("alice"), not_found()),
        row("method: unknown, in a scope, nobody", ask("PURGE", "/admin/users"), missing()),
        row("method: unknown, the directory is down", ask("PURGE", "/me").bearer("down"), unavailable(7)),
        row("method: unknown, where nobody asks", ask("PURGE", "/open"), method_not_allowed()),
    ]
}

/// The realm stands first in every challenge, and nowhere else.
fn realm() -> Vec<Row> {
    const INVALID: &str =
        r#"Bearer realm="the books", error="invalid_token", error_description="the token is not valid""#;
    const EXPIRED: &str =
        r#"Bearer realm="the books", error="invalid_token", error_description="the token has expired""#;
    let expired = ISSUER.token("alice").expired_for(Duration::from_secs(1)).sign();
    let header = "www-authenticate";
    let rows = vec![
        row(
            "realm: nobody",
            get("/me"),
            unauthorized("credential_missing").header(header, r#"Bearer realm="the books""#),
        ),
        row(
            "realm: it does not hold",
            get("/me").bearer("opaque"),
            unauthorized("invalid_token").header(header, INVALID),
        ),
        row(
            "realm: it has expired",
            get("/me").bearer(&expired),
            unauthorized("token_expired").header(header, EXPIRED),
        ),
        row(
            "realm: two headers",
            get("/visit").bearer("a").bearer("b"),
            malformed("invalid_request").header(header, r#"Bearer realm="the books", error="invalid_request""#),
        ),
        row(
            "realm: a scope",
            get("/scope").by("alice"),
            insufficient_scope("kb:read")
                .header(header, r#"Bearer realm="the books", error="insufficient_scope", scope="kb:read""#),
        ),
        row("realm: not staff", get("/staff").by("alice"), forbidden("staff_required")),
        row("realm: the directory is down", get("/me").bearer("down"), unavailable(7)),
        row("realm: hidden", get("/hidden-staff").by("alice"), not_found()),
        row("realm: unknown", get("/unknown").by("alice"), not_found()),
    ];
    rows.into_iter().map(|row| Row { request: row.request.at(Site::Realm), ..row }).collect()
}
