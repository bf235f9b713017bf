use super::{API, Client, ask, dpop, gate_with};
use crate::head::Head;
use portcullis_core::{
    Algorithm, Credential, CredentialSource, Dpop, ErrorKind, Gate, Scheme, SharedSecret, TokenCache,
    policy::via,
    testing::{SigningKey, TestIssuer},
};
use serde_json::json;
use std::time::Duration;

const ALICE: Result<&str, &str> = Ok("alice");
const REFUSED: Result<&str, &str> = Err("invalid_token");

fn as_text(answer: &Result<String, String>) -> Result<&str, &str> {
    answer.as_deref().map_err(String::as_str)
}

#[tokio::test]
async fn a_token_is_valid_with_a_proof_of_its_key() {
    let issuer = TestIssuer::new();
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Ps256, Algorithm::Rs256] {
        let (gate, client) = (gate_with(&issuer, dpop()), Client::of(&issuer, algorithm));
        let request = client.request(&client.proof("GET", "/"));
        assert_eq!(as_text(&ask(&gate, &request).await), ALICE, "{algorithm}");
        let without = Head::new().header("authorization", format!("DPoP {}", client.token));
        assert_eq!(ask(&gate, &without).await, Err("invalid_dpop_proof".to_owned()), "{algorithm}");
    }
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_token() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let proof = client.proof("GET", "/");
    assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&client.token)).await), REFUSED);
    // Also with a proof that would be valid.
    assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&client.token).header("dpop", &proof)).await), REFUSED);
    assert_eq!(as_text(&ask(&gate, &client.request(&proof)).await), ALICE);
    // A token that is bound to no key is one, and nothing else.
    let unbound = issuer.token("bob").sign();
    assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&unbound)).await), Ok("bob"));
    let pretended = Client { token: unbound, ..client };
    assert_eq!(as_text(&ask(&gate, &pretended.request(&pretended.proof("GET", "/"))).await), REFUSED);
}

#[tokio::test]
async fn no_scheme_of_the_gate_takes_a_bound_token_without_a_proof() {
    let (issuer, other) = (TestIssuer::new(), TestIssuer::new().named("https://other.test"));
    let client = Client::new(&issuer);
    let builder = || {
        Gate::builder()
            .scheme(Scheme::new(other.verifier()).dpop(dpop()))
            .scheme(Scheme::new(issuer.verifier()).bearer().cookie("session"))
            .clock(issuer.clock())
    };
    let gate = builder().build().unwrap();
    assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&client.token)).await), REFUSED);
    let cookie = Head::new().header("cookie", format!("session={}", client.token));
    assert_eq!(as_text(&ask(&gate, &cookie).await), REFUSED);
    assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&issuer.token("bob").sign())).await), Ok("bob"));
    // Without any such scheme, the claim has no meaning.
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&client.token)).await), ALICE);
    assert_eq!(ask(&gate, &client.request(&client.proof("GET", "/"))).await, Err("credential_missing".to_owned()));
}

#[tokio::test]
async fn a_cached_token_needs_a_proof_each_time() {
    let issuer = TestIssuer::new();
    let scheme = Scheme::new(issuer.verifier()).bearer().dpop(dpop());
    let gate = Gate::builder().scheme(scheme).cache(TokenCache::new(10)).build().unwrap();
    let client = Client::new(&issuer);
    for _ in 0..3 {
        assert_eq!(as_text(&ask(&gate, &client.request(&client.proof("GET", "/"))).await), ALICE);
        let without = Head::new().header("authorization", format!("DPoP {}", client.token));
        assert_eq!(ask(&gate, &without).await, Err("invalid_dpop_proof".to_owned()));
        assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&client.token)).await), REFUSED);
    }
    // Whoever keeps the result of a request must not find the caller again by the proof that was used.
    let who = gate.establish(&client.request(&client.proof("GET", "/"))).await;
    assert!(who.principal().is_ok() && !who.is_found_again());
}

#[tokio::test]
async fn a_key_cannot_be_swapped() {
    let issuer = TestIssuer::new();
    let (gate, alice) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let thief =
        Client { key: SigningKey::embedded(Algorithm::EdDsa), token: alice.token.clone(), clock: issuer.clock() };
    assert_eq!(
        ask(&gate, &thief.request(&thief.proof("GET", "/"))).await,
        Err("invalid_dpop_proof".to_owned()),
        "a proof with another key"
    );
    let public = serde_json::from_str::<serde_json::Value>(&alice.key.public_jwk("k").unwrap()).unwrap();
    let forged = thief.proof_with(|header, _| header["jwk"] = public);
    assert_eq!(ask(&gate, &thief.request(&forged)).await, Err("invalid_dpop_proof".to_owned()), "the key of the token");
    assert_eq!(as_text(&ask(&gate, &alice.request(&alice.proof("GET", "/"))).await), ALICE);
}

#[tokio::test]
async fn a_claim_that_names_no_key_is_no_way_around() {
    let issuer = TestIssuer::new();
    let gate = gate_with(&issuer, dpop());
    for cnf in [json!("text"), json!([]), json!(7)] {
        let client = Client { token: issuer.token("alice").claim("cnf", cnf.clone()).sign(), ..Client::new(&issuer) };
        assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&client.token)).await), REFUSED, "{cnf}");
        assert_eq!(as_text(&ask(&gate, &client.request(&client.proof("GET", "/"))).await), REFUSED, "{cnf}");
    }
    for cnf in [json!({ "jkt": 7 }), json!({ "jkt": null }), json!({ "jkt": "" })] {
        let token = issuer.token("alice").claim("cnf", cnf.clone()).sign();
        assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&token)).await), REFUSED, "{cnf}");
        let client = Client { token, ..Client::new(&issuer) };
        let answer = ask(&gate, &client.request(&client.proof("GET", "/"))).await;
        assert_eq!(answer, Err("invalid_dpop_proof".to_owned()), "{cnf}");
    }
    for cnf in [json!({}), json!(null), json!({ "kid": "7" })] {
        let token = issuer.token("bob").claim("cnf", cnf.clone()).sign();
        assert_eq!(as_text(&ask(&gate, &Head::new().bearer(&token)).await), Ok("bob"), "{cnf}");
    }
}

#[tokio::test]
async fn a_token_outside_of_a_request_has_no_proof() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let by = |token: String| gate.authenticate(Credential::new(token, CredentialSource::bearer()));
    assert!(by(client.token.clone()).await.principal().is_err_and(|error| error.kind() == ErrorKind::Invalid));
    assert!(by(issuer.token("bob").sign()).await.principal().is_ok());
}

#[tokio::test]
async fn an_open_connection_needs_no_second_proof() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let request = client.request(&client.proof("GET", "/"));
    let lease = gate.establish(&request).await.lease([], &request).unwrap();
    let clock = issuer.clock();
    let error = lease
        .watch(move |time| {
            clock.advance(time);
            std::future::ready(())
        })
        .await;
    assert_eq!(error.kind(), ErrorKind::Expired, "it ends with its token");
    assert!(gate.establish(&request).await.lease([], &request).is_err());
}

#[tokio::test]
async fn a_named_scheme_has_its_own_proofs() {
    let issuer = TestIssuer::new();
    let client = Client::new(&issuer);
    let scheme = Scheme::named("dpop", issuer.verifier()).dpop(dpop());
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).scheme(scheme).build().unwrap();
    let plan = gate.plan(via("dpop")).unwrap();
    let by_plan = gate.establish_for(&plan, &client.request(&client.proof("GET", "/"))).await;
    assert!(by_plan.principal().is_ok());
    assert_eq!(ask(&gate, &client.request(&client.proof("GET", "/"))).await, Err("credential_missing".to_owned()));
}

#[tokio::test]
async fn the_credential_is_one_and_well_formed() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let with = |value: String| Head::new().header("authorization", value).header("dpop", client.proof("GET", "/"));
    let token = &client.token;
    for good in [format!("DPoP {token}"), format!("dpop {token}"), format!("DPOP   {token}  ")] {
        assert_eq!(as_text(&ask(&gate, &with(good.clone())).await), ALICE, "{good}");
    }
    for bad in [format!("DPoP\t{token}"), "DPoP".to_owned(), format!("DPoP {token} x"), format!("DPoP,{token}")] {
        assert_eq!(as_text(&ask(&gate, &with(bad.clone())).await), REFUSED, "{bad}");
    }
    let twice = with(format!("DPoP {token}")).header("authorization", format!("DPoP {token}"));
    assert_eq!(as_text(&ask(&gate, &twice).await), Err("invalid_request"));
    let expired = issuer.token("alice").expired_for(Duration::from_secs(3600)).sign();
    assert_eq!(as_text(&ask(&gate, &with(format!("DPoP {expired}"))).await), Err("token_expired"));
}

#[test]
fn what_cannot_work_is_found_at_the_start() {
    let issuer = TestIssuer::new();
    let builds = |dpop| Gate::builder().scheme(Scheme::new(issuer.verifier()).dpop(dpop)).build().is_ok();
    assert!(builds(dpop()));
    assert!(builds(dpop().algorithms([Algorithm::Es512])));
    assert!(!builds(dpop().algorithms([Algorithm::Es256, Algorithm::Hs256])));
    assert!(!builds(dpop().algorithms([])));
    assert!(!builds(dpop().window(Duration::ZERO)));
    assert!(!builds(dpop().window(Duration::from_secs(601))));
    assert!(builds(dpop().window(Duration::from_secs(600))));
    let secret = SharedSecret::new("sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E").unwrap();
    let error = Gate::builder().scheme(Scheme::named("sync", secret).dpop(dpop())).build().unwrap_err();
    assert!(error.to_string().contains("bound to a key"), "{error}");
    let twice = Scheme::new(issuer.verifier()).dpop(dpop()).dpop(dpop());
    assert!(Gate::builder().scheme(twice).build().is_err());
    for origin in [API, "https://api.example.com/", "http://localhost:8080", "https://example.com/api"] {
        assert!(Dpop::new(origin).is_ok(), "{origin}");
    }
    for origin in ["", "api.example.com", "ftp://example.com", "https://", "https://a.test?b", "https://a.test#b"] {
        assert!(Dpop::new(origin).is_err(), "{origin}");
    }
}

#[test]
fn logs_show_no_proof() {
    let issuer = TestIssuer::new();
    let gate = gate_with(&issuer, dpop());
    let plain = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    assert!(
        gate.scrubber(&Head::new()).is_sensitive("dpop") && gate.scrubber(&Head::new()).is_sensitive("authorization")
    );
    assert!(!plain.scrubber(&Head::new()).is_sensitive("dpop"));
    let shown = format!("{:?}", dpop().nonces([7; 32]).unwrap());
    assert!(shown.contains(API) && !shown.contains('7'), "{shown}");
}
