//! Fetched keys behind a gate.

use super::*;
use crate::{asking::decide, head::Head};
use portcullis_core::{Authentication, Gate, Scheme, policy::authenticated};

fn gate(rig: &Rig) -> Gate {
    Gate::builder().scheme(Scheme::new(rig.jwt.clone()).bearer()).build().unwrap()
}

/// The status of the answer, and its `Retry-After` and `WWW-Authenticate`.
async fn answered(gate: &Gate, who: &Authentication, head: &Head) -> (u16, Option<String>, bool) {
    match decide(gate, who, authenticated(), head).await {
        Ok(_) => (200, None, false),
        Err(error) => {
            let refusal = gate.refuse(&error);
            let header = |name| refusal.headers().find(|(found, _)| *found == name).map(|(_, value)| value.to_owned());
            (refusal.status(), header("retry-after"), header("www-authenticate").is_some())
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_first_request_waits_and_is_let_in() {
    for (answer, status) in [(keys(&[1]), 200), (keys(&[2]), 401), (status(500), 503)] {
        let rig = Rig::new(Does::Keep);
        let (gate, head) = (gate(&rig), Head::new().bearer(&token(1)));
        let mut waits = gate.establish(&head);
        let mut owned = gate.establish(&head);
        assert!(poll(&mut waits).is_none() && poll(&mut owned).is_none());
        assert_eq!(rig.issuer.count(), 1);
        rig.issuer.now(Does::Fail);
        rig.issuer.answer_next(answer);
        for who in [waits.await, owned.await] {
            assert_eq!(answered(&gate, &who, &head).await.0, status);
        }
        assert!(rig.issuer.count() <= 2);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_answers_at_once_is_asked_once() {
    for (does, status) in [(Does::Give(keys(&[1])), 200), (Does::Fail, 503)] {
        let rig = Rig::new(does);
        let (gate, head) = (gate(&rig), Head::new().bearer(&token(1)));
        for _ in 0..3 {
            let who = gate.establish(&head).await;
            assert_eq!(answered(&gate, &who, &head).await.0, status);
        }
        assert_eq!(rig.issuer.count(), 1);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_outage_is_503_with_a_time_to_come_again() {
    let rig = Rig::new(Does::Fail);
    let gate = gate(&rig);
    let heads = [token(1), under(9, "forged"), under(9, "k1")].map(|token| Head::new().bearer(&token));
    let mut longest = 0;
    for _ in 0..600 {
        for head in &heads {
            let who = gate.establish(head).await;
            let (status, retry, challenge) = answered(&gate, &who, head).await;
            let retry: u64 = retry.expect("`Retry-After`").parse().unwrap();
            assert!(status == 503 && (1..=60).contains(&retry) && !challenge, "{status} {retry}");
            longest = longest.max(retry);
        }
        rig.advance(1);
    }
    assert!(longest >= 30 && rig.issuer.count() <= 8 + 30, "{longest} {}", rig.issuer.count());
    rig.issuer.now(Does::Give(keys(&[1])));
    rig.advance(60);
    let who = gate.establish(&heads[0]).await;
    assert_eq!(answered(&gate, &who, &heads[0]).await, (200, None, false));
    let who = gate.establish(&heads[2]).await;
    assert_eq!(answered(&gate, &who, &heads[2]).await, (401, None, true));
}

/// With keys at hand nothing waits, however the issuer is.
#[test]
fn warm() {
    let rig = Rig::warm(Does::Keep);
    let (gate, head) = (gate(&rig), Head::new().bearer(&token(1)));
    rig.advance(95);
    assert!(gate.establish(&head).ready().is_ok() && gate.establish(&head).ready().is_ok());
    assert_eq!(rig.issuer.count(), 2);
}

/// A new key is waited for here too.
#[tokio::test(flavor = "current_thread")]
async fn a_new_key() {
    let rig = Rig::warm(Does::Keep);
    rig.advance(10);
    let (gate, head) = (gate(&rig), Head::new().bearer(&token(2)));
    let mut waits = gate.establish(&head);
    assert!(poll(&mut waits).is_none());
    rig.issuer.answer_next(keys(&[1, 2]));
    let who = waits.await;
    assert_eq!((answered(&gate, &who, &head).await.0, rig.issuer.count()), (200, 2));
}

/// Another scheme is asked about what is none of the issuer's, without any wait.
#[test]
fn the_next_scheme_does_not_wait() {
    let rig = Rig::new(Does::Keep);
    let secret = "swordfish-swordfish-swordfish-swordfish";
    let cron = portcullis_core::SharedSecret::new("cron", secret).unwrap();
    let gate = Gate::builder()
        .scheme(Scheme::new(rig.jwt.clone()).bearer())
        .scheme(Scheme::new(cron).bearer())
        .build()
        .unwrap();
    let head = Head::new().bearer(secret);
    let who = gate.establish(&head).ready().unwrap();
    assert_eq!((who.principal().unwrap().id().subject(), rig.issuer.count()), ("cron", 0));
}
