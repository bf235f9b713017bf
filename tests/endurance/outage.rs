//! The issuer of keys goes, for three minutes, and comes back with one key more.

use crate::{
    Anyhow,
    issuer::{self, Issuer},
    service::{Answered, Counts, Service},
};
use portcullis::{
    Algorithm, Audience, Gate, Jwt, RemoteKeys, Scheme,
    reqwest::Client,
    testing::{SigningKey, TestIssuer},
};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const HOUR: Duration = Duration::from_secs(3600);

/// A token of the new key may be refused for so long after the issuer is back.
const GRACE: Duration = Duration::from_secs(5);

/// Who waits for an issuer that hangs, though there are keys, waits a second. The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(2);

pub async fn run(is_long: bool) -> Anyhow {
    let before = Duration::from_secs(2);
    // Longer than a request may take, so that some end in it.
    let [refusing, broken, hanging] = if is_long { [60; 3] } else { [3, 3, 7] }.map(Duration::from_secs);
    let after = GRACE + Duration::from_secs(if is_long { 15 } else { 2 });

    let (known, new) = (signer(Algorithm::Es256), signer(Algorithm::Es384));
    let jwk = |issuer: &TestIssuer| {
        let key = issuer.signing_key();
        key.public_jwk(key.algorithm().name()).ok_or("a key that is public")
    };
    let first = format!(r#"{{"keys":[{}]}}"#, jwk(&known)?);
    let both = format!(r#"{{"keys":[{},{}]}}"#, jwk(&known)?, jwk(&new)?);

    let mut issuer = Issuer::start(issuer::keys(first))?;
    let keys =
        RemoteKeys::builder().lifetime(Duration::from_secs(1), HOUR).jwks(issuer.url("/jwks"), Client::new()?)?;
    let asked = portcullis::Issuer::new("https://issuer.test", Audience::is("test"), ALGORITHMS, keys)?;
    let service = Service::new(Gate::builder().scheme(Scheme::new(Jwt::new(asked)).bearer()).build()?);

    let start = Instant::now();
    let gone = start + before;
    let back = gone + refusing + broken + hanging;
    let end = back + after;
    let token = |issuer: &TestIssuer, number: usize| {
        let token = issuer.token(format!("caller-{number}")).expires_in(HOUR);
        token.header("kid", issuer.signing_key().algorithm().name()).sign()
    };
    let at = |then: Instant| sleep(then.saturating_duration_since(Instant::now()));
    let of_known = service.clone().ask_steadily(20, end, |number| token(&known, number));
    let of_new = async {
        at(gone + Duration::from_millis(500)).await;
        service.clone().ask_steadily(5, end, |number| token(&new, number)).await
    };
    let changes = async {
        at(gone).await;
        issuer.go();
        at(gone + refusing).await;
        issuer.say(issuer::broken()).await?;
        at(gone + refusing + broken).await;
        issuer.say(issuer::hanging()).await?;
        at(back).await;
        issuer.say(issuer::keys(both)).await?;
        Anyhow::Ok(Instant::now())
    };
    let (of_known, of_new, back) = tokio::join!(of_known, of_new, changes);
    let (of_known, of_new, back) = (of_known?, of_new?, back?);

    let (away, returned): (Vec<_>, Vec<&Answered>) = of_new.iter().partition(|answer| answer.asked < back);
    let (grace, later): (Vec<&Answered>, Vec<_>) = returned.into_iter().partition(|answer| answer.asked < back + GRACE);
    let first = of_new.iter().filter(|answer| answer.is_let_in()).map(|answer| answer.at() - back).min();
    println!("outage of {:.0?}, tokens of the known key: {}", back - gone, Counts::of(&of_known));
    println!("outage, of a new key while the issuer is away: {}", Counts::of(away.iter().copied()));
    println!("outage, of the new key in the {GRACE:?} after: {}", Counts::of(grace.iter().copied()));
    println!("outage, of the new key later: {}", Counts::of(later.iter().copied()));
    println!("outage, the first of the new key was let in after {:.1?}", first.unwrap_or_default());

    let failures = [
        ("a token of the known key was refused", !of_known.iter().all(Answered::is_let_in)),
        ("a token of the known key had to wait", !of_known.iter().all(|answer| answer.took < PATIENCE)),
        // Who waits while the issuer comes back may be let in.
        (
            "a token of the new key was not put off while the issuer was away",
            !away.iter().all(|answer| answer.is_put_off() || answer.is_let_in() && answer.at() > back),
        ),
        (
            "a token of the new key was refused when the issuer was back",
            !grace.iter().all(|answer| answer.is_put_off() || answer.is_let_in()),
        ),
        ("a token of the new key was not let in", !later.iter().all(|answer| answer.is_let_in())),
        ("nothing was asked", of_known.is_empty() || away.is_empty() || grace.is_empty() || later.is_empty()),
    ];
    match failures.into_iter().find(|(_, is_so)| *is_so) {
        Some((failure, _)) => Err(failure.into()),
        None => Ok(()),
    }
}

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Es384];

fn signer(algorithm: Algorithm) -> TestIssuer {
    TestIssuer::with_key(SigningKey::embedded(algorithm)).on_system_time()
}
