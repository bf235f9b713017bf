//! The page, and the headers that it needs.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::sync::LazyLock;

/// The page. It has no secret in it, and is the same for everybody.
pub const HTML: &str = include_str!("page.html");

/// Where it is shown: links in mails lead to the last five, and a provider to the second, if the user has a second factor.
pub const PATHS: [&str; 7] =
    ["/", "/second-factor", "/confirm", "/reset", "/email-change", "/magic-link", "/invitation"];

/// Nothing runs but the page's own script, and it reaches only its own service. No other page can frame it.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let [script, style] = ["script", "style"].map(|element| {
        let rest = HTML.split_once(&format!("<{element}>")).map_or("", |(_, rest)| rest);
        let text = rest.split_once(&format!("</{element}>")).map_or("", |(text, _)| text);
        BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()))
    });
    format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// The headers of the page. The token of a link is in the address until the script has read it.
#[must_use]
pub fn headers() -> [(&'static str, &'static str); 4] {
    [
        ("content-security-policy", POLICY.as_str()),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
    ]
}
