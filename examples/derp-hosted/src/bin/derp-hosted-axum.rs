//! Serves the example on axum.

use derp_hosted::{configured, on_axum::app};
use std::error;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let (gate, address) = configured()?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app(gate)).await?;
    Ok(())
}
