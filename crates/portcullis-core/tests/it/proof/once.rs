//! A request that is established again, as by a guard inside of another one.

use super::{Client, dpop, gate_with};
use crate::head::Head;
use portcullis_core::{
    Answer, Authentication, Error, Gate, ProofMemory, RecentProofs, policy::authenticated, testing::TestIssuer,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

/// Counts how often it is asked, and may wait before it answers.
#[derive(Debug, Clone)]
struct Counting {
    proofs: RecentProofs,
    asked: Arc<AtomicUsize>,
    waits: bool,
}

impl Counting {
    fn new(waits: bool) -> Self {
        Self { proofs: RecentProofs::new(10), asked: Arc::default(), waits }
    }
}

impl ProofMemory for Counting {
    async fn remember(&self, proof: [u8; 32], until: SystemTime, now: SystemTime) -> Result<bool, Error> {
        self.asked.fetch_add(1, Relaxed);
        if self.waits {
            tokio::task::yield_now().await;
        }
        self.proofs.remember(proof, until, now).await
    }
}

async fn again(gate: &Gate, before: Answer<'static, Authentication>, head: &Head) -> Result<String, String> {
    let plan = gate.plan(authenticated()).unwrap();
    let who = gate.establish_again(before, &plan, head).await;
    let subject = who.principal().map(|principal| principal.id().subject().to_owned());
    subject.map_err(|error| error.code().to_owned())
}

#[tokio::test]
async fn a_proof_counts_once_for_a_request() {
    for waits in [false, true] {
        let (issuer, memory) = (TestIssuer::new(), Counting::new(waits));
        let (gate, client) = (gate_with(&issuer, dpop().memory(memory.clone())), Client::new(&issuer));
        let request = client.request(&client.proof("GET", "/"));
        let outer = gate.establish(&request).await;
        for _ in 0..3 {
            assert_eq!(again(&gate, Answer::now(outer.clone()), &request).await.as_deref(), Ok("alice"));
        }
        assert_eq!(memory.asked.load(Relaxed), 1, "{waits}");
        // One that has not been waited for yet.
        let request = client.request(&client.proof("GET", "/"));
        let before = gate.establish(&request);
        assert_eq!(again(&gate, before, &request).await.as_deref(), Ok("alice"));
        assert_eq!(memory.asked.load(Relaxed), 2, "{waits}");
        // Another request with it.
        assert!(gate.establish(&request).await.principal().is_err());
    }
}

#[tokio::test]
async fn only_a_caller_with_a_proof_has_used_one() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let request = client.request(&client.proof("GET", "/"));
    let used = Err("invalid_dpop_proof");
    assert!(gate.establish(&request).await.principal().is_ok());
    let nobody = gate.establish(&Head::new()).await;
    let bearer = gate.establish(&Head::new().bearer(&issuer.token("bob").sign())).await;
    let refused = gate.establish(&request).await;
    assert!(refused.principal().is_err() && bearer.principal().is_ok());
    for before in [nobody, bearer, refused] {
        assert_eq!(again(&gate, Answer::now(before), &request).await.as_deref().map_err(|code| &**code), used);
    }
    // The proofs of another gate are not those of this one.
    let other = gate_with(&issuer, dpop());
    let by_other = other.establish(&request).await;
    assert!(by_other.principal().is_ok());
    assert_eq!(again(&gate, Answer::now(by_other), &request).await.as_deref().map_err(|code| &**code), used);
}

#[tokio::test]
async fn everything_else_is_checked_again() {
    let issuer = TestIssuer::new();
    let (gate, client) = (gate_with(&issuer, dpop()), Client::new(&issuer));
    let request = client.request(&client.proof("GET", "/"));
    let outer = gate.establish(&request).await;
    let before = || Answer::now(outer.clone());
    let elsewhere = request.clone().path("/other");
    let changed = [
        ("method", request.clone().method("POST")),
        ("path", elsewhere),
        ("no proof", Head::new().header("authorization", format!("DPoP {}", client.token))),
        ("bearer", Head::new().bearer(&client.token)),
    ];
    for (name, head) in changed {
        assert!(again(&gate, before(), &head).await.is_err(), "{name}");
    }
    assert_eq!(again(&gate, before(), &request).await.as_deref(), Ok("alice"));
    issuer.clock().advance(Duration::from_secs(61));
    assert_eq!(again(&gate, before(), &request).await, Err("invalid_dpop_proof".to_owned()), "too old");
}
