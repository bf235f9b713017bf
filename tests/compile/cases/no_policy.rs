use portcullis::policy::{Policy, any, staff};

#[derive(Debug)]
struct Paid;

fn order() -> impl Policy {
    any((staff(), Paid))
}

fn main() {
    order();
}
