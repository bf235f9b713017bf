//! A token for the `Authorization` header of a request.

use crate::{
    credential::{Carriers, CredentialSource},
    error::{Error, ErrorKind},
};
use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

/// Longer tokens do not fit into the headers of usual servers.
const MAX_BYTES: usize = 16 << 10;

/// A bearer token to send (RFC 6750, section 2.1). `Debug` does not show it, and it is wiped from memory when the last clone is
/// dropped.
///
/// ```
/// use portcullis_core::BearerToken;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let token = BearerToken::new("mF_9.B5f-4.1JqM")?;
/// // with reqwest: `request.bearer_auth(token.expose())`
/// assert_eq!(format!("Bearer {}", token.expose()), "Bearer mF_9.B5f-4.1JqM");
/// assert_eq!(format!("{token:?}"), "BearerToken(..)");
/// assert!(BearerToken::new("two words").is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct BearerToken(Arc<Zeroizing<String>>);

impl BearerToken {
    /// A token of another service.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if it is empty, is longer than 16 KiB, or has other characters than a bearer token may have.
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        let token = Zeroizing::new(token.into());
        if token.len() > MAX_BYTES {
            return Err(Error::new(ErrorKind::Unavailable, "a token that is too long to be sent"));
        }
        if !CredentialSource::bearer().carries(Carriers::of(token.as_bytes())) {
            return Err(Error::new(ErrorKind::Unavailable, "a token with characters that no bearer token has"));
        }
        Ok(Self(Arc::new(token)))
    }

    /// The token, without `Bearer` in front.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}
