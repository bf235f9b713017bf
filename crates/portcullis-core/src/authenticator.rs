use crate::{answer::Answer, credential::Credential, error::Error, principal::Principal};
use std::{fmt, sync::Arc};

/// Turns a credential into a principal.
///
/// A gate asks its authenticators in order. One that does not know this kind of credential says so with an error of the
/// kind [`ErrorKind::Unrecognized`](crate::ErrorKind::Unrecognized), and the next is asked; any other error refuses the
/// request. So a token that is recognized and does not hold is never tried elsewhere.
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// Who is asking, by this credential. Called again where the first answer is one to wait for, so whatever is worth
    /// doing once belongs in the future.
    ///
    /// # Errors
    /// `Unrecognized` if it is not for this authenticator, `Invalid` or `Expired` if it does not hold, `Unavailable` if
    /// that could not be found out.
    fn authenticate<'a>(&'a self, credential: &'a Credential<'_>) -> Answer<'a, Result<Principal, Error>>;
}

impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn authenticate<'a>(&'a self, credential: &'a Credential<'_>) -> Answer<'a, Result<Principal, Error>> {
        (**self).authenticate(credential)
    }
}
