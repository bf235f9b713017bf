//! The test kit as users of it have it: an issuer that publishes its keys without a network.

use crate::head::Head;
use portcullis_core::{
    Algorithm, Audience, Error, ErrorKind, Gate, HttpClient, HttpRequest, Issuer, Jwt, Key, RemoteKeys, Reply, Scheme,
    testing::{SigningKey, TestIssuer},
};
use std::sync::{Arc, Mutex};

fn gate(name: &str, algorithm: Algorithm, client: impl HttpClient + 'static) -> Result<Gate, Error> {
    let issuer = Issuer::new(name, Audience::is("test"), [algorithm], RemoteKeys::discover(name, client)?)?;
    Gate::builder().scheme(Scheme::new(Jwt::new(issuer)).bearer()).build()
}

async fn subject(gate: &Gate, token: &str) -> Result<String, ErrorKind> {
    let head = Head::new().bearer(token);
    let who = gate.establish(&head).await;
    who.principal().map(|principal| principal.id().subject().to_owned()).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_test_issuer_publishes_the_key_that_it_signs_with() {
    for algorithm in Algorithm::ALL {
        let issuer = TestIssuer::with_algorithm(algorithm).on_system_time();
        let other = TestIssuer::with_algorithm(algorithm).on_system_time().named("https://other.test");
        if SigningKey::embedded(algorithm).public_jwk("k").is_none() {
            assert!(gate("https://issuer.test", algorithm, issuer).is_err(), "{algorithm}: a secret is not fetched");
            continue;
        }
        let gate = gate("https://issuer.test", algorithm, issuer.clone()).unwrap();
        assert_eq!(subject(&gate, &issuer.token("alice").sign()).await, Ok("alice".to_owned()), "{algorithm}");
        assert_eq!(subject(&gate, &other.token("alice").sign()).await, Err(ErrorKind::Unrecognized), "{algorithm}");
        let forged = TestIssuer::with_key(SigningKey::secret(Algorithm::Hs256, [7; 64]).unwrap()).on_system_time();
        assert_eq!(subject(&gate, &forged.token("alice").sign()).await, Err(ErrorKind::Invalid), "{algorithm}");
    }
}

#[tokio::test]
async fn a_test_issuer_publishes_nothing_else() {
    let issuer = TestIssuer::new();
    let status = |url: &str| {
        let seen = Arc::new(Mutex::new(0));
        let there = seen.clone();
        let then = move |answer: Result<portcullis_core::HttpResponse, Error>| {
            *there.lock().unwrap() = answer.unwrap().status()
        };
        issuer.send(HttpRequest::get(url), Reply::new(then));
        *seen.lock().unwrap()
    };
    assert_eq!(status("https://issuer.test/jwks"), 200);
    assert_eq!(status("https://issuer.test/.well-known/openid-configuration"), 200);
    assert_eq!(status("https://issuer.test/"), 404);
    assert_eq!(status("https://other.test/jwks"), 404);
    // A service that trusts another name is not taken in.
    let gate = gate("https://other.test", Algorithm::Es256, issuer.clone()).unwrap();
    assert_eq!(
        subject(&gate, &issuer.named("https://other.test").token("alice").sign()).await,
        Err(ErrorKind::Unavailable)
    );
}

#[test]
fn a_public_jwk_is_a_key_of_its_algorithm_alone() {
    for algorithm in Algorithm::ALL {
        let signing = SigningKey::embedded(algorithm);
        let Some(jwk) = signing.public_jwk("k") else { continue };
        let key = Key::jwk(&jwk).unwrap();
        assert_eq!(key.id(), Some("k"));
        for other in Algorithm::ALL {
            let issuer = Issuer::new("https://issuer.test", Audience::is("test"), [other], key.clone());
            assert_eq!(issuer.is_ok(), other == algorithm, "{algorithm} as {other}");
        }
    }
}
