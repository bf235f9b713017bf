//! Schemes that a gate does not take.

use super::Knows;
use portcullis_core::{CredentialSource, Error, ErrorKind, Gate, GateBuilder, Scheme};

fn text(gate: GateBuilder) -> String {
    let error: Error = gate.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    error.to_string()
}

fn of(schemes: impl IntoIterator<Item = Scheme>) -> GateBuilder {
    schemes.into_iter().fold(Gate::builder(), GateBuilder::scheme)
}

fn plain() -> Scheme {
    Scheme::new(Knows::new("token"))
}

fn named(name: &'static str) -> Scheme {
    Scheme::named(name, Knows::new("token"))
}

#[test]
fn what_cannot_be_read_is_refused_by_the_schemes_name_or_place() {
    for (gate, words) in [
        (of([]), "the gate has 0 schemes"),
        (of([plain().bearer(), plain()]), "scheme 2 reads no credentials"),
        (of([named("key")]), "scheme `key` reads no credentials"),
        (of([named("").bearer()]), "has an empty name"),
        (of([named("key").bearer(), named("key").header("x-key")]), "scheme `key` has the name of another scheme"),
        (of([plain().bearer().bearer()]), "has the source bearer header twice"),
        (of([plain().header("a b")]), "cannot be in a request"),
        (of([plain().source(CredentialSource::bearer().prefix("x"))]), "it has no prefix"),
        (of((0..65).map(|_| plain().bearer())), "the gate has 65 schemes"),
    ] {
        let text = text(gate);
        assert!(text.contains(words), "{text}");
    }
    assert!(of([plain().bearer(), named("key").bearer(), named("sync").header("x-sync")]).build().is_ok());
    assert!(of((0..64).map(|_| plain().bearer())).build().is_ok());
}

#[test]
fn a_source_that_takes_every_value_comes_after_one_with_a_prefix() {
    let (all, some) = (CredentialSource::cookie("token"), CredentialSource::cookie("token").prefix("Bearer "));
    for gate in [
        of([plain().source(all.clone()).source(some.clone())]),
        of([plain().source(all.clone()), plain().source(some.clone())]),
        of([plain().source(all.clone()), named("key").source(some.clone())]),
    ] {
        let text = text(gate);
        assert!(text.contains("with the prefix `Bearer `") && text.contains("takes every value"), "{text}");
    }
    assert!(of([plain().source(some.clone()).source(all.clone())]).build().is_ok());
    assert!(of([plain().source(some), plain().source(all)]).build().is_ok());
}
