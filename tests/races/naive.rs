//! What one writes first, in the same races: they have to find what is wrong with it.

use crate::{
    Anyhow,
    exchange::{AT_ONCE, Exchange, Got, Opened, at, digest, session, unique},
    places,
    rounds::refreshes,
};
use portcullis_accounts::store::{Ending, SessionStore};
use portcullis_sqlx::{PostgresStore, SqliteStore};
use std::time::SystemTime;

#[derive(Debug, Clone, Copy)]
enum Way {
    /// Read the token, decide, write.
    ReadThenWrite,
    /// One statement that changes a live token only. Whoever comes second is a thief.
    OneStatement,
}

/// A store's tables, and commands of one's own.
#[derive(Clone)]
struct Naive<S> {
    store: S,
    way: Way,
}

macro_rules! naive {
    ($store:ty) => {
        impl Exchange for Naive<$store> {
            async fn open(&self) -> Anyhow<Opened> {
                let opened = session();
                self.store.open(opened.session.clone(), digest(&opened.token), opened.session.not_after).await?;
                Ok(opened)
            }

            async fn refresh(&self, token: String, now: SystemTime) -> Anyhow<Got> {
                const ROTATE: &str = "UPDATE portcullis_refresh SET rotated_at = 1 WHERE digest = $1";
                const ROTATE_LIVE: &str =
                    "UPDATE portcullis_refresh SET rotated_at = 1 WHERE digest = $1 AND rotated_at IS NULL";
                const INSERT: &str = "INSERT INTO portcullis_refresh (digest, session_id, issued_at, expires_at) \
                    SELECT $2, session_id, issued_at, expires_at FROM portcullis_refresh WHERE digest = $1";
                let old = digest(&token).as_bytes().to_vec();
                let is_live = match self.way {
                    Way::ReadThenWrite => {
                        let found = self.store.session_of(&digest(&token)).await?;
                        let is_live = found.is_some_and(|(_, row)| row.is_live());
                        if is_live {
                            sqlx::query(ROTATE).bind(old.clone()).execute(self.store.pool()).await?;
                        }
                        is_live
                    }
                    Way::OneStatement => {
                        let done = sqlx::query(ROTATE_LIVE).bind(old.clone()).execute(self.store.pool()).await?;
                        done.rows_affected() == 1
                    }
                };
                if !is_live {
                    self.store.end(Ending::OfToken(&digest(&token)), now).await?;
                    return Ok(Got::Reused);
                }
                let next = unique("next");
                let new = digest(&next).as_bytes().to_vec();
                sqlx::query(INSERT).bind(old).bind(new).execute(self.store.pool()).await?;
                Ok(Got::New(next))
            }
        }
    };
}
naive!(SqliteStore);
naive!(PostgresStore);

pub async fn all(rounds: usize) -> Anyhow {
    let folder = places::Folder::new()?;
    let (sqlite, postgres) = (places::sqlite(&folder, 8).await?, places::postgres("naive").await?);
    for way in [Way::ReadThenWrite, Way::OneStatement] {
        finds("sqlite", &Naive { store: sqlite.clone(), way }, way, rounds).await?;
        finds("postgres", &Naive { store: postgres.clone(), way }, way, rounds).await?;
    }
    Ok(())
}

async fn finds<E: Exchange>(name: &str, naive: &E, way: Way, rounds: usize) -> Anyhow {
    // Alone it works.
    let opened = naive.open().await?;
    let Got::New(next) = naive.refresh(opened.token, at(1)).await? else { panic!("a live token is exchanged") };
    assert!(matches!(naive.refresh(next, at(1)).await?, Got::New(_)), "its successor is exchanged");

    let found = refreshes(naive, rounds).await?;
    match way {
        Way::ReadThenWrite => assert!(found.forks > 0, "the race finds forks"),
        Way::OneStatement => assert!(found.refused > rounds / 2, "the race finds callers who are signed out"),
    }
    let (forks, refused) = (found.forks, found.refused);
    println!(
        "naive {name}: {way:?}: of {rounds} tokens that {AT_ONCE} present {forks} fork, {refused} sign somebody out"
    );
    Ok(())
}
