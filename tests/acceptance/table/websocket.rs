//! Upgrades to a WebSocket: tokens that pages can send, and cookies that they send in any case.

use crate::{
    cast::token,
    row::{Expected, Request, Row, forbidden, get, malformed, ok, row, unauthorized},
    sites::Site,
};

const OWN: &str = "https://api.example.com";

fn upgrade() -> Request {
    get("/me").upgrade()
}

pub fn rows() -> Vec<Row> {
    [protocol(), query(), cookie()].concat()
}

fn protocol() -> Vec<Row> {
    let (missing, invalid) = (|| unauthorized("credential_missing"), || unauthorized("invalid_token"));
    let alice = token("alice");
    let offer = |value: &str| upgrade().header("sec-websocket-protocol", value);
    let plain = get("/me").header("sec-websocket-protocol", format!("bearer, {alice}"));
    let unreadable = upgrade().header("sec-websocket-protocol", *b"bearer, \xff\xfe");
    vec![
        row("protocol: none", upgrade(), missing()),
        row("protocol: of the application", offer("chat"), missing()),
        row("protocol: in another case", offer(&format!("Bearer, {alice}")), missing()),
        row("protocol: not asked for a WebSocket", plain, missing()),
        row("protocol: among others", offer(&format!("chat, bearer, {alice}, v2")), ok("alice")),
        row("protocol: in two lines", offer("bearer").header("sec-websocket-protocol", alice.as_str()), ok("alice")),
        row("protocol: without a token", offer("bearer"), invalid()),
        row("protocol: with an empty token", offer("bearer,"), invalid()),
        row("protocol: with a token that says bearer", offer("bearer, bearer"), invalid()),
        row("protocol: not UTF-8", unreadable, invalid()),
        row("protocol: twice", offer(&format!("bearer, {alice}, bearer, {alice}")), malformed("invalid_request")),
        row(
            "protocol: where the gate does not read it",
            offer(&format!("bearer, {alice}")).at(Site::Browser),
            missing(),
        ),
        row(
            "protocol: for a visitor",
            get("/visit").upgrade().header("sec-websocket-protocol", "bearer, opaque"),
            invalid(),
        ),
    ]
}

fn query() -> Vec<Row> {
    let missing = || unauthorized("credential_missing");
    let alice = token("alice");
    let with = |request: Request| request.query("ws_token", &alice);
    vec![
        row("ws query: not asked for a WebSocket", with(get("/me")), missing()),
        row("ws query: empty", upgrade().query("ws_token", ""), missing()),
        row("ws query: not UTF-8", upgrade().query("ws_token", "%ff"), unauthorized("invalid_token")),
        row("ws query: twice", with(with(upgrade())), malformed("invalid_request")),
        row("ws query: twice, not asked for a WebSocket", with(with(get("/me"))), missing()),
        row("ws query: beside a bearer header", with(upgrade()).by("bob"), malformed("invalid_request")),
        row("ws query: beside a bearer header, not asked for a WebSocket", with(get("/me")).by("bob"), ok("bob")),
        row(
            "ws query: behind the protocol",
            with(upgrade()).header("sec-websocket-protocol", format!("bearer, {}", token("bob"))),
            ok("bob"),
        ),
        row("ws query: another method of asking", with(get("/me").header("upgrade", "h2c, WebSocket")), ok("alice")),
    ]
}

/// A page of any origin may open one, and the browser adds the cookie.
fn cookie() -> Vec<Row> {
    let refused = || -> Expected { forbidden("cross_origin") };
    let by = || upgrade().cookie(&token("alice"));
    vec![
        row("ws cookie: of this origin", by().header("origin", OWN), ok("alice")),
        row("ws cookie: of another origin", by().header("origin", "https://evil.example"), refused()),
        row("ws cookie: it does not say", by(), refused()),
        row("ws cookie: by name", by().header("origin", "https://app.example.com").at(Site::Browser), ok("alice")),
        row(
            "ws cookie: of the same origin, the browser says",
            by().header("sec-fetch-site", "same-origin"),
            ok("alice"),
        ),
        row(
            "ws cookie: of another site, the browser says",
            by().header("sec-fetch-site", "cross-site")
                .header("sec-fetch-mode", "websocket")
                .header("origin", "https://evil.example"),
            refused(),
        ),
        row(
            "ws cookie: a page of another origin with a token",
            upgrade().header("origin", "https://evil.example").query("ws_token", &token("alice")),
            ok("alice"),
        ),
    ]
}
