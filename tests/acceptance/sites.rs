//! The gates that rows are sent to. They differ in what they read and how they answer; whom they know is the same.

use crate::{
    cast::{Directory, Flights, ISSUER, Organizations, Projects, Slow, Teams, User, Users},
    proofs::dpop,
};
use portcullis::{
    Cookies, CredentialSource, Error, Gate, GateBuilder, Refusal, RoleHierarchy, Scheme, SharedSecret, TokenCache,
    Verifier, policy::account,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Site {
    /// Reads every source of a plain name.
    Every,
    /// The same, and refuses different credentials in one request.
    Strict,
    /// The bearer header before the cookie, and the secrets of programs before both.
    HeaderFirst,
    /// Pages of `https://app.example.com` may use the cookie.
    Browser,
    /// Pages of everybody may.
    Anywhere,
    /// The secret of the sync service is good on every route, and tokens may stand in its header.
    Service,
    /// Cookies that are not the credential as they are: one that begins with `Bearer `, and one in chunks.
    Pieces,
    /// Names a realm.
    Realm,
    /// Renders answers of its own.
    Rendered,
    /// Authenticators that have to wait.
    Slow,
    /// Tokens that are bound to a key of the client come with a proof, beside the bearer header.
    Proofs,
    /// Callers have accounts, and only those whose address is confirmed get any further.
    Accounts,
}

pub const SECRET: &str = "the-secret-of-the-sync-service-of-this-test";
pub const SECRET_BEFORE: &str = "the-secret-that-it-had-before-this-one-still-good";
pub const KEY: &str = "the-key-of-the-nightly-report-of-this-test";

impl Site {
    pub const ALL: [Self; 12] = [
        Self::Every,
        Self::Strict,
        Self::HeaderFirst,
        Self::Browser,
        Self::Anywhere,
        Self::Service,
        Self::Pieces,
        Self::Realm,
        Self::Rendered,
        Self::Slow,
        Self::Proofs,
        Self::Accounts,
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
            Self::Every => closed(known(Gate::builder(), every)),
            Self::Strict => closed(known(Gate::builder(), every)).reject_conflicts(),
            Self::HeaderFirst => known(closed(Gate::builder()), |scheme| scheme.bearer().cookie("session")),
            Self::Browser => closed(known(Gate::builder(), usual)).allow_origin("https://app.example.com"),
            Self::Anywhere => closed(known(Gate::builder(), usual)).dangerous_allow_cross_origin(),
            Self::Service => {
                let open = known(Gate::builder(), |scheme| scheme.header("x-sync-secret").bearer());
                closed(open.scheme(Scheme::new(sync()).header("x-sync-secret")))
            }
            Self::Pieces => closed(known(Gate::builder(), pieces)),
            Self::Realm => closed(known(Gate::builder(), usual)).realm("the books"),
            Self::Rendered => closed(known(Gate::builder(), usual)).render(render),
            Self::Proofs => closed(known(Gate::builder(), |scheme| scheme.bearer().dpop(dpop()))),
            Self::Accounts => closed(known(Gate::builder(), usual))
                .directory(Users)
                .baseline(account("unconfirmed", |user: &User| user.is_confirmed)),
            Self::Slow => {
                let slow = |verifier| Slow(verifier).into();
                schemes(Gate::builder(), usual, slow).scheme(named("sync", slow(sync().into()))).scheme(key())
            }
        };
        roles(builder)
            .membership("project", Projects)
            .membership("team", Teams)
            .membership("flight", Flights)
            .membership("organization", Organizations)
    }
}

/// A gate of its own within each site. It reads one header, and names another realm.
pub fn other() -> Gate {
    let tokens = Scheme::new(ISSUER.verifier()).header("x-other");
    Gate::builder().scheme(tokens).realm("the other books").build().unwrap()
}

/// Where a scheme is read.
type Places = fn(Scheme) -> Scheme;

fn every(scheme: Scheme) -> Scheme {
    let headers = scheme.cookie("session").bearer().header("x-api-key");
    headers.query("access_token").websocket_protocol().websocket_query("ws_token")
}

fn usual(scheme: Scheme) -> Scheme {
    scheme.cookie("session").bearer()
}

fn pieces(scheme: Scheme) -> Scheme {
    scheme
        .source(CredentialSource::cookie("access_token").prefix("Bearer "))
        .source(CredentialSource::cookies("session", chunks))
}

/// What stands in `session.0`, `session.1` and so on.
fn chunks(cookies: &Cookies<'_>) -> Result<Option<String>, Error> {
    let mut token = String::new();
    for place in 0..4 {
        let Some(chunk) = cookies.get(&format!("session.{place}"))? else { break };
        token.push_str(chunk);
    }
    Ok(Some(token))
}

/// The schemes that every route accepts: those whom the directory knows, and the tokens of the issuer.
fn known(builder: GateBuilder, places: Places) -> GateBuilder {
    schemes(builder, places, |verifier| verifier)
}

fn schemes(builder: GateBuilder, places: Places, through: fn(Verifier) -> Verifier) -> GateBuilder {
    [Directory.into(), ISSUER.verifier().into()]
        .into_iter()
        .fold(builder, |builder, verifier| builder.scheme(places(Scheme::new(through(verifier)))))
}

/// The schemes that are accepted only where a policy names them: two programs, each with its header.
fn closed(builder: GateBuilder) -> GateBuilder {
    builder.scheme(named("sync", sync().into())).scheme(key())
}

fn named(name: &'static str, verifier: Verifier) -> Scheme {
    Scheme::named(name, verifier).header("x-sync-secret")
}

fn key() -> Scheme {
    Scheme::named("key", SharedSecret::new("report", KEY).unwrap()).header("x-report-key")
}

fn sync() -> SharedSecret {
    SharedSecret::new("sync", SECRET).unwrap().also(SECRET_BEFORE).unwrap()
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
        .roles_on(
            "flight",
            RoleHierarchy::builder().ranked(["viewer", "manager", "owner"]).inherits("project").build().unwrap(),
        )
        .roles_on("organization", RoleHierarchy::ranked(["member"]).unwrap())
}

/// As an application does whose clients know another form of errors.
fn render(error: &Error, default: Refusal) -> Refusal {
    let body = format!(r#"{{"detail":"{}"}}"#, error.code());
    default.without_header("www-authenticate").with_body("application/json", body)
}
