//! Serves the example on actix-web.

use actix_web::HttpServer;
use std::error;
use websocket::{on_actix::app, start};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let (service, listener) = start()?;
    HttpServer::new(move || app(service.clone())).listen(listener)?.run().await?;
    Ok(())
}
