//! Serves the example on actix-web.

use actix_web::HttpServer;
use std::error;
use websocket::{on_actix::app, start};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let (gate, listener) = start()?;
    HttpServer::new(move || app(gate.clone())).listen(listener)?.run().await?;
    Ok(())
}
