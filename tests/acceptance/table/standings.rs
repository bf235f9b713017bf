//! What callers are to resources of other kinds, and who they are in the service.

use crate::{
    cast::token,
    row::{Row, forbidden, get, misconfigured, not_found, ok, post, row, unauthorized, unavailable, unidentified},
    sites::{SECRET, Site},
};

pub fn rows() -> Vec<Row> {
    [standings(), identifiers(), visitors(), accounts()].concat()
}

fn standings() -> Vec<Row> {
    let by = |who: &str, path: &str| get(path).by(who);
    let missing = || unauthorized("credential_missing");
    vec![
        row("standing: a role", by("pilot", "/flight?flight=1"), ok("pilot")),
        row("standing: a stranger", by("alice", "/flight?flight=1"), forbidden("not_a_member")),
        row("standing: missing", by("pilot", "/flight?flight=9"), not_found()),
        row("standing: refused", by("suspended", "/flight?flight=1"), forbidden("suspended")),
        row("standing: at its end", by("past", "/flight?flight=1"), forbidden("not_a_member")),
        row("standing: inherited", by("viewer", "/flight?flight=1"), ok("viewer")),
        row("standing: inherited, of another project", by("viewer", "/flight?flight=3"), forbidden("not_a_member")),
        row("standing: a role that nobody knows", by("misspelt", "/flight?flight=1"), misconfigured()),
        row("standing: nobody", get("/flight?flight=1"), missing()),
        row("standing: nobody, missing", get("/flight?flight=9"), missing()),
        row("standing: hidden, a role", by("pilot", "/hidden-flight?flight=1"), ok("pilot")),
        row("standing: hidden, a stranger", by("alice", "/hidden-flight?flight=1"), not_found()),
        row("standing: hidden, missing", by("pilot", "/hidden-flight?flight=9"), not_found()),
        row("standing: hidden, refused", by("suspended", "/hidden-flight?flight=1"), forbidden("suspended")),
        row("standing: not, a role", by("pilot", "/no-viewer?flight=1"), forbidden("not_allowed")),
        row("standing: not, a stranger", by("alice", "/no-viewer?flight=1"), ok("alice")),
        row("standing: not, missing", by("pilot", "/no-viewer?flight=9"), not_found()),
        row("standing: not, refused", by("suspended", "/no-viewer?flight=1"), forbidden("suspended")),
        row("standing: not, a role that nobody knows", by("misspelt", "/no-viewer?flight=1"), misconfigured()),
        row("standing: of its project", by("pilot", "/flight-of-project?flight=1&project=42"), ok("pilot")),
        row("standing: of another project", by("pilot", "/flight-of-project?flight=1&project=43"), not_found()),
        row(
            "standing: of another project, a stranger",
            by("alice", "/flight-of-project?flight=1&project=43"),
            not_found(),
        ),
        row("standing: a row", by("pilot", "/unlocked-flight?flight=1"), ok("pilot")),
        row("standing: a row that is not like this", by("pilot", "/unlocked-flight?flight=2"), forbidden("locked")),
    ]
}

fn identifiers() -> Vec<Row> {
    let by = |who: &str, path: &str| get(path).by(who);
    let header = |path: &str, id: &str| by("pilot", path).header("x-flight", id);
    vec![
        row("identifier: with a zero", by("pilot", "/flight?flight=01"), ok("pilot")),
        row("identifier: none", by("pilot", "/flight?flight=one"), unidentified("invalid_id")),
        row("identifier: none, hidden", by("alice", "/hidden-flight?flight=one"), unidentified("invalid_id")),
        row("identifier: none, nobody", get("/flight?flight=one"), unauthorized("credential_missing")),
        row("identifier: in a header", header("/flight-by-header", "1"), ok("pilot")),
        row("identifier: in a header, another one", header("/flight-by-header", "9"), not_found()),
        row("identifier: in the query instead", by("pilot", "/flight-by-header?flight=1"), ok("pilot")),
        row("identifier: in both", header("/flight-by-header?flight=1", "1"), ok("pilot")),
        row(
            "identifier: in both, different",
            header("/flight-by-header?flight=1", "2"),
            unidentified("conflicting_ids"),
        ),
        row("identifier: in neither", by("pilot", "/flight-by-header"), unidentified("parameter_missing")),
        row("identifier: no organization", by("alice", "/my-organization"), unidentified("parameter_missing")),
    ]
}

fn visitors() -> Vec<Row> {
    let by = |who: &str, path: &str| get(path).by(who);
    let by_secret = get("/open-flight?flight=4").header("x-sync-secret", SECRET);
    let forged = post("/open-flight?flight=4").cookie(&token("pilot")).header("sec-fetch-site", "cross-site");
    vec![
        row("visitors: nobody, to whom it is open", get("/open-flight?flight=4"), ok("nobody")),
        row("visitors: nobody, to whom it is not", get("/open-flight?flight=5"), unauthorized("credential_missing")),
        row("visitors: nobody, missing", get("/open-flight?flight=9"), unauthorized("credential_missing")),
        row("visitors: somebody with a role", by("pilot", "/open-flight?flight=5"), ok("pilot")),
        row("visitors: somebody without", by("alice", "/open-flight?flight=5"), not_found()),
        row("visitors: somebody who is a stranger to what is open", by("alice", "/open-flight?flight=4"), ok("alice")),
        row(
            "visitors: a token that is not valid",
            get("/open-flight?flight=4").bearer("x"),
            unauthorized("invalid_token"),
        ),
        row("visitors: by a scheme that is not accepted here", by_secret, ok("nobody")),
        row("visitors: a page of another origin", forged, forbidden("cross_origin")),
        row("visitors: nobody, no identifier", get("/open-flight?flight=x"), unidentified("invalid_id")),
    ]
}

fn accounts() -> Vec<Row> {
    let by = |who: &str, path: &str| get(path).by(who).at(Site::Accounts);
    let secret = get("/by-secret").header("x-sync-secret", SECRET).at(Site::Accounts);
    vec![
        row("account: confirmed", by("alice", "/me"), ok("alice")),
        row("account: unknown", by("unknown", "/me"), unauthorized("user_not_found")),
        row("account: unknown, hidden", by("unknown", "/hidden-staff"), unauthorized("user_not_found")),
        row("account: denied", by("banned", "/me"), forbidden("banned")),
        row("account: denied, a visitor", by("banned", "/visit"), forbidden("banned")),
        row("account: denied, where nobody asks", by("banned", "/open"), ok("open")),
        row("account: the directory is down", by("down", "/known"), unavailable(30)),
        row("account: it makes staff", by("promoted", "/staff"), ok("promoted")),
        row("account: its organization", by("promoted", "/my-organization"), ok("promoted")),
        row("account: none, where one is asked about", by("new", "/confirmed"), misconfigured()),
        row("account: none, where none is asked about", by("new", "/unchecked"), ok("new")),
        row("baseline: unconfirmed", by("unconfirmed", "/known"), forbidden("unconfirmed")),
        row("baseline: an extractor without a guard", by("unconfirmed", "/me"), forbidden("unconfirmed")),
        row("baseline: before the route's own", by("unconfirmed", "/staff"), forbidden("unconfirmed")),
        row("baseline: before what hides", by("unconfirmed", "/hidden-staff"), forbidden("unconfirmed")),
        row("baseline: before an identifier", by("unconfirmed", "/flight?flight=one"), forbidden("unconfirmed")),
        row("baseline: where visitors may", by("unconfirmed", "/open-flight?flight=4"), forbidden("unconfirmed")),
        row("baseline: a visitor", get("/open-flight?flight=4").at(Site::Accounts), ok("nobody")),
        row("baseline: a secret, which has no account", secret, misconfigured()),
        row("baseline: left out", by("unconfirmed", "/unchecked"), ok("unconfirmed")),
        row("baseline: a public route", by("unconfirmed", "/open"), ok("open")),
        row("baseline: nobody", get("/known").at(Site::Accounts), unauthorized("credential_missing")),
    ]
}
