use crate::{
    answer::Answer,
    credential::Credential,
    error::Error,
    jwt::{Issuer, Jwt},
    principal::Principal,
    shared_secret::SharedSecret,
};
use std::{fmt, sync::Arc};

/// Turns a credential into a principal.
///
/// A gate asks its authenticators in order. One that does not know this kind of credential says so with an error of the
/// kind [`ErrorKind::Unrecognized`](crate::ErrorKind::Unrecognized), and the next is asked; any other error refuses the
/// request. So a token that is recognized and does not hold is never tried elsewhere.
///
/// One that has to wait takes what it needs into the future, such as a clone of its connection pool:
///
/// ```
/// # use portcullis_core::{Answer, Authenticator, Credential, Error, Principal};
/// # #[derive(Debug, Clone)] struct Accounts;
/// # impl Accounts { async fn of_key(&self, key: &Credential<'_>) -> Result<Principal, Error> { unimplemented!() } }
/// #[derive(Debug)]
/// struct Keys {
///     accounts: Accounts,
/// }
///
/// impl Authenticator for Keys {
///     fn authenticate(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
///         let (accounts, key) = (self.accounts.clone(), credential.to_owned());
///         Answer::later(async move { accounts.of_key(&key).await })
///     }
/// }
/// ```
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// Who is asking, by this credential. One that remembers answers remembers them for no longer than
    /// [`Credential::max_age`].
    ///
    /// # Errors
    /// `Unrecognized` if it is not for this authenticator, `Invalid` or `Expired` if it does not hold, `Unavailable` if
    /// that could not be found out.
    fn authenticate(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>>;

    /// The verifier of tokens, if this one does nothing but verify with it. What such an authenticator accepts follows from
    /// the token, the verifier's keys and the time: a gate with a [`TokenCache`](crate::TokenCache) may remember it, and a
    /// route that asks for a [`fresh`](crate::policy::fresh) identity gets none from it.
    fn verifier(&self) -> Option<&Jwt> {
        None
    }

    /// What the gate looks at when it is built, to find wiring that cannot work.
    #[doc(hidden)]
    fn wiring(&self) -> Wiring<'_> {
        self.verifier().map_or(Wiring::Unknown, Wiring::Verifies)
    }
}

/// What an authenticator recognizes, and needs for that.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Wiring<'a> {
    /// One of the application's own.
    Unknown,
    /// Tokens of these issuers, by their signatures.
    Verifies(&'a Jwt),
    /// Tokens of this issuer, and opaque ones.
    #[non_exhaustive]
    Asks {
        /// The issuer that is asked.
        issuer: &'a Issuer,
        /// Whether only tokens of a session are asked about, and others are verified alone.
        sessions_only: bool,
        /// Whether it answers about opaque tokens whatever they look like.
        any_opaque: bool,
    },
    /// Secrets.
    Secret(&'a SharedSecret),
}

impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn authenticate(&self, credential: &Credential<'_>) -> Answer<'static, Result<Principal, Error>> {
        (**self).authenticate(credential)
    }

    fn verifier(&self) -> Option<&Jwt> {
        (**self).verifier()
    }

    fn wiring(&self) -> Wiring<'_> {
        (**self).wiring()
    }
}
