//! Proofs in a header: DPoP (RFC 9449).

use super::{
    Presented, address, invalid_proof,
    memory::{AnyProofMemory, ProofMemory, RecentProofs},
    nonces::Nonces,
};
use crate::{
    answer::Answer,
    clock::seconds,
    error::{Error, ErrorKind},
    json::{Object, Value},
    jwt::{Algorithm, SelfSigned, base64url},
};
use aws_lc_rs::digest::{SHA256, digest};
use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The code of a proof that is refused (RFC 9449, section 7.1).
pub(crate) const INVALID_PROOF: &str = "invalid_dpop_proof";
/// The code of a proof without a current nonce (RFC 9449, section 9).
pub(crate) const USE_NONCE: &str = "use_dpop_nonce";

/// The longest identifier of a proof.
const MAX_ID: usize = 256;

/// How the proofs of [`Scheme::dpop`](crate::Scheme::dpop) are checked (RFC 9449).
///
/// With DPoP a token is bound to a key of the client, by the thumbprint in its claim `cnf.jkt`. Each request has a proof beside
/// the token: the header `DPoP`, signed with that key. A token alone is worth nothing to whoever steals it.
///
/// A proof is valid for one request: for its method, its address and its token, once, and for a short time. The address is
/// the one that clients use, so it is a setting: behind a proxy a service does not know it otherwise.
///
/// ```
/// use portcullis_core::{Algorithm, Dpop, Error, Gate, Scheme, testing::*};
/// use serde_json::json;
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{get, post};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let issuer = TestIssuer::new();
/// let scheme = Scheme::new(issuer.verifier()).dpop(Dpop::new("https://api.example.com")?);
/// let gate = Gate::builder().scheme(scheme).build()?;
///
/// let clients_key = SigningKey::embedded(Algorithm::EdDsa);
/// let bound_to = json!({ "jkt": clients_key.key().thumbprint() });
/// let token = issuer.token("alice").claim("cnf", bound_to).sign();
/// let authorization = format!("DPoP {token}");
/// let proof =
///     clients_key.dpop_proof("GET", "https://api.example.com/me", &token, &issuer.clock());
///
/// let request = get("/me").header("authorization", &authorization).header("dpop", &proof);
/// assert_eq!(gate.establish(&request).await.principal()?.id().subject(), "alice");
///
/// let code = async |request| {
///     let refused = gate.establish(&request).await;
///     refused.principal().unwrap_err().code().to_owned()
/// };
/// assert_eq!(code(request).await, "invalid_dpop_proof"); // used before
/// let elsewhere = post("/me").header("authorization", &authorization).header("dpop", &proof);
/// assert_eq!(code(elsewhere).await, "invalid_dpop_proof");
/// assert_eq!(code(get("/me").bearer(&token)).await, "credential_missing");
/// # Ok(()) }
/// ```
///
/// In a gate with a scheme of this kind, every token that is bound to a key needs a proof, whichever scheme reads it. One that
/// is sent as a plain bearer token or in a cookie is refused (RFC 9449, section 7.1). A gate with neither such a scheme nor
/// [`ClientCertificates`](crate::ClientCertificates) does not look at `cnf`, and takes all its tokens as bearer tokens.
#[derive(Clone)]
pub struct Dpop {
    /// Without a slash at its end.
    origin: String,
    algorithms: Vec<Algorithm>,
    window: Duration,
    nonces: Option<Nonces>,
    memory: Arc<dyn AnyProofMemory>,
}

impl Dpop {
    /// Proofs for this service, whose clients use addresses that begin like this: `https://api.example.com`, or
    /// `https://example.com/api` if a proxy removes `/api`.
    ///
    /// ```
    /// use portcullis_core::Dpop;
    ///
    /// assert!(Dpop::new("https://api.example.com").is_ok());
    /// assert!(Dpop::new("api.example.com").is_err());
    /// assert!(Dpop::new("https://api.example.com/?a=b").is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if this is not the beginning of an address.
    pub fn new(origin: &str) -> Result<Self, Error> {
        if address::normal(origin).is_none() || origin.contains(['?', '#']) {
            let detail =
                "the address of a service with DPoP is `https://host`, with `:port` and `/path` if clients use them";
            return Err(Error::misconfigured(detail));
        }
        Ok(Self {
            origin: origin.trim_end_matches('/').to_owned(),
            algorithms: [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Es384, Algorithm::Ps256, Algorithm::Rs256]
                .into(),
            window: Duration::from_secs(60),
            nonces: None,
            memory: Arc::new(RecentProofs::new(100_000)),
        })
    }

    /// Accepts proofs with these algorithms only. By default `ES256`, `EdDSA`, `ES384`, `PS256` and `RS256`. The challenge
    /// names them. One with a shared secret is refused when the gate is built.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Accepts proofs that were made at most this long ago, or this far ahead by a clock that is fast. One minute by default;
    /// ten minutes at most.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Requires a nonce of this service in every proof (RFC 9449, section 9). So nobody can make proofs for later with a key
    /// that is in reach for a moment only.
    ///
    /// A proof without one is refused with the code `use_dpop_nonce`, and the answer has a nonce in `DPoP-Nonce`, which is
    /// valid for five minutes. All processes of a service have the same secret, of 32 random bytes at least.
    ///
    /// ```
    /// use portcullis_core::Dpop;
    ///
    /// let dpop = || Dpop::new("https://api.example.com");
    /// assert!(dpop().and_then(|dpop| dpop.nonces([7; 32])).is_ok());
    /// assert!(dpop().and_then(|dpop| dpop.nonces("too short")).is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret is too short.
    pub fn nonces(mut self, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        self.nonces = Some(Nonces::new(secret.as_ref())?);
        Ok(self)
    }

    /// Remembers used proofs here. By default in [`RecentProofs`] with room for 100,000.
    #[must_use]
    pub fn memory(mut self, memory: impl ProofMemory) -> Self {
        self.memory = Arc::new(memory);
        self
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        match self.algorithms.iter().find(|algorithm| algorithm.hmac().is_some()) {
            _ if self.algorithms.is_empty() => Err("has DPoP without any algorithm".to_owned()),
            Some(shared) => Err(format!("has DPoP with {shared}, which is verified with a secret and proves no key")),
            None if !(Duration::from_secs(1)..=Duration::from_secs(600)).contains(&self.window) => {
                Err("has DPoP with a window that is not between a second and ten minutes".to_owned())
            }
            None => Ok(()),
        }
    }

    /// The names of the algorithms, for a challenge (RFC 9449, section 7.1).
    pub(crate) fn algorithm_names(&self) -> String {
        self.algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn new_nonce(&self, now: SystemTime) -> Option<String> {
        self.nonces.as_ref().map(|nonces| nonces.make(now))
    }

    /// Whether a proof that one has counted is known to the other.
    pub(crate) fn shares_memory_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.memory, &other.memory)
    }

    /// Checks that the request proves the key with this thumbprint (RFC 9449, section 4.3). The memory is not asked about a
    /// proof that was counted for the same request before.
    pub(crate) fn verify(
        &self,
        presented: &Presented,
        thumbprint: &str,
        now: SystemTime,
        is_counted: bool,
    ) -> Answer<'static, Result<(), Error>> {
        match self.check_all_but_use(presented, thumbprint, now) {
            Err(error) => Answer::now(Err(error)),
            Ok(_) if is_counted => Answer::now(Ok(())),
            Ok((proof, until)) => self.memory.clone().remember(proof, until, now).map(|outcome| match outcome {
                Ok(true) => Ok(()),
                Ok(false) => Err(invalid_proof("it was used before")),
                Err(error) if error.status() >= 500 => Err(error),
                Err(error) => {
                    let detail = "whether a DPoP proof was used before could not be read";
                    Err(Error::new(ErrorKind::Unavailable, detail).with_cause(error))
                }
            }),
        }
    }

    /// All but whether it was used before. Returns what to remember, and until when.
    fn check_all_but_use(
        &self,
        presented: &Presented,
        thumbprint: &str,
        now: SystemTime,
    ) -> Result<([u8; 32], SystemTime), Error> {
        let text = presented.proof.clone()?.ok_or_else(|| invalid_proof("the request has none"))?;
        let proof =
            SelfSigned::read(&text, "dpop+jwt", &self.algorithms).map_err(|error| invalid_proof(&error.to_string()))?;
        if proof.key.thumbprint().is_none_or(|own| own != thumbprint) {
            return Err(invalid_proof("the token is bound to another key"));
        }
        let claims = &proof.claims;
        if text_of(claims, "htm")? != presented.method {
            return Err(invalid_proof("it is for another method (`htm`)"));
        }
        let target = address::normal(&format!("{}{}", self.origin, presented.path));
        if target.is_none() || target != address::normal(&text_of(claims, "htu")?) {
            return Err(invalid_proof("it is for another address (`htu`); the public one is set by Dpop::new"));
        }
        let token = presented.token.as_deref().unwrap_or_default();
        if text_of(claims, "ath")? != base64url::encode(digest(&SHA256, token.as_bytes()).as_ref()) {
            return Err(invalid_proof("it is for another token (`ath`)"));
        }
        let issued = time_of(claims, "iat")?.ok_or_else(|| invalid_proof("it has no time (`iat`)"))?;
        let (time, window) = (seconds(now), self.window.as_secs_f64());
        let since = time - issued;
        if !(-window..=window).contains(&since) {
            return Err(invalid_proof("it is too old, or from the future (`iat`)"));
        }
        // Not claims of a proof, but of any token (RFC 7519, sections 4.1.4 and 4.1.5).
        if time_of(claims, "exp")?.is_some_and(|end| end <= time) {
            return Err(invalid_proof("it has expired (`exp`)"));
        }
        if time_of(claims, "nbf")?.is_some_and(|start| start > time + window) {
            return Err(invalid_proof("it is not valid yet (`nbf`)"));
        }
        if let Some(nonces) = &self.nonces {
            let nonce = claims.member("nonce").and_then(Value::as_str);
            if !nonce.is_some_and(|nonce| nonces.accepts(&nonce, now)) {
                let detail = "the DPoP proof has no current nonce of this service";
                return Err(Error::new(ErrorKind::Invalid, detail).with_code(USE_NONCE));
            }
        }
        let id = text_of(claims, "jti")?;
        if id.is_empty() || id.len() > MAX_ID {
            return Err(invalid_proof("its identifier (`jti`) has no character, or too many"));
        }
        let mut remembered = [0; 32];
        remembered.copy_from_slice(digest(&SHA256, format!("{thumbprint}.{id}").as_bytes()).as_ref());
        // A proof from the future may be used until its time has come and the window has passed.
        let left = Duration::try_from_secs_f64(window - since).unwrap_or_default();
        Ok((remembered, now.checked_add(left).unwrap_or(now)))
    }
}

/// A claim that every proof has.
fn text_of<'c>(claims: &'c Object, name: &str) -> Result<Cow<'c, str>, Error> {
    let text = claims.member(name).and_then(Value::as_str);
    text.ok_or_else(|| invalid_proof(&format!("its `{name}` is missing or is not text")))
}

/// A claim that a proof may have.
fn time_of(claims: &Object, name: &str) -> Result<Option<f64>, Error> {
    let Some(time) = claims.member(name) else { return Ok(None) };
    time.as_number().map(Some).ok_or_else(|| invalid_proof(&format!("its `{name}` is not a number")))
}

impl fmt::Debug for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("Dpop");
        shown.field("origin", &self.origin).field("algorithms", &self.algorithms).field("window", &self.window);
        shown.field("memory", &self.memory).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Dpop, Presented};
    use std::time::{Duration, SystemTime};

    // RFC 9449, sections 6.1 and 7.1.
    const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik\
                         VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR\
                         nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE\
                         QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj\
                         oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0Z\
                         WRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF\
                         c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E\
                         OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";

    /// The token of the RFC is no JWT, so no gate knows what it is bound to.
    #[test]
    fn the_example_of_the_rfc_is_valid() {
        let dpop = Dpop::new("https://resource.example.org").unwrap();
        let presented = |path: &str, token: &str| Presented {
            method: "GET".to_owned(),
            path: path.to_owned(),
            token: Some(token.to_owned()),
            proof: Ok(Some(PROOF.to_owned())),
            certificate: None,
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_562_262_618);
        let verify = |presented: Presented, thumbprint: &str| {
            dpop.verify(&presented, thumbprint, now, false).ready().unwrap().map_err(|error| error.to_string())
        };
        let why = |what: &str| Err(format!("the DPoP proof is refused: {what}"));
        let other = verify(presented("/protectedresource", TOKEN), &THUMBPRINT.to_lowercase());
        assert_eq!(other, why("the token is bound to another key"));
        assert_eq!(verify(presented("/protectedresource", "x"), THUMBPRINT), why("it is for another token (`ath`)"));
        assert!(verify(presented("/other", TOKEN), THUMBPRINT).is_err_and(|error| error.contains("`htu`")));
        assert_eq!(verify(presented("/protectedresource", TOKEN), THUMBPRINT), Ok(()));
        assert_eq!(verify(presented("/protectedresource", TOKEN), THUMBPRINT), why("it was used before"));
    }
}
