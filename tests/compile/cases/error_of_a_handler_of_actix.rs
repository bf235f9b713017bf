use actix_web::{App, web};
use portcullis::{Error, actix::Authenticated};

#[derive(serde::Deserialize)]
struct Mine {
    email: String,
}

async fn email(Authenticated(principal): Authenticated) -> Result<String, Error> {
    Ok(principal.claims::<Mine>()?.email.clone())
}

fn main() {
    let _ = App::new().route("/email", web::get().to(email));
}
