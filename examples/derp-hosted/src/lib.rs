//! A service whose users are at Amazon Cognito or at Clerk, after the hosted backends of derp.auth. Its settings choose which;
//! policies and handlers are the same. On axum and on actix-web: [`on_axum`] and [`on_actix`] are all that differs.

pub mod on_actix;
pub mod on_axum;

use portcullis::{
    Error, ErrorKind, Gate, GateBuilder, HttpClient, Issuer, Jwt, Principal, RoleHierarchy, Scheme, UnexpiringContext,
    accounts::{Backend, Config},
    providers::{clerk, cognito},
    reqwest::Client,
};
use serde_json::{Value, json};
use std::{env, error, net::SocketAddr};

/// The header in which a caller of Cognito says the organization.
const CONTEXT: &str = "x-org-context";

/// Who callers are, as the settings say.
///
/// # Errors
/// If a setting cannot work, or the users have accounts of the service's own, which the example `derp` has.
pub fn gate(config: &Config, client: impl HttpClient + 'static) -> Result<GateBuilder, Error> {
    let roles = RoleHierarchy::builder().role("default", []).role("admin", ["default"]).role("org:admin", ["admin"]);
    let gate = Gate::builder().roles(roles.build()?);
    match config.backend() {
        Backend::Cognito(settings) => {
            let (pool, clients) = (settings.user_pool_id(), settings.client_ids());
            let issuer = cognito::access_tokens(pool, clients, cognito::keys(pool, client)?)?;
            let gate = gate.scheme(Scheme::new(Jwt::new(with_role(issuer, settings.default_role()))).bearer());
            Ok(match settings.client_secret() {
                Some(secret) => gate.dangerous_unexpiring_context(CONTEXT, UnexpiringContext::new(secret)?),
                None => gate,
            })
        }
        Backend::Clerk(settings) => {
            let instance = clerk::Instance::new(settings.publishable_key())?;
            settings.secret_key().map_or(Ok(()), |key| instance.check_secret_key(key))?;
            let sessions = instance.sessions_of(settings.authorized_parties(), instance.keys(client)?)?;
            let scheme = Scheme::new(Jwt::new(with_role(sessions, settings.default_role())));
            Ok(gate.scheme(scheme.cookie(&instance.session_cookie()).cookie("__session").bearer()))
        }
        _ => Err(Error::new(ErrorKind::Misconfigured, "the settings have no hosted backend")),
    }
}

/// Who has no role has this one.
fn with_role(issuer: Issuer, role: Option<&str>) -> Issuer {
    let Some(role) = role.map(str::to_owned) else { return issuer };
    issuer.finish(move |who| Ok(if who.roles().is_empty() { who.with_role(role.clone()) } else { who }))
}

fn session(who: &Principal) -> Value {
    json!({
        "user_id": who.id().subject(),
        "session_id": who.session().map(|session| session.id().to_owned()),
        "role": who.roles().first().map(|role| role.as_str().to_owned()),
        "org_id": who.organization(),
    })
}

/// The gate and the address, by the environment.
///
/// # Errors
/// If a variable is not set, or something that is set cannot be.
pub fn configured() -> Result<(Gate, SocketAddr), Box<dyn error::Error>> {
    let settings = env::var("SETTINGS").map_err(|_| "SETTINGS is not set: cognito.toml or clerk.toml, for example")?;
    let gate = gate(&Config::read(settings)?, Client::new()?)?.build()?;
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    Ok((gate, SocketAddr::from(([127, 0, 0, 1], port))))
}
