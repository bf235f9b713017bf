//! An echo over WebSockets, on axum and on actix-web: [`on_axum`] and [`on_actix`] are all that differs.

pub mod on_actix;
pub mod on_axum;

use local_issuer::LocalIssuer;
use portcullis::{ClaimMap, Error, Gate, Issuer, Jwt, Principal, RevocationList, Scheme};
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
    /// A service for the tokens of this issuer.
    ///
    /// # Errors
    /// If the gate cannot be built.
    pub fn new(issuer: Issuer) -> Result<Self, Error> {
        let revocations = RevocationList::new(HOUR);
        Ok(Self { gate: gate(issuer, &revocations)?, revocations })
    }

    /// Withdraws every token that somebody has. Their sockets close.
    fn sign_out(&self, principal: &Principal) {
        self.revocations.sign_out(principal.id(), SystemTime::now());
    }
}

/// Where tokens are read, and who issues them.
fn gate(issuer: Issuer, revocations: &RevocationList) -> Result<Gate, Error> {
    let issuer = issuer.claim_map(ClaimMap::new().permissions("permissions")?);
    let tokens = Scheme::new(Jwt::new(issuer))
        .cookie("__Host-session") // pages of this service; those of other origins are refused
        .websocket_protocol() // any page that has a token: `new WebSocket(url, ["bearer", token])`
        .websocket_query("access_token") // clients that can send nothing else
        .bearer(); // programs
    Gate::builder().scheme(tokens).revocations(revocations.clone()).build()
}

/// The access log. The layer before it has taken the tokens out of the address.
fn log(method: &str, address: &str, status: u16) {
    println!("{status} {method} {address}");
}

/// The service and where to listen: on `PORT`, or on 3000. Says where the page is, with a token to try in the part of the
/// address that browsers keep to themselves.
///
/// # Errors
/// If the port is taken.
pub fn start() -> Result<(Service, TcpListener), Box<dyn error::Error>> {
    let issuer = LocalIssuer::new(ISSUER, AUDIENCE)?;
    let service = Service::new(issuer.issuer()?)?;
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    println!("to try it: http://{address}/#{}", issuer.token("alice", &["echo:use"], HOUR)?);
    Ok((service, listener))
}
