//! Serves the example on actix-web.

use actix_web::{App, HttpServer};
use derp::{listener, on_actix::routes, open};
use std::error;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let listener = listener()?;
    let address = listener.local_addr()?;
    let (gate, endpoints) = open(address).await?;
    Ok(HttpServer::new(move || App::new().configure(routes(&gate, endpoints.as_ref()).into_config()))
        .listen(listener)?
        .run()
        .await?)
}
