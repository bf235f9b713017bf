//! Roles on the resource that a path or a query names.

use crate::{
    cast::ISSUER,
    row::{Row, forbidden, get, malformed, not_found, ok, post, row, unauthorized, unavailable, unidentified},
};

pub fn rows() -> Vec<Row> {
    [by_path(), inherited(), encoded(), nested(), by_query()].concat()
}

fn by_path() -> Vec<Row> {
    let (denied, stranger) = (|| forbidden("role_required"), || forbidden("not_a_member"));
    let missing = || unauthorized("credential_missing");
    let by = |who: &str, path: &str| get(path).by(who);
    let staff = || get("/mixed/42").bearer(&ISSUER.token("alice").staff().sign());
    let everywhere = ISSUER.token("alice").role("viewer").role("owner").sign();
    vec![
        row("resource: nobody", get("/p/42"), missing()),
        row("resource: a token that does not hold", get("/p/42").bearer("opaque"), unauthorized("invalid_token")),
        row("resource: no role", by("alice", "/p/42"), stranger()),
        row("resource: viewer", by("viewer", "/p/42"), ok("viewer id=42")),
        row("resource: owner, which includes viewer", by("owner", "/p/42"), ok("owner id=42")),
        row("resource: viewer, of another one", by("viewer", "/p/43"), stranger()),
        row("resource: a role of that name everywhere", get("/p/42").bearer(&everywhere), stranger()),
        row("resource: viewer, where manager is asked for", by("viewer", "/p/42/settings"), denied()),
        row("resource: manager", by("manager", "/p/42/settings"), ok("manager id=42")),
        row("resource: owner, which includes manager", by("owner", "/p/42/settings"), ok("owner id=42")),
        row("resource: manager, where owner is asked for", by("manager", "/p/42/keys"), denied()),
        row("resource: owner", by("owner", "/p/42/keys"), ok("owner id=42")),
        row("resource: viewer, to change it", post("/p/42").by("viewer"), ok("viewer id=42")),
        row("resource: no permission by a role", by("viewer", "/p/42/flights"), forbidden("permission_required")),
        row("resource: a permission by a role", by("manager", "/p/42/flights"), ok("manager id=42")),
        row("resource: hidden, nobody", get("/hidden/42"), missing()),
        row("resource: hidden, no role", by("alice", "/hidden/42"), not_found()),
        row("resource: hidden, there is none", by("alice", "/hidden/4711"), not_found()),
        row("resource: hidden, viewer", by("viewer", "/hidden/42"), ok("viewer id=42")),
        row("resource: hidden, viewer of another one", by("viewer", "/hidden/43"), not_found()),
        row("resource: staff or hidden, neither", by("alice", "/mixed/42"), not_found()),
        row("resource: staff or hidden, viewer", by("viewer", "/mixed/42"), ok("viewer id=42")),
        row("resource: staff or hidden, staff", staff(), ok("alice id=42")),
        row("resource: for strangers, viewer", by("viewer", "/strangers/42"), forbidden("not_allowed")),
        row("resource: for strangers, no role", by("alice", "/strangers/42"), ok("alice id=42")),
        row("resource: a closure, one's own", by("alice", "/people/alice"), ok("alice name=alice")),
        row("resource: a closure, somebody else's", by("alice", "/people/bob"), forbidden("own_name")),
    ]
}

fn inherited() -> Vec<Row> {
    let denied = || forbidden("role_required");
    let by = |who: &str, path: &str| get(path).by(who);
    vec![
        row("inherited: a member of its team views it", by("member", "/p/7"), ok("member id=7")),
        row("inherited: and does no more", by("member", "/p/7/settings"), denied()),
        row("inherited: a lead of its team manages it", by("lead", "/p/7/settings"), ok("lead id=7")),
        row("inherited: and does not own it", by("lead", "/p/7/keys"), denied()),
        row("inherited: who has a role of their own has that", by("demoted", "/p/7/settings"), denied()),
        row("inherited: the role of their own counts", by("demoted", "/p/7"), ok("demoted id=7")),
        row("inherited: not on a project of nobody's", by("lead", "/p/43"), forbidden("not_a_member")),
        row("inherited: nobody knows the parents", by("lead", "/p/14"), unavailable(None)),
    ]
}

/// The guard goes by the identifier that the handler sees.
fn encoded() -> Vec<Row> {
    let by = |who: &str, path: &str| get(path).by(who);
    let ids = [
        ("%34%32", "42"),
        ("a%2Fb", "a/b"),
        ("a%2fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("a%25b", "a%b"),
        ("a%2Bb", "a+b"),
        ("a+b", "a+b"),
        ("a%20b", "a b"),
        ("%C3%A9", "é"),
    ];
    let seen = ids.map(|(sent, id)| {
        row(format!("encoded: {sent}"), by("viewer", &format!("/p/{sent}")), ok(&format!("viewer id={id}")))
    });
    let more = [
        row("encoded: a byte that is not text", by("viewer", "/p/42%00"), forbidden("not_a_member")),
        row("encoded: a slash in another one", by("viewer", "/p/42%2F"), forbidden("not_a_member")),
        row("encoded: below it", by("viewer", "/p/%34%32/keys"), forbidden("role_required")),
        row("encoded: hidden", by("viewer", "/hidden/a%2Fb"), ok("viewer id=a/b")),
        row("encoded: hidden, another one", by("viewer", "/hidden/a%2Fc"), not_found()),
        row("encoded: for a closure", by("a/b", "/people/a%2Fb"), ok("a/b name=a/b")),
        row("encoded: twice, for a closure", by("a/b", "/people/a%252Fb"), forbidden("own_name")),
        row("encoded: not UTF-8", by("viewer", "/p/%ff"), malformed("invalid_request")),
        row("encoded: not UTF-8, hidden", by("viewer", "/hidden/%ff"), malformed("invalid_request")),
        row("encoded: not UTF-8, nobody", get("/p/%ff"), unauthorized("credential_missing")),
    ];
    seen.into_iter().chain(more).collect()
}

/// The parameter stands in the path that the route hangs under, or beside one of it.
fn nested() -> Vec<Row> {
    let by = |who: &str, path: &str| get(path).by(who);
    vec![
        row("nested: its own parameter", by("viewer", "/teams/red/p/42"), ok("viewer id=42 team=red")),
        row("nested: its own parameter, no role", by("viewer", "/teams/42/p/43"), forbidden("not_a_member")),
        row("nested: no policy about parameters", by("alice", "/teams/a%2Fb/me"), ok("alice team=a/b")),
        row("nested: the parameter above", by("viewer", "/in/42/flights"), ok("viewer id=42")),
        row("nested: the parameter above, encoded", by("viewer", "/in/a%2Fb/flights"), ok("viewer id=a/b")),
        row("nested: the parameter above, no role", by("viewer", "/in/43/flights"), forbidden("not_a_member")),
        row("nested: the parameter above, hidden", by("viewer", "/in/43/hidden"), not_found()),
        row("nested: the parameter above, nobody", get("/in/42/flights"), unauthorized("credential_missing")),
    ]
}

fn by_query() -> Vec<Row> {
    let (stranger, none) = (|| forbidden("not_a_member"), || unidentified("parameter_missing"));
    let by = |who: &str, path: &str| get(path).by(who);
    vec![
        row("by query: nobody", get("/project?project=42"), unauthorized("credential_missing")),
        row("by query: viewer", by("viewer", "/project?project=42"), ok("viewer")),
        row("by query: no role", by("alice", "/project?project=42"), stranger()),
        row(
            "by query: viewer, where manager is asked for",
            by("viewer", "/project/settings?project=42"),
            forbidden("role_required"),
        ),
        row("by query: encoded", by("viewer", "/project?project=a%2Fb"), ok("viewer")),
        row("by query: a plus is a space", by("viewer", "/project?project=a+b"), ok("viewer")),
        row("by query: a space that nobody sees", by("alice", "/project?project=a+b"), stranger()),
        row("by query: not there", by("viewer", "/project"), none()),
        row("by query: empty", by("viewer", "/project?project="), none()),
        row("by query: twice", by("viewer", "/project?project=42&project=43"), malformed("invalid_request")),
        row("by query: hidden, no role", by("alice", "/hidden-project?project=42"), not_found()),
        row("by query: hidden, viewer", by("viewer", "/hidden-project?project=42"), ok("viewer")),
        row("by query: inherited", by("lead", "/project/settings?project=7"), ok("lead")),
    ]
}
