//! Six hundred different tokens a second, each of which the issuer is asked about.

use crate::{
    Anyhow,
    issuer::{self, Issuer},
    service::{Answered, Counts, Service},
};
use portcullis::{Audience, ClaimMap, Gate, Introspection, Scheme, reqwest::Client};
use std::time::{Duration, Instant};

const RATE: u32 = 600;

/// That the other runs can fail: without kept connections, the few ports of the short form are soon gone.
pub async fn ports() -> Anyhow {
    let none_kept = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build()?;
    let answers = ask(none_kept.into(), Duration::from_secs(4)).await?;
    println!("ports, no connection kept: {}", Counts::of(&answers));
    match lost(&answers) {
        0 => Err("nothing is lost without kept connections, so nothing is shown".into()),
        _ => Ok(()),
    }
}

pub async fn run(is_long: bool) -> Anyhow {
    let time = Duration::from_secs(if is_long { 60 } else { 6 });
    let answers = ask(Client::new()?, time).await?;
    println!("introspection, {RATE} tokens a second for {time:?}: {}", Counts::of(&answers));
    match lost(&answers) {
        0 => Ok(()),
        lost => Err(format!("{lost} of {} good tokens were not let in", answers.len()).into()),
    }
}

async fn ask(client: Client, time: Duration) -> Anyhow<Vec<Answered>> {
    let issuer = Issuer::start(issuer::introspection())?;
    let service = Service::new(gate(introspection(&issuer, client)?)?);
    service.ask_steadily(RATE, Instant::now() + time, |number| format!("good-{number}")).await
}

pub fn introspection(issuer: &Issuer, client: Client) -> Anyhow<Introspection> {
    let asked = portcullis::Issuer::without_keys(issuer.url(""), Audience::is("test"))?.claim_map(ClaimMap::new());
    Ok(Introspection::new(asked, issuer.url("/introspect"), client)?)
}

pub fn gate(asking: Introspection) -> Anyhow<Gate> {
    Ok(Gate::builder().scheme(Scheme::new(asking).bearer()).build()?)
}

fn lost(answers: &[Answered]) -> usize {
    answers.iter().filter(|answer| !answer.is_let_in()).count()
}
