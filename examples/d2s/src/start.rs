//! What both programs start with, configured like the system that this stands for.

use crate::{
    auth::{Auth, accounts},
    gate, keys, rows,
    store::Store,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use portcullis::{
    ApiKeys, Gate, KeyStore,
    accounts::{
        Mail, Mailer, SameSite, TokenCookies,
        store::{SessionStore, Stores, UserStore},
    },
    sqlx::{PostgresStore, SqliteStore},
};
use std::{env, error, net::SocketAddr};

/// Prints mails, in place of a mail server. It is for this machine only, like the address that the programs listen at.
#[derive(Debug)]
struct Terminal;

impl Mailer for Terminal {
    fn send(&self, mail: Mail) {
        println!("mail to {}: {:?} {}", mail.to.as_str(), mail.kind, mail.link.unwrap_or_default());
    }
}

/// The gate, what answers under `/auth`, and the address.
///
/// # Errors
/// If `SECRET_KEY` is not set or too short, `PORT` is no port, or the database of `DATABASE_URL` does not open.
pub async fn configured(store: &Store) -> Result<(Gate, Auth, SocketAddr), Box<dyn error::Error>> {
    let secret = env::var("SECRET_KEY").map_err(|_| "SECRET_KEY is not set: at least 32 bytes that sign the tokens")?;
    let address = SocketAddr::from(([127, 0, 0, 1], env::var("PORT").map_or(Ok(8000), |port| port.parse())?));
    let or = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let (stores, keys) = database().await?;
    let pages = or("API_DOMAIN", &format!("http://localhost:{}", address.port()));
    let auth = Auth {
        accounts: accounts(&secret, stores, Terminal, &pages)?.build()?,
        cookies: cookies(!matches!(or("HTTP_COOKIE_SECURE", "1").to_ascii_lowercase().as_str(), "0" | "false")),
        keys,
        administrator: or("ADMINISTRATOR", "admin@example.com").parse()?,
    };
    // Without one of their own, tiles have a secret that signs nothing else.
    let tiles = BASE64_STANDARD.encode(format!("tiles {secret}"));
    let tiles = BASE64_STANDARD.decode(or("TILE_SIGNING_SECRET_KEY", &tiles))?;
    Ok((gate(&auth, store, &tiles)?.build()?, auth, address))
}

/// The cookies of the original. Those that are not secure are for a service without TLS.
#[must_use]
pub fn cookies(secure: bool) -> TokenCookies {
    let cookies = TokenCookies::named("access_token", "refresh_token").with_scheme();
    if secure { cookies.same_site(SameSite::None) } else { cookies.dangerous_insecure() }
}

/// Postgres, or a file of SQLite.
async fn database() -> Result<(Stores, ApiKeys), Box<dyn error::Error>> {
    let url = env::var("DATABASE_URL").unwrap_or_else(|_| "d2s.db".to_owned());
    match url.starts_with("postgres") {
        true => stored(PostgresStore::connect(&url).await?).await,
        false => stored(SqliteStore::open(url).await?).await,
    }
}

/// What is in a database, with the users and the API keys of the original.
///
/// # Errors
/// Those of the database.
pub async fn stored(
    store: impl UserStore + SessionStore + KeyStore + Clone,
) -> Result<(Stores, ApiKeys), Box<dyn error::Error>> {
    rows::keys(&store).await?;
    let stores = Stores::from(store.clone());
    rows::users(&stores).await?;
    Ok((stores, keys(store)?))
}
