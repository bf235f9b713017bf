//! A service on Directus: the session cookie first, a bearer token second, participants without login, staff behind a
//! flag of the token, and error bodies as its clients know them. On axum and on actix-web: [`on_axum`] and [`on_actix`]
//! are all that differs.

pub mod on_actix;
pub mod on_axum;
pub mod store;
pub mod tenants;

use portcullis::{
    Error, ErrorKind, Gate, GateBuilder, Principal, Refusal, Scheme, Verifier,
    providers::directus::{Directus, SESSION_COOKIE},
    reqwest::Client,
};
use serde_json::{Value, json};
use std::{env, error, net::SocketAddr};
use store::Store;
use tenants::{Service, detail, with_tenants};

/// Where tokens are read, and how refusals look. Whether they are verified here, or Directus is asked as well, is the
/// verifier's business.
///
/// # Errors
/// If the cookie's name is none.
pub fn gate(directus: impl Into<Verifier>, session_cookie: &str, store: &Store) -> Result<GateBuilder, Error> {
    let sign_in = Gate::builder().scheme(Scheme::new(directus).cookie(session_cookie).bearer()).render(render);
    with_tenants(sign_in, store)
}

/// Clients know `{"detail": …}` and no challenge.
fn render(error: &Error, default: Refusal) -> Refusal {
    let detail = match error.kind() {
        ErrorKind::Malformed => "Invalid request",
        _ if error.status() == 401 => "Invalid session",
        ErrorKind::CrossOrigin => "Cross-origin request",
        ErrorKind::Denied | ErrorKind::Hidden => detail(error.code(), error.denial()),
        ErrorKind::Unavailable => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let body = json!({ "detail": detail }).to_string();
    default.without_header("www-authenticate").with_body("application/json", body)
}

/// Who the caller is.
fn me(principal: &Principal) -> Value {
    json!({ "user_id": principal.id().subject(), "is_admin": principal.is_staff() })
}

/// What staff may see.
fn stats() -> Value {
    json!({ "users": 2 })
}

/// The service and the address, configured like the system that this stands for.
///
/// # Errors
/// If `DIRECTUS_SECRET` is not set, or something that is set cannot be.
pub fn configured() -> Result<(Service, SocketAddr), Box<dyn error::Error>> {
    let secret =
        env::var("DIRECTUS_SECRET").map_err(|_| "DIRECTUS_SECRET is not set: the SECRET of the Directus instance")?;
    let cookie = env::var("DIRECTUS_SESSION_COOKIE_NAME").unwrap_or_else(|_| SESSION_COOKIE.to_owned());
    let port = env::var("PORT").map_or(Ok(8000), |port| port.parse())?;
    let directus = Directus::new(secret)?;
    let store = Store::default();
    let gate = match env::var("DIRECTUS_URL") {
        Ok(url) => gate(directus.hybrid(&url, Client::new()?)?, &cookie, &store)?,
        Err(_) => gate(directus, &cookie, &store)?,
    };
    let pages = ["ADMIN_BASE_URL", "PARTICIPANT_BASE_URL"].into_iter().filter_map(|name| env::var(name).ok());
    let gate = pages.fold(gate, GateBuilder::allow_origin).build()?;
    Ok((Service { gate, store }, SocketAddr::from(([127, 0, 0, 1], port))))
}
