use super::{Client, ask, dpop, error, gate_with};
use portcullis_core::{Gate, testing::TestIssuer};
use serde_json::json;
use std::time::Duration;

fn gate(issuer: &TestIssuer, secret: u8) -> Gate {
    gate_with(issuer, dpop().nonces([secret; 32]).unwrap())
}

/// A nonce from the answer to a request that has none.
async fn nonce(gate: &Gate, client: &Client) -> String {
    let refused = error(gate, &client.request(&client.proof("GET", "/"))).await;
    assert_eq!((refused.status(), refused.code()), (401, "use_dpop_nonce"));
    let answer = gate.refuse(&refused);
    let header = |name| answer.headers().find(|(found, _)| *found == name).map(|(_, value)| value.to_owned());
    assert!(
        header("www-authenticate")
            .is_some_and(|challenge| challenge.starts_with("DPoP error=\"use_dpop_nonce\", algs="))
    );
    header("dpop-nonce").unwrap()
}

async fn answer(gate: &Gate, client: &Client, nonce: &str) -> Result<String, String> {
    ask(gate, &client.request(&client.proof_with(|_, claims| claims["nonce"] = json!(nonce)))).await
}

#[tokio::test]
async fn a_proof_has_a_nonce_of_the_service() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate(&issuer, 7), Client::new(&issuer));
    let given = nonce(&gate, &client).await;
    // It can be used by more than one proof.
    assert_eq!(answer(&gate, &client, &given).await.as_deref(), Ok("alice"));
    assert_eq!(answer(&gate, &client, &given).await.as_deref(), Ok("alice"));
    let mut forged = given.clone();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    let later = given.split_once('.').map(|(time, mac)| format!("{}.{mac}", time.parse::<u64>().unwrap() + 1)).unwrap();
    for bad in [&*forged, &later, "", ".", "7", "7.", &format!("0{given}"), &format!("+{given}"), &format!("{given}.")]
    {
        assert_eq!(answer(&gate, &client, bad).await, Err("use_dpop_nonce".to_owned()), "{bad}");
    }
}

#[tokio::test]
async fn a_nonce_ends() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate(&issuer, 7), Client::new(&issuer));
    let given = nonce(&gate, &client).await;
    issuer.clock().advance(Duration::from_secs(300));
    assert_eq!(answer(&gate, &client, &given).await.as_deref(), Ok("alice"));
    issuer.clock().advance(Duration::from_secs(1));
    assert_eq!(answer(&gate, &client, &given).await, Err("use_dpop_nonce".to_owned()));
    let next = nonce(&gate, &client).await;
    assert_eq!(answer(&gate, &client, &next).await.as_deref(), Ok("alice"));
}

#[tokio::test]
async fn processes_with_one_secret_accept_the_same_nonces() {
    let issuer = TestIssuer::new();
    let client = Client::new(&issuer);
    let given = nonce(&gate(&issuer, 7), &client).await;
    assert_eq!(answer(&gate(&issuer, 7), &client, &given).await.as_deref(), Ok("alice"));
    assert_eq!(answer(&gate(&issuer, 8), &client, &given).await, Err("use_dpop_nonce".to_owned()));
}

#[tokio::test]
async fn a_refused_nonce_uses_up_nothing() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate(&issuer, 7), Client::new(&issuer));
    let given = nonce(&gate, &client).await;
    let with = |nonce: Option<&str>| {
        client.proof_with(|_, claims| {
            claims["jti"] = json!("same");
            nonce.into_iter().for_each(|nonce| claims["nonce"] = json!(nonce));
        })
    };
    assert!(ask(&gate, &client.request(&with(None))).await.is_err());
    assert_eq!(ask(&gate, &client.request(&with(Some(&given)))).await.as_deref(), Ok("alice"));
    assert!(ask(&gate, &client.request(&with(Some(&given)))).await.is_err());
}
