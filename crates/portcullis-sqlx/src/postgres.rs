use crate::PostgresStore;
use portcullis_accounts::store::{StoreError, StoreResult};
use sqlx::PgPool;

impl PostgresStore {
    /// Connects to a database, with a pool of its own, and creates the tables if they are missing.
    ///
    /// # Errors
    /// If the database does not answer, or refuses.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        let pool = PgPool::connect(url).await;
        Self::new(pool.map_err(|error| StoreError::new("connecting to the accounts", error))?).migrate().await
    }
}
