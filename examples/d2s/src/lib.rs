//! The authorization of a data portal on drone flights: projects of teams, their flights and data products, on axum and on
//! actix-web. [`on_axum`] and [`on_actix`] are all that differs.

pub mod auth;
mod members;
mod memberships;
pub mod on_actix;
pub mod on_axum;
mod policies;
pub mod rows;
pub mod start;
pub mod store;
pub mod tiles;

use auth::Auth;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use memberships::{DataProducts, Flights, IndoorProjects, Projects, Teams};
use portcullis::{
    Account, ApiKeys, Directory, Error, ErrorKind, Gate, GateBuilder, KeyDigest, KeyScopes, KeyStore, NewKey,
    Principal, Refusal, RoleHierarchy, Scheme, SignedUrls,
    accounts::{AccountDirectory, User},
    policy::{account, all},
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Store;
use uuid::Uuid;

/// Who callers are, which roles there are, and what they are to resources. The secret signs addresses of tiles.
///
/// # Errors
/// If it is not sound.
pub fn gate(auth: &Auth, store: &Store, secret: &[u8]) -> Result<GateBuilder, Error> {
    let ladder = || RoleHierarchy::builder().ranked(["viewer", "manager", "owner"]);
    Ok(Gate::builder()
        .scheme(Scheme::new(&auth.accounts).source(auth.cookies.source()).bearer())
        .scheme(Scheme::named("api-key", auth.keys.clone()).header("x-api-key"))
        .revocations(auth.accounts.revocations())
        .directory(Users(auth.accounts.directory()))
        .baseline(all((
            account("email_unconfirmed", |user: &User| user.email_confirmed_at.is_some()),
            account("unapproved", |user: &User| user.approved_at.is_some()),
        )))
        .roles(ladder().build()?)
        .roles_on("project", ladder().build()?)
        .roles_on("flight", ladder().inherits("project").build()?)
        .roles_on("data_product", ladder().inherits("project").build()?)
        .membership("team", Teams(store.clone()))
        .membership("project", Projects(store.clone()))
        .membership("flight", Flights(store.clone()))
        .membership("data_product", DataProducts(store.clone()))
        .membership("indoor_project", IndoorProjects(store.clone()))
        .signer("tiles", tiles::signer(secret)?)
        .signer("previews", SignedUrls::new("tiles", secret)?)
        .render(render))
}

/// The users of the accounts, whose identifiers are UUIDs.
#[derive(Debug)]
struct Users(AccountDirectory);

impl Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        user_id(who)?;
        self.0.account(who).await
    }
}

fn user_id(who: &Principal) -> Result<Uuid, Error> {
    who.id()
        .subject()
        .parse()
        .map_err(|_| Error::new(ErrorKind::Invalid, "the subject of the token is no UUID").with_code("invalid_user_id"))
}

/// A user, as clients see it.
fn shown(user: &User) -> Value {
    json!({ "id": user.id.as_str(), "email": user.email.as_str(), "is_demo": is_demo(user), "extra": user.extra })
}

fn is_demo(user: &User) -> bool {
    user.extra.get("is_demo") == Some(&Value::Bool(true))
}

/// Keys act as their owner, in all that it may do. Those of earlier days have no prefix.
///
/// # Errors
/// Never: the prefix is one.
pub fn keys(store: impl KeyStore) -> Result<ApiKeys, Error> {
    Ok(ApiKeys::new("d2s", store)?.other_format(|key| match BASE64_URL_SAFE_NO_PAD.decode(key) {
        Ok(bytes) if bytes.len() == 32 => Ok(KeyDigest::of(key)),
        _ => Err(Error::new(ErrorKind::Malformed, "not the form of an API key").with_code("malformed_key")),
    }))
}

/// A user has one key: a new one ends the one before.
async fn new_key(keys: &ApiKeys, who: &Principal) -> Result<Value, Error> {
    let keys = keys.of(who)?;
    keys.withdraw_all().await?;
    let key = keys.create(NewKey::new("key", KeyScopes::all_rights())).await?;
    Ok(json!({ "api_access_token": key.expose() }))
}

/// The body of a request that moves a flight to another project.
#[derive(Debug, Deserialize)]
struct Move {
    flight: Uuid,
    project: Uuid,
}

/// Clients know `{"detail": …}` in these words.
fn render(error: &Error, default: Refusal) -> Refusal {
    let denial = error.denial();
    let on = denial.and_then(|denial| denial.resource_kind()).unwrap_or_default();
    let required = denial.and_then(|denial| denial.required()).unwrap_or_default();
    let indoor = format!("This action requires {required} role or higher");
    let (status, detail) = match (error.kind(), error.code()) {
        (ErrorKind::Missing, _) => (401, "Not authenticated"),
        (_, "invalid_credentials") => (401, "Invalid credentials"),
        (_, "no_refresh_token") => (401, "Refresh token missing or malformed"),
        (_, "invalid_refresh_token") => (401, "Invalid refresh token"),
        (_, "session_expired") => (401, "Refresh token expired"),
        (_, "session_ended" | "session_reused") => (401, "Refresh token revoked or expired"),
        (ErrorKind::Rejected, "invalid_token") => (403, "Reset token no longer active"),
        (_, "invalid_email") => (422, "Not a valid email address"),
        (_, "password_rejected") => (422, "Password of 12 to 128 characters, no three of them alike in a row"),
        (_, "rate_limited") => (429, "Rate limit exceeded"),
        (ErrorKind::Expired, _) => (401, "Access token expired"),
        (_, "invalid_user_id") => (401, "Invalid user id"),
        (_, "user_not_found") => (401, "User not found"),
        (_, "invalid_key") => (401, "Invalid API key"),
        (ErrorKind::Invalid | ErrorKind::Unrecognized, _) => (401, "Invalid access token"),
        (_, "malformed_key") => (400, "Invalid API key provided"),
        (ErrorKind::CrossOrigin, _) => (403, "Cross-origin request"),
        (_, "invalid_id") => (422, "Input should be a valid UUID"),
        (_, "unknown_role") => (422, "Input should be 'owner', 'manager' or 'viewer'"),
        (_, "no_member") => (404, "Member not found"),
        (_, "role_forbidden") => (403, "Permission denied"),
        (_, "creator") => (400, "Cannot change project creator role"),
        (_, "last_owner") => (400, "Must have at least one project owner"),
        (_, "flight_locked") => (400, "Flight currently locked. Please try again later."),
        (_, "email_unconfirmed") => (403, "Account requires email confirmation"),
        (_, "unapproved") => (403, "Account requires approval"),
        (_, "staff_required") => (403, "Access denied"),
        (_, "not_a_member") if on == "indoor_project" => (403, "You are not a member of this indoor project"),
        (_, "role_required") if on == "indoor_project" => (403, &*indoor),
        (_, "signature_expired") => (403, "URL expired"),
        (_, "signature_required" | "invalid_signature") => (403, "Invalid signature"),
        (ErrorKind::Denied, _) => (403, "Permission denied"),
        (ErrorKind::Hidden, _) => match on {
            "project" => (404, "Project not found"),
            "flight" => (404, "Flight not found"),
            "data_product" => (404, "Data product not found"),
            "indoor_project" => (404, "Indoor project not found"),
            _ => (404, "Not Found"),
        },
        _ => (default.status(), "Unexpected error has occurred"),
    };
    default.with_status(status).with_body("application/json", json!({ "detail": detail }).to_string())
}
