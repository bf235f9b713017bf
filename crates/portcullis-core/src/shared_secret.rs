//! Secrets that both sides know.
//!
//! Only the SHA-256 of each secret is kept, and compared by `secret.rs`. Beside it stands which sources can carry the secret,
//! so that a scheme that could never receive it is an error when the gate is built.

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
/// use portcullis_core::{Credential, CredentialSource, ErrorKind, Scheme, SharedSecret};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// // A service reads both from its environment.
/// let (current, former) =
///     ("pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E", "mB3cV9nX2sL8kJ4hG6fD1aQ7wE5rT0yU");
/// let sync = SharedSecret::new("role-sync", current)?.also(former)?;
/// let by = |text| Credential::new(text, CredentialSource::header("x-sync-secret"));
///
/// assert_eq!(sync.authenticate(&by(current)).await?.id().to_string(), "service||role-sync");
/// assert!(sync.authenticate(&by(former)).await.is_ok()); // until all callers have the new one
/// let other = sync.authenticate(&by("not-the-secret")).await;
/// assert!(other.is_err_and(|error| error.kind() == ErrorKind::Unrecognized));
///
/// let scheme = Scheme::named("sync", sync).header("x-sync-secret");
/// # let _ = scheme; Ok(()) }
/// ```
///
/// For keys that differ for each client, or that are created and withdrawn while the service runs, write an
/// [`Authenticator`](crate::Authenticator) over a table of keys.
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

    /// The secret of a principal, with its roles and permissions. A [`Directory`](crate::Directory) is not asked about it.
    ///
    /// ```
    /// use portcullis_core::{Permission, PermissionSet, Principal, PrincipalKind, SharedSecret};
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let exporter = Principal::new(PrincipalKind::Service, "exporter");
    /// let exporter = exporter.with_permissions(PermissionSet::new(["report:read"])?);
    /// assert!(exporter.has_permission(&Permission::from_static("report:read")));
    /// assert!(!exporter.has_permission(&Permission::from_static("report:delete")));
    ///
    /// assert!(SharedSecret::of(exporter.clone(), "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E").is_ok());
    /// assert!(SharedSecret::of(exporter, "too short").is_err());
    /// # Ok(()) }
    /// ```
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

    /// Adds another secret of any length but empty. Short ones can be guessed by many attempts, so use this only for a client
    /// whose secret cannot be changed yet:
    ///
    /// ```
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// use portcullis_core::SharedSecret;
    ///
    /// let printer = SharedSecret::new("printer", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?
    ///     .dangerous_short_secret("k7-91-xq")?; // until the last printer has its new firmware
    /// assert!(printer.dangerous_short_secret(" ").is_err());
    /// # Ok(()) }
    /// ```
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
    /// The principal of this secret. For tests, and for an [`Authenticator`](crate::Authenticator) around this one.
    ///
    /// # Errors
    /// [`ErrorKind::Unrecognized`] if it is another secret.
    #[allow(clippy::unused_async, reason = "as that of every verifier")]
    pub async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.compare(credential)
    }

    pub(crate) fn compare(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let presented = Fingerprint::of(credential.expose().as_bytes());
        // All are compared, so that the time does not show which one matches.
        let fits = self.fingerprints.iter().fold(false, |fits, ours| ours.is_same(&presented) | fits);
        if fits {
            Ok(self.principal.clone())
        } else {
            Err(Error::new(ErrorKind::Unrecognized, "the credential is not a shared secret that is known here"))
        }
    }
}
