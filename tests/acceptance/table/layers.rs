//! What layers further out make of a request and its answer: the query behind `scrub`, preflights, and answers under
//! `enforce` that no guard has looked at. The answers are the same without these layers.

use crate::{
    cast::token,
    row::{Request, Row, ask, forbidden, get, gone, malformed, not_found, ok, row, unauthorized},
    sites::Site,
};

pub fn rows() -> Vec<Row> {
    [queries(), preflights(), answers()].concat()
}

/// The guard decides by the query that the handler sees.
fn queries() -> Vec<Row> {
    let by = |query: &str| get(format!("/queried?{query}")).by("viewer");
    let many = |pair: &str| by(&format!("project=42{}", pair.repeat(6000)));
    vec![
        row("query seen: one pair", by("project=42"), ok("viewer project=42 pairs=1")),
        row("query seen: 6000 without a value", many("&ws_token"), ok("viewer project=42 ws_token= pairs=6001")),
        row("query seen: 6000 with a value", many("&ws=a"), ok("viewer project=42 pairs=6001")),
        row("query seen: 6000 of no name", many("&="), ok("viewer project=42 pairs=6001")),
        row("query seen: 6000 times nothing", many("&"), ok("viewer project=42 pairs=1")),
        row(
            "query seen: 6000 without a value, between two projects",
            by(&format!("project=42{}&project=7", "&ws_token".repeat(6000))),
            malformed("invalid_request"),
        ),
        row(
            "query seen: a name for WebSockets is the application's own",
            by("ws_token=mine&project=42&ws_token=too"),
            ok("viewer project=42 ws_token=mine pairs=3"),
        ),
        row("query seen: a credential that is empty", by("access_token=&project=42"), ok("viewer project=42 pairs=2")),
        row(
            "query seen: a credential",
            get("/queried?a=%20&&project=42").query("access_token", &token("viewer")),
            ok("viewer project=42 pairs=3"),
        ),
        row(
            "query seen: a credential of somebody else",
            get("/queried?project=42").query("access_token", &token("alice")),
            forbidden("not_a_member"),
        ),
        row(
            "query seen: what is no pair",
            by("&&project=%34%32&=&;&a=b;project=7&%zz&%ff=%fe&+=+"),
            ok("viewer project=42 pairs=7"),
        ),
    ]
}

/// With what a browser says when it asks beforehand.
fn preflight(path: &str) -> Request {
    let request = ask("OPTIONS", path).header("origin", "https://app.example.com");
    request.header("access-control-request-method", "PUT")
}

fn preflights() -> Vec<Row> {
    let missing = || unauthorized("credential_missing");
    let open = || ask("OPTIONS", "/open");
    vec![
        row("preflight: where nobody asks", preflight("/open"), ok("open")),
        row(
            "preflight: without an origin, where nobody asks",
            open().header("access-control-request-method", "PUT"),
            ok("open"),
        ),
        row(
            "preflight: without a method, where nobody asks",
            open().header("origin", "https://app.example.com"),
            ok("open"),
        ),
        row("preflight: a visitor", preflight("/visit"), ok("nobody")),
        row("preflight: nobody", preflight("/me"), missing()),
        row("preflight: hidden, nobody", preflight("/hidden-staff"), missing()),
        row("preflight: hidden, somebody", preflight("/hidden-staff").by("alice"), not_found()),
        row("preflight: somebody", preflight("/me").by("alice"), ok("alice")),
        row("preflight: for another site", preflight("/me").at(Site::Slow), missing()),
        row("preflight: it does not hold", preflight("/me").bearer("opaque"), unauthorized("invalid_token")),
        row("preflight: an unknown path", preflight("/unknown"), not_found()),
    ]
}

fn answers() -> Vec<Row> {
    vec![
        row("gone: nobody", get("/gone"), gone()),
        row("gone: somebody", get("/gone").by("alice"), gone()),
        row("gone: it does not hold", get("/gone").bearer("opaque"), gone()),
        row("gone: a preflight", preflight("/gone"), gone()),
    ]
}
