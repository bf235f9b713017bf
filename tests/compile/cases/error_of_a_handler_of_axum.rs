use axum::{Router, debug_handler, routing::get};
use portcullis::{Error, Gate, axum::Authenticated};

#[derive(serde::Deserialize)]
struct Mine {
    email: String,
}

#[debug_handler(state = Gate)]
async fn email(Authenticated(principal): Authenticated) -> Result<String, Error> {
    Ok(principal.claims::<Mine>()?.email.clone())
}

fn main() {
    let _: Router<Gate> = Router::new().route("/email", get(email));
}
