//! Serves the example on actix-web.

use actix_web::{App, HttpServer};
use derp_hosted::{configured, on_actix::routes};
use std::error;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let (gate, address) = configured()?;
    let server = HttpServer::new(move || App::new().configure(routes(&gate).into_config())).bind(address)?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    Ok(server.run().await?)
}
