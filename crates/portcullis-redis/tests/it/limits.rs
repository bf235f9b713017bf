use crate::{Anyhow, command, prefix, redis};
use portcullis_accounts::{Limit, RateLimits, SpendOutcome};
use std::time::{Duration, SystemTime};

const MINUTE: Duration = Duration::from_secs(60);
const LIMIT: Limit = Limit::new(3, MINUTE);

fn now() -> SystemTime {
    SystemTime::now()
}

fn is_over(outcome: SpendOutcome, most: Duration) -> bool {
    matches!(outcome, SpendOutcome::Over { retry_after } if !retry_after.is_zero() && retry_after <= most)
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn attempts_are_counted_for_all() -> Anyhow {
    let prefix = prefix();
    let (here, there) = (redis(&prefix)?.limits(), redis(&prefix)?.limits());
    for limits in [&here, &there, &here] {
        assert_eq!(limits.spend("a", LIMIT, now()).await?, SpendOutcome::Within);
    }
    assert!(is_over(here.spend("a", LIMIT, now()).await?, MINUTE));
    assert!(is_over(there.spend("a", LIMIT, now()).await?, MINUTE));
    assert_eq!(there.spend("b", LIMIT, now()).await?, SpendOutcome::Within, "another name");
    assert_eq!(
        redis(&crate::prefix())?.limits().spend("a", LIMIT, now()).await?,
        SpendOutcome::Within,
        "another service"
    );

    // What was refused was not counted, so one that is given back is one more.
    there.refund("a", LIMIT, now()).await?;
    assert_eq!(here.spend("a", LIMIT, now()).await?, SpendOutcome::Within);
    assert!(is_over(here.spend("a", LIMIT, now()).await?, MINUTE));

    // Giving back what was not spent allows nothing.
    for _ in 0..9 {
        here.refund("c", LIMIT, now()).await?;
    }
    for _ in 0..3 {
        assert_eq!(here.spend("c", LIMIT, now()).await?, SpendOutcome::Within);
    }
    assert!(is_over(here.spend("c", LIMIT, now()).await?, MINUTE));
    assert!(is_over(here.spend("d", Limit::new(0, MINUTE), now()).await?, MINUTE));
    // A longer period that was counted before does not keep a shorter one.
    let short = Limit::new(3, MINUTE / 2);
    assert_eq!(here.spend("c", short, now()).await?, SpendOutcome::Within);
    Ok(())
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn a_hundred_at_once_do_not_pass_together() -> Anyhow {
    let prefix = prefix();
    let (here, there) = (redis(&prefix)?.limits(), redis(&prefix)?.limits());
    let limit = Limit::new(10, MINUTE);
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let limits = if number % 2 == 0 { here.clone() } else { there.clone() };
            tokio::spawn(async move { limits.spend("a", limit, now()).await })
        })
        .collect();
    let mut within = 0;
    for task in tasks {
        within += usize::from(task.await?? == SpendOutcome::Within);
    }
    assert_eq!(within, 10);
    Ok(())
}

#[tokio::test]
#[ignore = "needs the environment that `tests/servers/redis.sh up` prints"]
async fn what_others_wrote_is_survived() -> Anyhow {
    let prefix = prefix();
    let limits = redis(&prefix)?.limits();
    let key = |name: &str| format!("{prefix}:limit:{name}");
    // No number, and a counter without an end: both begin anew.
    for (name, value) in [("text", "text"), ("endless", "100")] {
        command(&["SET", &key(name), value]).await?;
        for _ in 0..3 {
            assert_eq!(limits.spend(name, LIMIT, now()).await?, SpendOutcome::Within, "{name}");
        }
        assert!(is_over(limits.spend(name, LIMIT, now()).await?, MINUTE), "{name}");
    }
    // No counter at all is an error, and the next name is counted.
    command(&["RPUSH", &key("list"), "1"]).await?;
    assert!(limits.spend("list", LIMIT, now()).await.is_err());
    assert!(limits.refund("list", LIMIT, now()).await.is_err());
    assert_eq!(limits.spend("next", LIMIT, now()).await?, SpendOutcome::Within);
    Ok(())
}
