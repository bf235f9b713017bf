use axum::{Router, routing::get};
use portcullis::axum::Authenticated;

#[derive(Clone)]
struct AppState {
    name: String,
}

async fn me(Authenticated(principal): Authenticated) -> String {
    principal.id().subject().to_owned()
}

fn app(state: AppState) -> Router {
    Router::new().route("/me", get(me)).with_state(state)
}

fn main() {
    app(AppState { name: "orders".to_owned() });
}
