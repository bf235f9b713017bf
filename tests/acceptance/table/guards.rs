//! Policies about the principal alone, and routes without one.

use crate::{
    cast::{ISSUER, token},
    row::{
        Expected, Request, Row, forbidden, get, insufficient_scope, malformed, not_found, ok, post, row, step_up,
        unauthorized, unavailable,
    },
};
use portcullis::testing::TestToken;
use std::time::Duration;

/// A place, and who gets there.
fn may(path: &str, who: &str, token: TestToken<'_>, expected: Expected) -> Row {
    row(format!("{path}: {who}"), get(path).bearer(&token.sign()), expected)
}

pub fn rows() -> Vec<Row> {
    let alice = || ISSUER.token("alice");
    let signed_in = |ago: u64| alice().claim("auth_time", ISSUER.clock().seconds() - ago);
    let denied = [
        ("/staff", forbidden("staff_required")),
        ("/editors", forbidden("role_required")),
        ("/kb", forbidden("permission_required")),
        ("/scope", insufficient_scope("kb:read")),
        ("/all", forbidden("staff_required")),
        ("/any", forbidden("permission_required")),
        ("/gold", forbidden("claim_required")),
        ("/step-up", step_up("Bearer")),
        ("/hidden-staff", not_found()),
        ("/hidden-kb", not_found()),
        ("/hidden-first", not_found()),
        ("/admin/users", forbidden("staff_required")),
    ];
    let everywhere = denied.iter().flat_map(|(path, denial)| {
        [
            row(format!("{path}: nobody"), get(*path), unauthorized("credential_missing")),
            row(
                format!("{path}: a token that does not hold"),
                get(*path).bearer("opaque"),
                unauthorized("invalid_token"),
            ),
            row(format!("{path}: somebody"), get(*path).by("alice"), denial.clone()),
        ]
    });
    let more = [
        may("/known", "somebody", alice(), ok("alice")),
        may("/staff", "staff", alice().staff(), ok("alice")),
        may("/staff", "who says so in words", alice().claim("staff", "true"), forbidden("staff_required")),
        may("/staff", "who has a role of that name", alice().role("staff"), forbidden("staff_required")),
        may("/editors", "an editor", alice().role("editor"), ok("alice")),
        may("/editors", "an admin, which includes it", alice().role("admin"), ok("alice")),
        may("/editors", "a guest, which it includes", alice().role("guest"), forbidden("role_required")),
        may("/editors", "a role that nobody knows", alice().role("editor2"), forbidden("role_required")),
        may("/kb", "who holds it", alice().permission("kb:read"), ok("alice")),
        may("/kb", "who holds all of it", alice().permission("kb:*"), ok("alice")),
        may("/kb", "who may read everything", alice().permission("*:read"), ok("alice")),
        may("/kb", "who may write", alice().permission("kb:write"), forbidden("permission_required")),
        may("/kb", "who has something else", alice().permission("kbx:read"), forbidden("permission_required")),
        may("/kb", "by a role", alice().role("editor"), ok("alice")),
        may("/kb", "by a role that includes one", alice().role("admin"), ok("alice")),
        may("/scope", "who has it", alice().scope("profile kb:read"), ok("alice")),
        may("/scope", "who has a longer one", alice().scope("kb:readers"), insufficient_scope("kb:read")),
        may("/scope", "who has the permission", alice().permission("kb:read"), insufficient_scope("kb:read")),
        may("/all", "both", alice().staff().permission("kb:write"), ok("alice")),
        may("/all", "the first only", alice().staff(), forbidden("permission_required")),
        may("/all", "the second only", alice().permission("kb:write"), forbidden("staff_required")),
        may("/any", "the first", alice().staff(), ok("alice")),
        may("/any", "the second", alice().permission("kb:read"), ok("alice")),
        may("/not", "somebody", alice(), ok("alice")),
        may("/not", "a guest", alice().role("guest"), forbidden("not_allowed")),
        may("/not", "an editor, which includes a guest", alice().role("editor"), forbidden("not_allowed")),
        may("/gold", "who has it", alice().claim("tier", "gold"), ok("alice")),
        may("/gold", "who has it among others", alice().claim("tier", vec!["new", "gold"]), ok("alice")),
        may("/gold", "another one", alice().claim("tier", "silver"), forbidden("claim_required")),
        may("/step-up", "just in time, by a code", signed_in(300).claim("amr", vec!["pwd", "otp"]), ok("alice")),
        may("/step-up", "too late, by a code", signed_in(301).claim("amr", vec!["pwd", "otp"]), step_up("Bearer")),
        may("/step-up", "just in time, by a password", signed_in(300).claim("amr", vec!["pwd"]), step_up("Bearer")),
        may("/step-up", "too late, and a guest", signed_in(301).role("guest"), forbidden("not_allowed")),
        may("/when", "who may", alice(), ok("alice")),
        may("/when", "who may not", ISSUER.token("mallory"), forbidden("not_mallory")),
        may("/paid", "who may", alice(), ok("alice")),
        may("/paid", "who may not", ISSUER.token("debtor"), forbidden("paid")),
        may("/hidden-staff", "staff", alice().staff(), ok("alice")),
        may("/hidden-kb", "a reader", alice().permission("kb:read"), ok("alice")),
        may("/hidden-first", "staff", alice().staff(), ok("alice")),
        may("/admin/users", "staff", alice().staff(), ok("alice")),
        may("/admin/keys", "staff", alice().staff(), ok("alice")),
        // A token is not read there at all.
        row("/by-secret: nobody", get("/by-secret"), unauthorized("credential_missing")),
        row(
            "/by-secret: a token that does not hold",
            get("/by-secret").bearer("opaque"),
            unauthorized("credential_missing"),
        ),
        row("/by-secret: somebody", get("/by-secret").by("alice"), unauthorized("credential_missing")),
        row("/not: nobody", get("/not"), unauthorized("credential_missing")),
        row("/when: nobody", get("/when"), unauthorized("credential_missing")),
        row("/paid: nobody", get("/paid"), unauthorized("credential_missing")),
        row("/hidden-staff: an expired token", expired("/hidden-staff"), unauthorized("token_expired")),
        row("/hidden-staff: somebody, to change it", post("/hidden-staff").by("alice"), not_found()),
    ];
    everywhere.chain(more).chain(visitors()).collect()
}

fn expired(path: &str) -> Request {
    get(path).bearer(&ISSUER.token("alice").expired_for(Duration::from_secs(1)).sign())
}

/// Who says nothing is a visitor, who says something that does not hold is not; and where nobody asks, nobody minds.
fn visitors() -> Vec<Row> {
    vec![
        row("/open: nobody", get("/open"), ok("open")),
        row("/open: somebody", get("/open").by("alice"), ok("open")),
        row("/open: a token that does not hold", get("/open").bearer("opaque"), ok("open")),
        row("/open: an expired token", expired("/open"), ok("open")),
        row("/open: two cookies", get("/open").cookie("a").cookie("b"), ok("open")),
        row("/visit: nobody", get("/visit"), ok("nobody")),
        row("/visit: somebody", get("/visit").by("alice"), ok("alice")),
        row("/visit: somebody, by a cookie", get("/visit").cookie(&token("alice")), ok("alice")),
        row("/visit: another scheme", get("/visit").header("authorization", "Basic YWxpY2U6"), ok("nobody")),
        row("/visit: an empty cookie", get("/visit").cookie(""), ok("nobody")),
        row("/visit: a token that does not hold", get("/visit").bearer("opaque"), unauthorized("invalid_token")),
        row("/visit: an expired token", expired("/visit"), unauthorized("token_expired")),
        row("/visit: two cookies", get("/visit").cookie("a").cookie("b"), malformed("invalid_request")),
        row("/maybe: nobody", get("/maybe"), ok("nobody")),
        row("/maybe: somebody", get("/maybe").by("alice"), ok("alice")),
        row("/maybe: a token that does not hold", get("/maybe").bearer("opaque"), unauthorized("invalid_token")),
        row("/maybe: an expired token", expired("/maybe"), unauthorized("token_expired")),
        row("/maybe: the directory is down", get("/maybe").bearer("down"), unavailable(7)),
    ]
}
