//! Tokens that are bound to a key of the client, behind guards within guards.

use crate::{
    cast::{Text, Wire, echo, send},
    fresh::upstream::Upstream,
};
use http::Request;
use portcullis_core::{
    Algorithm, Audience, Dpop, Error, Gate, Introspection, Issuer, ProofMemory, RecentProofs, Scheme,
    policy::{authenticated, fresh},
    testing::{FixedClock, SigningKey},
};
use portcullis_tower::GateExt;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};
use tower::Layer;

/// Counts how often it is asked, and answers later.
#[derive(Debug, Clone)]
struct Elsewhere(RecentProofs, Arc<AtomicUsize>);

impl ProofMemory for Elsewhere {
    async fn remember(&self, proof: [u8; 32], until: SystemTime, now: SystemTime) -> Result<bool, Error> {
        self.1.fetch_add(1, Relaxed);
        tokio::task::yield_now().await;
        self.0.remember(proof, until, now).await
    }
}

/// An outer guard takes what is remembered of an opaque token, and an inner one asks its issuer again.
#[tokio::test]
async fn a_proof_counts_once_where_the_issuer_is_asked_twice() {
    let (key, clock) = (SigningKey::embedded(Algorithm::Es256), FixedClock::at(1_767_268_800));
    let thumbprint = key.key().thumbprint().unwrap();
    let upstream = Upstream::saying(format!(
        r#"{{"active":true,"token_type":"DPoP","aud":"test","sub":"alice","cnf":{{"jkt":"{thumbprint}"}}}}"#
    ));
    let issuer = Issuer::without_keys("https://issuer.test", Audience::is("test")).unwrap();
    let asking = Introspection::new(issuer, "https://issuer.test/ask", upstream.clone()).unwrap().clock(clock.clone());
    let memory = Elsewhere(RecentProofs::new(100), Arc::default());
    let dpop = || Dpop::new("https://api.example.com").unwrap();
    for (wants, dpop) in [(0, dpop()), (1, dpop().memory(memory.clone()))] {
        let gate = Gate::builder().scheme(Scheme::new(asking.clone()).bearer().dpop(dpop)).build().unwrap();
        let now = || gate.require(fresh(Duration::ZERO, authenticated()));
        let guards = gate.require(authenticated()).layer(now().layer(now().layer(echo(&Arc::default()))));
        let ask = async |authorization: &str, proof: Option<&str>| -> Wire {
            let request = Request::get("/v1/me").header("authorization", authorization);
            let request = proof.into_iter().fold(request, |request, proof| request.header("dpop", proof));
            send(&guards, request.body(Text::from("hello")).unwrap()).await
        };
        for _ in 0..2 {
            let proof = key.dpop_proof("GET", "https://api.example.com/v1/me", "opaque", &clock);
            let (before, counted) = (upstream.asked(), memory.1.load(Relaxed));
            assert_eq!(ask("DPoP opaque", Some(&proof)).await.body, "hello");
            assert_eq!(memory.1.load(Relaxed) - counted, wants, "how often the memory is asked");
            assert!(upstream.asked() > before);
            assert_eq!(ask("DPoP opaque", Some(&proof)).await.status, 401, "again");
        }
        assert_eq!(ask("DPoP opaque", None).await.status, 401, "no proof");
        assert_eq!(ask("Bearer opaque", None).await.status, 401, "bearer");
    }
}
