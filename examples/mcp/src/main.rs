//! `ISSUER=https://id.example.com cargo run -p mcp`. `ADDRESS` is how clients know the server, and `PORT` where it listens.

use portcullis::{Algorithm, Audience, Issuer, RemoteKeys, reqwest::Client};
use std::{env, error::Error, net::SocketAddr};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let address = env::var("ADDRESS").unwrap_or_else(|_| format!("http://127.0.0.1:{port}/mcp"));
    let name = env::var("ISSUER").map_err(|_| "ISSUER is not set: the issuer of the tokens, an OpenID provider")?;
    let keys = RemoteKeys::discover(name.clone(), Client::new()?)?;
    let algorithms = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    let issuer = Issuer::new(name, Audience::is(address.clone()), algorithms, keys)?;
    let app = mcp::app(issuer, &address)?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    println!("listening on {}, for {address}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
