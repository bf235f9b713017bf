//! Serves the example on actix-web.

use actix_web::{App, HttpServer, web::Data};
use definable::{configured, on_actix::routes};
use std::error;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let (service, address) = configured()?;
    let data = Data::new(service.clone());
    let server = HttpServer::new(move || {
        let app = App::new().app_data(data.clone()).app_data(service.webhooks().clone());
        app.configure(routes(&service).into_config())
    });
    let server = server.bind(address)?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    Ok(server.run().await?)
}
