use portcullis::{Error, Gate, Scheme};

#[derive(Debug)]
struct ApiKeys;

fn gate() -> Result<Gate, Error> {
    Gate::builder().scheme(Scheme::named("api-key", ApiKeys).header("x-api-key")).build()
}

fn main() {
    gate().unwrap();
}
