use crate::{PostgresStore, SqlError, SqlResult};
use sqlx::PgPool;

impl PostgresStore {
    /// Connects to a database, with a pool of its own, and creates the tables if they are missing.
    ///
    /// # Errors
    /// If the database does not answer, or refuses.
    pub async fn connect(url: &str) -> SqlResult<Self> {
        let pool = PgPool::connect(url).await;
        Self::new(pool.map_err(|error| SqlError::new("connecting to the database", error))?).migrate().await
    }
}
