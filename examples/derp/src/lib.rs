//! A service after derp.auth. Its users are its own, in SQLite, or at Amazon Cognito, or at Clerk: the settings choose. [`gate`]
//! reads them, and handlers do not know which. [`on_axum`] and [`on_actix`] are all that differs between the frameworks.

mod gate;
pub mod mails;
pub mod me;
pub mod on_actix;
pub mod on_axum;
pub mod organizations;
pub mod page;
pub mod secret;
pub mod try_out;

pub use gate::{gate, organizations};

use mails::PrintedMails;
use portcullis::{
    Gate, OrganizationContext,
    accounts::{
        Accounts, AccountsBuilder, Backend, Config, Endpoints, Error, Links, Mailer, Organizations, store::Stores,
    },
    reqwest::Client,
    sqlx::SqliteStore,
};
use std::{
    env, error, fs,
    net::{SocketAddr, TcpListener},
    time::{Duration, SystemTime},
};
use tokio::time::sleep;

/// What both frameworks serve.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "tests put it together as well")]
pub struct Service {
    /// Who callers are, and what they may do.
    pub gate: Gate,
    /// Organizations of the users.
    pub organizations: Organizations,
    /// In which of them a caller acts.
    pub contexts: OrganizationContext,
    /// The endpoints of accounts, if the users are the service's own.
    pub accounts: Option<Endpoints>,
}

/// The settings in the file that `SETTINGS` names, by default those of `derp.toml`.
///
/// # Errors
/// If the file cannot be read, or a setting cannot work, such as a secret that is too short.
pub fn config() -> Result<Config, Box<dyn error::Error>> {
    let text = match env::var("SETTINGS") {
        Ok(path) => fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?,
        Err(_) => include_str!("../derp.toml").to_owned(),
    };
    let secret = || secret::find().inspect_err(|error| eprintln!("no secret: {error}")).ok();
    let variable = |name: &str| if name == "DERP_SECRET" { secret() } else { env::var(name).ok() };
    Ok(Config::parse(&text, variable)?)
}

/// The accounts of the native backend, with their organizations. Links in mails lead to pages below the address.
///
/// # Errors
/// If the settings are those of another backend.
pub fn accounts(
    config: &Config,
    organizations: &Organizations,
    store: impl Into<Stores>,
    mailer: impl Mailer + 'static,
    address: &str,
) -> Result<AccountsBuilder, Error> {
    let accounts = Accounts::from_config(config, store)?.organizations(organizations.clone());
    Ok(accounts.mailer(mailer, Links::below(address)))
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

/// What the programs serve, with its database in the current folder. Only the native backend has endpoints.
///
/// # Errors
/// If mails are printed and the service listens for other machines, or if the settings, the database or the secret cannot be
/// read.
pub async fn open(address: SocketAddr) -> Result<Service, Box<dyn error::Error>> {
    let (config, client) = (config()?, Client::new()?);
    let mailer = match config.backend() {
        Backend::Native(_) => Some(PrintedMails::new(address)?),
        _ => None,
    };
    let store = SqliteStore::open("derp.db").await?;
    let organizations = organizations(&config, store.clone())?;
    let contexts = OrganizationContext::new(secret::find()?, organizations.clone())?;
    let accounts = match mailer {
        Some(mailer) => {
            let accounts =
                accounts(&config, &organizations, store, mailer, &format!("http://localhost:{}", address.port()))?;
            Some(kept(accounts.with_providers(&config, client.clone())?.build()?))
        }
        None => None,
    };
    let gate = gate(&config, accounts.as_ref(), &organizations, &contexts, client)?.build()?;
    println!("{}", accounts.as_ref().map_or(format!("listening on http://{address}"), |_| try_out::lines(address)));
    let accounts = accounts.map(|accounts| accounts.endpoints().with_config(&config));
    Ok(Service { gate, organizations, contexts, accounts })
}

/// Accounts that follow the database.
fn kept(accounts: Accounts) -> Accounts {
    // Sessions that another program ended on the same database, or this one before it was started again.
    let followed = accounts.clone();
    tokio::spawn(async move { followed.follow(Duration::from_secs(1), sleep).await });
    tokio::spawn(purge(accounts.clone()));
    accounts
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
