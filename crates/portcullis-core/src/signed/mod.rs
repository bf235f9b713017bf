//! Signed addresses: who has one may make one request, until it expires.
//!
//! `address.rs` checks what is signed, `message.rs` is the text under the signature, and this file has the settings, the keys
//! and the two directions. Nothing here knows gates or policies.

mod address;
mod message;

use crate::{
    clock::whole_seconds,
    error::Error,
    head::RequestHead,
    principal::PrincipalId,
    secret::{Mac, SigningSecret, is_same_signature},
};
use address::Target;
use message::{Message, Parameters, name_of};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The parameters that a signed address has beside its own.
const EXPIRES: &str = "expires";
const KEY_ID: &str = "key_id";
const SIGNATURE: &str = "signature";

/// The default of [`SignedUrls::max_life`], as that of the presigned addresses of S3.
const MAX_LIFE: Duration = Duration::from_secs(7 * 86_400);

/// By how much the clocks of two hosts may differ.
const SKEW: u64 = 60;

/// Signs addresses and verifies them: for downloads, images and tiles that are requested without a credential.
///
/// A signed address is valid for one method, one path with its query, and a limited time. Whoever has it can make this request,
/// so treat it like a token. The gate signs by [`Gate::sign`](crate::Gate::sign), and the policy
/// [`signed`](crate::policy::signed) verifies:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// use std::time::Duration;
///
/// // A service reads the secret from its environment.
/// let reports = SignedUrls::new("2026-11", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?;
/// let gate = builder()?.signer("reports", reports).build()?;
///
/// let url = gate.sign("reports", "GET", "/reports/7.pdf", Duration::from_secs(600))?;
/// assert!(url.expose().starts_with("/reports/7.pdf?expires="));
/// assert_eq!(answer(&gate, signed("reports"), get(url.expose())), "200");
///
/// let other = url.expose().replace("/7.pdf", "/8.pdf");
/// assert_eq!(answer(&gate, signed("reports"), get(&other)), "403 invalid_signature");
/// assert_eq!(
///     answer(&gate, signed("reports"), get("/reports/7.pdf")),
///     "403 signature_required"
/// );
/// # Ok(()) }
/// ```
///
/// The signature is an HMAC-SHA256 of the name of the signer, the method, the path and the query, exactly as the client sends
/// them. So one signer's address is not valid for another signer, also with the same secret. The host is not part of it: give
/// each service a secret of its own. The address has three more parameters: `expires` in seconds since 1970, `key_id` and
/// `signature`, which is the last one.
///
/// An address for GET is valid for HEAD as well. HEAD tells less than GET, download managers and link previews use it, and
/// caches turn one into the other.
#[derive(Clone)]
pub struct SignedUrls {
    /// The first one signs.
    keys: Vec<(String, SigningSecret)>,
    cover: Cover,
    is_bound: bool,
    max_life: Duration,
    /// The first mistake in the settings, for the gate to return.
    problem: Option<&'static str>,
}

/// What the signature covers beside the expiry.
#[derive(Clone)]
enum Cover {
    /// Method, path and the whole query.
    Everything,
    /// Method, path and these parameters.
    Parameters(Vec<String>),
    /// What a function returns, and nothing else.
    Payload { parameter: &'static str, of: Arc<Payload> },
}

type Payload = dyn Fn(&dyn RequestHead) -> Option<String> + Send + Sync;

/// Why an address is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It has no signature.
    Unsigned,
    Invalid,
    Expired,
}

impl SignedUrls {
    /// Signs and verifies with this secret. The id names it in each address, so that secrets can be changed.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the secret has less than 32 bytes, or the id is not 1
    /// to 32 letters, digits, `-`, `.` and `_`.
    pub fn new(key_id: impl Into<String>, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let (keys, cover) = (Vec::new(), Cover::Everything);
        Self { keys, cover, is_bound: false, max_life: MAX_LIFE, problem: None }.also(key_id, secret)
    }

    /// Verifies with this secret too.
    ///
    /// To change a secret without a gap: add the new one by `also` on all hosts, then make it the first one and the former one
    /// the second, and remove the former one after the [greatest life](Self::max_life).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let (former, next) =
    ///     ("pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E", "mB3cV9nX2sL8kJ4hG6fD1aQ7wE5rT0yU");
    /// let gate =
    ///     |keys: SignedUrls| builder().and_then(|gate| gate.signer("reports", keys).build());
    /// let before = gate(SignedUrls::new("a", former)?)?;
    /// let during = gate(SignedUrls::new("b", next)?.also("a", former)?)?;
    /// let after = gate(SignedUrls::new("b", next)?)?;
    ///
    /// let url = before.sign("reports", "GET", "/reports/7.pdf", Duration::from_secs(600))?;
    /// assert_eq!(answer(&during, signed("reports"), get(url.expose())), "200");
    /// assert_eq!(answer(&after, signed("reports"), get(url.expose())), "403 invalid_signature");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new), and if two secrets have the same id.
    pub fn also(mut self, key_id: impl Into<String>, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let id = key_id.into();
        if !(1..=32).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
            return Err(Error::misconfigured("the id of a key is 1 to 32 letters, digits, `-`, `.` and `_`"));
        }
        if self.keys.iter().any(|(known, _)| *known == id) {
            return Err(Error::misconfigured(format!("two keys of signed addresses have the id `{id}`")));
        }
        self.keys.push((id, SigningSecret::new(secret.as_ref())?));
        Ok(self)
    }

    /// Covers only these query parameters; all others can be changed, added and removed by whoever has the address.
    ///
    /// For parameters that a client chooses, such as the size of an image. Name every parameter that decides what the handler
    /// returns. An address to be signed has to contain all of the named ones. Their order stays fixed, and that of the others
    /// does not.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let images = SignedUrls::new("a", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?.only(["image"]);
    /// let gate = builder()?.signer("images", images).build()?;
    /// let url = gate.sign("images", "GET", "/images?image=7", Duration::from_secs(600))?;
    ///
    /// let wider = format!("{}&width=800", url.expose());
    /// assert_eq!(answer(&gate, signed("images"), get(&wider)), "200");
    /// let other = url.expose().replace("image=7", "image=8");
    /// assert_eq!(answer(&gate, signed("images"), get(&other)), "403 invalid_signature");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn only<S: Into<String>>(self, parameters: impl IntoIterator<Item = S>) -> Self {
        self.cover(Cover::Parameters(parameters.into_iter().map(Into::into).collect()))
    }

    /// Binds each address to one caller: [`Gate::sign_for`](crate::Gate::sign_for) signs its identifier too, and the policy
    /// requires that this caller makes the request, with its credential.
    ///
    /// For addresses that are of no use to anybody else who sees them.
    #[must_use]
    pub fn bound_to_caller(mut self) -> Self {
        self.is_bound = true;
        self
    }

    /// The longest life of an address: 7 days by default.
    ///
    /// A longer one is an error when an address is signed, and is refused when it is verified. An address cannot be withdrawn,
    /// except with its key.
    #[must_use]
    pub fn max_life(mut self, life: Duration) -> Self {
        self.max_life = life;
        self
    }

    /// Signs what this function returns for a request, and nothing else but the expiry: **neither method nor path nor any other
    /// parameter**. For addresses that a rule of a cache verifies, such as one of Varnish.
    ///
    /// The message is the expiry in decimal and then the payload. The address has `expires`, and the signature in the named
    /// parameter: `0x` and hexadecimal in lower case, as `digest.hmac_sha256` of Varnish writes it. Addresses have no key id, so
    /// all keys are tried. Requests for which the function returns `None` are refused.
    ///
    /// The payload has to contain everything that decides what the handler returns. Two payloads must not be equal by accident:
    /// begin each kind of them with a word of its own, or give each kind its own secret.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// /// The value of `layer`, as it is written in the query.
    /// fn layer(head: &dyn RequestHead) -> Option<String> {
    ///     let mut pairs = head.query()?.split('&');
    ///     pairs.find_map(|pair| pair.strip_prefix("layer=")).map(str::to_owned)
    /// }
    ///
    /// let tiles = SignedUrls::new("a", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?
    ///     .dangerous_payload("secure", layer);
    /// let gate = builder()?.signer("tiles", tiles).build()?;
    /// let url = gate.sign("tiles", "GET", "/tiles/1/2/3?layer=7", Duration::from_secs(600))?;
    /// assert!(url.expose().contains("&secure=0x"));
    ///
    /// let other_tile = url.expose().replace("/1/2/3", "/4/5/6");
    /// assert_eq!(answer(&gate, signed("tiles"), get(&other_tile)), "200");
    /// let other_layer = url.expose().replace("layer=7", "layer=8");
    /// assert_eq!(answer(&gate, signed("tiles"), get(&other_layer)), "403 invalid_signature");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_payload(
        self,
        parameter: &'static str,
        payload: impl Fn(&dyn RequestHead) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.cover(Cover::Payload { parameter, of: Arc::new(payload) })
    }

    fn cover(mut self, cover: Cover) -> Self {
        if !matches!(self.cover, Cover::Everything) {
            self.problem = Some("says twice what it covers; use one of `only` and `dangerous_payload`, once");
        }
        self.cover = cover;
        self
    }

    /// What is wrong with the settings.
    pub(crate) fn check(&self) -> Option<&'static str> {
        let is_ours = |name: &String| [EXPIRES, KEY_ID, SIGNATURE].contains(&name.as_str());
        match &self.cover {
            _ if self.problem.is_some() => self.problem,
            _ if self.max_life < Duration::from_secs(1) => Some("has a greatest life of less than a second"),
            Cover::Parameters(names) if names.iter().any(is_ours) => {
                Some("names a parameter that each signed address has, which is covered anyway")
            }
            Cover::Payload { .. } if self.is_bound => Some("signs a payload alone, which cannot be bound to a caller"),
            Cover::Payload { parameter, .. } if *parameter == EXPIRES || !address::is_name(parameter) => {
                Some("has a parameter for the signature that is `expires`, or is not letters, digits, `-`, `.` and `_`")
            }
            _ => None,
        }
    }

    pub(crate) fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// The parameters that it adds to an address. The last one has the signature.
    pub(crate) fn parameters(&self) -> Parameters {
        match &self.cover {
            Cover::Payload { parameter, .. } => Parameters { key_id: None, signature: parameter },
            _ => Parameters { key_id: Some(KEY_ID), signature: SIGNATURE },
        }
    }

    fn covers(&self, name: &str) -> bool {
        match &self.cover {
            Cover::Parameters(names) => names.iter().any(|it| it == name) || [EXPIRES, KEY_ID].contains(&name),
            _ => true,
        }
    }

    /// The signature of a request, whose query has all parameters but the signature. `None` without a payload.
    fn mac(&self, key: &SigningSecret, expires: &str, message: &Message<'_>) -> Option<Mac> {
        match &self.cover {
            Cover::Payload { of, .. } => {
                let payload = of(message.head)?;
                Some(key.sign(|mac| [expires, &payload].iter().for_each(|part| mac.update(part.as_bytes()))))
            }
            _ => Some(key.sign(|mac| message.feed(mac, |name| self.covers(name)))),
        }
    }

    fn text(&self, mac: &Mac) -> String {
        match self.cover {
            Cover::Payload { .. } => mac.to_hex(),
            _ => mac.to_base64url(),
        }
    }

    /// Signs an address for this signer's name and, if it is bound, for a caller.
    pub(crate) fn sign(
        &self,
        purpose: &str,
        caller: Option<&PrincipalId>,
        method: &str,
        address: &str,
        expires: Expiry,
    ) -> Result<SignedUrl, Error> {
        let Some((key_id, key)) = self.keys.first() else { return Err(Error::misconfigured("a signer has no key")) };
        let (expires, target) = (self.expires(expires)?, Target::new(method, address)?);
        let parameters = self.parameters();
        self.check_parameters(&target, parameters)?;
        let between = match target.query() {
            None => "?",
            Some("") => "",
            Some(_) => "&",
        };
        let mut url = format!("{address}{between}{EXPIRES}={expires}");
        if let Some(name) = parameters.key_id {
            url = format!("{url}&{name}={key_id}");
        }
        let whole = Target::new(method, &url)?;
        let caller = caller.map(PrincipalId::to_string);
        let mac = self.mac(key, &expires, &Message { purpose, caller: caller.as_deref(), head: &whole, parameters });
        let Some(mac) = mac else {
            return Err(Error::misconfigured("the function of the signer returns no payload for this address"));
        };
        Ok(SignedUrl(format!("{url}&{}={}", parameters.signature, self.text(&mac))))
    }

    fn expires(&self, Expiry { now, life }: Expiry) -> Result<String, Error> {
        if life < Duration::from_secs(1) || life > self.max_life {
            let most = self.max_life.as_secs();
            let detail =
                format!("a signed address is valid for 1 to {most} seconds; `max_life` sets the greatest life");
            return Err(Error::misconfigured(detail));
        }
        Ok(whole_seconds(now).saturating_add(life.as_secs()).to_string())
    }

    fn check_parameters(&self, target: &Target<'_>, parameters: Parameters) -> Result<(), Error> {
        let has = |name: &str| target.query().is_some_and(|query| query.split('&').any(|pair| name_of(pair) == name));
        if let Some(name) = parameters.names().find(|name| has(name)) {
            let detail = format!("the address has a parameter `{name}`, which the signature adds; rename it");
            return Err(Error::misconfigured(detail));
        }
        if let Cover::Parameters(names) = &self.cover
            && let Some(name) = names.iter().find(|name| !has(name))
        {
            let detail = format!("the address has no parameter `{name}`, which the signer covers");
            return Err(Error::misconfigured(detail));
        }
        Ok(())
    }

    /// Verifies the signature of a request for this signer's name and, if it is bound, for a caller.
    pub(crate) fn verify(
        &self,
        purpose: &str,
        caller: Option<&PrincipalId>,
        head: &dyn RequestHead,
        now: SystemTime,
    ) -> Result<(), Flaw> {
        let parameters = self.parameters();
        let is_exact = matches!(self.cover, Cover::Everything);
        let found = parameters.find(head.query().unwrap_or_default(), is_exact)?;
        let expires: u64 = message::number(found.expires).ok_or(Flaw::Invalid)?;
        let caller = caller.map(PrincipalId::to_string);
        let message = Message { purpose, caller: caller.as_deref(), head, parameters };
        // With a key id at most one key is tried. Otherwise all are, so that the time does not show which one matches.
        let keys = self.keys.iter().filter(|(id, _)| found.key_id.is_none_or(|named| named == id));
        let is_valid = keys.fold(false, |is_valid, (_, key)| {
            let mac = self.mac(key, found.expires, &message);
            mac.is_some_and(|mac| is_same_signature(&self.text(&mac), found.signature)) | is_valid
        });
        let now = whole_seconds(now);
        // A life that cannot be signed comes from elsewhere, or from other settings.
        let most = now.saturating_add(self.max_life.as_secs()).saturating_add(SKEW);
        match is_valid {
            true if expires < now => Err(Flaw::Expired),
            true if expires <= most => Ok(()),
            _ => Err(Flaw::Invalid),
        }
    }
}

/// When an address is signed, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiry {
    pub(crate) now: SystemTime,
    pub(crate) life: Duration,
}

/// Whole seconds since 1970.
impl fmt::Debug for SignedUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|(id, _)| id).collect();
        f.debug_struct("SignedUrls").field("keys", &ids).field("max_life", &self.max_life).finish_non_exhaustive()
    }
}

/// A signed address: path and query. Made by [`Gate::sign`](crate::Gate::sign).
///
/// Put the scheme and the host in front, if it is for another site. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl(String);

impl SignedUrl {
    /// The address. Whoever has it can make the request, so keep it out of logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedUrl(..)")
    }
}
