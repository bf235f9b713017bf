//! Not part of the service: tokens for people to try it with, as curl lines and as a page.

use local_issuer::LocalIssuer;
use portcullis::Issuer;
use serde_json::json;
use std::{error, fmt::Write, net::SocketAddr, time::Duration};

const HOUR: Duration = Duration::from_secs(3600);

/// Who tries, and the token they have.
pub(crate) type Tokens = [(&'static str, String); 5];

/// The issuer as the service knows it, and tokens of it. The forged one says the same as the owner's, and another key
/// signed it.
pub(crate) fn issuer() -> Result<(Issuer, Tokens), Box<dyn error::Error>> {
    let new = || LocalIssuer::new("https://id.example.com", "projects");
    let (issuer, forger) = (new()?, new()?);
    let tokens = [
        ("viewer", issuer.token("viewer", &[], HOUR)?),
        ("manager", issuer.token("manager", &[], HOUR)?),
        ("owner", issuer.token("owner", &[], HOUR)?),
        ("nobody", String::new()),
        ("forged", forger.token("owner", &[], HOUR)?),
    ];
    Ok((issuer.issuer()?, tokens))
}

/// The answers of the project routes to each of the [`Tokens`]: GET, PUT and DELETE.
pub(crate) const ANSWERS: [(&str, [u16; 3]); 5] = [
    ("viewer reads", [200, 403, 403]),
    ("manager reads and writes", [200, 200, 403]),
    ("owner deletes as well", [200, 200, 200]),
    ("nobody: no token", [401, 401, 401]),
    ("forged: the owner's token, signed by another key", [401, 401, 401]),
];

/// Lines to paste: the tokens, then what to try with them. The expected status follows the `#`.
pub(crate) fn lines(tokens: &Tokens, address: SocketAddr) -> String {
    let address = format!("localhost:{}", address.port());
    let mut lines = "In another terminal, paste the tokens first. They are valid for an hour.\n\
        Then paste any of the other lines. The expected status follows the `#`.\n\
        (zsh accepts such comments after `setopt interactive_comments`.)\n\n"
        .to_owned();
    for (who, token) in tokens.iter().filter(|(_, token)| !token.is_empty()) {
        let _ = writeln!(lines, "export {}={token}", who.to_uppercase());
    }
    for ((who, token), (group, answers)) in tokens.iter().zip(ANSWERS) {
        let _ = writeln!(lines, "\n# {group}");
        let mut line = |flags: &str, project: u8, answer: &str| {
            let line = format!("curl -i{flags} {address}/projects/{project}");
            let _ = writeln!(lines, "{line:<81} # {answer}");
        };
        let variable = who.to_uppercase();
        let bearer =
            if token.is_empty() { String::new() } else { format!(r#" -H "Authorization: Bearer ${variable}""#) };
        for (method, status) in ["", " -X PUT", " -X DELETE"].iter().zip(answers) {
            line(&format!("{method}{bearer}"), 42, &status.to_string());
        }
        if !token.is_empty() {
            line(&format!(r#" --cookie "session=${variable}""#), 42, &answers[0].to_string());
        }
        if *who == "viewer" {
            line(&bearer, 43, "404, not a member");
        }
    }
    let _ = write!(lines, "\nA page to try the same by clicking: http://{address}/");
    lines
}

/// The page, with the tokens in it.
pub(crate) fn page(tokens: &Tokens) -> String {
    let people = tokens.iter().map(|(who, token)| json!({ "who": who, "token": token })).collect();
    include_str!("page.html").replace("PEOPLE", &serde_json::Value::Array(people).to_string())
}
