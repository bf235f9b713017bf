//! The text under a signature, and the parameters that belong to it.

use super::{EXPIRES, Flaw};
use crate::{head::RequestHead, secret::MacInput};
use std::borrow::Cow;

/// The first field of each message. A version, so that another format can never be taken for this one.
const FORMAT: &str = "portcullis signed address 1";

/// The names of the parameters that a signer adds, beside `expires`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters {
    pub(crate) key_id: Option<&'static str>,
    pub(crate) signature: &'static str,
}

/// Their values in a request.
pub(super) struct Found<'a> {
    pub(super) expires: &'a str,
    pub(super) key_id: Option<&'a str>,
    pub(super) signature: &'a str,
}

impl Parameters {
    /// All that a signer adds.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        [Some(EXPIRES), self.key_id, Some(self.signature)].into_iter().flatten()
    }

    /// Finds them. Each has to be there once and spelt exactly. If the whole query is covered, the signature is the last one.
    pub(super) fn find<'a>(&self, query: &'a str, is_exact: bool) -> Result<Found<'a>, Flaw> {
        let (mut expires, mut key_id, mut signature) = (None, None, None);
        for pair in query.split('&') {
            if is_exact && signature.is_some() {
                return Err(Flaw::Invalid);
            }
            let name = name_of(pair);
            let place = match &*name {
                EXPIRES => &mut expires,
                name if name == self.signature => &mut signature,
                name if self.key_id == Some(name) => &mut key_id,
                _ => continue,
            };
            let value = pair.strip_prefix(&*name).and_then(|rest| rest.strip_prefix('='));
            if value.is_none() || place.is_some() {
                return Err(Flaw::Invalid);
            }
            *place = value;
        }
        match (expires, signature) {
            (_, None) => Err(Flaw::Unsigned),
            (Some(expires), Some(signature)) if key_id.is_some() == self.key_id.is_some() => {
                Ok(Found { expires, key_id, signature })
            }
            _ => Err(Flaw::Invalid),
        }
    }
}

/// What is signed: each field behind its length, so that no two requests have the same message.
pub(super) struct Message<'a> {
    pub(super) purpose: &'a str,
    pub(super) caller: Option<&'a str>,
    pub(super) head: &'a dyn RequestHead,
    pub(super) parameters: Parameters,
}

impl Message<'_> {
    /// The parameters of the query follow in their order, raw, without the signature.
    pub(super) fn feed(&self, mac: &mut MacInput, covers: impl Fn(&str) -> bool) {
        let method = match self.head.method() {
            "HEAD" => "GET",
            method => method,
        };
        // No caller has an empty identifier.
        for field in [FORMAT, self.purpose, self.caller.unwrap_or_default(), method, self.head.path()] {
            mac.field(field);
        }
        for pair in self.head.query().into_iter().flat_map(|query| query.split('&')) {
            let name = name_of(pair);
            if name != self.parameters.signature && covers(&name) {
                mac.field(pair);
            }
        }
    }
}

/// The decoded name of a parameter, as handlers read it.
pub(super) fn name_of(pair: &str) -> Cow<'_, str> {
    let name = pair.split('=').next().unwrap_or_default();
    if !name.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(name);
    }
    form_urlencoded::parse(pair.as_bytes()).next().map_or(Cow::Borrowed(""), |(name, _)| name)
}

/// A number in its one spelling: digits without a sign or leading zeros.
pub(super) fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}
