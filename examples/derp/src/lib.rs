//! A service with accounts of its own in SQLite, after the native backend of derp.auth. [`on_axum`] and [`on_actix`] are all that
//! differs between the frameworks.

pub mod mails;
pub mod on_actix;
pub mod on_axum;
pub mod page;
pub mod secret;
pub mod try_out;

use mails::PrintedMails;
use portcullis::{
    Gate, GateBuilder, Scheme,
    accounts::{Accounts, AccountsBuilder, Config, Endpoints, Error, Links, Mailer, store::Stores},
    sqlx::SqliteStore,
};
use std::{
    env, error,
    net::{SocketAddr, TcpListener},
    time::{Duration, SystemTime},
};
use tokio::time::sleep;

/// The settings in `derp.toml`, with the secret.
///
/// # Errors
/// If a setting cannot work, such as a secret that is too short.
pub fn config(secret: &str) -> Result<Config, Error> {
    Config::parse(include_str!("../derp.toml"), |name| match name {
        "DERP_SECRET" => Some(secret.to_owned()),
        _ => env::var(name).ok(),
    })
}

/// The accounts. Links in mails lead to pages below the address.
///
/// # Errors
/// If the settings are those of another backend.
pub fn accounts(
    config: &Config,
    stores: impl Into<Stores>,
    mailer: impl Mailer + 'static,
    address: &str,
) -> Result<AccountsBuilder, Error> {
    Ok(Accounts::from_config(config, stores)?.mailer(mailer, Links::below(address)))
}

/// Who callers are: access tokens in the cookie or in `Authorization: Bearer`, until their session ends.
pub fn gate(accounts: &Accounts) -> GateBuilder {
    Gate::builder()
        .scheme(Scheme::new(accounts).cookie("__Host-access").bearer())
        .revocations(accounts.revocations())
        .directory(accounts.directory())
}

/// Listens on `ADDRESS`, by default 127.0.0.1:3000.
///
/// # Errors
/// If the address is none, or another program listens there.
pub fn listener() -> Result<TcpListener, Box<dyn error::Error>> {
    let address = env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&address)
        .map_err(|error| format!("cannot listen on {address} ({error}); try another: ADDRESS=127.0.0.1:3001"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What the programs serve, with their database in the current folder.
///
/// # Errors
/// If the service listens for other machines, or if the database or the secret cannot be opened.
pub async fn open(address: SocketAddr) -> Result<(Gate, Endpoints), Box<dyn error::Error>> {
    let mailer = PrintedMails::new(address)?;
    let config = config(&secret::find()?)?;
    let store = SqliteStore::open("derp.db").await?;
    let accounts = accounts(&config, store, mailer, &format!("http://localhost:{}", address.port()))?.build()?;
    // Sessions that another program ended on the same database, or this one before it was started again.
    let followed = accounts.clone();
    tokio::spawn(async move { followed.follow(Duration::from_secs(1), sleep).await });
    tokio::spawn(purge(accounts.clone()));
    Ok((gate(&accounts).build()?, accounts.endpoints().with_config(&config)))
}

/// Removes once an hour what was over a day before.
async fn purge(accounts: Accounts) {
    loop {
        if let Some(yesterday) = SystemTime::now().checked_sub(Duration::from_secs(86_400))
            && let Err(error) = accounts.purge(yesterday).await
        {
            eprintln!("nothing was purged: {error}");
        }
        sleep(Duration::from_secs(3600)).await;
    }
}
