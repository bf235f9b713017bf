use crate::{
    credential::{Carriers, Credential, CredentialSource},
    error::{Error, ErrorKind},
    principal::{Principal, PrincipalKind},
    secret::Fingerprint,
};

/// Shorter secrets can be guessed.
const MIN_BYTES: usize = 32;

/// Authenticates clients that know a secret, as one principal: a secret shared by two services, or one static token.
///
/// Only fingerprints are stored, and compared in constant time. The sources of its scheme have to be able to carry it: a
/// bearer header carries letters, digits and `-._~+/`, with `=` at the end. A cookie carries no `;`, a subprotocol no `,`, and
/// none of them a space.
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
    /// Which sources can carry each of them.
    carriers: Vec<Carriers>,
}

impl SharedSecret {
    /// The secret of a service. The name becomes the principal's subject.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret has less than 32 bytes.
    pub fn new(service: impl Into<String>, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::of(Principal::new(PrincipalKind::Service, service), secret)
    }

    /// The secret of a principal, with its roles and permissions.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the secret has less than 32 bytes.
    pub fn of(principal: Principal, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self { principal, fingerprints: Vec::new(), carriers: Vec::new() }.also(secret)
    }

    /// Adds another secret for the same principal, so that secrets can be changed without a gap.
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

    /// Adds another secret of any length but empty. Short ones can be guessed by many attempts.
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

    /// Whether each secret can be carried by one of these sources.
    pub(crate) fn is_carried(&self, sources: &[CredentialSource]) -> bool {
        self.carriers.iter().all(|secret| sources.iter().any(|source| source.carries(*secret)))
    }

    /// Whether both have a secret in common.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.fingerprints.iter().any(|ours| other.fingerprints.iter().any(|theirs| ours.is_same(theirs)))
    }
}

impl SharedSecret {
    /// The principal of this secret. For an [`Authenticator`](crate::Authenticator) around this one.
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
