use portcullis_core::{Error, ErrorKind};
use std::{error, fmt, iter};

/// The database refused a command, or did not answer. Its source is the error of sqlx.
///
/// It becomes the error of the store that was called. It shows no values of rows.
pub struct SqlError {
    doing: &'static str,
    source: sqlx::Error,
}

/// What a command returns.
pub type SqlResult<T> = Result<T, SqlError>;

impl SqlError {
    pub(crate) fn new(doing: &'static str, source: sqlx::Error) -> Self {
        Self { doing, source }
    }
}

#[cfg(feature = "accounts")]
impl From<SqlError> for portcullis_accounts::store::StoreError {
    fn from(error: SqlError) -> Self {
        Self::new(error.doing, error.source)
    }
}

#[cfg(feature = "accounts")]
impl From<SqlError> for portcullis_accounts::Error {
    fn from(error: SqlError) -> Self {
        portcullis_accounts::store::StoreError::from(error).into()
    }
}

/// It is [`ErrorKind::Unavailable`].
impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        Self::new(ErrorKind::Unavailable, error.to_string()).with_cause(error)
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.doing)
    }
}

impl error::Error for SqlError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

impl fmt::Debug for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes = iter::successors(error::Error::source(self), |cause| cause.source()).map(ToString::to_string);
        f.debug_struct("SqlError").field("doing", &self.doing).field("causes", &causes.collect::<Vec<_>>()).finish()
    }
}
