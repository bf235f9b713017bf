//! Attempts are counted for all instances together, and by each while Redis is away.

use crate::{
    Anyhow,
    client::{Client, PASSWORD},
    instance::{ATTEMPTS, Instance, Place},
    own::OwnServer,
};
use std::time::Duration;

const SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";

pub async fn all(place: &Place, redis: &OwnServer) -> Anyhow {
    let instances = [place.start(&[SECRET])?, place.start(&[SECRET])?, place.start(&[SECRET])?];
    let client = Client::new();
    together(&client, &instances).await?;
    redis.run("down")?;
    let (email, _) = client.sign_up(&instances[0].origin).await?;
    for instance in &instances {
        for _ in 0..ATTEMPTS {
            assert_eq!(client.sign_in(&instance.origin, &email, "wrong").await?, 401);
        }
        assert_eq!(client.sign_in(&instance.origin, &email, PASSWORD).await?, 429, "each counts for itself");
    }
    redis.run("up")?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    together(&client, &instances).await?;
    println!("attempts: {ATTEMPTS} for all three together, for each while Redis is away, and together again");
    Ok(())
}

async fn together(client: &Client, instances: &[Instance; 3]) -> Anyhow {
    let (email, _) = client.sign_up(&instances[0].origin).await?;
    for (_, instance) in (0..ATTEMPTS).zip(instances.iter().cycle()) {
        assert_eq!(client.sign_in(&instance.origin, &email, "wrong").await?, 401);
    }
    for instance in instances {
        assert_eq!(client.sign_in(&instance.origin, &email, PASSWORD).await?, 429, "all three know of all attempts");
    }
    let (other, _) = client.sign_up(&instances[0].origin).await?;
    assert_eq!(client.sign_in(&instances[1].origin, &other, PASSWORD).await?, 200, "somebody else");
    Ok(())
}
