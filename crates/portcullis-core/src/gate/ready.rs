use super::Gate;
use crate::error::Error;
use futures_util::future::try_join_all;

impl Gate {
    /// Waits until every scheme can verify, for a readiness probe: the keys of each issuer are fetched, and every
    /// [`Authenticator`](crate::Authenticator) is [ready](crate::Authenticator::ready). Schemes that ask their issuer about
    /// each token, and shared secrets, are ready at once.
    ///
    /// Calling it is optional: otherwise keys are fetched with the first token.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if an issuer did not return keys, and the errors of
    /// authenticators.
    pub async fn ready(&self) -> Result<(), Error> {
        try_join_all(self.0.schemes.iter().map(|scheme| scheme.verifier.ready())).await.map(drop)
    }
}
