//! The authorization of a data portal on drone flights: projects of teams, their flights and data products, on axum and on
//! actix-web. [`on_axum`] and [`on_actix`] are all that differs.

mod memberships;
pub mod on_actix;
pub mod on_axum;
mod policies;
pub mod rows;
pub mod store;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use memberships::{DataProducts, Flights, IndoorProjects, Projects, Teams};
use portcullis::{
    Account, Algorithm, Audience, Authenticator, Credential, CredentialSource, Directory, Error, ErrorKind, Gate,
    Issuer, Jwt, Key, Principal, PrincipalKind, Refusal, RoleHierarchy, Rules, Scheme, Verifier,
    policy::{account, all},
};
use serde::Deserialize;
use serde_json::json;
use std::{env, error, net::SocketAddr};
use store::{Store, User};
use uuid::Uuid;

/// The access tokens of the service itself. They have neither `iss` nor `aud`, and a refresh token is none.
///
/// # Errors
/// If the secret has fewer than 32 bytes.
pub fn tokens(secret: &str) -> Result<Jwt, Error> {
    let key = Key::secret(Algorithm::Hs256, secret)?;
    let issuer = Issuer::new("d2s", Audience::absent(), [Algorithm::Hs256], key)?;
    Ok(Jwt::new(issuer.unnamed().rules(Rules::new().require("type", "access")?)))
}

/// Who callers are, which roles there are, and what they are to resources.
///
/// # Errors
/// If it is not sound.
pub fn gate(tokens: impl Into<Verifier>, store: &Store) -> Result<Gate, Error> {
    let cookie = CredentialSource::cookie("access_token").prefix("Bearer ");
    let ladder = || RoleHierarchy::builder().ranked(["viewer", "manager", "owner"]);
    Gate::builder()
        .scheme(Scheme::new(tokens).source(cookie).bearer())
        .scheme(Scheme::named("api-key", ApiKeys(store.clone())).header("x-api-key"))
        .directory(Users(store.clone()))
        .baseline(all((
            account("email_unconfirmed", |user: &User| user.is_confirmed),
            account("unapproved", |user: &User| user.is_approved),
        )))
        .roles(ladder().build()?)
        .roles_on("project", ladder().inherits("team").build()?)
        .roles_on("flight", ladder().inherits("project").build()?)
        .roles_on("data_product", ladder().inherits("project").build()?)
        .membership("team", Teams(store.clone()))
        .membership("project", Projects(store.clone()))
        .membership("flight", Flights(store.clone()))
        .membership("data_product", DataProducts(store.clone()))
        .membership("indoor_project", IndoorProjects(store.clone()))
        .render(render)
        .build()
}

#[derive(Debug)]
struct Users(Store);

impl Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        let id: Uuid = who.id().subject().parse().map_err(|_| {
            Error::new(ErrorKind::Invalid, "the subject of the token is no UUID").with_code("invalid_user_id")
        })?;
        let user = self.0.user(id).await?.ok_or_else(Error::no_account)?;
        let is_staff = user.is_superuser;
        Ok(Account::new(user).staff(is_staff))
    }
}

/// Keys act as their owner.
#[derive(Debug)]
struct ApiKeys(Store);

impl Authenticator for ApiKeys {
    async fn authenticate(&self, key: &Credential<'_>) -> Result<Principal, Error> {
        let key = key.expose();
        if !BASE64_URL_SAFE_NO_PAD.decode(key).is_ok_and(|bytes| bytes.len() == 32) {
            return Err(Error::new(ErrorKind::Malformed, "not the form of an API key").with_code("invalid_api_key"));
        }
        let owner = self.0.owner_of_key(key).await?;
        let owner =
            owner.ok_or_else(|| Error::new(ErrorKind::Invalid, "no such API key").with_code("unknown_api_key"))?;
        Ok(Principal::new(PrincipalKind::Key, owner.to_string()))
    }
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
        (ErrorKind::Expired, _) => (401, "Access token expired"),
        (_, "invalid_user_id") => (401, "Invalid user id"),
        (_, "user_not_found") => (401, "User not found"),
        (_, "unknown_api_key") => (401, "Invalid API key"),
        (ErrorKind::Invalid | ErrorKind::Unrecognized, _) => (401, "Invalid access token"),
        (_, "invalid_api_key") => (400, "Invalid API key provided"),
        (ErrorKind::CrossOrigin, _) => (403, "Cross-origin request"),
        (_, "invalid_id") => (422, "Input should be a valid UUID"),
        (_, "flight_locked") => (400, "Flight currently locked. Please try again later."),
        (_, "email_unconfirmed") => (403, "Account requires email confirmation"),
        (_, "unapproved") => (403, "Account requires approval"),
        (_, "staff_required") => (403, "Access denied"),
        (_, "not_a_member") if on == "indoor_project" => (403, "You are not a member of this indoor project"),
        (_, "role_required") if on == "indoor_project" => (403, &*indoor),
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

/// The gate and the address, configured like the system that this stands for.
///
/// # Errors
/// If `SECRET_KEY` is not set or too short, or `PORT` is no port.
pub fn configured(store: &Store) -> Result<(Gate, SocketAddr), Box<dyn error::Error>> {
    let secret = env::var("SECRET_KEY").map_err(|_| "SECRET_KEY is not set: at least 32 bytes that sign the tokens")?;
    let port = env::var("PORT").map_or(Ok(8000), |port| port.parse())?;
    Ok((gate(tokens(&secret)?, store)?, SocketAddr::from(([127, 0, 0, 1], port))))
}
