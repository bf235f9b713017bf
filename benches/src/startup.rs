//! What it takes to start: a gate and the routes behind it, beside the same routes of axum alone.

use crate::{
    case::{Case, Operation},
    verify::OURS,
};
use axum::{Router, routing::get};
use portcullis_axum::Routes;
use portcullis_core::{
    Algorithm, Audience, Error, Gate, Issuer, Jwt, Key, KeySet, RoleHierarchy, Scheme, policy::permission,
    testing::SigningKey,
};

const NAME: &str = "startup/axum";
const ROUTES: usize = 200;
/// Of each kind of key.
const ISSUERS: usize = 5;

pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Option<Case> {
    let (table, row) = ("startup, ten issuers and 200 routes".to_owned(), "axum");
    wanted(NAME).then(|| Case { name: NAME.to_owned(), table, row, operations: vec![ours(), bare()] })
}

fn ours() -> Operation {
    let key = SigningKey::embedded(Algorithm::Rs256).public_jwk("2026-11").expect("it has a public key");
    let (jwks, paths) = (format!(r#"{{"keys":[{key}]}}"#), paths());
    Operation::new(OURS, move || {
        let gate = gate(&jwks).expect("the gate is sound");
        let add = |routes: Routes, path: &String| routes.get(path, permission("document:read"), async || "ok");
        paths.iter().fold(Routes::new(&gate), add).into_router()
    })
}

/// Half of the issuers publish RSA keys, of which the text is at hand. The others share secrets.
fn gate(jwks: &str) -> Result<Gate, Error> {
    let public = |place| {
        let name = format!("https://{place}.id.example.com");
        Issuer::new(name, Audience::is("api"), [Algorithm::Rs256], KeySet::jwks(jwks)?)
    };
    let secret = |place| {
        let key = Key::secret(Algorithm::Hs256, format!("secret {place}, which is longer than 32 bytes"))?;
        Issuer::new(format!("https://{place}.service.example.com"), Audience::is("api"), [Algorithm::Hs256], key)
    };
    let mut jwt = Jwt::new(public(0)?).issuer(secret(0)?)?;
    for place in 1..ISSUERS {
        jwt = jwt.issuer(public(place)?)?.issuer(secret(place)?)?;
    }
    let roles = RoleHierarchy::builder().role("reader", []).permits("reader", ["document:read"]).build()?;
    Gate::builder().scheme(Scheme::new(jwt).bearer()).roles(roles).build()
}

fn bare() -> Operation {
    let paths = paths();
    Operation::new("bare routes", move || {
        paths.iter().fold(Router::<()>::new(), |router, path| router.route(path, get(async || "ok")))
    })
}

fn paths() -> Vec<String> {
    (0..ROUTES).map(|place| format!("/kind-{place}/{{id}}")).collect()
}
