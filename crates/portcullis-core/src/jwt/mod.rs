//! JSON Web Tokens (RFC 7519), verified here.

mod algorithm;
pub(crate) mod base64url;
mod header;
mod issuer;
mod jwk;
mod key;

pub use algorithm::Algorithm;
pub use issuer::{Audience, Issuer};
pub use jwk::{KeySet, RejectedKey};
pub use key::Key;

use crate::{
    answer::Answer,
    authenticator::Authenticator,
    claims::{Claims, Registered},
    clock::{Clock, SystemClock, seconds},
    credential::Credential,
    error::{Error, ErrorKind},
    json::{self, Member},
    principal::Principal,
};
use header::{Header, quote};
use std::sync::Arc;

/// Longer tokens are refused before anything is decoded.
const MAX_BYTES: usize = 8 * 1024;

/// Verifies signed tokens of one or several issuers, without asking anybody.
///
/// A token that is none of a compact JWT, or of an issuer that is not listed, is left to the next authenticator; any
/// other failure is final. The order of the checks: size and shape, header, issuer, key, signature, and then what the
/// claims say.
#[derive(Debug, Clone)]
pub struct Jwt {
    issuers: Vec<Issuer>,
    clock: Arc<dyn Clock>,
    max_bytes: usize,
}

/// A token taken apart, with nothing of it verified.
struct Parts<'t> {
    header: Header,
    text: String,
    members: Vec<Member>,
    signed: &'t str,
    signature: &'t str,
}

impl Jwt {
    /// A verifier that trusts this issuer.
    #[must_use]
    pub fn new(issuer: Issuer) -> Self {
        Self { issuers: vec![issuer], clock: Arc::new(SystemClock), max_bytes: MAX_BYTES }
    }

    /// One more issuer beside the others; each token is checked with the keys and rules of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if there is one of this name, or either accepts any name.
    pub fn issuer(mut self, issuer: Issuer) -> Result<Self, Error> {
        if self.issuers.iter().any(|other| other.name == issuer.name) {
            return Err(Error::misconfigured(format!("two issuers are called `{}`", issuer.name)));
        }
        self.issuers.push(issuer);
        if self.issuers.iter().any(|issuer| issuer.any_name) {
            return Err(Error::misconfigured("an issuer that accepts any name has to be the only one"));
        }
        Ok(self)
    }

    /// Tells the time by another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long a token may be in bytes; 8192 unless said otherwise.
    #[must_use]
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Verifies a token and returns what it says.
    ///
    /// # Errors
    /// [`ErrorKind::Unrecognized`] if it is no JWT or of no issuer that is known here, [`ErrorKind::Expired`] if it was
    /// good once, [`ErrorKind::Invalid`] for everything else.
    pub fn verify(&self, token: &str) -> Result<Claims, Error> {
        self.check(token).map(|(claims, _)| claims)
    }

    fn check(&self, token: &str) -> Result<(Claims, &Issuer), Error> {
        let parts = self.take_apart(token)?;
        let registered = Registered::read(&parts.text, &parts.members);
        let issuer = self.issuer_of(&parts)?;
        let registered = registered.and_then(|registered| {
            parts.check_signature(issuer)?;
            let claims = json::Value::new(parts.text.trim());
            issuer.check(&parts.header, &registered, claims, seconds(self.clock.now()))?;
            Ok(registered)
        });
        let registered = registered.map_err(|error| error.with_issuer(issuer.name.clone()))?;
        Ok((Claims::verified(parts.text, parts.members, registered), issuer))
    }

    /// Splits the compact form (RFC 7515, section 7.1) and reads header and claims, which nobody vouches for yet.
    fn take_apart<'t>(&self, token: &'t str) -> Result<Parts<'t>, Error> {
        let unrecognized = || Error::new(ErrorKind::Unrecognized, "the credential is not a JWT");
        if token.len() > self.max_bytes {
            return Err(Error::invalid(format!("the token has more than {} bytes", self.max_bytes)));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(unrecognized)?;
        let (header, payload) = signed.split_once('.').ok_or_else(unrecognized)?;
        // Exactly three parts; five would be an encrypted token.
        if header.is_empty() || payload.contains('.') {
            return Err(unrecognized());
        }
        let header = Header::decode(header.as_bytes())?;
        let bytes =
            base64url::decode(payload.as_bytes()).ok_or_else(|| Error::invalid("the claims are not base64url"))?;
        let text = String::from_utf8(bytes).map_err(|_| Error::invalid("the claims are not UTF-8"))?;
        let members =
            json::object(&text).map_err(|fault| Error::invalid(format!("the claims are {}", fault.text())))?;
        Ok(Parts { header, text, members, signed, signature })
    }

    /// The one issuer that `iss` names, byte for byte (RFC 8725, section 3.8).
    fn issuer_of(&self, parts: &Parts<'_>) -> Result<&Issuer, Error> {
        if let [only] = &*self.issuers
            && only.any_name
        {
            return Ok(only);
        }
        let named = parts.members.iter().find(|member| member.name(&parts.text) == "iss");
        let name = named.and_then(|member| member.value(&parts.text).as_str());
        let known = name.as_deref().and_then(|name| self.issuers.iter().find(|issuer| *issuer.name == *name));
        known.ok_or_else(|| {
            let ours: Vec<&str> = self.issuers.iter().map(Issuer::name).collect();
            let theirs = match (name, named) {
                (Some(name), _) => format!("the `iss` {}", quote(&name)),
                (None, Some(_)) => "an `iss` that is not a string".to_owned(),
                (None, None) => "no `iss`".to_owned(),
            };
            let detail = format!("the token has {theirs}; accepted are `{}`", ours.join("`, `"));
            Error::new(ErrorKind::Unrecognized, detail)
        })
    }
}

impl Parts<'_> {
    fn check_signature(&self, issuer: &Issuer) -> Result<(), Error> {
        let key = issuer.key(&self.header)?;
        // The longest signature: RSA with 8192 bits.
        let mut buffer = [0_u8; 1024];
        let signature = base64url::decode_into(self.signature.as_bytes(), &mut buffer);
        if signature.is_some_and(|signature| key.verifies(self.signed.as_bytes(), signature)) {
            return Ok(());
        }
        Err(Error::invalid(format!("the signature does not fit the issuer's key for {}", self.header.algorithm)))
    }
}

impl Authenticator for Jwt {
    fn authenticate<'a>(&'a self, credential: &'a Credential<'_>) -> Answer<'a, Result<Principal, Error>> {
        Answer::now(self.check(credential.expose()).and_then(|(claims, issuer)| {
            let principal = issuer.map.principal(&claims, issuer.name.clone());
            principal.map_err(|error| error.with_issuer(issuer.name.clone()))
        }))
    }
}
