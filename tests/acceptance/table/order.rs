//! Several credentials in one request, and which of them decides.

use crate::{
    cast::token,
    row::{Request, Row, get, malformed, ok, row, unauthorized},
    sites::{SECRET, SECRET_BEFORE, Site},
};

pub fn rows() -> Vec<Row> {
    [order(), conflicts(), service()].concat()
}

fn order() -> Vec<Row> {
    let (alice, bob, invalid) = (token("alice"), token("bob"), || unauthorized("invalid_token"));
    let cookie = |value: &str| get("/me").cookie(value);
    let reversed = |request: Request| request.at(Site::HeaderFirst);
    let unreadable = get("/me").header("cookie", *b"session=\xff").by("bob");
    let every = cookie(&alice).by("bob").header("x-api-key", token("carol"));
    vec![
        row("order: the cookie stands first", cookie(&alice).bearer(&bob), ok("alice")),
        row("order: the first of three", every, ok("alice")),
        row("order: an empty cookie is not there", cookie("").bearer(&bob), ok("bob")),
        row("order: a cookie that does not hold decides", cookie("opaque").bearer(&bob), invalid()),
        row("order: a cookie that cannot be read decides", unreadable, invalid()),
        row("order: nobody looks behind the first", cookie(&alice).header("authorization", "Bearer"), ok("alice")),
        row(
            "order: the bearer header before a header",
            get("/me").by("bob").header("x-api-key", alice.as_str()),
            ok("bob"),
        ),
        row(
            "order: another scheme is not there",
            get("/me").header("authorization", "Basic YWxpY2U6").header("x-api-key", alice.as_str()),
            ok("alice"),
        ),
        row("order: the other way round", reversed(cookie(&alice).bearer(&bob)), ok("bob")),
        row("order: the other way round, it does not hold", reversed(cookie(&alice).bearer("opaque")), invalid()),
        row(
            "order: the other way round, another scheme",
            reversed(cookie(&alice).header("authorization", "Basic YWxpY2U6")),
            ok("alice"),
        ),
        row(
            "order: a source that the gate does not read",
            get("/me").header("x-api-key", bob).at(Site::HeaderFirst),
            unauthorized("credential_missing"),
        ),
    ]
}

fn conflicts() -> Vec<Row> {
    let (alice, conflict) = (token("alice"), || malformed("conflicting_credentials"));
    let both = |path: &str| get(path).cookie(&alice).by("bob").at(Site::Strict);
    let strict = |token: &str| get("/me").cookie(token).bearer(token).at(Site::Strict);
    let unreadable = get("/me").cookie(&alice).header("authorization", "Bearer").at(Site::Strict);
    vec![
        row("strict: two of them", both("/me"), conflict()),
        row("strict: two of them, for a visitor", both("/visit"), conflict()),
        row("strict: two of them, where nobody asks", both("/open"), ok("open")),
        row("strict: two of them, hidden", both("/hidden-staff"), conflict()),
        row("strict: the same twice", strict(&alice), ok("alice")),
        row("strict: the same twice, and it does not hold", strict("opaque"), unauthorized("invalid_token")),
        row(
            "strict: the same cookie twice",
            get("/me").cookie(&alice).cookie(&alice).bearer(&alice).at(Site::Strict),
            ok("alice"),
        ),
        row(
            "strict: two cookies",
            get("/me").cookie(&alice).cookie(&token("bob")).bearer(&alice).at(Site::Strict),
            malformed("invalid_request"),
        ),
        row("strict: an empty one is none", get("/me").cookie("").by("bob").at(Site::Strict), ok("bob")),
        row("strict: the second cannot be read", unreadable, unauthorized("invalid_token")),
        row(
            "strict: a header and a query",
            get("/me").header("x-api-key", alice.as_str()).query("access_token", &token("bob")).at(Site::Strict),
            conflict(),
        ),
        row(
            "strict: a bearer header and a query",
            get("/me").bearer(&alice).query("access_token", &alice).at(Site::Strict),
            malformed("invalid_request"),
        ),
    ]
}

/// A secret that two services share, known in one header only.
fn service() -> Vec<Row> {
    let sync = |path: &str, secret: &str| get(path).header("x-sync-secret", secret).at(Site::Service);
    let invalid = || unauthorized("invalid_token");
    vec![
        row("secret: good", sync("/me", SECRET), ok("sync")),
        row("secret: the one before", sync("/me", SECRET_BEFORE), ok("sync")),
        row("secret: another one", sync("/me", &format!("{SECRET}!")), invalid()),
        row("secret: the beginning of it", sync("/me", &SECRET[..20]), invalid()),
        row("secret: in the bearer header", get("/me").bearer(SECRET).at(Site::Service), invalid()),
        row("secret: where it is asked for", sync("/by-secret", SECRET), ok("sync")),
        row(
            "secret: a token where the secret is asked for",
            get("/by-secret").by("alice").at(Site::Service),
            unauthorized("credential_missing"),
        ),
        row("secret: a token beside it", sync("/me", SECRET).by("alice"), ok("sync")),
        row("secret: a token in its header", sync("/me", &token("alice")), ok("alice")),
    ]
}
