//! An echo over WebSockets, on axum and on actix-web: [`on_axum`] and [`on_actix`] are all that differs.

pub mod on_actix;
pub mod on_axum;

use portcullis::{
    Algorithm, Audience, ClaimMap, Error, Gate, Issuer, Jwt, Key, Principal, RevocationList,
    testing::{SigningKey, TestIssuer},
};
use std::{
    env, error,
    net::{SocketAddr, TcpListener},
    time::{Duration, SystemTime},
};

/// Who signs the tokens.
pub const ISSUER: &str = "https://id.example.com";
/// Whom they are meant for.
pub const AUDIENCE: &str = "echo";

/// How long they are good for at most.
const HOUR: Duration = Duration::from_secs(3600);

const PAGE: &str = include_str!("page.html");

/// What the service is made of.
#[allow(clippy::exhaustive_structs, reason = "made by whoever serves it")]
#[derive(Debug, Clone)]
pub struct Service {
    /// Who gets in.
    pub gate: Gate,
    /// What was withdrawn.
    pub revocations: RevocationList,
}

impl Service {
    /// A service for tokens that this secret signed.
    ///
    /// # Errors
    /// If the secret is shorter than 32 bytes.
    pub fn new(secret: &str) -> Result<Self, Error> {
        let revocations = RevocationList::new(HOUR);
        Ok(Self { gate: gate(secret, &revocations)?, revocations })
    }

    /// Withdraws every token that somebody has. Their sockets close.
    fn sign_out(&self, principal: &Principal) {
        self.revocations.revoke_subject(ISSUER, principal.subject(), SystemTime::now());
    }
}

/// Where tokens are read, and who issues them.
fn gate(secret: &str, revocations: &RevocationList) -> Result<Gate, Error> {
    let key = Key::secret(Algorithm::Hs256, secret)?;
    let issuer = Issuer::new(ISSUER, Audience::is(AUDIENCE), [Algorithm::Hs256], key)?
        .claim_map(ClaimMap::new().permissions("permissions"));
    Gate::builder()
        .cookie("__Host-session") // pages of this service; those of other origins are refused
        .websocket_protocol() // any page that has a token: `new WebSocket(url, ["bearer", token])`
        .websocket_query("access_token") // clients that can send nothing else
        .bearer() // programs
        .authenticator(Jwt::new(issuer))
        .revocations(revocations.clone())
        .build()
}

/// The access log. The layer before it has taken the tokens out of the address.
fn log(method: &str, address: &str, status: u16) {
    println!("{status} {method} {address}");
}

/// The service and where to listen, from `SECRET` and `PORT`. Says where the page is, with a token to try in the part of
/// the address that browsers keep to themselves.
///
/// # Errors
/// If `SECRET` is not set or too short, or the port is taken.
pub fn start() -> Result<(Service, TcpListener), Box<dyn error::Error>> {
    let secret = env::var("SECRET").map_err(|_| "SECRET is not set: what the issuer signs with, 32 bytes or more")?;
    let service = Service::new(&secret)?;
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    println!("to try it: http://{address}/#{}", token(&secret)?);
    Ok((service, listener))
}

/// A token for an hour, as the issuer would sign it.
fn token(secret: &str) -> Result<String, Error> {
    let issuer = TestIssuer::with_key(SigningKey::secret(Algorithm::Hs256, secret)?).on_system_time();
    let issuer = issuer.named(ISSUER).for_audience(AUDIENCE);
    Ok(issuer.token("alice").permission("echo:use").expires_in(HOUR).sign())
}
