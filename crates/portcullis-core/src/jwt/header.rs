//! The header of a token (RFC 7515, section 4): which algorithm, which key, which type.

use super::Algorithm;
use crate::{
    error::{Error, quote},
    json::Object,
};
use std::{borrow::Cow, fmt, sync::OnceLock};

/// What a token says about its own signature. It selects a key and is not trusted.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) token_type: Option<String>,
}

impl Header {
    pub(super) fn read(header: &Object) -> Result<Self, Error> {
        let Parameters { algorithm, key_id, token_type } = Parameters::read(header)?;
        let algorithm = Algorithm::from_name(&algorithm)
            .ok_or_else(|| Error::invalid(format!("the algorithm {} is not accepted", quote(&algorithm))))?;
        Ok(Self { algorithm, key_id: key_id.map(Cow::into_owned), token_type: token_type.map(Cow::into_owned) })
    }
}

/// The parameters of a token's header as they stand (RFC 7515, section 4.1).
pub(super) struct Parameters<'h> {
    pub(super) algorithm: Cow<'h, str>,
    pub(super) key_id: Option<Cow<'h, str>>,
    pub(super) token_type: Option<Cow<'h, str>>,
}

impl<'h> Parameters<'h> {
    /// `jwk`, `jku`, `x5u` and `x5c` offer keys that the sender chose: they are skipped and never fetched.
    pub(super) fn read(header: &'h Object) -> Result<Self, Error> {
        let (mut algorithm, mut key_id, mut token_type) = (None, None, None);
        for (name, value) in header.members() {
            let string =
                || value.as_str().ok_or_else(|| Error::invalid(format!("the header's `{name}` is not a string")));
            match &*name {
                "alg" => algorithm = Some(string()?),
                "kid" => key_id = Some(string()?),
                "typ" => token_type = Some(string()?),
                "cty" if !is_media_type(&string()?, "json") => {
                    return Err(Error::invalid("the token wraps another token or something else than JSON (`cty`)"));
                }
                // RFC 7515, section 4.1.11: extensions that are not understood must be refused; we understand none.
                "crit" => return Err(Error::invalid("the token demands extensions (`crit`)")),
                "b64" | "zip" => {
                    return Err(Error::invalid(format!("the token has an encoding of its own (`{name}`)")));
                }
                _ => {}
            }
        }
        let algorithm = algorithm.ok_or_else(|| Error::invalid("the header names no algorithm"))?;
        Ok(Self { algorithm, key_id, token_type })
    }
}

/// Headers of verified tokens, by their encoded text. An issuer's tokens have few different headers, so nearly every header
/// has been read before. Only verified tokens add to it, up to a fixed number.
#[derive(Clone, Default)]
pub(super) struct KnownHeaders([OnceLock<(String, Header)>; 8]);

impl KnownHeaders {
    pub(super) fn get(&self, encoded: &str) -> Option<&Header> {
        let mut known = self.0.iter().map_while(OnceLock::get);
        known.find_map(|(text, header)| (text == encoded).then_some(header))
    }

    /// Remembers the header of a verified token, if there is a free place. Two threads may fill two places with the same header.
    pub(super) fn add(&self, encoded: &str, header: &Header) {
        let mut new = Some((encoded.to_owned(), header.clone()));
        for place in &self.0 {
            new = new.and_then(|new| place.set(new).err());
        }
    }
}

impl fmt::Debug for KnownHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownHeaders({})", self.0.iter().map_while(OnceLock::get).count())
    }
}

/// RFC 7515, section 4.1.9: compared without case, and `application/` may be left out.
pub(super) fn is_media_type(found: &str, name: &str) -> bool {
    strip_application(found).eq_ignore_ascii_case(strip_application(name))
}

fn strip_application(text: &str) -> &str {
    match text.split_at_checked("application/".len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case("application/") => rest,
        _ => text,
    }
}
