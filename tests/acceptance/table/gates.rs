//! Routes of another gate within those of a site. Each gate reads its own credentials and answers by itself.

use crate::{
    cast::{ISSUER, token},
    row::{
        Expected, Request, Row, detail, forbidden, get, insufficient_scope, not_found, ok, post, row, unauthorized,
        unavailable,
    },
    sites::Site,
};

const CHALLENGE: &str = r#"Bearer realm="the other books""#;
const INVALID: &str =
    r#"Bearer realm="the other books", error="invalid_token", error_description="the token is not valid""#;

/// The other gate has no credential.
fn missing() -> Expected {
    unauthorized("credential_missing").header("www-authenticate", CHALLENGE)
}

/// The other gate has one that is not valid.
fn invalid() -> Expected {
    unauthorized("invalid_token").header("www-authenticate", INVALID)
}

/// With a token for the other gate.
fn other(request: Request, token: &str) -> Request {
    request.header("x-other", token)
}

pub fn rows() -> Vec<Row> {
    [alone(), behind(), returned(), elsewhere()].concat()
}

/// Without a guard of the site around it.
fn alone() -> Vec<Row> {
    let alice = token("alice");
    let staff = ISSUER.token("alice").staff().sign();
    let by = |path: &str| other(get(path), &alice);
    vec![
        row("gates: its credential", by("/other/me"), ok("alice")),
        row("gates: its credential, to change it", other(post("/other/me"), &alice), ok("alice")),
        row("gates: none", get("/other/me"), missing()),
        row("gates: an invalid one", other(get("/other/me"), "opaque"), invalid()),
        row("gates: a credential of the site", get("/other/me").by("alice"), missing()),
        row("gates: an invalid credential of the site", get("/other/me").bearer("opaque"), missing()),
        row("gates: both credentials", by("/other/me").by("bob"), ok("alice")),
        row("gates: both credentials, at the site", by("/me").by("bob"), ok("bob")),
        row("gates: its credential, at the site", by("/me"), unauthorized("credential_missing")),
        row("gates: a visitor", get("/other/visit"), ok("nobody")),
        row("gates: a visitor with its credential", by("/other/visit"), ok("alice")),
        row("gates: a visitor with a credential of the site", get("/other/visit").by("alice"), ok("nobody")),
        row("gates: a visitor with an invalid one", other(get("/other/visit"), "opaque"), invalid()),
        row("gates: not staff", by("/other/staff"), forbidden("staff_required")),
        row("gates: staff", other(get("/other/staff"), &staff), ok("alice")),
        row("gates: staff of the site", get("/other/staff").bearer(&staff), missing()),
        row("gates: hidden", by("/other/hidden-staff"), not_found()),
        row("gates: hidden, staff", other(get("/other/hidden-staff"), &staff), ok("alice")),
        row("gates: a hidden denial of the handler", by("/other/fails?hidden"), not_found()),
        row("gates: public", get("/other/open"), ok("open")),
        row("gates: an unknown path", by("/other/unknown"), not_found()),
    ]
}

/// Behind a guard of the site. Both have to allow the request, and the handler gets the caller of the inner one.
fn behind() -> Vec<Row> {
    let (alice, bob) = (token("alice"), token("bob"));
    let staff = ISSUER.token("bob").staff().sign();
    let both = |path: &str| other(get(path).bearer(&alice), &bob);
    let site = |path: &str| get(path).bearer(&alice);
    vec![
        row("gates behind: both", both("/behind/me"), ok("bob")),
        row("gates behind: none", get("/behind/me"), unauthorized("credential_missing")),
        row("gates behind: the outer only", site("/behind/me"), missing()),
        row("gates behind: the inner only", other(get("/behind/me"), &bob), unauthorized("credential_missing")),
        row(
            "gates behind: the outer is invalid",
            other(get("/behind/me").bearer("opaque"), &bob),
            unauthorized("invalid_token"),
        ),
        row("gates behind: the inner is invalid", other(site("/behind/me"), "opaque"), invalid()),
        row(
            "gates behind: the directory of the outer is down",
            other(get("/behind/me").bearer("down"), &bob),
            unavailable(7),
        ),
        row("gates behind: not staff", both("/behind/staff"), forbidden("staff_required")),
        row("gates behind: staff", other(site("/behind/staff"), &staff), ok("bob")),
        row(
            "gates behind: staff of the outer only",
            other(get("/behind/staff").bearer(&staff), &alice),
            forbidden("staff_required"),
        ),
        row("gates behind: hidden", both("/behind/hidden-staff"), not_found()),
        row("gates behind: a visitor of the inner", site("/behind/visit"), ok("nobody")),
        row(
            "gates behind: a visitor of the outer",
            other(get("/behind/visit"), &bob),
            unauthorized("credential_missing"),
        ),
        row("gates behind: both, a visitor", both("/behind/visit"), ok("bob")),
        row("gates behind: public within", site("/behind/open"), ok("open")),
        row("gates behind: public within, nobody", get("/behind/open"), unauthorized("credential_missing")),
    ]
}

/// The guard of the inner gate renders what its handlers return.
fn returned() -> Vec<Row> {
    let (alice, bob) = (token("alice"), token("bob"));
    let scope = insufficient_scope("kb:read")
        .header("www-authenticate", r#"Bearer realm="the other books", error="insufficient_scope", scope="kb:read""#);
    let mut rows = Vec::new();
    for site in [Site::Every, Site::Realm, Site::Rendered] {
        let alone = |how: &str| other(get(format!("/other/fails?{how}")), &alice).at(site);
        let behind = |how: &str| other(get(format!("/behind/fails?{how}")).bearer(&alice), &bob).at(site);
        let name = |what: &str| format!("gates, at {site:?}: returned {what}");
        let name_behind = |what: &str| format!("gates behind, at {site:?}: returned {what}");
        rows.extend([
            row(name("missing"), alone("missing"), missing()),
            row(name("scope"), alone("scope"), scope.clone()),
            row(name("denied"), alone("denied"), forbidden("too_late")),
            row(name("nothing"), alone("allows"), ok("staff=false")),
            row(name("by an insisting handler"), get("/other/insists").at(site), missing()),
            row(name_behind("missing"), behind("missing"), missing()),
            row(name_behind("scope"), behind("scope"), scope.clone()),
            row(name_behind("denied"), behind("denied"), forbidden("too_late")),
            row(name_behind("nothing"), behind("allows"), ok("staff=false")),
        ]);
    }
    rows
}

/// Where the site answers in its own way, the inner gate does not.
fn elsewhere() -> Vec<Row> {
    let alice = token("alice");
    let realm = unauthorized("credential_missing").header("www-authenticate", r#"Bearer realm="the books""#);
    vec![
        row("gates in a realm: none", get("/other/me").at(Site::Realm), missing()),
        row("gates behind, in a realm: none", get("/behind/me").at(Site::Realm), realm),
        row("gates behind, in a realm: the outer only", get("/behind/me").bearer(&alice).at(Site::Realm), missing()),
        row("gates, rendered: none", get("/other/me").at(Site::Rendered), missing()),
        row("gates behind, rendered: none", get("/behind/me").at(Site::Rendered), detail(401, "credential_missing")),
        row("gates behind, rendered: the outer only", get("/behind/me").bearer(&alice).at(Site::Rendered), missing()),
        row("gates slow: its credential", other(get("/other/me"), &alice).at(Site::Slow), ok("alice")),
        row("gates behind, slow: both", other(get("/behind/me").by("bob"), &alice).at(Site::Slow), ok("alice")),
        row(
            "gates behind, slow: the inner only",
            other(get("/behind/me"), &alice).at(Site::Slow),
            unauthorized("credential_missing"),
        ),
    ]
}
