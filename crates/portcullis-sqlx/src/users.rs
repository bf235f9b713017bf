use crate::{
    dialect::{Dialect, locking},
    store::SqlStore,
    value::{Columns, Value},
};
use async_trait::async_trait;
use portcullis_accounts::{
    NewUser, User, UserChange, UserId,
    store::{AddOutcome, ChangeOutcome, StoreResult, UserKey, UserStore},
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
        let (statement, key) = match by {
            UserKey::Id(id) => (users!("id = $1"), id.as_str()),
            UserKey::Email(email) => (users!("email = $1"), email.as_str()),
            _ => return Ok(None),
        };
        Ok(self.fetch_one("reading a user", statement, [key.into()], user).await?)
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
}
