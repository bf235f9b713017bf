//! Readiness.

use super::Gate;
use crate::error::Error;
use futures_util::future::try_join_all;

impl Gate {
    /// Waits until every scheme can verify, for a readiness probe: the keys of each issuer are fetched, and every
    /// [`Authenticator`](crate::Authenticator) is [ready](crate::Authenticator::ready).
    ///
    /// Schemes that ask their issuer about each token, and shared secrets, are ready at once.
    ///
    /// Calling it is optional: otherwise keys are fetched with the first token.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// /// The status for the probe of an orchestrator.
    /// async fn probe(gate: &Gate) -> u16 {
    ///     match gate.ready().await {
    ///         Ok(()) => 200,
    ///         Err(error) => error.status(),
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// # #[derive(Debug)] struct Down;
    /// # impl HttpClient for Down {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) {
    /// #         reply.give(Err(Error::new(ErrorKind::Unavailable, "connection refused")));
    /// #     }
    /// # }
    /// let gate = builder()?.build()?; // its key is embedded
    /// assert_eq!(now(probe(&gate)), 200);
    ///
    /// // the issuer does not answer
    /// let keys = RemoteKeys::discover("https://id.example.com", Down)?;
    /// let issuer =
    ///     Issuer::new("https://id.example.com", Audience::is("orders"), [Algorithm::Es256], keys)?;
    /// let gate = Gate::builder().scheme(Scheme::new(Jwt::new(issuer)).bearer()).build()?;
    /// assert_eq!(now(probe(&gate)), 503);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if an issuer did not return keys, and the errors of
    /// authenticators.
    pub async fn ready(&self) -> Result<(), Error> {
        try_join_all(self.0.schemes.iter().map(|scheme| scheme.verifier.ready())).await.map(drop)
    }
}
