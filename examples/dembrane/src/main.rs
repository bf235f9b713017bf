//! Serves the example; configured like the system it stands for.

use portcullis::directus::{Directus, SESSION_COOKIE};
use std::{env, error, net::SocketAddr};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let secret =
        env::var("DIRECTUS_SECRET").map_err(|_| "DIRECTUS_SECRET is not set: the SECRET of the Directus instance")?;
    let cookie = env::var("DIRECTUS_SESSION_COOKIE_NAME").unwrap_or_else(|_| SESSION_COOKIE.to_owned());
    let port = env::var("PORT").map_or(Ok(8000), |port| port.parse())?;
    let app = dembrane::app(dembrane::gate(Directus::new(secret)?, &cookie)?);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
