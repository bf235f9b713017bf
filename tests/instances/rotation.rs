//! Another secret, in the steps that `docs/instances.md` names, while clients refresh all the time.

use crate::{
    Anyhow,
    client::Client,
    instance::{Instance, Place},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::RwLock;

const OLD: &str = "a-secret-of-at-least-thirty-two-bytes";
const NEW: &str = "another-secret-of-thirty-two-bytes-or-more";
const CLIENTS: usize = 8;

/// The instances behind a load balancer: one is replaced while no request is on the way.
type Balanced = Arc<RwLock<Vec<Instance>>>;

pub async fn all(place: &Place, each: u64) -> Anyhow {
    let started = (0..3).map(|_| place.start(&[OLD]));
    let instances: Balanced = Arc::new(RwLock::new(started.collect::<Anyhow<_>>()?));
    let (is_over, refreshes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(live(instances.clone(), is_over.clone(), refreshes.clone()))).collect();
    for secrets in [&[OLD, NEW][..], &[NEW, OLD], &[NEW]] {
        // One after the other, so that instances of two steps are there side by side.
        for slot in 0..3 {
            let new = place.start(secrets)?;
            instances.write().await[slot] = new;
            // All clients have met it.
            let before = refreshes.load(Ordering::Relaxed);
            while refreshes.load(Ordering::Relaxed) < before + each * CLIENTS as u64 {
                assert!(clients.iter().all(|client| !client.is_finished()), "a client has failed");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await??;
    }
    let refreshes = refreshes.load(Ordering::Relaxed);
    println!("rotation: three steps over three instances, {CLIENTS} clients, {refreshes} refreshes, none failed");
    Ok(())
}

/// Refreshes at some instance, twice as two tabs do, and uses the access token at another one.
async fn live(instances: Balanced, is_over: Arc<AtomicBool>, refreshes: Arc<AtomicU64>) -> Anyhow {
    let client = Client::new();
    let (_, mut tokens) = client.sign_up(&instances.read().await[0].origin).await?;
    while !is_over.load(Ordering::Relaxed) {
        let instances = instances.read().await;
        let any = || &*instances[fastrand::usize(0..3)].origin;
        let got = client.refresh(any(), &tokens.refresh).await?;
        let again = client.refresh(any(), &tokens.refresh).await?;
        if got.refresh != again.refresh {
            return Err("two tabs have two successors".into());
        }
        for access in [&got.access, &again.access] {
            let status = client.orders(any(), access).await?;
            if status != 200 {
                return Err(format!("an access token is refused with {status}").into());
            }
        }
        tokens = got;
        refreshes.fetch_add(2, Ordering::Relaxed);
    }
    Ok(())
}
