use crate::{
    dialect::{Dialect, locking},
    family::{self, refresh_columns},
    store::SqlStore,
    value::Columns,
};
use async_trait::async_trait;
use portcullis_accounts::{
    Client, Digest, Factor, OneTime, OrganizationId, Purpose, Session, SessionId, UserId,
    store::{Ending, FactorChange, RefreshRow, RotateOutcome, Rotation, SessionStore, StoreResult},
};
use std::time::SystemTime;

/// The columns of a session, as [`session`] reads them.
macro_rules! columns {
    () => {
        "id, user_id, stamp, methods, organization_id, address, user_agent, created_at, used_at, not_after, ended_at"
    };
}
macro_rules! sessions {
    ($condition:literal) => {
        concat!("SELECT ", $crate::sessions::columns!(), " FROM portcullis_sessions WHERE ", $condition)
    };
}
pub(crate) use {columns, sessions};

pub(crate) fn session<D: Dialect>(row: &mut Columns<'_, D>) -> sqlx::Result<Session> {
    Ok(Session {
        id: SessionId::new(row.next::<String>()?),
        user: UserId::new(row.next::<String>()?),
        stamp: row.next()?,
        methods: row.next::<String>()?.split_ascii_whitespace().map(str::to_owned).collect(),
        organization: row.next::<Option<String>>()?.map(OrganizationId::new),
        client: client(row.next()?, row.next()?)?,
        created_at: row.next()?,
        used_at: row.next()?,
        not_after: row.next()?,
        ended_at: row.next()?,
    })
}

fn client(address: Option<String>, user_agent: Option<String>) -> sqlx::Result<Client> {
    let address = address.map(|address| address.parse()).transpose();
    let mut client = Client::unknown();
    client.address = address.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    client.user_agent = user_agent;
    Ok(client)
}

/// Locked in one order, so that two transactions never wait for each other.
macro_rules! end {
    ($condition:literal) => {
        locking!(
            concat!(
                "UPDATE portcullis_sessions SET ended_at = $1 WHERE id IN (SELECT id FROM portcullis_sessions WHERE ",
                $condition,
                " AND ended_at IS NULL ORDER BY id"
            ),
            " FOR UPDATE",
            concat!(") AND ended_at IS NULL RETURNING ", columns!())
        )
    };
}

#[async_trait]
impl<D: Dialect> SessionStore for SqlStore<D> {
    async fn open(&self, session: Session, token: Digest, expires_at: SystemTime) -> StoreResult<()> {
        const OPEN: &str = concat!(
            "INSERT INTO portcullis_sessions (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        );
        let mut tx = self.write("opening a session").await?;
        let values = [
            session.id.as_str().into(),
            session.user.as_str().into(),
            session.stamp.into(),
            session.methods.join(" ").as_str().into(),
            session.organization.as_ref().map(OrganizationId::as_str).into(),
            session.client.address.map(|address| address.to_string()).as_deref().into(),
            session.client.user_agent.as_deref().into(),
            session.created_at.into(),
            session.used_at.into(),
            session.not_after.into(),
            session.ended_at.into(),
        ];
        tx.execute(OPEN, values).await?;
        let row = RefreshRow::live(session.created_at, expires_at);
        family::insert(&mut tx, &token, session.id.as_str(), &row).await?;
        Ok(tx.commit().await?)
    }

    async fn rotate(&self, rotation: Rotation) -> StoreResult<RotateOutcome> {
        self.exchange(&rotation).await
    }

    async fn session(&self, id: &SessionId) -> StoreResult<Option<Session>> {
        Ok(self.fetch_one("reading a session", sessions!("id = $1"), [id.as_str().into()], session).await?)
    }

    async fn session_of(&self, token: &Digest) -> StoreResult<Option<(Session, RefreshRow)>> {
        const FIND: &str = concat!(
            "SELECT ",
            columns!(),
            ", ",
            refresh_columns!(),
            " FROM portcullis_refresh JOIN portcullis_sessions ON id = session_id WHERE digest = $1"
        );
        let read = |row: &mut Columns<'_, D>| Ok((session(row)?, family::refresh(row)?));
        Ok(self.fetch_one("reading the session of a refresh token", FIND, [token.into()], read).await?)
    }

    async fn touch(&self, token: &Digest, now: SystemTime, expires_at: SystemTime) -> StoreResult<()> {
        // The session first, as rotations do.
        const SESSION: &str = "UPDATE portcullis_sessions SET used_at = $2 WHERE id = (SELECT session_id \
            FROM portcullis_refresh WHERE digest = $1 AND rotated_at IS NULL AND NOT is_superseded)";
        const TOKEN: &str = "UPDATE portcullis_refresh SET expires_at = $2 WHERE digest = $1 AND rotated_at IS NULL \
            AND NOT is_superseded";
        let mut tx = self.write("noting the use of a session").await?;
        tx.execute(SESSION, [token.into(), now.into()]).await?;
        tx.execute(TOKEN, [token.into(), expires_at.into()]).await?;
        Ok(tx.commit().await?)
    }

    async fn set_organization(&self, id: &SessionId, organization: Option<&OrganizationId>) -> StoreResult<bool> {
        const SET: &str = "UPDATE portcullis_sessions SET organization_id = $2 WHERE id = $1";
        let mut tx = self.write("setting the organization of a session").await?;
        let set = tx.execute(SET, [id.as_str().into(), organization.map(OrganizationId::as_str).into()]).await?;
        tx.commit().await?;
        Ok(set == 1)
    }

    async fn end(&self, which: Ending<'_>, now: SystemTime) -> StoreResult<Vec<Session>> {
        let mut tx = self.write("ending sessions").await?;
        let now = now.into();
        let ended = match which {
            Ending::One(id) => {
                let end = D::locking(end!("id = $2"));
                tx.fetch(end, [now, id.as_str().into()], session).await?
            }
            Ending::OneOf(user, id) => {
                let end = D::locking(end!("id = $2 AND user_id = $3"));
                tx.fetch(end, [now, id.as_str().into(), user.as_str().into()], session).await?
            }
            Ending::OfToken(token) => {
                let end = D::locking(end!("id = (SELECT session_id FROM portcullis_refresh WHERE digest = $2)"));
                tx.fetch(end, [now, token.into()], session).await?
            }
            Ending::OfUser(user) => {
                let end = D::locking(end!("user_id = $2"));
                tx.fetch(end, [now, user.as_str().into()], session).await?
            }
            _ => Vec::new(),
        };
        tx.commit().await?;
        Ok(ended)
    }

    async fn sessions(&self, user: &UserId, now: SystemTime) -> StoreResult<Vec<Session>> {
        const OPEN: &str =
            sessions!("user_id = $1 AND ended_at IS NULL AND not_after > $2 ORDER BY created_at DESC, id DESC");
        Ok(self.fetch("reading the sessions of a user", OPEN, [user.as_str().into(), now.into()], session).await?)
    }

    async fn ended_since(&self, since: SystemTime) -> StoreResult<Vec<Session>> {
        Ok(self.fetch("reading ended sessions", sessions!("ended_at >= $1"), [since.into()], session).await?)
    }

    async fn keep(&self, token: OneTime, replaces: bool) -> StoreResult<()> {
        self.insert_one_time(&token, replaces).await
    }

    async fn take(&self, purpose: Purpose, token: &Digest, now: SystemTime) -> StoreResult<Option<OneTime>> {
        self.delete_one_time(purpose, token, now).await
    }

    async fn factor(&self, user: &UserId) -> StoreResult<Option<Factor>> {
        self.find_factor(user).await
    }

    async fn change_factor(&self, user: &UserId, change: FactorChange) -> StoreResult<bool> {
        self.write_factor(user, change).await
    }

    async fn purge(&self, before: SystemTime) -> StoreResult<u64> {
        self.delete_before(before).await
    }
}
