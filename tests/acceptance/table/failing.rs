//! What is needed to decide does not answer, or is not wired up. Nobody gets in by that, and nobody is told why.

use crate::{
    cast::ISSUER,
    row::{Row, get, misconfigured, ok, row, unauthorized, unavailable},
};

pub fn rows() -> Vec<Row> {
    let staff = ISSUER.token("alice").staff().sign();
    let by = |who: &str, path: &str| get(path).by(who);
    vec![
        row("down: the directory, for those who are known", get("/me").bearer("down"), unavailable(7)),
        row("down: the directory, by a cookie", get("/me").cookie("down"), unavailable(7)),
        row("down: the directory, by a header", get("/me").header("x-api-key", "down"), unavailable(7)),
        row("down: the directory, by the query", get("/me?access_token=down"), unavailable(7)),
        row("down: the directory, for staff", get("/staff").bearer("down"), unavailable(7)),
        row("down: the directory, for a visitor", get("/visit").bearer("down"), unavailable(7)),
        row("down: the directory, hidden", get("/hidden-staff").bearer("down"), unavailable(7)),
        row("down: the directory, for all but some", get("/not").bearer("down"), unavailable(7)),
        row("down: the directory, where nobody asks", get("/open").bearer("down"), ok("open")),
        row("down: the directory, until nobody knows when", get("/me").bearer("down-quietly"), unavailable(None)),
        row("down: the membership", by("viewer", "/project?project=13"), unavailable(30)),
        row("down: the membership, hidden", by("viewer", "/hidden-project?project=13"), unavailable(30)),
        row("down: the membership, by path", by("viewer", "/p/13"), unavailable(30)),
        row("down: the membership, by path, hidden", by("viewer", "/hidden/13"), unavailable(30)),
        row("down: the membership, for strangers", by("viewer", "/strangers/13"), unavailable(30)),
        row("down: the membership, and nobody asks it", get("/mixed/13").bearer(&staff), ok("alice id=13")),
        row("down: the membership, and it has to be asked", by("alice", "/mixed/13"), unavailable(30)),
        row("down: the membership, nobody", get("/project?project=13"), unauthorized("credential_missing")),
        row("down: a closure", by("unknown", "/paid"), unavailable(None)),
        row("wiring: an authenticator", get("/me").bearer("badly-wired"), misconfigured()),
        row("wiring: an authenticator, for a visitor", get("/visit").bearer("badly-wired"), misconfigured()),
        row("wiring: a closure", by("unwired", "/paid"), misconfigured()),
        row("wiring: a parameter that the path has not", by("viewer", "/wiring/42"), misconfigured()),
        row("wiring: a parameter, nobody", get("/wiring/42"), unauthorized("credential_missing")),
    ]
}
