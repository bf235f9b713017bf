//! Serves the example on actix-web.

use actix_web::{App, HttpServer};
use d2s::{on_actix::routes, rows, start::configured};
use std::error;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let store = rows::store();
    let (gate, auth, address) = configured(&store).await?;
    let server =
        HttpServer::new(move || App::new().configure(routes(&gate, &auth, &store).into_config())).bind(address)?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    Ok(server.run().await?)
}
