//! Authenticators that have to wait. Nothing else is different.

use crate::{
    cast::{ISSUER, token},
    row::{Row, forbidden, get, malformed, not_found, ok, post, row, unauthorized, unavailable},
    sites::Site,
};

pub fn rows() -> Vec<Row> {
    let by = |who: &str, path: &str| get(path).by(who);
    let staff = ISSUER.token("alice").staff().sign();
    let rows = vec![
        row("slow: nobody", get("/me"), unauthorized("credential_missing")),
        row("slow: somebody", by("alice", "/me"), ok("alice")),
        row("slow: somebody, by a cookie", get("/me").cookie(&token("alice")), ok("alice")),
        row("slow: a token that does not hold", get("/me").bearer("opaque"), unauthorized("invalid_token")),
        row("slow: two headers", get("/me").bearer("a").bearer("b"), malformed("invalid_request")),
        row("slow: a visitor", get("/visit"), ok("nobody")),
        row("slow: a visitor whom one knows", by("alice", "/visit"), ok("alice")),
        row("slow: a visitor whose token does not hold", get("/visit").bearer("opaque"), unauthorized("invalid_token")),
        row("slow: where nobody asks", get("/open").bearer("opaque"), ok("open")),
        row("slow: staff", get("/staff").bearer(&staff), ok("alice")),
        row("slow: not staff", by("alice", "/staff"), forbidden("staff_required")),
        row("slow: not staff, in a scope", by("alice", "/admin/users"), forbidden("staff_required")),
        row("slow: hidden", by("alice", "/hidden-staff"), not_found()),
        row("slow: unknown", by("alice", "/unknown"), not_found()),
        row("slow: hidden, nobody", get("/hidden-staff"), unauthorized("credential_missing")),
        row("slow: a closure that waits too", by("debtor", "/paid"), forbidden("paid")),
        row("slow: a resource by query", by("viewer", "/project?project=42"), ok("viewer")),
        row("slow: a resource by path", by("viewer", "/p/a%2Fb"), ok("viewer id=a/b")),
        row("slow: a resource by path, no role", by("viewer", "/p/43"), forbidden("not_a_member")),
        row("slow: a hidden resource by path", by("alice", "/hidden/42"), not_found()),
        row("slow: a parameter of the path above", by("viewer", "/in/42/flights"), ok("viewer id=42")),
        row("slow: the directory is down", get("/me").bearer("down"), unavailable(7)),
        row("slow: the membership is down", by("viewer", "/project?project=13"), unavailable(30)),
        row("slow: a page of another origin", post("/me").cookie(&token("alice")), forbidden("cross_origin")),
    ];
    rows.into_iter().map(|row| Row { request: row.request.at(Site::Slow), ..row }).collect()
}
