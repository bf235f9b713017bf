//! A service on Directus without its secret: the instance is asked who a caller is, and whether an administrator. Some routes
//! are for one other program, which knows a shared secret. People register and sign in there through this service. On axum and
//! on actix-web: [`on_axum`] and [`on_actix`] are all that differs.

pub mod on_actix;
pub mod on_axum;
pub mod people;

use people::People;
use portcullis::{
    Error, ErrorKind, Gate, HttpClient, OpaqueTokens, Principal, Refusal, Scheme, SharedSecret, Verifier, WhoAmI,
    providers::directus::Directus, reqwest::Client,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{env, error, net::SocketAddr};

/// Asks the instance at this address. Its static tokens, such as that of an administrator's program, open nothing here.
///
/// # Errors
/// If it is no HTTP address.
pub fn directus(url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
    let profile = format!("{}/users/me?fields=id,email,first_name", url.trim_end_matches('/'));
    Ok(Directus::introspect(url, client)?.and(profile)?.opaque_tokens(OpaqueTokens::none()))
}

/// The secret that changes roles, and the ones before it for as long as they are used.
///
/// # Errors
/// If there is none, or one is short.
pub fn sync_secret<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Result<SharedSecret, Error> {
    let mut secrets = secrets.into_iter();
    let newest = SharedSecret::new("rbac-sync", secrets.next().unwrap_or_default())?;
    secrets.try_fold(newest, SharedSecret::also)
}

/// People by their tokens of Directus; the other program by its secret, only where a route says so.
///
/// # Errors
/// If the gate cannot be built.
pub fn gate(directus: impl Into<Verifier>, sync: SharedSecret) -> Result<Gate, Error> {
    Gate::builder()
        .scheme(Scheme::new(directus).bearer())
        .scheme(Scheme::named("sync", sync).header("x-rbac-sync-secret"))
        .render(render)
        .build()
}

/// What Directus tells of a user, if the user may read it.
#[derive(Deserialize)]
struct Profile {
    email: Option<String>,
    first_name: Option<String>,
}

fn caption(who: &Principal) -> Result<Value, Error> {
    let Profile { email, first_name } = who.claims()?;
    Ok(json!({ "ok": true, "id": who.id().subject(), "email": email, "first_name": first_name }))
}

fn render(error: &Error, default: Refusal) -> Refusal {
    let body = match error.kind() {
        _ if matches!(error.code(), "invalid_credentials" | "invalid_otp" | "user_suspended") => {
            json!({ "ok": false, "error": "Invalid credentials" })
        }
        ErrorKind::Denied => json!({ "error": "Admin only" }),
        ErrorKind::Rejected => json!({ "ok": false, "error": error.code() }),
        ErrorKind::Missing | ErrorKind::Unrecognized | ErrorKind::Invalid | ErrorKind::Expired => {
            json!({ "ok": false, "error": "Invalid or expired token" })
        }
        ErrorKind::Malformed => json!({ "ok": false, "error": "Bad request" }),
        ErrorKind::Hidden => json!({ "ok": false, "error": "Not found" }),
        ErrorKind::Unavailable => json!({ "ok": false, "error": "Directus does not answer" }),
        _ => json!({ "ok": false, "error": "Internal server error" }),
    };
    default.without_header("www-authenticate").with_body("application/json", body.to_string())
}

/// The gate, what people do at Directus, and the address, by the environment.
///
/// # Errors
/// If a variable is not set, or something that is set cannot be.
pub fn configured() -> Result<(Gate, People, SocketAddr), Box<dyn error::Error>> {
    let set = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
    let (url, client) = (set("DIRECTUS_URL")?, Client::new()?);
    let people = People::new(&url, &set("DIRECTUS_ADMIN_TOKEN")?, &set("DIRECTUS_USER_ROLE")?, client.clone())?;
    // Several are separated by spaces, the newest first.
    let sync = sync_secret(set("RBAC_SYNC_WEBHOOK_SECRET")?.split_whitespace())?;
    let port = env::var("PORT").map_or(Ok(8000), |port| port.parse())?;
    Ok((gate(directus(&url, client)?, sync)?, people, SocketAddr::from(([127, 0, 0, 1], port))))
}
