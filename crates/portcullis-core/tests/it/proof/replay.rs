use super::{Client, ask, dpop, error, gate_with};
use portcullis_core::{Algorithm, Error, ErrorKind, ProofMemory, RecentProofs, testing::TestIssuer};
use serde_json::json;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

const USED: Result<String, &str> = Err("invalid_dpop_proof");

#[tokio::test]
async fn a_proof_is_used_once() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let proof = client.proof("GET", "/");
    assert!(ask(&gate, &client.request(&proof)).await.is_ok());
    assert_eq!(ask(&gate, &client.request(&proof)).await.as_deref().map(str::to_owned).map_err(|it| &**it), USED);
    // Another proof with the same identifier is the same.
    let same = client.proof_with(|_, claims| {
        claims["jti"] = json!("7");
        claims["extension"] = json!(1);
    });
    let again = client.proof_with(|_, claims| claims["jti"] = json!("7"));
    assert!(ask(&gate, &client.request(&same)).await.is_ok());
    assert!(ask(&gate, &client.request(&again)).await.is_err());
    // Another client may have chosen it too.
    let other = Client::of(&issuer, Algorithm::EdDsa);
    assert!(ask(&gate, &other.request(&other.proof_with(|_, claims| claims["jti"] = json!("7")))).await.is_ok());
}

#[tokio::test]
async fn a_proof_is_remembered_as_long_as_it_is_valid() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let now = super::seconds(&client.clock);
    for ahead in [0, 60] {
        let proof = client.proof_with(|_, claims| claims["iat"] = json!(now + ahead));
        assert!(ask(&gate, &client.request(&proof)).await.is_ok());
        for _ in 0..70 {
            assert!(ask(&gate, &client.request(&proof)).await.is_err(), "{ahead}");
            issuer.clock().advance(Duration::from_secs(2));
        }
        issuer.clock().set(now);
    }
}

#[tokio::test]
async fn a_flood_of_proofs_fills_no_more_than_the_memory() {
    let issuer = TestIssuer::new();
    let client = Client::new(&issuer);
    let gate = gate_with(&issuer, dpop().memory(RecentProofs::new(10)));
    let first = client.proof("GET", "/");
    assert!(ask(&gate, &client.request(&first)).await.is_ok());
    for _ in 0..9 {
        assert!(ask(&gate, &client.request(&client.proof("GET", "/"))).await.is_ok());
    }
    for _ in 0..20 {
        let full = error(&gate, &client.request(&client.proof("GET", "/"))).await;
        assert_eq!((full.kind(), full.retry_after()), (ErrorKind::Unavailable, Some(Duration::from_secs(60))));
    }
    // Nothing was forgotten to make room.
    assert_eq!(error(&gate, &client.request(&first)).await.code(), "invalid_dpop_proof");
    issuer.clock().advance(Duration::from_secs(61));
    assert!(ask(&gate, &client.request(&client.proof("GET", "/"))).await.is_ok());
}

#[tokio::test]
async fn what_is_not_a_valid_proof_of_a_valid_token_fills_nothing() {
    let issuer = TestIssuer::new();
    let client = Client::new(&issuer);
    let gate = gate_with(&issuer, dpop().memory(RecentProofs::new(1)));
    let forged = Client { token: "a.b.c".to_owned(), ..Client::new(&issuer) };
    for _ in 0..3 {
        assert!(ask(&gate, &forged.request(&forged.proof("GET", "/"))).await.is_err());
        assert!(ask(&gate, &client.request(&client.proof("POST", "/"))).await.is_err());
        assert!(ask(&gate, &client.request(&client.proof_with(|_, claims| claims["iat"] = json!(0)))).await.is_err());
    }
    assert!(ask(&gate, &client.request(&client.proof("GET", "/"))).await.is_ok());
}

#[tokio::test]
async fn processes_share_a_memory() {
    let issuer = TestIssuer::new();
    let client = Client::new(&issuer);
    let memory = RecentProofs::new(10);
    let [one, other] = [(), ()].map(|()| gate_with(&issuer, dpop().memory(memory.clone())));
    let proof = client.proof("GET", "/");
    assert!(ask(&one, &client.request(&proof)).await.is_ok());
    assert!(ask(&other, &client.request(&proof)).await.is_err());
    assert!(ask(&other, &client.request(&client.proof("GET", "/"))).await.is_ok());
}

/// Waits before it answers, and fails on every second call.
#[derive(Debug, Default)]
struct Remote(AtomicUsize);

impl ProofMemory for Remote {
    async fn remember(&self, _: [u8; 32], until: SystemTime, now: SystemTime) -> Result<bool, Error> {
        assert_eq!(until.duration_since(now).unwrap(), Duration::from_secs(60));
        tokio::task::yield_now().await;
        match self.0.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(Error::new(ErrorKind::Denied, "the store is confused")),
        }
    }
}

#[tokio::test]
async fn a_memory_elsewhere_is_waited_for_and_decides() {
    let issuer = TestIssuer::new();
    let client = Client::new(&issuer);
    let gate = gate_with(&issuer, dpop().memory(Remote::default()));
    let request = || client.request(&client.proof("GET", "/"));
    assert_eq!(ask(&gate, &request()).await.as_deref(), Ok("alice"));
    assert_eq!(error(&gate, &request()).await.code(), "invalid_dpop_proof");
    assert_eq!(error(&gate, &request()).await.kind(), ErrorKind::Unavailable);
}
