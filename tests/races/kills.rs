//! Processes that are killed in the middle of sign-ups, refreshes and sign-outs, one after another on the same database. The
//! last run kills the database itself.

use crate::{
    Anyhow,
    family::{Answered, Rows},
    own::OwnServer,
    places, victim,
};
use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

/// Every row of the tables.
macro_rules! rows {
    ($pool:expr) => {
        Rows {
            users: sqlx::query_as("SELECT id, email FROM portcullis_users").fetch_all($pool).await?,
            sessions: sqlx::query_as("SELECT id, user_id, ended_at FROM portcullis_sessions").fetch_all($pool).await?,
            refresh: sqlx::query_as("SELECT digest, session_id, rotated_at, successor FROM portcullis_refresh")
                .fetch_all($pool)
                .await?,
        }
    };
}

pub async fn sqlite(kills: usize) -> Anyhow {
    let (folder, mut answered, mut open) = (places::Folder::new()?, Answered::default(), 0);
    for _ in 0..kills {
        kill_one(&folder.file().display().to_string(), &mut answered)?;
        let store = places::sqlite(&folder, 1).await?;
        let check: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(store.pool()).await?;
        assert_eq!(check, "ok", "the file is intact");
        open = rows!(store.pool()).check(&answered)?;
        store.pool().close().await;
    }
    report("sqlite", kills, &answered, open)
}

pub async fn postgres(kills: usize) -> Anyhow {
    let (store, url) = (places::postgres("kills").await?, places::url()?);
    let (mut answered, mut open) = (Answered::default(), 0);
    for number in 0..kills {
        let name = format!("victim-{number}");
        kill_one(&format!("{url}#kills/{name}"), &mut answered)?;
        // Its processes on the server end when they notice that it has gone.
        const LEFT: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1";
        while sqlx::query_scalar::<_, i64>(LEFT).bind(&name).fetch_one(store.pool()).await? > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        open = rows!(store.pool()).check(&answered)?;
    }
    report("postgres", kills, &answered, open)
}

fn report(name: &str, kills: usize, answered: &Answered, open: usize) -> Anyhow {
    let Answered { users, tokens, ended } = answered;
    assert!(users.len() > kills && tokens.len() > kills, "the victims get to work");
    assert!(kills < 10 || !ended.is_empty(), "and to sign-outs");
    let (users, tokens, ended) = (users.len(), tokens.len(), ended.len());
    println!(
        "{name}: {kills} kills: {users} sign-ups, {tokens} tokens and {ended} sign-outs that were answered are there; \
         none of {open} open sessions forked, no ended one lives"
    );
    Ok(())
}

/// The server itself is killed, with all its processes, and recovers its data. A victim then ends by itself.
pub async fn server(kills: usize) -> Anyhow {
    let server = OwnServer::start("postgres.sh", "18474", "DATABASE_URL")?;
    let store = places::schema_at(&server.url, "kills").await?;
    store.pool().close().await;
    let (mut answered, mut open) = (Answered::default(), 0);
    for _ in 0..kills {
        let status =
            while_working(&format!("{}#kills/victim", server.url), &mut answered, |_| server.run("kill").map(drop))?;
        assert!(status.code().is_some(), "it ended by itself: {status}");
        server.run("up")?;
        let pool = places::pool_at(&server.url, "kills", "check").await?;
        open = rows!(&pool).check(&answered)?;
        pool.close().await;
    }
    report("postgres itself", kills, &answered, open)
}

/// Starts a victim, and kills it at some time after it began to work.
fn kill_one(place: &str, answered: &mut Answered) -> Anyhow {
    let status = while_working(place, answered, |victim| Ok(victim.kill()?))?;
    assert!(status.code().is_none(), "it was killed, and did not fail before: {status}");
    Ok(())
}

/// Starts a victim, and does this at some time after it began to work. Returns how the victim ended.
fn while_working(place: &str, answered: &mut Answered, kill: impl FnOnce(&mut Child) -> Anyhow) -> Anyhow<ExitStatus> {
    let mut child = Command::new(env::current_exe()?).args([victim::FLAG, place]).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("the victim has no output")?).lines();
    for _ in 0..fastrand::usize(1..40) {
        let line = lines.next().ok_or("the victim failed before it was killed")??;
        answered.note(&line);
    }
    // What it still prints is read, so that it does not wait for that.
    let reading = thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    thread::sleep(Duration::from_micros(fastrand::u64(..20_000)));
    kill(&mut child)?;
    let status = child.wait()?;
    let lines = reading.join().map_err(|_| "the output could not be read")?;
    lines.iter().for_each(|line| answered.note(line));
    Ok(status)
}
