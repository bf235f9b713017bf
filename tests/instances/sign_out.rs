//! Signed out at one instance is signed out at the others.

use crate::{
    Anyhow,
    client::Client,
    instance::{Instance, Place},
    own::OwnServer,
};
use serde_json::json;
use std::time::{Duration, Instant};

const SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";

pub async fn all(place: &Place, redis: &OwnServer, count: usize) -> Anyhow {
    let instances = [place.start(&[SECRET])?, place.start(&[SECRET])?, place.start(&[SECRET])?];
    let client = Client::new();
    let took = rounds(&client, &instances, count).await?;
    println!("sign-out: with Redis, refused everywhere after {took:?} at most, of {count}");
    redis.run("down")?;
    let took = rounds(&client, &instances, count).await?;
    println!("sign-out: Redis stopped, refused everywhere after {took:?} at most, of {count}");
    redis.run("up")?;
    // Until they have noticed.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let took = rounds(&client, &instances, count).await?;
    println!("sign-out: Redis started again, refused everywhere after {took:?} at most, of {count}");
    Ok(())
}

/// Signs out so often, at each of them in turn. Returns the longest time until all have refused.
async fn rounds(client: &Client, instances: &[Instance; 3], count: usize) -> Anyhow<Duration> {
    let mut longest = Duration::ZERO;
    for round in 0..count {
        let here = &instances[round % 3];
        let (_, tokens) = client.sign_up(&here.origin).await?;
        for instance in instances {
            assert_eq!(client.orders(&instance.origin, &tokens.access).await?, 200, "signed in everywhere");
        }
        let body = json!({ "refresh_token": tokens.refresh });
        assert_eq!(client.post(&here.origin, "sign-out", &body).await?.0, 200);
        let start = Instant::now();
        assert_eq!(client.orders(&here.origin, &tokens.access).await?, 401, "here at once");
        for instance in instances {
            while client.orders(&instance.origin, &tokens.access).await? != 401 {
                assert!(start.elapsed() < Duration::from_secs(20), "an instance never hears of a sign-out");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        longest = longest.max(start.elapsed());
    }
    Ok(longest)
}
