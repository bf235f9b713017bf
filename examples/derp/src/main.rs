//! Serves the example on axum.

use derp::{listener, on_axum::app, open};
use std::{error, net::SocketAddr};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let listener = TcpListener::from_std(listener()?)?;
    let address = listener.local_addr()?;
    let app = app(&open(address).await?);
    // With the addresses of clients, by which attempts are limited.
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
