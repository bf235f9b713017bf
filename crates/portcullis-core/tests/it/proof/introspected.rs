//! Tokens that are no JWT: the answer of their issuer says what they are bound to.

use super::{Client, ask, dpop, error};
use crate::head::Head;
use portcullis_core::{
    Algorithm, Audience, ClientCertificates, Credential, CredentialSource, ErrorKind, Gate, HttpClient, HttpRequest,
    HttpResponse, Introspection, Issuer, Reply, Scheme,
    testing::{SigningKey, TestIssuer},
};
use serde_json::{Value, json};

const URL: &str = "https://issuer.test/introspect";

/// An issuer that answers this about every token.
#[derive(Debug)]
struct Says(Value);

impl HttpClient for Says {
    fn send(&self, _: HttpRequest, reply: Reply) {
        reply.give(Ok(HttpResponse::new(200, self.0.to_string())));
    }
}

fn answer(kind: &str, cnf: Value) -> Value {
    json!({ "active": true, "token_type": kind, "sub": "alice", "aud": "test", "iss": "https://issuer.test", "cnf": cnf })
}

/// A client with an opaque token, and the answer that binds it to the client's key.
fn client(issuer: &TestIssuer) -> (Client, Value) {
    let client = Client { token: "opaque-token".to_owned(), ..Client::new(issuer) };
    let answer = answer("DPoP", json!({ "jkt": client.key.key().thumbprint() }));
    (client, answer)
}

fn asking(issuer: &TestIssuer, answer: Value) -> Introspection {
    let without_keys = Issuer::without_keys("https://issuer.test", Audience::is("test")).unwrap();
    Introspection::new(without_keys, URL, Says(answer)).unwrap().clock(issuer.clock())
}

fn gate(asking: Introspection) -> Gate {
    Gate::builder().scheme(Scheme::new(asking).bearer().dpop(dpop())).build().unwrap()
}

#[tokio::test]
async fn an_opaque_token_is_bound_by_the_answer() {
    let issuer = TestIssuer::new();
    let (client, dpop_answer) = client(&issuer);
    let cnf = dpop_answer["cnf"].clone();
    let thief =
        Client { key: SigningKey::embedded(Algorithm::EdDsa), token: client.token.clone(), clock: issuer.clock() };
    for answer in [dpop_answer, answer("dpop", cnf.clone()), answer("Bearer", cnf)] {
        let gate = gate(asking(&issuer, answer.clone()));
        for _ in 0..2 {
            let proof = client.proof("GET", "/");
            assert_eq!(ask(&gate, &client.request(&proof)).await.as_deref(), Ok("alice"), "{answer}");
            let refused = [
                ("used", client.request(&proof), "invalid_dpop_proof"),
                ("another key", thief.request(&thief.proof("GET", "/")), "invalid_dpop_proof"),
                ("none", Head::new().header("authorization", "DPoP opaque-token"), "invalid_dpop_proof"),
                ("bearer", Head::new().bearer("opaque-token"), "invalid_token"),
                ("bearer with a proof", Head::new().bearer("opaque-token").header("dpop", &proof), "invalid_token"),
            ];
            for (name, head, code) in refused {
                assert_eq!(error(&gate, &head).await.code(), code, "{name} {answer}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_of_this_type_names_a_key() {
    let issuer = TestIssuer::new();
    let (client, good) = client(&issuer);
    let without = [
        json!(null),
        json!({}),
        json!("text"),
        json!([]),
        json!({ "jkt": null }),
        json!({ "jkt": "" }),
        json!({ "jkt": 7 }),
        json!({ "x5t#S256": "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" }),
    ];
    let mut absent = good.clone();
    absent.as_object_mut().unwrap().remove("cnf");
    for bad in without.map(|cnf| answer("DPoP", cnf)).into_iter().chain([absent]) {
        let gate = gate(asking(&issuer, bad.clone()));
        for head in [client.request(&client.proof("GET", "/")), Head::new().bearer("opaque-token")] {
            let refused = error(&gate, &head).await;
            assert_eq!(refused.kind(), ErrorKind::Invalid, "{bad}");
            assert!(refused.to_string().contains("names no key (`cnf.jkt`)"), "{bad}: {refused}");
        }
    }
    let gate = gate(asking(&issuer, good));
    assert_eq!(ask(&gate, &client.request(&client.proof("GET", "/"))).await.as_deref(), Ok("alice"));
}

#[tokio::test]
async fn where_no_proof_is_asked_for_the_type_is_refused() {
    let issuer = TestIssuer::new();
    let (client, answer) = client(&issuer);
    let asking = asking(&issuer, answer);
    let bearer = || Head::new().bearer("opaque-token");
    let plain = Gate::builder().scheme(Scheme::new(asking.clone()).bearer()).build().unwrap();
    let with_proofs = gate(asking.clone());
    // What one gate has heard is of no use to the other.
    for _ in 0..2 {
        assert!(error(&plain, &bearer()).await.to_string().contains("Scheme::dpop"));
        assert_eq!(ask(&with_proofs, &client.request(&client.proof("GET", "/"))).await.as_deref(), Ok("alice"));
    }
    let outside = asking.authenticate(&Credential::new("opaque-token", CredentialSource::bearer())).await;
    assert_eq!(outside.unwrap_err().kind(), ErrorKind::Invalid);
    let certificates = ClientCertificates::from_proxies(["10.0.0.7"]).unwrap();
    let scheme = Scheme::new(asking).bearer();
    let gate = Gate::builder().scheme(scheme).client_certificates(certificates).build().unwrap();
    assert_eq!(ask(&gate, &bearer()).await, Err("invalid_token".to_owned()));
}

/// A signed token and the answer about it are bound to one key, or to none that anybody has.
#[tokio::test]
async fn a_token_and_its_answer_name_one_key() {
    let issuer = TestIssuer::new();
    let (alice, other) = (Client::new(&issuer), SigningKey::embedded(Algorithm::EdDsa));
    let own = alice.key.key().thumbprint();
    let rows = [
        ("the same", answer("DPoP", json!({ "jkt": own })), true),
        ("the answer names none", answer("Bearer", json!(null)), true),
        ("another", answer("DPoP", json!({ "jkt": other.key().thumbprint() })), false),
    ];
    for (name, answer, is_accepted) in rows {
        let asking = Introspection::new(issuer.issuer(), URL, Says(answer)).unwrap().clock(issuer.clock());
        let gate = gate(asking);
        assert_eq!(ask(&gate, &alice.request(&alice.proof("GET", "/"))).await.is_ok(), is_accepted, "{name}");
        let thief = Client { key: other.clone(), token: alice.token.clone(), clock: issuer.clock() };
        assert!(ask(&gate, &thief.request(&thief.proof("GET", "/"))).await.is_err(), "{name}");
        assert!(ask(&gate, &Head::new().bearer(&alice.token)).await.is_err(), "{name}");
    }
}
