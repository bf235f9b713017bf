//! The gates that rows are sent to. They differ in what they read and how they answer; whom they know is the same.

use crate::cast::{Directory, ISSUER, Projects, Slow};
use portcullis::{CredentialSource, Error, Gate, GateBuilder, Refusal, RoleHierarchy, SharedSecret, TokenCache};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Site {
    /// Reads every source there is.
    Every,
    /// The same, and refuses different credentials in one request.
    Strict,
    /// The bearer header before the cookie.
    HeaderFirst,
    /// Pages of `https://app.example.com` may use the cookie.
    Browser,
    /// Pages of everybody may.
    Anywhere,
    /// Another service comes with a secret.
    Service,
    /// Names a realm.
    Realm,
    /// Renders answers of its own.
    Rendered,
    /// Authenticators that have to wait.
    Slow,
}

pub const SECRET: &str = "the-secret-of-the-sync-service-of-this-test";
pub const SECRET_BEFORE: &str = "the-secret-that-it-had-before-this-one-still-good";

impl Site {
    pub const ALL: [Self; 9] = [
        Self::Every,
        Self::Strict,
        Self::HeaderFirst,
        Self::Browser,
        Self::Anywhere,
        Self::Service,
        Self::Realm,
        Self::Rendered,
        Self::Slow,
    ];

    pub fn gate(self) -> Gate {
        self.builder().build().unwrap()
    }

    /// The same, which remembers tokens that it has verified.
    pub fn cached(self) -> Gate {
        match self {
            // It waits for everybody, and has nothing to remember.
            Self::Slow => self.gate(),
            _ => self.builder().cache(TokenCache::new(100)).build().unwrap(),
        }
    }

    fn builder(self) -> GateBuilder {
        let builder = match self {
            Self::Every => known(every(Gate::builder())),
            Self::Strict => known(every(Gate::builder())).reject_conflicts(),
            Self::HeaderFirst => known(Gate::builder().bearer().cookie("session")),
            Self::Browser => known(usual()).allow_origin("https://app.example.com"),
            Self::Anywhere => known(usual()).dangerous_allow_cross_origin(),
            Self::Service => known(Gate::builder().header("x-sync-secret").bearer().authenticator(sync())),
            Self::Realm => known(usual()).realm("the books"),
            Self::Rendered => known(usual()).render(render),
            Self::Slow => usual()
                .authenticator(Slow(Directory.into()))
                .authenticator(Slow(ISSUER.authenticator().into()))
                .membership(Projects),
        };
        roles(builder)
    }
}

fn every(builder: GateBuilder) -> GateBuilder {
    builder
        .cookie("session")
        .bearer()
        .header("x-api-key")
        .query("access_token")
        .websocket_protocol()
        .websocket_query("ws_token")
}

fn usual() -> GateBuilder {
    Gate::builder().cookie("session").bearer()
}

fn known(builder: GateBuilder) -> GateBuilder {
    builder.authenticator(Directory).authenticator(ISSUER.authenticator()).membership(Projects)
}

fn roles(builder: GateBuilder) -> GateBuilder {
    let everywhere = RoleHierarchy::builder().ranked(["guest", "editor", "admin"]).permits("editor", ["kb:*"]);
    let projects = RoleHierarchy::builder()
        .ranked(["viewer", "manager", "owner"])
        .permits("manager", ["flights:*"])
        .inherits_as("team", [("member", "viewer"), ("lead", "manager")]);
    builder
        .roles(everywhere.build().unwrap())
        .roles_on("project", projects.build().unwrap())
        .roles_on("team", RoleHierarchy::ranked(["member", "lead"]).unwrap())
}

fn sync() -> SharedSecret {
    let secret = SharedSecret::new("sync", SECRET).unwrap().also(SECRET_BEFORE).unwrap();
    secret.only_from(CredentialSource::header("x-sync-secret"))
}

/// As an application does whose clients know another form of errors.
fn render(error: &Error, default: Refusal) -> Refusal {
    let body = format!(r#"{{"detail":"{}"}}"#, error.code());
    default.without_header("www-authenticate").with_body("application/json", body)
}
