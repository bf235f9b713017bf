use async_trait::async_trait;
use portcullis::{
    accounts::{
        Accounts, AccountsBuilder, LinkedIdentity, NewUser, Secret, User, UserChange, UserId,
        store::{
            AddOutcome, ChangeOutcome, LinkOutcome, Page, StoreError, StoreResult, Stores,
            UserKey, UserStore,
        },
    },
    sqlx::SqliteStore,
};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};
use std::time::{Duration, SystemTime};

/// What accounts need beside the columns that are there. Members may sign in at a provider.
pub const ADDED: &str = "
    ALTER TABLE members ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE members ADD COLUMN confirmed BIGINT;
    ALTER TABLE members ADD COLUMN approved BIGINT;
    ALTER TABLE members ADD COLUMN disabled BIGINT;
    ALTER TABLE members ADD COLUMN role TEXT NOT NULL DEFAULT '';
    ALTER TABLE members ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';
    UPDATE members SET mail = lower(mail), confirmed = joined, approved = joined;
    CREATE TABLE member_identities (
        member_no INTEGER NOT NULL REFERENCES members (member_no) ON DELETE CASCADE,
        issuer TEXT NOT NULL, subject TEXT NOT NULL, linked BIGINT NOT NULL,
        PRIMARY KEY (issuer, subject), UNIQUE (member_no, issuer))";

#[derive(Debug, Clone)]
pub struct Members(pub SqlitePool);

#[async_trait]
impl UserStore for Members {
    async fn add(&self, new: NewUser) -> StoreResult<AddOutcome> {
        let user = User::from(new);
        let added = sqlx::query(
            "INSERT INTO members (mail, password, confirmed, approved, role, extra, joined)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (mail) DO NOTHING",
        )
        .bind(user.email.as_str())
        .bind(&user.password_hash)
        .bind(millis(user.email_confirmed_at))
        .bind(millis(user.approved_at))
        .bind(&user.role)
        .bind(serde_json::to_string(&user.extra).map_err(failed)?)
        .bind(millis(Some(user.created_at)))
        .execute(&self.0)
        .await
        .map_err(failed)?;
        if added.rows_affected() == 0 {
            return Ok(AddOutcome::Taken);
        }
        // The table's own identifier, instead of the new one.
        let id = UserId::new(added.last_insert_rowid().to_string());
        Ok(AddOutcome::Added(User { id, ..user }))
    }

    async fn find(&self, by: UserKey<'_>) -> StoreResult<Option<User>> {
        let found = match by {
            UserKey::Id(id) => {
                let query = sqlx::query("SELECT * FROM members WHERE member_no = $1");
                query.bind(number(id)).fetch_optional(&self.0).await
            }
            UserKey::Email(email) => {
                let query = sqlx::query("SELECT * FROM members WHERE mail = $1");
                query.bind(email.as_str()).fetch_optional(&self.0).await
            }
            UserKey::Identity(issuer, subject) => {
                let query = sqlx::query(
                    "SELECT * FROM members WHERE member_no = (SELECT member_no
                     FROM member_identities WHERE issuer = $1 AND subject = $2)",
                );
                query.bind(issuer).bind(subject).fetch_optional(&self.0).await
            }
            _ => return Ok(None),
        };
        found.map_err(failed)?.as_ref().map(user).transpose()
    }

    async fn change(&self, id: &UserId, change: UserChange) -> StoreResult<ChangeOutcome> {
        // Nobody else writes between the row that is read and the one that is written.
        // On Postgres: `SELECT … FOR UPDATE`.
        let mut tx = self.0.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let query = sqlx::query("SELECT * FROM members WHERE member_no = $1");
        let found = query.bind(number(id)).fetch_optional(&mut *tx).await.map_err(failed)?;
        let found = found.as_ref().map(user).transpose()?;
        let is_meant = |user: &User| change.if_stamp.is_none_or(|stamp| stamp == user.stamp);
        let Some(mut user) = found.filter(is_meant) else { return Ok(ChangeOutcome::Absent) };
        change.apply(&mut user);
        let changed = sqlx::query(
            "UPDATE members SET mail = $2, password = $3, is_admin = $4, stamp = $5,
             confirmed = $6, approved = $7, disabled = $8, role = $9, extra = $10
             WHERE member_no = $1",
        )
        .bind(number(id))
        .bind(user.email.as_str())
        .bind(&user.password_hash)
        .bind(user.is_staff)
        .bind(user.stamp)
        .bind(millis(user.email_confirmed_at))
        .bind(millis(user.approved_at))
        .bind(millis(user.disabled_at))
        .bind(&user.role)
        .bind(serde_json::to_string(&user.extra).map_err(failed)?)
        .execute(&mut *tx)
        .await;
        match changed {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Ok(ChangeOutcome::Taken);
            }
            changed => changed.map_err(failed)?,
        };
        tx.commit().await.map_err(failed)?;
        Ok(ChangeOutcome::Changed(user))
    }

    async fn remove(&self, id: &UserId) -> StoreResult<bool> {
        let query = sqlx::query("DELETE FROM members WHERE member_no = $1");
        let removed = query.bind(number(id)).execute(&self.0).await.map_err(failed)?;
        Ok(removed.rows_affected() == 1)
    }

    async fn list(&self, page: Page) -> StoreResult<Vec<User>> {
        let (time, id) = page.after.unzip();
        let query = sqlx::query(
            "SELECT * FROM members WHERE $1 IS NULL OR (joined, member_no) < ($1, $2)
             ORDER BY joined DESC, member_no DESC LIMIT $3",
        );
        let query = query.bind(millis(time)).bind(id.as_ref().and_then(number));
        let query = query.bind(page.limit);
        query.fetch_all(&self.0).await.map_err(failed)?.iter().map(user).collect()
    }

    async fn count(&self) -> StoreResult<u64> {
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM members");
        let count: i64 = query.fetch_one(&self.0).await.map_err(failed)?;
        Ok(count.try_into().unwrap_or_default())
    }

    async fn link(&self, id: &UserId, new: LinkedIdentity) -> StoreResult<LinkOutcome> {
        let mut tx = self.0.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let added = sqlx::query(
            "INSERT INTO member_identities (member_no, issuer, subject, linked)
             SELECT member_no, $2, $3, $4 FROM members WHERE member_no = $1
             ON CONFLICT DO NOTHING",
        )
        .bind(number(id))
        .bind(&new.issuer)
        .bind(&new.subject)
        .bind(millis(Some(new.linked_at)))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        if added.rows_affected() == 1 {
            tx.commit().await.map_err(failed)?;
            return Ok(LinkOutcome::Linked);
        }
        let known: Option<Option<String>> = sqlx::query_scalar(
            "SELECT subject FROM members LEFT JOIN member_identities i
             ON i.member_no = members.member_no AND issuer = $2 WHERE members.member_no = $1",
        )
        .bind(number(id))
        .bind(&new.issuer)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        Ok(match known {
            None => LinkOutcome::Absent,
            Some(None) => LinkOutcome::Taken,
            Some(Some(subject)) if subject == new.subject => LinkOutcome::Linked,
            Some(Some(_)) => LinkOutcome::HasAnother,
        })
    }

    async fn unlink(&self, id: &UserId, issuer: &str) -> StoreResult<bool> {
        let query =
            sqlx::query("DELETE FROM member_identities WHERE member_no = $1 AND issuer = $2");
        let removed = query.bind(number(id)).bind(issuer).execute(&self.0).await;
        Ok(removed.map_err(failed)?.rows_affected() == 1)
    }

    async fn identities(&self, id: &UserId) -> StoreResult<Vec<LinkedIdentity>> {
        let query = sqlx::query(
            "SELECT * FROM member_identities WHERE member_no = $1 ORDER BY linked, issuer",
        );
        let rows = query.bind(number(id)).fetch_all(&self.0).await.map_err(failed)?;
        rows.iter().map(identity).collect()
    }
}

fn user(row: &SqliteRow) -> StoreResult<User> {
    let time = |name| row.try_get(name).map(at).map_err(failed);
    let mail: String = row.try_get("mail").map_err(failed)?;
    let extra: String = row.try_get("extra").map_err(failed)?;
    Ok(User {
        id: UserId::new(row.try_get::<i64, _>("member_no").map_err(failed)?.to_string()),
        email: mail.parse().map_err(failed)?,
        email_confirmed_at: time("confirmed")?,
        password_hash: row.try_get("password").map_err(failed)?,
        stamp: row.try_get("stamp").map_err(failed)?,
        role: row.try_get("role").map_err(failed)?,
        is_staff: row.try_get("is_admin").map_err(failed)?,
        approved_at: time("approved")?,
        disabled_at: time("disabled")?,
        extra: serde_json::from_str(&extra).map_err(failed)?,
        created_at: time("joined")?.unwrap_or(SystemTime::UNIX_EPOCH),
    })
}

fn identity(row: &SqliteRow) -> StoreResult<LinkedIdentity> {
    let linked_at = row.try_get("linked").map(at).map_err(failed)?;
    Ok(LinkedIdentity {
        issuer: row.try_get("issuer").map_err(failed)?,
        subject: row.try_get("subject").map_err(failed)?,
        linked_at: linked_at.unwrap_or(SystemTime::UNIX_EPOCH),
    })
}

/// `None`, which no row has, for an identifier of another table.
fn number(id: &UserId) -> Option<i64> {
    id.as_str().parse().ok()
}

fn millis(time: Option<SystemTime>) -> Option<i64> {
    let since = time?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

fn at(millis: Option<i64>) -> Option<SystemTime> {
    let since = Duration::from_millis(u64::try_from(millis?).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new("a query of members", error)
}

pub fn accounts(secret: Secret, pool: SqlitePool, sessions: SqliteStore) -> AccountsBuilder {
    let stores = Stores::new(Members(pool), sessions);
    Accounts::builder("https://club.example.com", secret, stores)
        // The hashes of old. Whoever signs in gets a new one.
        .legacy(|password, hash| {
            hash.starts_with("$2").then(|| bcrypt::verify(password, hash).unwrap_or(false))
        })
}
