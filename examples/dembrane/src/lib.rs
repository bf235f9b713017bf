//! A service on Directus: the session cookie first, a bearer token second, participants without login, staff behind a
//! flag of the token, and error bodies as its clients know them.

use axum::{Json, Router, routing::get};
use portcullis::{
    Error, ErrorKind, Gate, Refusal,
    axum::{Authenticated, Routes},
    directus::Directus,
    policy::{anyone, authenticated, staff},
};
use serde_json::{Value, json};

/// Where tokens are read, and how refusals look.
///
/// # Errors
/// If the cookie's name is none.
pub fn gate(directus: Directus, session_cookie: &str) -> Result<Gate, Error> {
    Gate::builder().cookie(session_cookie).bearer().authenticator(directus).render(render).build()
}

/// Clients know `{"detail": …}` and no challenge.
fn render(error: &Error, default: Refusal) -> Refusal {
    let detail = match error.kind() {
        ErrorKind::Malformed => "Invalid request",
        ErrorKind::Missing | ErrorKind::Unrecognized | ErrorKind::Invalid | ErrorKind::Expired => "Invalid session",
        ErrorKind::CrossOrigin => "Cross-origin request",
        ErrorKind::Denied => "Staff-only",
        ErrorKind::Hidden => "Not Found",
        ErrorKind::Unavailable => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let body = json!({ "detail": detail }).to_string();
    default.without_header("www-authenticate").with_body("application/json", body)
}

/// The routes.
pub fn app(gate: Gate) -> Router {
    Routes::new(&gate)
        .route("/api/health", anyone(), get(async || "ok"))
        .route("/api/participant/projects/{id}", anyone(), get(async || "welcome"))
        .route("/api/v2/me", authenticated(), get(me))
        .route("/api/v2/admin/stats", staff(), get(async || Json(json!({ "users": 2 }))))
        .into_router()
        .with_state(gate)
}

async fn me(Authenticated(principal): Authenticated) -> Json<Value> {
    Json(json!({ "user_id": principal.subject(), "is_admin": principal.is_staff() }))
}
