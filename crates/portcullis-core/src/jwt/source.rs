use super::{Key, KeySet, remote::RemoteKeys};

/// Where an issuer's keys come from: local keys, or [`RemoteKeys`].
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
