use crate::{
    dialect::{Dialect, locking},
    store::SqlStore,
    value::{Columns, Value},
};
use async_trait::async_trait;
use portcullis_accounts::{
    LinkedIdentity, NewUser, User, UserChange, UserId,
    store::{AddOutcome, ChangeOutcome, LinkOutcome, Page, StoreResult, UserKey, UserStore},
};

/// As [`user`] reads them.
macro_rules! users {
    ($condition:literal) => {
        concat!(
            "SELECT id, email, email_confirmed_at, password_hash, stamp, role, is_staff, approved_at, disabled_at, extra, ",
            "created_at FROM portcullis_users WHERE ",
            $condition
        )
    };
}

fn user<D: Dialect>(row: &mut Columns<'_, D>) -> sqlx::Result<User> {
    Ok(User {
        id: UserId::new(row.next::<String>()?),
        email: row.next::<String>()?.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        email_confirmed_at: row.next()?,
        password_hash: row.next()?,
        stamp: row.next()?,
        role: row.next()?,
        is_staff: row.next()?,
        approved_at: row.next()?,
        disabled_at: row.next()?,
        extra: row.next()?,
        created_at: row.next()?,
    })
}

/// All columns, in the order of [`user`].
fn values(user: &User) -> [Value; 11] {
    [
        user.id.as_str().into(),
        user.email.as_str().into(),
        user.email_confirmed_at.into(),
        user.password_hash.as_deref().into(),
        user.stamp.into(),
        user.role.as_str().into(),
        user.is_staff.into(),
        user.approved_at.into(),
        user.disabled_at.into(),
        (&user.extra).into(),
        user.created_at.into(),
    ]
}

#[async_trait]
impl<D: Dialect> UserStore for SqlStore<D> {
    async fn add(&self, user: NewUser) -> StoreResult<AddOutcome> {
        // The constraint decides, also between two transactions.
        const ADD: &str = "INSERT INTO portcullis_users (id, email, email_confirmed_at, password_hash, stamp, role, \
            is_staff, approved_at, disabled_at, extra, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
            ON CONFLICT (email) DO NOTHING";
        let user = User::from(user);
        let mut tx = self.write("adding a user").await?;
        let added = tx.execute(ADD, values(&user)).await?;
        tx.commit().await?;
        Ok(if added == 1 { AddOutcome::Added(user) } else { AddOutcome::Taken })
    }

    async fn find(&self, by: UserKey<'_>) -> StoreResult<Option<User>> {
        const IDENTITY: &str =
            users!("id = (SELECT user_id FROM portcullis_identities WHERE issuer = $1 AND subject = $2)");
        let doing = "reading a user";
        Ok(match by {
            UserKey::Id(id) => self.fetch_one(doing, users!("id = $1"), [id.as_str().into()], user).await?,
            UserKey::Email(email) => self.fetch_one(doing, users!("email = $1"), [email.as_str().into()], user).await?,
            UserKey::Identity(issuer, subject) => {
                self.fetch_one(doing, IDENTITY, [issuer.into(), subject.into()], user).await?
            }
            _ => None,
        })
    }

    async fn change(&self, id: &UserId, change: UserChange) -> StoreResult<ChangeOutcome> {
        const CHANGE: &str = "UPDATE portcullis_users SET email = $2, email_confirmed_at = $3, password_hash = $4, \
            stamp = $5, role = $6, is_staff = $7, approved_at = $8, disabled_at = $9, extra = $10, \
            created_at = $11 WHERE id = $1";
        let mut tx = self.write("changing a user").await?;
        let locked = D::locking(locking!(users!("id = $1"), " FOR UPDATE"));
        let found = tx.fetch_one(locked, [id.as_str().into()], user).await?;
        let found = found.filter(|user| change.if_stamp.is_none_or(|stamp| stamp == user.stamp));
        let Some(mut user) = found else { return Ok(ChangeOutcome::Absent) };
        change.apply(&mut user);
        if tx.execute_unique(CHANGE, values(&user)).await?.is_none() {
            return Ok(ChangeOutcome::Taken);
        }
        tx.commit().await?;
        Ok(ChangeOutcome::Changed(user))
    }

    async fn remove(&self, id: &UserId) -> StoreResult<bool> {
        // Identities go with their user.
        let mut tx = self.write("removing a user").await?;
        let removed = tx.execute("DELETE FROM portcullis_users WHERE id = $1", [id.as_str().into()]).await?;
        tx.commit().await?;
        Ok(removed == 1)
    }

    async fn list(&self, page: Page) -> StoreResult<Vec<User>> {
        const FIRST: &str = users!("TRUE ORDER BY created_at DESC, id DESC LIMIT $1");
        const AFTER: &str = users!("(created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $1");
        let (doing, limit) = ("reading users", i64::from(page.limit).into());
        Ok(match page.after {
            None => self.fetch(doing, FIRST, [limit], user).await?,
            Some((time, id)) => self.fetch(doing, AFTER, [limit, time.into(), id.as_str().into()], user).await?,
        })
    }

    async fn count(&self) -> StoreResult<u64> {
        const COUNT: &str = "SELECT COUNT(*) FROM portcullis_users";
        let count = self.fetch_one("counting users", COUNT, [], |row| row.next::<i64>()).await?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    async fn link(&self, id: &UserId, identity: LinkedIdentity) -> StoreResult<LinkOutcome> {
        // The constraints decide, also between two transactions.
        const LINK: &str = "INSERT INTO portcullis_identities (user_id, issuer, subject, created_at) \
            VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        const KNOWN: &str = "SELECT subject FROM portcullis_identities WHERE user_id = $1 AND issuer = $2";
        let (user_id, issuer, subject) =
            (|| id.as_str().into(), || identity.issuer.as_str().into(), identity.subject.as_str());
        let mut tx = self.write("linking an identity").await?;
        let locked = D::locking(locking!("SELECT id FROM portcullis_users WHERE id = $1", " FOR UPDATE"));
        if tx.fetch_one(locked, [user_id()], |_| Ok(())).await?.is_none() {
            return Ok(LinkOutcome::Absent);
        }
        if tx.execute(LINK, [user_id(), issuer(), subject.into(), identity.linked_at.into()]).await? == 1 {
            tx.commit().await?;
            return Ok(LinkOutcome::Linked);
        }
        let known = tx.fetch_one(KNOWN, [user_id(), issuer()], |row| row.next::<String>()).await?;
        Ok(match known {
            Some(known) if known == subject => LinkOutcome::Linked,
            Some(_) => LinkOutcome::HasAnother,
            None => LinkOutcome::Taken,
        })
    }

    async fn unlink(&self, id: &UserId, issuer: &str) -> StoreResult<bool> {
        const UNLINK: &str = "DELETE FROM portcullis_identities WHERE user_id = $1 AND issuer = $2";
        let mut tx = self.write("unlinking an identity").await?;
        let removed = tx.execute(UNLINK, [id.as_str().into(), issuer.into()]).await?;
        tx.commit().await?;
        Ok(removed == 1)
    }

    async fn identities(&self, id: &UserId) -> StoreResult<Vec<LinkedIdentity>> {
        const OF: &str = "SELECT issuer, subject, created_at FROM portcullis_identities WHERE user_id = $1 \
            ORDER BY created_at, issuer";
        let read = |row: &mut Columns<'_, D>| {
            Ok(LinkedIdentity { issuer: row.next()?, subject: row.next()?, linked_at: row.next()? })
        };
        Ok(self.fetch("reading identities", OF, [id.as_str().into()], read).await?)
    }
}
