//! What a gate takes: a scheme that reads the session's cookie.

use crate::sign_in::SignIn;
use portcullis_core::{Authenticator, Credential, Error, ErrorKind, Principal, Scheme};

/// Sessions in the cookie `__Host-session`.
impl From<&SignIn> for Scheme {
    fn from(sign_in: &SignIn) -> Self {
        Self::new(SessionAuthenticator(sign_in.clone())).cookie(SignIn::COOKIE)
    }
}

/// Authenticates by the cookie of a session. Made for a [`Scheme`] of `&SignIn`.
#[derive(Debug, Clone)]
pub struct SessionAuthenticator(SignIn);

impl Authenticator for SessionAuthenticator {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let (session, _) = self.0.open(credential.expose()).await?;
        if !session.is_fresh(self.0.now()) {
            return Err(Error::new(ErrorKind::Expired, "the session has to be refreshed"));
        }
        Ok(session.principal(self.0.provider().issuer()))
    }

    /// A session in a store can end at any time.
    fn asks_anew(&self) -> bool {
        self.0.0.store.is_some()
    }
}
