//! What a refused client reads.

use super::{Client, dpop, error, gate_with};
use crate::head::Head;
use portcullis_core::{
    Algorithm, Error, ErrorKind, Gate, RequestHead, Scheme, policy::anyone, policy::authenticated, testing::TestIssuer,
};

fn header(gate: &Gate, error: &Error, name: &str) -> Option<String> {
    let answer = gate.refuse(error);
    answer.headers().find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}

async fn challenge(gate: &Gate, head: &dyn RequestHead) -> String {
    header(gate, &error(gate, head).await, "www-authenticate").unwrap_or_default()
}

#[tokio::test]
async fn the_challenge_names_what_the_route_reads() {
    let issuer = TestIssuer::new();
    let client = Client::new(&issuer);
    let few = || dpop().algorithms([Algorithm::Es256, Algorithm::EdDsa]);
    let both = gate_with(&issuer, few());
    let only = Gate::builder().scheme(Scheme::new(issuer.verifier()).dpop(few())).realm("api").build().unwrap();
    let algs = r#"algs="ES256 EdDSA""#;
    let not_valid = r#"error="invalid_token", error_description="the token is not valid""#;

    assert_eq!(challenge(&both, &Head::new()).await, format!("Bearer, DPoP {algs}"));
    assert_eq!(challenge(&only, &Head::new()).await, format!(r#"DPoP realm="api", {algs}"#));
    assert_eq!(challenge(&both, &Head::new().bearer("x")).await, format!("Bearer {not_valid}, DPoP {algs}"));
    // The downgrade of a bound token.
    assert_eq!(challenge(&both, &Head::new().bearer(&client.token)).await, format!("Bearer {not_valid}, DPoP {algs}"));
    let by_dpop = |token: &str| Head::new().header("authorization", format!("DPoP {token}"));
    assert_eq!(challenge(&both, &by_dpop("x")).await, format!("DPoP {not_valid}, {algs}"));
    let no_proof = r#"error="invalid_dpop_proof""#;
    assert_eq!(challenge(&both, &by_dpop(&client.token)).await, format!("DPoP {no_proof}, {algs}"));
    assert_eq!(challenge(&only, &by_dpop(&client.token)).await, format!(r#"DPoP realm="api", {no_proof}, {algs}"#));
}

#[tokio::test]
async fn the_answer_is_like_the_others() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let refused = error(&gate, &client.request("x")).await;
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert_eq!(refused.credential_source().map(ToString::to_string).as_deref(), Some("DPoP header"));
    let answer = gate.refuse(&refused);
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.body(), br#"{"code":"invalid_dpop_proof","status":401,"title":"Unauthorized"}"#);
    assert_eq!(header(&gate, &refused, "dpop-nonce"), None, "this gate requires none");
    // No challenge where there is none otherwise.
    assert_eq!(header(&gate, &Error::missing("project"), "www-authenticate"), None);
    let plain = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    assert_eq!(challenge(&plain, &Head::new()).await, "Bearer");
}

#[test]
fn documents_list_the_refusals() {
    let issuer = TestIssuer::new();
    let gate = gate_with(&issuer, dpop());
    let codes = |gate: &Gate| -> Vec<String> {
        gate.refusals(&gate.plan(authenticated()).unwrap()).into_iter().map(|(code, _)| code).collect()
    };
    for code in ["invalid_dpop_proof", "use_dpop_nonce", "unavailable"] {
        assert!(codes(&gate).iter().any(|found| found == code), "{code}");
    }
    let plain = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    assert!(!codes(&plain).iter().any(|code| code.contains("dpop") || code == "unavailable"));
    assert!(gate.refusals(&gate.plan(anyone()).unwrap()).is_empty());
}
