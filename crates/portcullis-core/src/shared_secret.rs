use crate::{
    credential::{Carriers, Credential, CredentialSource},
    error::{Error, ErrorKind},
    principal::{Principal, PrincipalKind},
    secret::Fingerprint,
};

/// Shorter secrets can be guessed.
const MIN_BYTES: usize = 32;

/// Whoever knows this secret is this principal: a shared secret between two services, or one static token.
///
/// Only fingerprints are kept, and compared in constant time. The sources of its scheme have to be able to carry it: a bearer
/// header carries letters, digits and `-._~+/`, other places visible ASCII, and none a space.
///
/// ```
/// # fn main() -> Result<(), portcullis_core::Error> {
/// use portcullis_core::{Scheme, SharedSecret};
///
/// let sync = SharedSecret::new("rbac-sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?
///     .also("the-one-before-it-for-as-long-as-callers-use-it")?;
/// let scheme = Scheme::named("sync", sync).header("x-rbac-sync-secret");
/// # let _ = scheme; Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct SharedSecret {
    principal: Principal,
    fingerprints: Vec<Fingerprint>,
    /// Where each of them can stand in a request.
    carriers: Vec<Carriers>,
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
        Self { principal, fingerprints: Vec::new(), carriers: Vec::new() }.also(secret)
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

    /// Whether one of these sources can carry each of the secrets.
    pub(crate) fn is_carried(&self, sources: &[CredentialSource]) -> bool {
        self.carriers.iter().all(|secret| sources.iter().any(|source| source.carries(*secret)))
    }

    /// Whether both know one secret.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.fingerprints.iter().any(|ours| other.fingerprints.iter().any(|theirs| ours.is_same(theirs)))
    }
}

impl SharedSecret {
    /// The principal whose secret this is. For an [`Authenticator`](crate::Authenticator) around this one.
    ///
    /// # Errors
    /// [`ErrorKind::Unrecognized`] if it is another secret.
    #[allow(clippy::unused_async, reason = "as that of every verifier")]
    pub async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.compare(credential)
    }

    pub(crate) fn compare(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let presented = Fingerprint::of(credential.expose().as_bytes());
        // All are compared, so that the time does not tell which one fits.
        let fits = self.fingerprints.iter().fold(false, |fits, ours| ours.is_same(&presented) | fits);
        if fits {
            Ok(self.principal.clone())
        } else {
            Err(Error::new(ErrorKind::Unrecognized, "the credential is not a shared secret that is known here"))
        }
    }
}
