//! What an issuer's keys can be given as.

use super::{Key, KeySet, remote::RemoteKeys};

/// Where an issuer's keys come from: local keys, or [`RemoteKeys`].
///
/// [`Issuer::new`](crate::Issuer::new) takes a key, several keys, a set or remote keys as they are. This type is for a function
/// that chooses between them.
///
/// ```
/// use portcullis_core::{Algorithm, Error, HttpClient, Key, KeySource, RemoteKeys};
///
/// /// The key in the configuration, or else the keys that the issuer publishes.
/// fn keys(
///     pem: Option<&str>,
///     name: &str,
///     client: impl HttpClient + 'static,
/// ) -> Result<KeySource, Error> {
///     match pem {
///         Some(pem) => Ok(Key::pem(Algorithm::Rs256, pem)?.into()),
///         None => Ok(RemoteKeys::discover(name, client)?.into()),
///     }
/// }
/// # use portcullis_core::testing::TestIssuer;
/// assert!(keys(None, "https://id.example.com", TestIssuer::new()).is_ok());
/// assert!(keys(None, "id.example.com", TestIssuer::new()).is_err()); // no address
/// assert!(keys(Some("MIIB"), "https://id.example.com", TestIssuer::new()).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct KeySource(pub(super) Source);

#[derive(Debug, Clone)]
pub(super) enum Source {
    AtHand(KeySet),
    Remote(RemoteKeys),
}

impl From<KeySet> for KeySource {
    fn from(keys: KeySet) -> Self {
        Self(Source::AtHand(keys))
    }
}

impl From<Key> for KeySource {
    fn from(key: Key) -> Self {
        KeySet::from(key).into()
    }
}

impl<const N: usize> From<[Key; N]> for KeySource {
    fn from(keys: [Key; N]) -> Self {
        KeySet::from(keys).into()
    }
}

impl From<RemoteKeys> for KeySource {
    fn from(keys: RemoteKeys) -> Self {
        Self(Source::Remote(keys))
    }
}
