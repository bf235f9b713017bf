use crate::{Anyhow, prefix, redis};
use portcullis_core::ProofMemory;
use std::time::{Duration, SystemTime};

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn a_proof_is_new_once() -> Anyhow {
    let (prefix, now) = (prefix(), SystemTime::now());
    let (here, there) = (redis(&prefix)?.proofs(), redis(&prefix)?.proofs());
    let until = now + Duration::from_secs(60);
    assert!(here.remember([1; 32], until, now).await?);
    assert!(!there.remember([1; 32], until, now).await?);
    assert!(!here.remember([1; 32], until, now).await?);
    assert!(there.remember([2; 32], until, now).await?);
    // Of a service with another prefix.
    assert!(redis(&crate::prefix())?.proofs().remember([1; 32], until, now).await?);
    // One that ends now is remembered too: clocks differ.
    assert!(here.remember([3; 32], now, now).await?);
    assert!(!there.remember([3; 32], now, now).await?);

    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let proofs = if number % 2 == 0 { here.clone() } else { there.clone() };
            tokio::spawn(async move { proofs.remember([4; 32], until, now).await })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += usize::from(task.await??);
    }
    assert_eq!(new, 1, "of sixteen at once");
    Ok(())
}
