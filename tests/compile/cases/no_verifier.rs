use portcullis::{Error, Gate, Scheme};

#[derive(Debug)]
struct Tickets;

fn gate() -> Result<Gate, Error> {
    Gate::builder().scheme(Scheme::named("tickets", Tickets).header("x-api-key")).build()
}

fn main() {
    gate().unwrap();
}
