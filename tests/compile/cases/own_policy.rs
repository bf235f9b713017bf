use portcullis::{Gate, axum::Routes, policy::Policy};

#[derive(Debug)]
struct Paid;

impl Policy for Paid {}

fn main() {
    Routes::<()>::new(&Gate::builder().build().unwrap()).route("/", Paid, axum::routing::get("welcome"));
}
