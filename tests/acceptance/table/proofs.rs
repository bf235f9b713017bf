//! Tokens that are bound to a key of the client. In a nested router, a proof is for the whole path, which the client knows.

use crate::{
    cast::ISSUER,
    proofs::bound,
    row::{ALGORITHMS, Expected, Request, Row, get, ok, post, row, unauthorized, unproven},
    sites::Site,
    ways::axum::to_http,
};
use portcullis::{
    Algorithm,
    tower::{Head, Params},
};

/// Where staff gets in.
const PLACES: [&str; 6] = ["/me", "/known", "/visit", "/n/me", "/n/deep/me", "/admin/users"];

const INVALID: &str = r#"error="invalid_token", error_description="the token is not valid""#;

pub fn rows() -> Vec<Row> {
    PLACES.into_iter().flat_map(at).chain(nested()).collect()
}

fn alice() -> String {
    bound("alice").staff().sign()
}

/// With a token that is bound, and a proof for this request.
fn proven(request: Request) -> Request {
    request.at(Site::Proofs).dpop(&alice())
}

/// A proof that was used in another request.
fn used(path: &str) -> Request {
    let request = proven(get(path)).made();
    let (parts, ()) = to_http(request.clone(), drop).into_parts();
    let who = Site::Proofs.gate().establish(&Head::new(&parts, &Params::Absent)).ready();
    assert!(who.is_ok_and(|who| who.principal().is_ok()), "it was good once");
    request
}

fn refused(code: &str, challenge: String) -> Expected {
    unauthorized(code).header("www-authenticate", challenge)
}

fn at(path: &'static str) -> Vec<Row> {
    let row = |name: &str, request: Request, expected| {
        row(format!("proof {path}: {name}"), request.at(Site::Proofs), expected)
    };
    let (alice, plain) = (alice(), ISSUER.token("alice").staff().sign());
    let nobody = match path {
        "/visit" => ok("nobody"),
        _ => refused("credential_missing", format!("Bearer, DPoP {ALGORITHMS}")),
    };
    let as_bearer = || refused("invalid_token", format!("Bearer {INVALID}, DPoP {ALGORITHMS}"));
    let without_key = refused("invalid_token", format!("DPoP {INVALID}, {ALGORITHMS}"));
    let good = || proven(get(path));
    let beside_bearer = get(path).bearer(&alice).header("dpop", good().made().headers.pop().unwrap().1);
    vec![
        row("good", good(), ok("alice")),
        row("to change it", proven(post(path)), ok("alice")),
        row("a query, which is no part of the address", proven(get(format!("{path}?a=b"))), ok("alice")),
        row("another host in the request", good().host("other.example.com"), ok("alice")),
        row("none", get(path).header("authorization", format!("DPoP {alice}")), unproven()),
        row("two", good().header("dpop", "a.b.c"), unproven()),
        row(
            "no proof at all",
            get(path).header("authorization", format!("DPoP {alice}")).header("dpop", "x"),
            unproven(),
        ),
        row("used before", used(path), unproven()),
        row("for another method", good().proving(|proof| proof.method = "POST"), unproven()),
        row("for another path", good().proving(|proof| proof.path.push_str("/more")), unproven()),
        row("for another token", good().proving(|proof| proof.token = bound("bob").sign()), unproven()),
        row("with another key", good().proving(|proof| proof.key = Algorithm::EdDsa), unproven()),
        row("a bound token as bearer", get(path).bearer(&alice), as_bearer()),
        row("a bound token as bearer, with a proof", beside_bearer, as_bearer()),
        row("a token without a key", get(path).at(Site::Proofs).dpop(&plain), without_key),
        row("a token without a key as bearer", get(path).bearer(&plain), ok("alice")),
        row("nobody", get(path), nobody),
    ]
}

/// What the inner router calls the path is no address.
fn nested() -> impl Iterator<Item = Row> {
    let paths = [("/n/me", "/me"), ("/n/deep/me", "/me"), ("/n/deep/me", "/deep/me"), ("/admin/users", "/users")];
    paths.into_iter().map(|(path, inner)| {
        let request = proven(get(path)).proving(|proof| proof.path = inner.to_owned());
        row(format!("proof {path}: for {inner}"), request, unproven())
    })
}
