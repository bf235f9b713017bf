//! Which key of an issuer a token means.

use super::Issuer;
use crate::{
    error::{Error, quote},
    jwt::{
        Algorithm, KeySet, Looked, Patience, RemoteKeys, Unverified,
        header::Header,
        key::PreparedKey,
        remote::{Generation, Look},
    },
};

/// Keys for the algorithms of an issuer: at hand, or fetched.
#[derive(Debug, Clone)]
pub(super) enum IssuerKeys {
    AtHand(Vec<PreparedKey>),
    Remote(RemoteKeys, Vec<Algorithm>),
}

impl Issuer {
    /// Verifies with the one key that this header can mean, and tells of which keys it is.
    pub(in crate::jwt) fn with_key(
        &self,
        header: &Header,
        patience: Patience,
        looked: Looked,
        verify: impl FnOnce(&PreparedKey) -> Result<(), Error>,
    ) -> Result<Generation, Unverified> {
        let (remote, algorithms) = match &self.keys {
            IssuerKeys::AtHand(keys) => {
                verify(meant(keys, header).map_err(Unmeant::into_error)?)?;
                return Ok(None);
            }
            IssuerKeys::Remote(remote, algorithms) => (remote, algorithms),
        };
        if !algorithms.contains(&header.algorithm) {
            return Err(
                Error::invalid(format!("the algorithm {} is not accepted of this issuer", header.algorithm)).into()
            );
        }
        let look = || looked.0.unwrap_or_else(|| remote.look());
        let mut keys = match (patience, (patience != Patience::Over).then(look)) {
            (_, Some(Look::Ready(keys))) => keys,
            (Patience::Some, Some(Look::Wait(landing))) => return Err(Unverified::Waits(landing)),
            (_, Some(Look::Nothing(error))) => return Err(error.into()),
            _ => remote.at_hand(patience == Patience::Over)?,
        };
        // Others may fetch keys between any two of these steps, and a key that is there by then is known.
        for _ in 0..2 {
            let unknown = match meant(&keys, header) {
                Ok(key) => {
                    verify(key)?;
                    return Ok(keys.generation());
                }
                Err(Unmeant::Ambiguous(error)) => return Err(error.into()),
                Err(Unmeant::Unknown(error)) => error,
            };
            match remote.look_beside(&keys, patience != Patience::Over) {
                Some(Look::Ready(newer)) => keys = newer,
                Some(Look::Wait(landing)) if patience == Patience::Some => return Err(Unverified::Waits(landing)),
                _ => return Err(unknown.into()),
            }
        }
        verify(meant(&keys, header).map_err(Unmeant::into_error)?)?;
        Ok(keys.generation())
    }

    /// A look at the keys, if they are fetched.
    pub(in crate::jwt) fn look(&self) -> Looked {
        match &self.keys {
            IssuerKeys::AtHand(_) => Looked::default(),
            IssuerKeys::Remote(remote, _) => Looked(Some(remote.look())),
        }
    }

    /// Whether these are the keys to verify with by this look, without waiting for any.
    pub(in crate::jwt) fn still_has(&self, generation: &Generation, looked: &Looked) -> bool {
        match &looked.0 {
            Some(Look::Ready(keys)) => keys.are_of(generation),
            Some(_) => false,
            None => generation.is_none(),
        }
    }
}

/// Every algorithm has a key, and no two keys could be taken for each other. The error is what is wrong.
pub(super) fn prepared(keys: &KeySet, algorithms: &[Algorithm]) -> Result<Vec<PreparedKey>, String> {
    let mut prepared: Vec<PreparedKey> = Vec::new();
    for key in keys.keys() {
        for algorithm in algorithms.iter().copied().filter(|algorithm| key.can(*algorithm)) {
            let id = key.id();
            if prepared.iter().any(|other| other.algorithm == algorithm && other.id.as_deref() == id) {
                let named = id.map_or("without `kid`".to_owned(), |id| format!("with the `kid` `{id}`"));
                return Err(format!("two keys {named} for {algorithm}; which one is meant could not be told"));
            }
            prepared.push(key.prepare(algorithm).map_err(|error| error.to_string())?);
        }
    }
    match algorithms.iter().find(|algorithm| prepared.iter().all(|key| key.algorithm != **algorithm)) {
        Some(algorithm) => Err(format!("no key for {algorithm}")),
        None => Ok(prepared),
    }
}

/// Why no key is meant by a header.
enum Unmeant {
    /// It may be one that is not known yet.
    Unknown(Error),
    Ambiguous(Error),
}

impl Unmeant {
    fn into_error(self) -> Error {
        match self {
            Self::Unknown(error) | Self::Ambiguous(error) => error,
        }
    }
}

/// The one of these keys that a header can mean.
fn meant<'k>(keys: &'k [PreparedKey], header: &Header) -> Result<&'k PreparedKey, Unmeant> {
    let asked = header.key_id.as_deref();
    let fitting = || keys.iter().filter(|key| key.algorithm == header.algorithm);
    let mut named = fitting().filter(|key| asked.is_none() || key.id.as_deref() == asked);
    let (mut found, mut another) = (named.next(), named.next());
    if found.is_none() {
        // A key that was imported without `kid` may be meant by any.
        let mut unnamed = fitting().filter(|key| key.id.is_none());
        (found, another) = (unnamed.next(), unnamed.next());
    }
    match (found, another) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => {
            let detail = format!("the token names no key, and there are several for {}", header.algorithm);
            Err(Unmeant::Ambiguous(Error::invalid(detail)))
        }
        (None, _) => {
            let id = header.key_id.as_deref().map_or("without `kid`".to_owned(), quote);
            let detail = format!("no key of the issuer for {} is meant by the token's `kid` ({id})", header.algorithm);
            Err(Unmeant::Unknown(Error::invalid(detail)))
        }
    }
}
