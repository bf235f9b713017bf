//! Who callers are, as the settings say.

use portcullis::{
    Error, ErrorKind, Gate, GateBuilder, HttpClient, Issuer, Jwt, RoleHierarchy, Scheme, UnexpiringContext,
    accounts::{Accounts, Backend, ClerkConfig, CognitoConfig, Config},
    providers::{clerk, cognito},
};

/// The header in which a caller of Cognito says the organization.
const CONTEXT: &str = "x-org-context";

/// The gate of the backend in the settings. Roles and policies are the same for all. The client asks issuers for their keys.
///
/// # Errors
/// If a setting cannot work, or the users are the service's own and there are no accounts.
pub fn gate(
    config: &Config,
    accounts: Option<&Accounts>,
    client: impl HttpClient + 'static,
) -> Result<GateBuilder, Error> {
    let roles = RoleHierarchy::builder().role("default", []).role("admin", ["default"]).role("org:admin", ["admin"]);
    let gate = Gate::builder().roles(roles.permits("admin", ["teams:read"]).build()?);
    match (config.backend(), accounts) {
        (Backend::Native(_), Some(accounts)) => native(gate, accounts),
        (Backend::Cognito(settings), _) => at_cognito(gate, settings, client),
        (Backend::Clerk(settings), _) => at_clerk(gate, settings, client),
        _ => Err(Error::new(ErrorKind::Misconfigured, "the native backend needs accounts")),
    }
}

/// Access tokens in the cookie or in `Authorization: Bearer`, until their session ends, and members of organizations.
fn native(gate: GateBuilder, accounts: &Accounts) -> Result<GateBuilder, Error> {
    let organizations = accounts.organizations()?;
    Ok(gate
        .scheme(Scheme::new(accounts).cookie("__Host-access").bearer())
        .revocations(accounts.revocations())
        .directory(accounts.directory())
        .membership("organization", organizations.clone())
        .roles_on("organization", organizations.hierarchy().build()?))
}

/// Access tokens of one pool, for one client of it.
fn at_cognito(
    gate: GateBuilder,
    settings: &CognitoConfig,
    client: impl HttpClient + 'static,
) -> Result<GateBuilder, Error> {
    let pool = settings.user_pool_id();
    let issuer = cognito::access_tokens(pool, settings.client_ids(), cognito::keys(pool, client)?)?;
    let gate = gate.scheme(Scheme::new(Jwt::new(with_role(issuer, settings.default_role()))).bearer());
    Ok(match settings.client_secret() {
        Some(secret) => gate.dangerous_unexpiring_context(CONTEXT, UnexpiringContext::new(secret)?),
        None => gate,
    })
}

/// Session tokens of one instance, in the cookies that Clerk sets or in `Authorization: Bearer`.
fn at_clerk(
    gate: GateBuilder,
    settings: &ClerkConfig,
    client: impl HttpClient + 'static,
) -> Result<GateBuilder, Error> {
    let instance = clerk::Instance::new(settings.publishable_key())?;
    settings.secret_key().map_or(Ok(()), |key| instance.check_secret_key(key))?;
    let sessions = instance.sessions_of(settings.authorized_parties(), instance.keys(client)?)?;
    let scheme = Scheme::new(Jwt::new(with_role(sessions, settings.default_role())));
    Ok(gate.scheme(scheme.cookie(&instance.session_cookie()).cookie("__session").bearer()))
}

/// Who has no role has this one.
fn with_role(issuer: Issuer, role: Option<&str>) -> Issuer {
    let Some(role) = role.map(str::to_owned) else { return issuer };
    issuer.finish(move |who| Ok(if who.roles().is_empty() { who.with_role(role.clone()) } else { who }))
}
