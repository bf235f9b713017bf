//! Schemes with a name, which count only where a policy names them, and what the schemes of one source share.

use crate::{
    cast::{ISSUER, token},
    row::{Expected, Request, Row, ask, forbidden, get, malformed, not_found, ok, post, row, unauthorized},
    sites::{KEY, SECRET, SECRET_BEFORE, Site},
};

pub fn rows() -> Vec<Row> {
    [elsewhere(), named(), also(), several(), negated(), together(), otherwise_wired(), pieces()].concat()
}

const HEADER: &str = "x-sync-secret";

fn sync(path: &str) -> Request {
    get(path).header(HEADER, SECRET)
}

fn report(path: &str) -> Request {
    get(path).header("x-report-key", KEY)
}

fn staff(path: &str) -> Request {
    get(path).bearer(&ISSUER.token("alice").staff().sign())
}

fn missing() -> Expected {
    unauthorized("credential_missing")
}

fn invalid() -> Expected {
    unauthorized("invalid_token")
}

/// Where no policy names the scheme, its credential is absent.
fn elsewhere() -> Vec<Row> {
    vec![
        row("scheme elsewhere: a good secret", sync("/me"), missing()),
        row("scheme elsewhere: a secret that does not hold", get("/me").header(HEADER, "wrong"), missing()),
        row("scheme elsewhere: for whoever is known", sync("/known"), missing()),
        row("scheme elsewhere: for staff", sync("/staff"), missing()),
        row("scheme elsewhere: hidden", sync("/hidden-staff"), missing()),
        row("scheme elsewhere: in a scope", sync("/admin/users"), missing()),
        row("scheme elsewhere: nested", sync("/n/me"), missing()),
        row("scheme elsewhere: to change it", post("/me").header(HEADER, SECRET), missing()),
        row("scheme elsewhere: a visitor", sync("/visit"), ok("nobody")),
        row("scheme elsewhere: a visitor, it does not hold", get("/visit").header(HEADER, "wrong"), ok("nobody")),
        row("scheme elsewhere: a visitor by option", sync("/maybe"), ok("nobody")),
        row("scheme elsewhere: where nobody asks", sync("/open"), ok("open")),
        row("scheme elsewhere: an unknown path", sync("/unknown"), not_found()),
        row("scheme elsewhere: beside a token", sync("/me").by("alice"), ok("alice")),
        row("scheme elsewhere: beside a token that does not hold", sync("/me").bearer("opaque"), invalid()),
        row(
            "scheme elsewhere: it does not hold, beside a token",
            get("/me").header(HEADER, "wrong").by("alice"),
            ok("alice"),
        ),
        row("scheme elsewhere: twice, beside a token", sync("/me").header(HEADER, SECRET).by("alice"), ok("alice")),
        row("scheme elsewhere: of another route", sync("/by-key"), missing()),
        row(
            "scheme elsewhere: of another route, beside its own",
            sync("/by-key").header("x-report-key", KEY),
            ok("report"),
        ),
    ]
}

/// Where a policy names it, it alone is read.
fn named() -> Vec<Row> {
    let by = |name: &'static str, value: &str| get("/by-secret").header(name, value);
    vec![
        row("scheme named: a good secret", sync("/by-secret"), ok("sync")),
        row("scheme named: the one before", by(HEADER, SECRET_BEFORE), ok("sync")),
        row("scheme named: with space around it", by(HEADER, &format!("  {SECRET} ")), ok("sync")),
        row("scheme named: to change it", post("/by-secret").header(HEADER, SECRET), ok("sync")),
        row("scheme named: head, nobody", ask("HEAD", "/by-secret"), missing().without_body()),
        row("scheme named: empty", by(HEADER, ""), missing()),
        row("scheme named: another secret", by(HEADER, &format!("{SECRET}!")), invalid()),
        row("scheme named: the secret of another", by(HEADER, KEY), invalid()),
        row("scheme named: a token in its header", by(HEADER, &token("alice")), invalid()),
        row("scheme named: not UTF-8", get("/by-secret").header(HEADER, *b"\xff\xfe"), invalid()),
        row("scheme named: twice", sync("/by-secret").header(HEADER, SECRET), malformed("invalid_request")),
        row("scheme named: the secret in the bearer header", get("/by-secret").bearer(SECRET), missing()),
        row("scheme named: the secret in another header", by("x-api-key", SECRET), missing()),
        row("scheme named: the secret in the header of another", by("x-report-key", SECRET), missing()),
        row("scheme named: the secret in a cookie", get("/by-secret").cookie(SECRET), missing()),
        row("scheme named: the secret in the query", get("/by-secret").query("access_token", SECRET), missing()),
        row("scheme named: a token", get("/by-secret").by("alice"), missing()),
        row("scheme named: a token of staff", staff("/by-secret"), missing()),
        row("scheme named: a token that does not hold", get("/by-secret").bearer("opaque"), missing()),
        row("scheme named: the directory is down", get("/by-secret").bearer("down"), missing()),
        row("scheme named: beside a token", sync("/by-secret").by("alice"), ok("sync")),
        row("scheme named: beside a token that does not hold", sync("/by-secret").bearer("opaque"), ok("sync")),
        row("scheme named: beside two bearer headers", sync("/by-secret").bearer("a").bearer("b"), ok("sync")),
        row(
            "scheme named: it does not hold, beside a token",
            get("/by-secret").header(HEADER, "wrong").by("alice"),
            invalid(),
        ),
        row("scheme named: more is asked", sync("/editor-by-secret"), forbidden("role_required")),
        row(
            "scheme named: more is asked, and a token has it",
            get("/editor-by-secret").bearer(&ISSUER.token("alice").role("editor").sign()),
            missing(),
        ),
    ]
}

/// Beside the schemes without a name, which come first.
fn also() -> Vec<Row> {
    let also = |value: &str| get("/also").header(HEADER, value);
    vec![
        row("scheme also: nobody", get("/also"), missing()),
        row("scheme also: a good secret", also(SECRET), ok("sync")),
        row("scheme also: another secret", also("wrong"), invalid()),
        row("scheme also: a token", get("/also").by("alice"), ok("alice")),
        row("scheme also: a token in a cookie", get("/also").cookie(&token("alice")), ok("alice")),
        row("scheme also: a token that does not hold", get("/also").bearer("opaque"), invalid()),
        row("scheme also: a token in the secret's header", also(&token("alice")), invalid()),
        row("scheme also: the secret in the bearer header", get("/also").bearer(SECRET), invalid()),
        row("scheme also: the secret in another header", get("/also").header("x-api-key", SECRET), invalid()),
        row("scheme also: the key of another", report("/also"), missing()),
        row("scheme also: both", also(SECRET).by("alice"), ok("alice")),
        row("scheme also: both, the token does not hold", also(SECRET).bearer("opaque"), invalid()),
        row("scheme also: both, the secret does not hold", also("wrong").by("alice"), ok("alice")),
        row("scheme also: both, the secret stands first", also(SECRET).by("alice").at(Site::HeaderFirst), ok("sync")),
        row(
            "scheme also: both, the secret stands first and does not hold",
            also("wrong").by("alice").at(Site::HeaderFirst),
            invalid(),
        ),
        row("scheme also: staff, by the secret", sync("/also-staff"), forbidden("staff_required")),
        row("scheme also: staff, by a token", staff("/also-staff"), ok("alice")),
        row("scheme also: staff, somebody", get("/also-staff").by("alice"), forbidden("staff_required")),
        row("scheme also: one of two", sync("/also-either"), ok("sync")),
        row("scheme also: the other of two", report("/also-either"), ok("report")),
        row("scheme also: none of two", get("/also-either").by("alice"), ok("alice")),
        row("scheme also: both of two", report("/also-either").header(HEADER, SECRET), ok("sync")),
        row(
            "scheme also: both of two, the first does not hold",
            report("/also-either").header(HEADER, "wrong"),
            invalid(),
        ),
    ]
}

/// Each part of an `any` is about the callers of its own scheme.
fn several() -> Vec<Row> {
    let either = |path: &str| sync(path).header("x-report-key", KEY);
    vec![
        row("scheme any: nobody", get("/secret-or-key"), missing()),
        row("scheme any: the first", sync("/secret-or-key"), ok("sync")),
        row("scheme any: the second", report("/secret-or-key"), ok("report")),
        row("scheme any: both", either("/secret-or-key"), ok("sync")),
        row("scheme any: a token", get("/secret-or-key").by("alice"), missing()),
        row("scheme any: or staff, the secret", sync("/secret-or-staff"), ok("sync")),
        row("scheme any: or staff, staff", staff("/secret-or-staff"), ok("alice")),
        row("scheme any: or staff, somebody", get("/secret-or-staff").by("alice"), forbidden("staff_required")),
        row(
            "scheme any: or staff, somebody with the secret",
            sync("/secret-or-staff").by("alice"),
            forbidden("staff_required"),
        ),
        row("scheme any: or staff, the key", report("/secret-or-staff"), missing()),
        row("scheme any: or hidden, the secret", sync("/secret-or-hidden"), ok("sync")),
        row("scheme any: or hidden, somebody", get("/secret-or-hidden").by("alice"), not_found()),
        row("scheme any: or hidden, nobody", get("/secret-or-hidden"), missing()),
    ]
}

/// A negation opens nothing, also not for the scheme that it is about.
fn negated() -> Vec<Row> {
    vec![
        row("scheme not: nobody", get("/not-by-secret"), missing()),
        row("scheme not: somebody", get("/not-by-secret").by("alice"), ok("alice")),
        row("scheme not: the secret", sync("/not-by-secret"), missing()),
        row("scheme not: the key", report("/not-by-secret"), missing()),
        row("scheme not: opened, somebody", get("/any-but-secret").by("alice"), ok("alice")),
        row("scheme not: opened, the secret", sync("/any-but-secret"), forbidden("not_allowed")),
        row("scheme not: opened, the key", report("/any-but-secret"), ok("report")),
    ]
}

/// Where different credentials are a conflict, only those count that the route accepts.
fn together() -> Vec<Row> {
    let both = |path: &str| sync(path).by("alice").at(Site::Strict);
    vec![
        row("scheme strict: both, where the token counts", both("/me"), ok("alice")),
        row("scheme strict: both, where the secret counts", both("/by-secret"), ok("sync")),
        row("scheme strict: both, where either counts", both("/also"), malformed("conflicting_credentials")),
        row("scheme strict: a visitor", both("/visit"), ok("alice")),
        row("scheme strict: one, where either counts", sync("/also").at(Site::Strict), ok("sync")),
    ]
}

/// The same by other gates: one whose verifiers wait, one with a realm, and one where a scheme without a name reads the
/// same header.
fn otherwise_wired() -> Vec<Row> {
    let challenge = |challenge: &str, expected: Expected| expected.header("www-authenticate", challenge);
    let shared = |path: &str, value: &str| get(path).header(HEADER, value).at(Site::Service);
    vec![
        row("scheme slow: elsewhere", sync("/me").at(Site::Slow), missing()),
        row("scheme slow: named", sync("/by-secret").at(Site::Slow), ok("sync")),
        row(
            "scheme slow: named, it does not hold",
            get("/by-secret").header(HEADER, "wrong").at(Site::Slow),
            invalid(),
        ),
        row("scheme slow: also, the secret", sync("/also").at(Site::Slow), ok("sync")),
        row("scheme slow: also, a token", get("/also").by("alice").at(Site::Slow), ok("alice")),
        row("scheme slow: any, the secret", sync("/secret-or-staff").at(Site::Slow), ok("sync")),
        row(
            "scheme realm: elsewhere",
            sync("/me").at(Site::Realm),
            challenge(r#"Bearer realm="the books""#, missing()),
        ),
        row(
            "scheme realm: it does not hold",
            get("/by-secret").header(HEADER, "wrong").at(Site::Realm),
            challenge(
                r#"Bearer realm="the books", error="invalid_token", error_description="the token is not valid""#,
                invalid(),
            ),
        ),
        row("scheme shared: named, the secret", shared("/by-secret", SECRET), ok("sync")),
        row("scheme shared: named, a token", shared("/by-secret", &token("alice")), invalid()),
        row("scheme shared: named, the directory is down", shared("/by-secret", "down"), invalid()),
        row("scheme shared: also, a token", shared("/also", &token("alice")), ok("alice")),
        row("scheme shared: also, the secret", shared("/also", SECRET), ok("sync")),
        row("scheme shared: a good secret elsewhere", shared("/staff", SECRET), forbidden("staff_required")),
        row(
            "scheme shared: a cookie, which no scheme reads",
            get("/also").cookie(&token("alice")).at(Site::Service),
            missing(),
        ),
    ]
}

/// Cookies that hold more, or less, than the credential.
fn pieces() -> Vec<Row> {
    let alice = token("alice");
    let (first, second) = alice.split_at(40);
    let me = |cookies: &str| get("/me").header("cookie", cookies).at(Site::Pieces);
    let change = |cookies: &str| post("/me").header("cookie", cookies).at(Site::Pieces);
    let chunks = format!("session.0={first}; session.1={second}");
    let prefixed = format!("access_token=Bearer {alice}");
    let foreign = |request: Request| request.header("sec-fetch-site", "cross-site");
    vec![
        row("prefix: there", me(&prefixed), ok("alice")),
        row("prefix: quoted", me(&format!("access_token=\"Bearer {alice}\"")), ok("alice")),
        row("prefix: not there", me(&format!("access_token={alice}")), missing()),
        row("prefix: in another case", me(&format!("access_token=bearer {alice}")), missing()),
        row("prefix: alone", me("access_token=Bearer "), missing()),
        row("prefix: before what does not hold", me("access_token=Bearer opaque"), invalid()),
        row("prefix: before two words", me("access_token=Bearer a b"), invalid()),
        row("prefix: twice", me(&format!("{prefixed}; access_token=Bearer other")), malformed("invalid_request")),
        row("prefix: another site changes something", foreign(change(&prefixed)), forbidden("cross_origin")),
        row("chunks: all of them", me(&chunks), ok("alice")),
        row("chunks: in another order", me(&format!("session.1={second}; session.0={first}")), ok("alice")),
        row("chunks: the first only", me(&format!("session.0={first}")), invalid()),
        row("chunks: the second only", me(&format!("session.1={second}")), missing()),
        row("chunks: one of them not there", me(&format!("session.0={first}; session.2={second}")), invalid()),
        row("chunks: one of them twice", me(&format!("{chunks}; session.1=other")), malformed("invalid_request")),
        row(
            "chunks: one of them not UTF-8",
            get("/me").header("cookie", *b"session.0=\xff").at(Site::Pieces),
            invalid(),
        ),
        row("chunks: behind the prefix", me(&format!("{chunks}; access_token=Bearer {}", token("bob"))), ok("bob")),
        row("chunks: another site changes something", foreign(change(&chunks)), forbidden("cross_origin")),
    ]
}
