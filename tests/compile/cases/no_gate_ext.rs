use axum::{Router, routing::get};
use portcullis::{Gate, policy::staff};

fn app(gate: &Gate) -> Router {
    Router::new().route("/admin", get(async || "welcome")).layer(gate.require(staff()))
}

fn main() {
    app(&Gate::builder().build().unwrap());
}
