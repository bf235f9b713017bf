//! A gate that renders its answers does so for each of them, and an unknown path looks like what is hidden.

use crate::{
    cast::{ISSUER, token},
    row::{Row, ask, detail, get, method_not_allowed, ok, post, row},
    sites::Site,
};
use std::time::Duration;

pub fn rows() -> Vec<Row> {
    let by = |who: &str, path: &str| get(path).by(who);
    let expired = ISSUER.token("alice").expired_for(Duration::from_secs(1)).sign();
    let change = post("/me").cookie(&token("alice"));
    let down = |path: &str| get(path).bearer("down");
    let rows = vec![
        row("rendered: somebody", by("alice", "/me"), ok("alice")),
        row("rendered: nobody", get("/me"), detail(401, "credential_missing")),
        row("rendered: nobody, for staff", get("/staff"), detail(401, "credential_missing")),
        row("rendered: it does not hold", get("/me").bearer("opaque"), detail(401, "invalid_token")),
        row("rendered: it does not hold, a visitor", get("/visit").bearer("opaque"), detail(401, "invalid_token")),
        row("rendered: it has expired", get("/me").bearer(&expired), detail(401, "token_expired")),
        row("rendered: two headers", get("/me").bearer("a").bearer("b"), detail(400, "invalid_request")),
        row("rendered: not staff", by("alice", "/staff"), detail(403, "staff_required")),
        row("rendered: no scope", by("alice", "/scope"), detail(403, "insufficient_scope")),
        row("rendered: no role on it", by("alice", "/project?project=42"), detail(403, "not_a_member")),
        row("rendered: no role on it, by path", by("alice", "/p/42"), detail(403, "not_a_member")),
        row("rendered: a page of another origin", change, detail(403, "cross_origin")),
        row("rendered: the directory is down", down("/me"), detail(503, "unavailable").header("retry-after", "7")),
        row("rendered: a closure is not wired up", by("unwired", "/paid"), detail(500, "misconfigured")),
        row("rendered: hidden", by("alice", "/hidden-staff"), detail(404, "not_found")),
        row("rendered: hidden, to change it", post("/hidden-staff").by("alice"), detail(404, "not_found")),
        row("rendered: hidden, by path", by("alice", "/hidden/42"), detail(404, "not_found")),
        row("rendered: hidden, nested", by("alice", "/n/hidden-staff"), detail(404, "not_found")),
        row("rendered: unknown", by("alice", "/unknown"), detail(404, "not_found")),
        row("rendered: unknown, to change it", post("/unknown").by("alice"), detail(404, "not_found")),
        row("rendered: unknown, nested", by("alice", "/n/unknown"), detail(404, "not_found")),
        row("rendered: unknown, nobody", get("/unknown"), detail(404, "not_found")),
        row("rendered: where nobody asks", get("/open").bearer("opaque"), ok("open")),
        row("rendered: a method that is not there", ask("PURGE", "/me").by("alice"), method_not_allowed()),
    ];
    rows.into_iter().map(|row| Row { request: row.request.at(Site::Rendered), ..row }).collect()
}
