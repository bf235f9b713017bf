use crate::{
    credential::{Carriers, Credential, CredentialSource},
    error::{Error, ErrorKind},
    principal::{Method, Principal, PrincipalKind},
    secret::Fingerprint,
};

/// Shorter secrets can be guessed.
const MIN_BYTES: usize = 32;

/// Whoever knows this secret is this principal: a shared secret between two services, or one static token.
///
/// Only fingerprints are kept, and compared in constant time. A gate may have several. Its sources have to be able to carry
/// them: a bearer header carries letters, digits and `-._~+/`, other places visible ASCII, and none a space.
///
/// ```
/// # fn main() -> Result<(), portcullis_core::Error> {
/// use portcullis_core::{CredentialSource, Principal, SharedSecret};
///
/// let sync = SharedSecret::new("rbac-sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?
///     .also("the-one-before-it-for-as-long-as-callers-use-it")?
///     .only_from(CredentialSource::header("x-rbac-sync-secret"));
/// # let _ = sync; Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct SharedSecret {
    principal: Principal,
    fingerprints: Vec<Fingerprint>,
    /// Where each of them can stand in a request.
    carriers: Vec<Carriers>,
    source: Option<CredentialSource>,
}

impl SharedSecret {
    /// The secret of a service, which will be the principal's subject.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret has less than 32 bytes.
    pub fn new(service: impl Into<String>, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::of(Principal::new(PrincipalKind::Service, service), secret)
    }

    /// The secret of a principal with roles, permissions or whatever else it needs.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret has less than 32 bytes.
    pub fn of(principal: Principal, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let principal = principal.with_method(Method::SharedSecret);
        Self { principal, fingerprints: Vec::new(), carriers: Vec::new(), source: None }.also(secret)
    }

    /// One more secret for the same principal, so that secrets can be changed without a gap.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret has less than 32 bytes.
    pub fn also(self, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let length = secret.as_ref().len();
        if length < MIN_BYTES {
            let detail = format!("a shared secret needs at least {MIN_BYTES} bytes, and this one has {length}");
            return Err(Error::misconfigured(detail));
        }
        self.dangerous_short_secret(secret)
    }

    /// One more secret of any length but empty. A short one can be guessed by asking often.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret is empty or blank.
    pub fn dangerous_short_secret(mut self, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        if secret.as_ref().trim_ascii().is_empty() {
            return Err(Error::misconfigured("the shared secret is empty"));
        }
        self.fingerprints.push(Fingerprint::of(secret.as_ref()));
        self.carriers.push(Carriers::of(secret.as_ref()));
        Ok(self)
    }

    /// Recognizes the secret only where this source presents it.
    #[must_use]
    pub fn only_from(mut self, source: CredentialSource) -> Self {
        self.source = Some(source);
        self
    }

    /// Whether each of the secrets can be presented to a gate with these sources. The error says what to do.
    pub(crate) fn check(&self, sources: &[CredentialSource]) -> Result<(), String> {
        let read_from = |source: &&CredentialSource| self.source.as_ref().is_none_or(|only| only == *source);
        if !sources.iter().any(|source| read_from(&source)) {
            return Err("is taken from a source that the gate does not read; add it by `.source(…)`".to_owned());
        }
        let is_carried = |secret: &Carriers| sources.iter().filter(read_from).any(|source| source.carries(*secret));
        match self.carriers.iter().all(is_carried) {
            true => Ok(()),
            false => Err("has characters that none of its sources can carry, such as a space or a line break; one of \
                          letters and digits fits everywhere"
                .to_owned()),
        }
    }

    /// Whether one of the secrets is never compared here, since another has it and is asked before.
    pub(crate) fn is_behind(&self, other: &Self) -> bool {
        let overlap = other.source.is_none() || other.source == self.source;
        overlap && self.fingerprints.iter().any(|ours| other.fingerprints.iter().any(|theirs| ours.is_same(theirs)))
    }
}

impl SharedSecret {
    /// The principal whose secret this is. For an [`Authenticator`](crate::Authenticator) around this one.
    ///
    /// # Errors
    /// [`ErrorKind::Unrecognized`] if it is another secret, or comes from another source.
    #[allow(clippy::unused_async, reason = "as that of every verifier")]
    pub async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.compare(credential)
    }

    pub(crate) fn compare(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let presented = Fingerprint::of(credential.expose().as_bytes());
        // All are compared, so that the time does not tell which one fits.
        let fits = self.fingerprints.iter().fold(false, |fits, ours| ours.is_same(&presented) | fits);
        let here = self.source.as_ref().is_none_or(|source| source == credential.source());
        if fits && here {
            Ok(self.principal.clone())
        } else {
            Err(Error::new(ErrorKind::Unrecognized, "the credential is not a shared secret that is known here"))
        }
    }
}
