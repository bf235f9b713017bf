//! Who callers are, as the settings say, and in which organizations.

use portcullis::{
    Error, ErrorKind, Gate, GateBuilder, HttpClient, Issuer, Jwt, OrganizationContext, RoleHierarchy, Scheme,
    accounts::{Accounts, Backend, ClerkConfig, CognitoConfig, Config, Organizations, store::OrganizationStore},
    providers::{clerk, cognito},
};

/// The issuer of the accounts, as in `derp.toml`.
const ISSUER: &str = "derp";

/// Organizations whose members are users of the backend in the settings.
///
/// # Errors
/// If the settings name no pool or instance that can be.
pub fn organizations(config: &Config, store: impl OrganizationStore + 'static) -> Result<Organizations, Error> {
    let issuer = match config.backend() {
        Backend::Cognito(settings) => cognito::issuer(settings.user_pool_id())?,
        Backend::Clerk(settings) => clerk::Instance::new(settings.publishable_key())?.issuer().to_owned(),
        _ => ISSUER.to_owned(),
    };
    Ok(Organizations::new(issuer, store))
}

/// The gate of the backend in the settings. Roles, organizations and policies are the same for all. The client asks issuers for
/// their keys.
///
/// # Errors
/// If a setting cannot work, or the users are the service's own and there are no accounts.
pub fn gate(
    config: &Config,
    accounts: Option<&Accounts>,
    organizations: &Organizations,
    contexts: &OrganizationContext,
    client: impl HttpClient + 'static,
) -> Result<GateBuilder, Error> {
    let roles = RoleHierarchy::builder().role("default", []).role("admin", ["default"]).role("org:admin", ["admin"]);
    let gate = Gate::builder()
        .roles(roles.permits("admin", ["teams:read"]).build()?)
        .membership("organization", organizations.clone())
        .roles_on("organization", organizations.hierarchy().build()?)
        .organization_context("x-org-context", contexts.clone());
    match (config.backend(), accounts) {
        (Backend::Native(_), Some(accounts)) => Ok(native(gate, accounts)),
        (Backend::Cognito(settings), _) => Ok(gate.scheme(at_cognito(settings, client)?)),
        (Backend::Clerk(settings), _) => Ok(gate.scheme(at_clerk(settings, client)?)),
        _ => Err(Error::new(ErrorKind::Misconfigured, "the native backend needs accounts")),
    }
}

/// Access tokens in the cookie or in `Authorization: Bearer`, until their session ends.
fn native(gate: GateBuilder, accounts: &Accounts) -> GateBuilder {
    gate.scheme(Scheme::new(accounts).cookie("__Host-access").bearer())
        .revocations(accounts.revocations())
        .directory(accounts.directory())
}

/// Access tokens of one pool, for one client of it.
fn at_cognito(settings: &CognitoConfig, client: impl HttpClient + 'static) -> Result<Scheme, Error> {
    let pool = settings.user_pool_id();
    let issuer = cognito::access_tokens(pool, settings.client_ids(), cognito::keys(pool, client)?)?;
    Ok(Scheme::new(Jwt::new(with_role(issuer, settings.default_role()))).bearer())
}

/// Session tokens of one instance, in the cookies that Clerk sets or in `Authorization: Bearer`.
fn at_clerk(settings: &ClerkConfig, client: impl HttpClient + 'static) -> Result<Scheme, Error> {
    let instance = clerk::Instance::new(settings.publishable_key())?;
    settings.secret_key().map_or(Ok(()), |key| instance.check_secret_key(key))?;
    let sessions = instance.sessions_of(settings.authorized_parties(), instance.keys(client)?)?;
    let scheme = Scheme::new(Jwt::new(with_role(sessions, settings.default_role())));
    Ok(scheme.cookie(&instance.session_cookie()).cookie("__session").bearer())
}

/// Who has no role has this one.
fn with_role(issuer: Issuer, role: Option<&str>) -> Issuer {
    let Some(role) = role.map(str::to_owned) else { return issuer };
    issuer.finish(move |who| Ok(if who.roles().is_empty() { who.with_role(role.clone()) } else { who }))
}
