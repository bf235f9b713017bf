//! Tokens that bring their own key.

use super::{
    Algorithm,
    header::{Header, is_media_type},
    jwk,
    key::Key,
    shape::{Compact, claims},
};
use crate::{
    error::{Error, quote},
    json::Object,
};

/// A token that was signed with the key in its own header. It says nothing of who has the key: compare the key with one that is
/// known otherwise.
pub(crate) struct SelfSigned {
    pub(crate) key: Key,
    pub(crate) claims: Object,
}

impl SelfSigned {
    /// Reads a token of this type, and checks its signature with the public key in its header (`jwk`).
    ///
    /// # Errors
    /// The detail says what is wrong. The kind has no meaning.
    pub(crate) fn read(token: &str, kind: &str, algorithms: &[Algorithm]) -> Result<Self, Error> {
        let compact = Compact::split(token)?;
        let object = compact.read_header_object()?;
        let header = Header::read(&object)?;
        if !header.token_type.as_deref().is_some_and(|found| is_media_type(found, kind)) {
            return Err(Error::invalid(format!("its `typ` is not {kind}")));
        }
        let algorithm = header.algorithm;
        if !algorithms.contains(&algorithm) {
            return Err(Error::invalid(format!("the algorithm {algorithm} is not accepted")));
        }
        let jwk = object.member("jwk").ok_or_else(|| Error::invalid("its header has no `jwk`"))?;
        let key = jwk::key(jwk.text()).map_err(|reason| Error::invalid(format!("the key in its header {reason}")))?;
        if !key.can(algorithm) {
            let detail = format!("the key in its header is not for {}", quote(algorithm.name()));
            return Err(Error::invalid(detail));
        }
        let wrong = |_| Error::invalid("its signature does not fit the key in its header");
        compact.check_signature(&key.prepare(algorithm).map_err(wrong)?).map_err(wrong)?;
        Ok(Self { key, claims: claims(compact.claims)? })
    }
}
