//! Serves the example on axum.

use d2s::{on_axum::app, rows, start::configured};
use std::error;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let store = rows::store();
    let (gate, auth, address) = configured(&store).await?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app(gate, &auth, &store)).await?;
    Ok(())
}
