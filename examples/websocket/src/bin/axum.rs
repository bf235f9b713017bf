//! Serves the example on axum.

use std::error;
use tokio::net::TcpListener;
use websocket::{on_axum::app, start};

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let (service, listener) = start()?;
    axum::serve(TcpListener::from_std(listener)?, app(service)).await?;
    Ok(())
}
