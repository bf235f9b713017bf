use super::Gate;
use crate::error::Error;
use futures_util::future::try_join_all;

impl Gate {
    /// Waits until every scheme can verify, for a readiness probe: the keys of each issuer are there, and every
    /// [`Authenticator`](crate::Authenticator) says that it is [ready](crate::Authenticator::ready). What asks its issuer about
    /// each token, and what compares a secret, is ready at once.
    ///
    /// Nothing has to call it: keys are fetched with the first token otherwise.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if an issuer did not answer with keys, and what an
    /// authenticator says.
    pub async fn ready(&self) -> Result<(), Error> {
        try_join_all(self.0.schemes.iter().map(|scheme| scheme.verifier.ready())).await.map(drop)
    }
}
