//! What the text of a credential shows of its kind, before it is verified.

use super::{
    base64url,
    header::{Header, Parameters},
    key::PreparedKey,
};
use crate::{
    error::{Error, ErrorKind},
    json::{Object, Value},
};
use memchr::{memchr, memchr_iter, memrchr};
use serde::de::IgnoredAny;
use std::{borrow::Cow, collections::HashMap};

/// A first part that is longer counts as a header and is not decoded: no server accepts as much.
const LONGEST_HEADER: usize = 64 * 1024;

/// The compact form of a token (RFC 7515, section 7.1), still encoded.
pub(super) struct Compact<'t> {
    pub(super) header: &'t str,
    pub(super) claims: &'t str,
    signature: &'t str,
    /// What is signed: header and claims with the dot between them.
    signed: &'t str,
}

impl<'t> Compact<'t> {
    /// Splits a token into exactly three parts.
    ///
    /// # Errors
    /// `Invalid` for an encrypted token, which has five, and `Unrecognized` for everything else.
    pub(super) fn split(token: &'t str) -> Result<Self, Error> {
        let split = || {
            // The claims are the longest part, and so the last one to look through.
            let (first, last) = (memchr(b'.', token.as_bytes())?, memrchr(b'.', token.as_bytes())?);
            let (header, signed) = (token.get(..first)?, token.get(..last)?);
            let (claims, signature) = (signed.get(first + 1..)?, token.get(last + 1..)?);
            let is_compact = first > 0 && memchr(b'.', claims.as_bytes()).is_none();
            is_compact.then_some(Self { header, claims, signature, signed })
        };
        split().ok_or_else(|| match is_token(token) {
            // RFC 7516, section 3.1. It cannot be decrypted here, and no other service should see it.
            true => Error::invalid("the token is encrypted (JWE); have its issuer sign its tokens instead"),
            false => opaque(),
        })
    }

    /// The same without the padding of base64. What is signed keeps it.
    pub(super) fn without_padding(self) -> Self {
        let [header, claims, signature] =
            [self.header, self.claims, self.signature].map(|part| part.trim_end_matches('='));
        Self { header, claims, signature, ..self }
    }

    /// Reads the header.
    ///
    /// # Errors
    /// `Unrecognized` if this is not a header, `Invalid` if the header is not accepted.
    pub(super) fn read_header(&self) -> Result<Header, Error> {
        Header::read(&self.read_header_object()?)
    }

    pub(super) fn read_header_object(&self) -> Result<Object, Error> {
        header(self.header)
    }

    fn has_signature_of(&self, key: &PreparedKey) -> bool {
        let is_of_key = |signature: &[u8]| key.verifies(self.signed.as_bytes(), signature);
        let signature = self.signature.as_bytes();
        if let Some((bytes, length)) = base64url::decode_short(signature) {
            return bytes.get(..length).is_some_and(is_of_key);
        }
        // The longest signature: RSA with 8192 bits.
        base64url::decode_into(signature, &mut [0; 1024]).is_some_and(is_of_key)
    }

    /// Checks the signature with this key. If the secret looks encoded, the error says so.
    pub(super) fn check_signature(&self, key: &PreparedKey) -> Result<(), Error> {
        if self.has_signature_of(key) {
            return Ok(());
        }
        let hint = match key.is_encoded_secret() {
            true => {
                "; the secret looks like base64 or hex, so if its issuer signs with what it stands for, decode it before `Key::secret`"
            }
            false => "",
        };
        // Forged tokens should not cost more than valid ones, and formatting would.
        let parts = [
            "the signature does not fit the issuer's key for ",
            key.algorithm.name(),
            "; the token was signed with another key, or changed on its way",
            hint,
        ];
        Err(Error::invalid(parts.concat()))
    }
}

/// An unverified JWT. Its claims can refuse it. Only a signature or an answer of its issuer can make it valid.
pub(crate) struct UnverifiedToken {
    pub(super) is_signed: bool,
    pub(super) token_type: Option<String>,
    pub(super) claims: Object,
}

impl UnverifiedToken {
    /// `None` if the credential is opaque.
    ///
    /// # Errors
    /// `Invalid` for a JWT that is not accepted by its form, and for an encrypted one.
    pub(crate) fn read(credential: &str) -> Result<Option<Self>, Error> {
        if !is_token(credential) {
            return Ok(None);
        }
        let compact = Compact::split(credential)?;
        let header = header(compact.header)?;
        // An algorithm that is not known here may still be known to the issuer.
        let Parameters { algorithm, token_type, .. } = Parameters::read(&header)?;
        Ok(Some(Self {
            is_signed: !algorithm.eq_ignore_ascii_case("none"),
            token_type: token_type.map(Cow::into_owned),
            claims: claims(compact.claims)?,
        }))
    }

    /// The issuer that the token names.
    pub(crate) fn issuer(&self) -> Option<Cow<'_, str>> {
        self.claims.member("iss").and_then(Value::as_str)
    }
}

/// Whether a credential is a JWT or a JWE, well-formed or not: three parts or five, of which the first is a JSON object with
/// `alg`. Everything else is opaque.
pub(crate) fn is_token(credential: &str) -> bool {
    let mut dots = memchr_iter(b'.', credential.as_bytes());
    let first = dots.next().and_then(|first| credential.get(..first));
    let has_parts = matches!(dots.take(4).count(), 1 | 3);
    let is_header = |part: &str| !matches!(header(part), Err(error) if error.kind() == ErrorKind::Unrecognized);
    first.is_some_and(|first| has_parts && (first.len() > LONGEST_HEADER || is_header(first)))
}

/// The first part of a JWT or a JWE.
pub(super) fn header(part: &str) -> Result<Object, Error> {
    // Others may cut off what stands in front of a token.
    let bare = part.trim_ascii_start();
    let decode = || base64url::decode(bare.as_bytes()).ok_or_else(opaque);
    let refused = |what: &str| match decode() {
        Ok(bytes) if names_algorithm(&bytes) => Error::invalid(format!("the header is {what}")),
        _ => opaque(),
    };
    let text = String::from_utf8(decode()?).map_err(|_| refused("not UTF-8"))?;
    let object = Object::read(text).map_err(|fault| refused(fault.text()))?;
    match object.member("alg") {
        None => Err(opaque()),
        Some(_) if part != bare => Err(refused("not base64url")),
        Some(_) => Ok(object),
    }
}

/// Whether others may take this for a header. What is refused here must not be sent to a service that reads less strictly.
fn names_algorithm(bytes: &[u8]) -> bool {
    serde_json::from_slice::<HashMap<String, IgnoredAny>>(bytes).is_ok_and(|members| members.contains_key("alg"))
}

pub(super) fn opaque() -> Error {
    Error::new(ErrorKind::Unrecognized, "the credential is not a JWT")
}

pub(crate) fn too_long(max_bytes: usize) -> Error {
    Error::invalid(format!(
        "the token has more than {max_bytes} bytes; Issuer::max_token_bytes sets how many it may have"
    ))
}

/// The second part: a JSON object in base64url.
pub(super) fn claims(part: &str) -> Result<Object, Error> {
    let wrong = |why: &str| Error::invalid(format!("the claims are {why}"));
    let bytes = base64url::decode(part.as_bytes()).ok_or_else(|| wrong("not base64url"))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("not UTF-8"))?;
    Object::read(text).map_err(|fault| wrong(fault.text()))
}
