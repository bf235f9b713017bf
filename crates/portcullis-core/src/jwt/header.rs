use super::{Algorithm, base64url};
use crate::{error::Error, json};

/// What a token says about its own signature; a request for a key, nothing that is believed.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    /// The media type of `typ`, without `application/` and in lower case.
    pub(super) token_type: Option<String>,
}

impl Header {
    /// Reads the first part of a token (RFC 7515, section 4.1).
    ///
    /// `jwk`, `jku`, `x5u` and `x5c` offer keys of the sender's choice: they are skipped and never fetched.
    pub(super) fn decode(part: &[u8]) -> Result<Self, Error> {
        let mut buffer = [0_u8; 256];
        let decoded;
        // Nearly every header fits the stack.
        let bytes = match base64url::decode_into(part, &mut buffer) {
            Some(bytes) => bytes,
            None => {
                decoded = base64url::decode(part).ok_or_else(|| Error::invalid("the header is not base64url"))?;
                &decoded
            }
        };
        Self::read(str::from_utf8(bytes).map_err(|_| Error::invalid("the header is not UTF-8"))?)
    }

    fn read(text: &str) -> Result<Self, Error> {
        let members = json::object(text).map_err(|fault| Error::invalid(format!("the header is {}", fault.text())))?;
        let (mut algorithm, mut key_id, mut token_type) = (None, None, None);
        for member in &members {
            let (name, value) = (member.name(text), member.value(text));
            let string =
                || value.as_str().ok_or_else(|| Error::invalid(format!("the header's `{name}` is not a string")));
            match name {
                "alg" => algorithm = Some(string()?),
                "kid" => key_id = Some(string()?),
                "typ" => token_type = Some(media_type(&string()?)),
                "cty" if media_type(&string()?) != "json" => {
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
        let name = algorithm.ok_or_else(|| Error::invalid("the header names no algorithm"))?;
        let algorithm = Algorithm::from_name(&name)
            .ok_or_else(|| Error::invalid(format!("the algorithm {} is not accepted", quote(&name))))?;
        Ok(Self { algorithm, key_id: key_id.map(Into::into), token_type })
    }
}

/// RFC 7515, section 4.1.9: compared without case, and `application/` may be left out.
pub(super) fn media_type(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    text.strip_prefix("application/").map(str::to_owned).unwrap_or(text)
}

/// Text of a token that nobody vouches for, made fit for a log: escaped and short.
pub(super) fn quote(text: &str) -> String {
    let mut short: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}
