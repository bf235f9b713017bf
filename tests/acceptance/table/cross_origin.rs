//! Requests with a cookie that the page of another origin may have made.

use crate::{
    cast::token,
    row::{Expected, Request, Row, ask, forbidden, get, malformed, ok, post, row, unauthorized},
    sites::Site,
};

const APP: &str = "https://app.example.com";
const OTHER: &str = "https://evil.example";
const OWN: &str = "https://api.example.com";

fn refused() -> Expected {
    forbidden("cross_origin")
}

/// With Alice's cookie.
fn cookie(request: Request) -> Request {
    request.cookie(&token("alice"))
}

fn change() -> Request {
    cookie(post("/me"))
}

/// To the gate that knows of `app.example.com`.
fn browser(request: Request) -> Request {
    request.at(Site::Browser)
}

pub fn rows() -> Vec<Row> {
    [by_site(), by_origin(), what_is_safe(), who_is_not_asked()].concat()
}

/// By `Sec-Fetch-Site`, which browsers send and pages cannot change.
fn by_site() -> Vec<Row> {
    let from = |site: &str| change().header("sec-fetch-site", site);
    vec![
        row("site: the same origin", from("same-origin"), ok("alice")),
        row("site: the person", from("none"), ok("alice")),
        row("site: the same site", from("same-site"), refused()),
        row("site: another site", from("cross-site"), refused()),
        row("site: a word that nobody knows", from("whatever"), refused()),
        row("site: another site, of this origin by its own word", from("cross-site").header("origin", OWN), refused()),
        row("site: the same site, by name", browser(from("same-site").header("origin", APP)), ok("alice")),
        row("site: another site, by name", browser(from("cross-site").header("origin", APP)), ok("alice")),
        row("site: another site, not by that name", browser(from("cross-site").header("origin", OTHER)), refused()),
        row("site: another site, without a name", browser(from("cross-site")), refused()),
        row("site: twice", from("same-origin").header("sec-fetch-site", "none"), malformed("invalid_request")),
    ]
}

/// By `Origin`, where the browser says no more.
fn by_origin() -> Vec<Row> {
    let from = |origin: &str| change().header("origin", origin);
    vec![
        row("origin: none, and no site", change(), refused()),
        row("origin: that of the service", from(OWN), ok("alice")),
        row("origin: that of the service, over http", from("http://api.example.com"), ok("alice")),
        row("origin: that of the service, in another case", from("https://API.example.com"), ok("alice")),
        row("origin: with the port", from("https://api.example.com:8443").host("api.example.com:8443"), ok("alice")),
        row("origin: the usual port is said", from(OWN).host("api.example.com:443"), ok("alice")),
        row("origin: another port", from("https://api.example.com:8443"), refused()),
        row("origin: no port where there is one", from(OWN).host("api.example.com:8443"), refused()),
        row("origin: another", from(OTHER), refused()),
        row("origin: another, that ends so", from("https://xapi.example.com"), refused()),
        row("origin: another, that begins so", from("https://api.example.com.evil.example"), refused()),
        row("origin: null", from("null"), refused()),
        row("origin: empty", from(""), refused()),
        row("origin: of no scheme", from("api.example.com"), refused()),
        row("origin: the service has no name", from("https://").host(""), refused()),
        row("origin: by name", browser(from(APP)), ok("alice")),
        row("origin: by name, with another port", browser(from("https://app.example.com:8443")), refused()),
        row("origin: by name, over http", browser(from("http://app.example.com")), refused()),
        row("origin: by name, elsewhere", from(APP), refused()),
        row("origin: twice", from(OWN).header("origin", OTHER), malformed("invalid_request")),
        row(
            "origin: the target names the service",
            cookie(post("https://api.example.com/me")).host("").header("origin", OWN),
            ok("alice"),
        ),
        row(
            "origin: the target names another one than the header",
            cookie(post("https://other.example.com/me")).header("origin", OWN),
            refused(),
        ),
    ]
}

/// What only reads may be asked from elsewhere by following a link, and not from within a page.
fn what_is_safe() -> Vec<Row> {
    let read = || cookie(get("/me"));
    let from = |mode: &str| read().header("sec-fetch-site", "cross-site").header("sec-fetch-mode", mode);
    vec![
        row("safe: neither said", read(), ok("alice")),
        row("safe: another origin", read().header("origin", OTHER), ok("alice")),
        row("safe: a link of another site", from("navigate"), ok("alice")),
        row("safe: an image of another site", from("no-cors"), refused()),
        row("safe: a fetch of another site", from("cors"), refused()),
        row("safe: a fetch of another site, by name", browser(from("cors").header("origin", APP)), ok("alice")),
        row("safe: another site, and no mode", read().header("sec-fetch-site", "cross-site"), ok("alice")),
        row(
            "safe: an image of the same site",
            read().header("sec-fetch-site", "same-site").header("sec-fetch-mode", "no-cors"),
            ok("alice"),
        ),
        row("safe: to ask for options", cookie(ask("OPTIONS", "/me")), ok("alice")),
        row("unsafe: to put", cookie(ask("PUT", "/me")), refused()),
        row("unsafe: to patch", cookie(ask("PATCH", "/me")), refused()),
        row("unsafe: to delete", cookie(ask("DELETE", "/me")), refused()),
        row("unsafe: to delete, from here", cookie(ask("DELETE", "/me")).header("origin", OWN), ok("alice")),
        row("unsafe: a method that nobody knows", cookie(ask("PURGE", "/me")), refused()),
    ]
}

/// Who is asked, and who needs not be: only cookies come by themselves.
fn who_is_not_asked() -> Vec<Row> {
    let far = |request: Request| request.header("sec-fetch-site", "cross-site").header("origin", OTHER);
    let missing = || unauthorized("credential_missing");
    vec![
        row("cross-site: a bearer header", far(post("/me").by("alice")), ok("alice")),
        row("cross-site: a bearer header, and it says nothing", post("/me").by("alice"), ok("alice")),
        row("cross-site: a header", far(post("/me").header("x-api-key", token("alice"))), ok("alice")),
        row("cross-site: the query", far(post("/me").query("access_token", &token("alice"))), ok("alice")),
        row(
            "cross-site: the cookie is not the one that decides",
            far(change().by("bob")).at(Site::HeaderFirst),
            ok("bob"),
        ),
        row("cross-site: the cookie decides, beside a header", far(change().by("bob")), refused()),
        row("cross-site: an empty cookie", far(post("/me").cookie("")), missing()),
        row("cross-site: no cookie", far(post("/me")), missing()),
        row("cross-site: a cookie that does not hold", far(post("/me").cookie("opaque")), refused()),
        row("cross-site: a visitor", far(cookie(post("/visit"))), refused()),
        row("cross-site: a visitor without a cookie", far(post("/visit")), ok("nobody")),
        row("cross-site: where nobody asks", far(cookie(post("/open"))), ok("open")),
        row("cross-site: hidden", far(cookie(post("/hidden-staff"))), refused()),
        row("cross-site: a resource", far(post("/project?project=42").cookie(&token("viewer"))), refused()),
        row("cross-site: where all may", far(change()).at(Site::Anywhere), ok("alice")),
        row(
            "cross-site: where all may, and it does not hold",
            far(post("/me").cookie("x")).at(Site::Anywhere),
            unauthorized("invalid_token"),
        ),
    ]
}
