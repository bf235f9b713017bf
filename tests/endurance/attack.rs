//! A thousand made-up tokens a second: about half of them the issuer never answers, and it refuses the others. Those whose
//! tokens were accepted before go on.

use crate::{
    Anyhow, introspection,
    issuer::{self, Issuer},
    service::{Answered, Counts, Service},
};
use portcullis::reqwest::Client;
use std::time::{Duration, Instant};

const MADE_UP: u32 = 1_000;
const ACCEPTED: usize = 200;

/// Shorter than a caller stays away, so that the issuer is asked again for every one of their requests.
const REMEMBERED: Duration = Duration::from_secs(2);

pub async fn run(is_long: bool) -> Anyhow {
    let time = Duration::from_secs(if is_long { 60 } else { 8 });
    let issuer = Issuer::start(issuer::introspection())?;
    let asked = introspection::introspection(&issuer, Client::new()?)?.remember(REMEMBERED, REMEMBERED);
    let service = Service::new(introspection::gate(asked)?);

    let good = |number: usize| format!("good-{}", number % ACCEPTED);
    let accepted = service.clone().ask_steadily(ACCEPTED as u32, Instant::now() + Duration::from_secs(1), good).await?;
    if !accepted.iter().all(Answered::is_let_in) {
        return Err(format!("before the attack: {}", Counts::of(&accepted)).into());
    }
    let until = Instant::now() + time;
    let made_up = |number: usize| format!("{}-{number}", if number.is_multiple_of(2) { "hang" } else { "made-up" });
    let (of_accepted, of_made_up) = tokio::join!(
        service.clone().ask_steadily(40, until, good),
        service.clone().ask_steadily(MADE_UP, until, made_up),
    );
    let (of_accepted, of_made_up) = (of_accepted?, of_made_up?);
    let is_served = |answer: &&Answered| answer.is_let_in() && answer.took <= Duration::from_secs(1);
    let share = of_accepted.iter().filter(is_served).count() as f64 / of_accepted.len() as f64;
    println!("attack of {time:?}, made-up tokens: {}", Counts::of(&of_made_up));
    println!("attack, tokens accepted before: {}; {:.2} % within a second", Counts::of(&of_accepted), share * 100.0);
    if of_made_up.iter().any(Answered::is_let_in) {
        return Err("a made-up token was let in".into());
    }
    match share >= 0.99 {
        true => Ok(()),
        false => Err("of the tokens that were accepted before, 99 % are answered within a second".into()),
    }
}
