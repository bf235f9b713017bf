//! Not part of the service: tokens for people to try it with, as curl lines and as a page.

use portcullis::{Algorithm, testing::TestIssuer};
use serde_json::json;
use std::{fmt::Write, net::SocketAddr, time::Duration};

/// Who tries, and the token they have. The forged one says that it is of the same issuer and is signed by another key.
pub(crate) fn tokens(issuer: &TestIssuer) -> [(&'static str, String); 5] {
    let hour = Duration::from_secs(3600);
    let token = |issuer: &TestIssuer, who: &str| issuer.token(who).expires_in(hour).sign();
    let forger = TestIssuer::with_algorithm(Algorithm::EdDsa).on_system_time();
    [
        ("viewer", token(issuer, "viewer")),
        ("manager", token(issuer, "manager")),
        ("owner", token(issuer, "owner")),
        ("nobody", String::new()),
        ("forged", forger.token("owner").expires_in(hour).header("alg", "ES256").sign()),
    ]
}

/// The answers of the project routes to each of [`tokens`]: GET, PUT and DELETE.
pub(crate) const ANSWERS: [(&str, [u16; 3]); 5] = [
    ("viewer", [200, 403, 403]),
    ("manager", [200, 200, 403]),
    ("owner", [200, 200, 200]),
    ("nobody", [401, 401, 401]),
    ("forged", [401, 401, 401]),
];

/// Lines to paste; what each will answer stands behind `#`.
pub(crate) fn lines(issuer: &TestIssuer, address: SocketAddr) -> String {
    let mut lines = format!("# a page to try the same by clicking: http://{address}/\n\n");
    let mut line = |flags: &str, path: &str, answer: &str| {
        let _ = writeln!(lines, "curl -s -w '\\n%{{http_code}}\\n'{flags} http://{address}{path}  # {answer}");
    };
    for ((who, token), (_, answers)) in tokens(issuer).iter().zip(ANSWERS) {
        let bearer = if token.is_empty() { String::new() } else { format!(" -H 'Authorization: Bearer {token}'") };
        for (method, status) in ["GET", "PUT", "DELETE"].iter().zip(answers) {
            line(&format!(" -X {method}{bearer}"), "/projects/42", &format!("{status} ({who})"));
        }
        if !token.is_empty() {
            line(&format!(" --cookie session={token}"), "/projects/42", &format!("{} ({who}, cookie)", answers[0]));
        }
        if *who == "viewer" {
            line(&bearer, "/projects/43", "404 (not a member: there is no such project)");
        }
    }
    lines
}

/// The page, with the tokens in it.
pub(crate) fn page(issuer: &TestIssuer) -> String {
    let people: Vec<_> = tokens(issuer).iter().map(|(who, token)| json!({ "who": who, "token": token })).collect();
    include_str!("page.html").replace("PEOPLE", &json!(people).to_string())
}
