//! The process that is killed: it signs up, refreshes and signs out, and says what it was answered.

use crate::{
    Anyhow,
    exchange::{Exchange, Got, Ours, at, at_once, digest, session, unique},
    places,
};
use portcullis_accounts::{
    EmailAddress, NewUser, SessionRules, UserId,
    store::{AddOutcome, Ending, Stores},
};
use portcullis_sqlx::PostgresStore;
use serde_json::Map;
use std::path::Path;

pub const FLAG: &str = "--victim";

/// Works until it is killed. The place is a file, or `schema/name` of Postgres.
pub async fn work(place: &str) -> Anyhow {
    let stores: Stores = match place.strip_prefix("postgres:").and_then(|place| place.split_once('/')) {
        Some((schema, name)) => PostgresStore::new(places::postgres_schema(schema, name).await?).into(),
        None => places::sqlite_file(Path::new(place), 8).await?.into(),
    };
    let ours = Ours::new(stores, SessionRules::new())?;
    let people = (0..4).map(|_| {
        let ours = ours.clone();
        async move {
            loop {
                live(&ours).await?;
            }
        }
    });
    at_once::<(), _>(people).await.map(drop)
}

/// From a sign-up to a sign-out. Each line is printed when the store has answered.
async fn live(ours: &Ours) -> Anyhow {
    let mut opened = session();
    let user = UserId::new(unique("user"));
    let new = NewUser {
        id: user.clone(),
        email: address(&user)?,
        email_confirmed_at: None,
        password_hash: Some("$argon2id$".into()),
        role: "user".into(),
        approved_at: None,
        extra: Map::new(),
        created_at: at(0),
    };
    let AddOutcome::Added(_) = ours.stores.users().add(new).await? else { return Err("the address is new".into()) };
    println!("user {user}");
    opened.session.user = user;
    let (session, token) = (opened.session.clone(), digest(&opened.token));
    ours.stores.sessions().open(session, token, opened.session.not_after).await?;
    println!("token {} {}", opened.session.id, opened.token);

    let mut live = opened.token;
    for _ in 0..4 {
        let tasks = (0..4).map(|_| {
            let (ours, live) = (ours.clone(), live.clone());
            async move { ours.refresh(live, at(1)).await }
        });
        let got = at_once(tasks).await?;
        let Some(Got::New(next)) = got.into_iter().find(|got| matches!(got, Got::New(_))) else {
            return Err("a live token is exchanged".into());
        };
        println!("token {} {next}", opened.session.id);
        live = next;
    }
    if fastrand::bool() {
        ours.stores.sessions().end(Ending::One(&opened.session.id), at(2)).await?;
        println!("ended {}", opened.session.id);
    }
    Ok(())
}

pub fn address(user: &UserId) -> Anyhow<EmailAddress> {
    Ok(format!("{user}@example.com").parse()?)
}
