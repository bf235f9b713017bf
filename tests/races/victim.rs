//! The process that is killed: its accounts sign up, refresh and sign out, and it says what it was answered.

use crate::{
    Anyhow,
    exchange::{at_once, unique},
    places,
};
use portcullis_accounts::{Accounts, Client, Limits, Secret, SignUp, store::Stores};
use portcullis_sqlx::PostgresStore;
use std::path::Path;

pub const FLAG: &str = "--victim";

/// Works until it is killed. The place is a file, or `address#schema/name` of Postgres.
pub async fn work(place: &str) -> Anyhow {
    let postgres = place.split_once('#').and_then(|(url, rest)| Some((url, rest.split_once('/')?)));
    let stores: Stores = match postgres {
        Some((url, (schema, name))) => PostgresStore::new(places::pool_at(url, schema, name).await?).into(),
        None => places::sqlite_file(Path::new(place), 8).await?.into(),
    };
    let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
    let accounts = Accounts::builder("https://races.test", secret, stores)
        .dangerous_without_confirmation()
        .limits(Limits::dangerous_unlimited())
        .argon2(64, 1, 1)
        .build()?;
    let people = (0..4).map(|_| {
        let accounts = accounts.clone();
        async move {
            loop {
                live(&accounts).await?;
            }
        }
    });
    at_once::<(), _>(people).await.map(drop)
}

/// From a sign-up to a sign-out. Each line is printed when the accounts have answered.
async fn live(accounts: &Accounts) -> Anyhow {
    let email = format!("{}@example.com", unique("user"));
    let form = SignUp { email: &email, password: "correct horse battery", ..SignUp::default() };
    let new = accounts.sign_up(form, &Client::unknown()).await?.ok_or("the address is new")?;
    println!("user {} {email}", new.user.id);
    let (session, mut live) = (new.tokens.session.id, new.tokens.refresh);
    println!("token {session} {}", live.expose());
    for _ in 0..4 {
        let tasks = (0..4).map(|_| {
            let (accounts, live) = (accounts.clone(), live.clone());
            async move { Ok(accounts.refresh(live.expose(), &Client::unknown()).await?.refresh) }
        });
        let got = at_once(tasks).await?;
        let next = got.into_iter().next().ok_or("four are answered")?;
        println!("token {session} {}", next.expose());
        live = next;
    }
    if fastrand::bool() {
        accounts.sign_out(live.expose()).await?;
        println!("ended {session}");
    }
    Ok(())
}
