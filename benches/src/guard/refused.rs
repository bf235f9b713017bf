//! Requests that are refused, each beside one that the same guard accepts.

use super::{BARE, axum::answered};
use crate::{
    case::Case,
    claims::{Sample, Small},
    verify::{OURS, SECRET},
};
use axum::{Router, http::StatusCode, routing::get};
use portcullis_axum::Routes;
use portcullis_core::{
    Algorithm, Audience, ClaimMap, Error, Gate, Issuer, Jwt, Key, Scheme, policy::authenticated, testing::SigningKey,
};

/// The signature is another one, the token has expired, it is too long.
pub(crate) const FORGED: &str = "refused/forged";
pub(crate) const EXPIRED: &str = "refused/expired";
pub(crate) const TOO_LONG: &str = "refused/too long";
/// The same guard, where it accepts.
pub(crate) const ACCEPTED: &str = "accepted";

pub(super) fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let gate = gate().expect("the gate is sound");
    let case = |(name, token): (&'static str, Option<String>)| {
        let (row, table) =
            (name.strip_prefix("refused/").unwrap_or(name), "refused, axum, a request built and answered");
        let operations = || {
            let good = sign("current", Small::JSON);
            let guarded = |by, token, status| answered(by, token, status, guarded(&gate));
            let mut accepted = guarded(ACCEPTED, Some(&good), StatusCode::OK);
            // A gate remembers the header of a token that was valid.
            accepted.call();
            vec![
                guarded(OURS, token.as_deref(), StatusCode::UNAUTHORIZED),
                accepted,
                answered(BARE, token.as_deref(), StatusCode::OK, Router::new().route("/x", get(async || "ok"))),
            ]
        };
        wanted(name).then(|| Case { name: name.to_owned(), table: table.to_owned(), row, operations: operations() })
    };
    tokens().into_iter().filter_map(case).collect()
}

fn gate() -> Result<Gate, Error> {
    let key = Key::secret(Algorithm::Hs256, SECRET)?.with_id("current");
    let map = ClaimMap::new().subject("id")?.roles("role")?.staff("admin_access")?.session("session")?;
    let issuer = Issuer::new(Small::ISSUER, Audience::absent(), [Algorithm::Hs256], key)?.claim_map(map);
    Gate::builder().scheme(Scheme::new(Jwt::new(issuer)).bearer()).build()
}

fn guarded(gate: &Gate) -> Router {
    Routes::new(gate).get("/x", authenticated(), async || "ok").into_router()
}

/// What the requests present.
fn tokens() -> [(&'static str, Option<String>); 6] {
    let good = sign("current", Small::JSON);
    let (signed, signature) = good.rsplit_once('.').expect("it has a signature");
    // Another first byte.
    let forged =
        format!("{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, signature.get(1..).unwrap_or_default());
    let long = Small::JSON.replacen('{', &format!(r#"{{"padding":"{}","#, "x".repeat(8 << 10)), 1);
    [
        ("refused/no credential", None),
        ("refused/garbage", Some("garbage".to_owned())),
        (FORGED, Some(format!("{signed}.{forged}"))),
        ("refused/unknown key", Some(sign("retired", Small::JSON))),
        (EXPIRED, Some(sign("current", &Small::JSON.replace("4102444800", "1763770500")))),
        (TOO_LONG, Some(sign("current", &long))),
    ]
}

fn sign(key: &str, claims: &str) -> String {
    let header = format!(r#"{{"alg":"HS256","kid":"{key}","typ":"JWT"}}"#);
    SigningKey::secret(Algorithm::Hs256, SECRET).expect("the secret is long enough").sign(&header, claims)
}
