//! Serves the example on actix-web.

use actix_web::{App, HttpServer, web::Data};
use derp::{listener, on_actix::routes, open};
use std::error;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let listener = listener()?;
    let address = listener.local_addr()?;
    let service = open(address).await?;
    let app = move || App::new().app_data(Data::new(service.clone())).configure(routes(&service).into_config());
    Ok(HttpServer::new(app).listen(listener)?.run().await?)
}
