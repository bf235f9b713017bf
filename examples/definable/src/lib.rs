//! A service on Stytch: people by session tokens, programs by API keys, and roles that each organization defines for itself.
//! On axum and on actix-web: [`on_axum`] and [`on_actix`] are all that differs.

pub mod on_actix;
pub mod on_axum;
pub mod store;

use portcullis::{
    Account, ApiKeys, CachedMembership, Clock, Directory, Error, ErrorKind, Gate, HttpClient, Jwt, KeyDigest,
    Membership, PermissionSet, Principal, PrincipalKind, Refusal, Requirement, Role, Scheme, SharedSecret, Standing,
    SystemClock, WebhookMessage, Webhooks,
    policy::{
        Policy, also_via, organization, permission, query,
        values::{AlsoVia, OnResource},
    },
    providers::stytch,
    reqwest::Client,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{env, error, net::SocketAddr, sync::Arc, time::Duration};
use store::{Status, Store};

/// What the routes ask for. The organization stands in the query; that of an API key is the key's own.
const fn right(name: &'static str) -> OnResource {
    permission(name).on("organization", query("org_id").or(organization()))
}

/// The same, with an API key too.
const fn right_or_key(name: &'static str) -> AlsoVia<OnResource> {
    also_via("api-key", right(name))
}

struct ReadKb;
impl Requirement for ReadKb {
    const POLICY: &'static dyn Policy = &right_or_key("kb:read");
}

struct DefineRoles;
impl Requirement for DefineRoles {
    const POLICY: &'static dyn Policy = &right("role:write");
}

/// Sessions at Stytch, which end after five minutes.
fn people(project: &str, client: impl HttpClient + 'static) -> Result<Jwt, Error> {
    let sessions = stytch::sessions(project, stytch::keys(project, client)?)?;
    Ok(Jwt::new(sessions.max_token_age(Duration::from_secs(300))))
}

/// Keys of users, each for one organization. Those of earlier days are JWTs, which are known by their hash.
fn keys(store: &Store) -> Result<ApiKeys, Error> {
    Ok(ApiKeys::new("dfn", store.clone())?.other_format(|key| Ok(KeyDigest::of(key))))
}

/// Users have an id of their own. A key says it.
#[derive(Debug)]
struct Users(Store);

struct User {
    id: String,
}

impl Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        let subject = who.id().subject();
        let id = match who.kind() {
            PrincipalKind::Key => Some(subject.to_owned()),
            _ => self.0.user(subject).await,
        };
        Ok(Account::new(User { id: id.ok_or_else(Error::no_account)? }))
    }
}

#[derive(Debug)]
struct Members(Store);

impl Membership for Members {
    type Id = String;

    async fn standing(&self, who: &Principal, organization: &String) -> Result<Standing, Error> {
        let Some(member) = self.0.member(organization, &who.account::<User>()?.id).await else {
            return Ok(Standing::stranger());
        };
        Ok(match member.status {
            Status::Active => Standing::role(member.role),
            Status::Invited => Standing::refused("invited"),
            Status::Suspended => Standing::refused("suspended"),
            Status::Deleted => Standing::refused("deleted"),
        })
    }

    async fn permits(&self, role: &Role, organization: &String) -> Result<Option<PermissionSet>, Error> {
        Ok(self.0.role(organization, role.as_str()).await)
    }
}

/// What the service is made of.
#[derive(Debug, Clone)]
pub struct Service {
    gate: Gate,
    store: Store,
    members: CachedMembership<Members>,
    webhooks: Webhooks,
}

impl Service {
    /// The service for this project at Stytch; `internal` is the secret of its own programs, and `webhooks` that of Stytch's
    /// messages.
    ///
    /// # Errors
    /// If something of it cannot be.
    pub fn new(
        project: &str,
        internal: &str,
        webhooks: &str,
        store: Store,
        client: impl HttpClient + 'static,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let webhooks = Webhooks::new(webhooks)?.clock(clock.clone());
        let people = people(project, client)?;
        let members = CachedMembership::new(Members(store.clone()), 10_000, Duration::from_secs(5));
        let gate = Gate::builder()
            .scheme(Scheme::new(people).bearer().websocket_query("token"))
            .scheme(Scheme::named("api-key", keys(&store)?).header("x-api-key").bearer())
            .scheme(Scheme::named("internal", SharedSecret::new("internal", internal)?).header("x-internal-token"))
            .directory(Users(store.clone()))
            .membership("organization", members.clone())
            .clock(clock)
            .render(render)
            .build()?;
        Ok(Self { gate, store, members, webhooks })
    }

    /// What verifies messages of Stytch.
    #[must_use]
    pub fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// Notes what Stytch says has happened, once for each message.
    fn note(&self, message: &WebhookMessage) -> Result<&'static str, Error> {
        let event: Value = message.json()?;
        let is_new = self.store.change(|tables| tables.events.insert(message.id().to_owned(), event).is_none());
        Ok(if is_new { "noted" } else { "noted before" })
    }

    /// Writes a role of an organization. A permission that is none is refused before it is stored.
    async fn define(&self, organization: &str, role: NewRole) -> Result<&'static str, Error> {
        let permissions = PermissionSet::new(role.permissions).map_err(|error| {
            Error::new(ErrorKind::Malformed, "a role with a malformed permission")
                .with_code("permission_malformed")
                .with_cause(error)
        })?;
        self.store.define_role(organization, &role.name, permissions).await;
        self.members.forget_role(&Role::new(role.name), &organization.to_owned());
        Ok("defined")
    }
}

/// A role as an organization sends it.
#[derive(Debug, Deserialize)]
struct NewRole {
    name: String,
    permissions: Vec<String>,
}

fn me(principal: &Principal) -> Result<Value, Error> {
    Ok(json!({ "id": principal.account::<User>()?.id, "org_id": principal.organization() }))
}

fn render(error: &Error, default: Refusal) -> Refusal {
    let required = error.denial().and_then(|denial| denial.required());
    let detail = match (error.kind(), error.code(), required) {
        (ErrorKind::Missing, ..) => "Invalid authorization".to_owned(),
        _ if error.status() == 401 => "Invalid token".to_owned(),
        (_, "parameter_missing", _) => "org_id is required".to_owned(),
        (_, "conflicting_ids", _) => "The API key is for another organization".to_owned(),
        (_, "permission_malformed", _) => "A permission is resource:action".to_owned(),
        (ErrorKind::Malformed, ..) => "Invalid request".to_owned(),
        (_, "not_a_member", _) => "User is not a member of this organization".to_owned(),
        (_, "permission_required" | "scope_required", Some(required)) => format!("Access denied. Required: {required}"),
        (ErrorKind::Denied, code, _) => format!("Access denied: {code}"),
        (ErrorKind::Hidden, ..) => "Not found".to_owned(),
        (ErrorKind::Unavailable, ..) => "Service unavailable".to_owned(),
        _ => "Internal server error".to_owned(),
    };
    default.with_body("application/json", json!({ "detail": detail }).to_string())
}

/// The service with an empty store, and the address, by the environment.
///
/// # Errors
/// If a variable is not set, or something that is set cannot be.
pub fn configured() -> Result<(Service, SocketAddr), Box<dyn error::Error>> {
    let set = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
    let (project, internal, webhooks) = (set("STYTCH_PROJECT_ID")?, set("INTERNAL_TOKEN")?, set("WEBHOOK_SECRET")?);
    let port = env::var("PORT").map_or(Ok(8000), |port| port.parse())?;
    let clock = Arc::new(SystemClock::default());
    let service = Service::new(&project, &internal, &webhooks, Store::default(), Client::new()?, clock)?;
    Ok((service, SocketAddr::from(([127, 0, 0, 1], port))))
}
