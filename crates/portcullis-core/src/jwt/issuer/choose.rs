//! Which key of an issuer a token names, and whether to wait for keys that are fetched.

use super::Issuer;
use crate::{
    error::{Error, quote},
    jwt::{
        Algorithm, CheckError, KeySet, Patience, RemoteKeys,
        header::Header,
        key::PreparedKey,
        remote::{Generation, Look, NeededKey},
    },
};

/// Keys for the algorithms of an issuer: local, or fetched.
#[derive(Debug, Clone)]
pub(super) enum IssuerKeys {
    AtHand(Vec<PreparedKey>),
    Remote(RemoteKeys, Vec<Algorithm>),
}

/// The result of a look at an issuer's keys, if there was one: a look may start a request.
#[derive(Default)]
pub(crate) struct KeyState(Option<Look>);

impl KeyState {
    pub(crate) fn has_looked(&self) -> bool {
        self.0.is_some()
    }
}

impl Issuer {
    /// Verifies with the key that this header names, and returns the set that the key is in.
    pub(in crate::jwt) fn with_key(
        &self,
        header: &Header,
        patience: Patience,
        state: KeyState,
        verify: impl Fn(&PreparedKey) -> Result<(), Error>,
    ) -> Result<Generation, CheckError> {
        let (remote, algorithms) = match &self.keys {
            IssuerKeys::AtHand(keys) => {
                verify_with(keys, header, verify).map_err(KeyProblem::into_error)?;
                return Ok(None);
            }
            IssuerKeys::Remote(remote, algorithms) => (remote, algorithms),
        };
        if !algorithms.contains(&header.algorithm) {
            return Err(
                Error::invalid(format!("the algorithm {} is not accepted of this issuer", header.algorithm)).into()
            );
        }
        let may_wait = patience == Patience::Some;
        let look = || state.0.unwrap_or_else(|| remote.look());
        let mut keys = match (patience != Patience::Over).then(look) {
            Some(Look::Ready(keys)) => keys,
            // Those that have expired are good enough soon, if the key is one of them.
            Some(Look::Expired(keys, end)) if may_wait => {
                let is_known = choose(&keys, header).is_ok();
                return Err(CheckError::Waits(if is_known { end.briefly() } else { end }));
            }
            Some(Look::Wait(end)) if may_wait => return Err(CheckError::Waits(end)),
            Some(Look::Nothing(error)) => return Err(error.into()),
            _ => remote.at_hand(patience == Patience::Over)?,
        };
        // Others may fetch keys between any two of these steps, and a key that is there by then is known.
        for _ in 0..2 {
            let (needed, error) = match verify_with(&keys, header, &verify) {
                Ok(()) => return Ok(keys.generation()),
                Err(KeyProblem::Ambiguous(error)) => return Err(error.into()),
                Err(KeyProblem::Unknown(error)) => (NeededKey::Named, error),
                Err(KeyProblem::Unfit(error)) => (NeededKey::Replacement, error),
            };
            match remote.look_beside(&keys, needed, patience != Patience::Over) {
                Some(Look::Ready(newer)) => keys = newer,
                Some(Look::Wait(end)) if may_wait => return Err(CheckError::Waits(end)),
                _ => return Err(remote.without(needed, error).into()),
            }
        }
        verify_with(&keys, header, verify).map_err(KeyProblem::into_error)?;
        Ok(keys.generation())
    }

    /// Looks at the keys, if they are fetched.
    pub(in crate::jwt) fn look(&self) -> KeyState {
        match &self.keys {
            IssuerKeys::AtHand(_) => KeyState::default(),
            IssuerKeys::Remote(remote, _) => KeyState(Some(remote.look())),
        }
    }

    /// Whether these are the keys that this look found, without waiting for any.
    pub(in crate::jwt) fn still_has(&self, generation: Generation, state: &KeyState) -> bool {
        match &state.0 {
            Some(Look::Ready(keys)) => keys.are_of(generation),
            Some(_) => false,
            None => generation.is_none(),
        }
    }
}

/// Checks that every algorithm has a key, and that no two keys can be confused. The error says what is wrong.
pub(super) fn prepare_keys(keys: &KeySet, algorithms: &[Algorithm]) -> Result<Vec<PreparedKey>, String> {
    let mut prepared: Vec<PreparedKey> = Vec::new();
    for key in keys.keys() {
        for algorithm in algorithms.iter().copied().filter(|algorithm| key.can(*algorithm)) {
            let key = key.prepare(algorithm).map_err(|error| error.to_string())?;
            match prepared.iter().find(|other| other.is_twin(&key)) {
                Some(other) if other.is_same(&key) => {}
                Some(_) => {
                    let named = key.id.map_or("without `kid`".to_owned(), |id| format!("with the `kid` `{id}`"));
                    return Err(format!("two keys {named} for {algorithm}; tokens could not say which one they mean"));
                }
                None => prepared.push(key),
            }
        }
    }
    match algorithms.iter().find(|algorithm| prepared.iter().all(|key| key.algorithm != **algorithm)) {
        Some(algorithm) => Err(format!("no key for {algorithm}")),
        None => Ok(prepared),
    }
}

/// Why a token is not valid with these keys.
enum KeyProblem {
    /// Its key may be one that is not known yet.
    Unknown(Error),
    /// The signature does not match the key that the token names. A new key may have the same name.
    Unfit(Error),
    Ambiguous(Error),
}

impl KeyProblem {
    fn into_error(self) -> Error {
        match self {
            Self::Unknown(error) | Self::Unfit(error) | Self::Ambiguous(error) => error,
        }
    }
}

/// How many of the keys without `kid` are tried.
const MOST_TRIED: usize = 4;

/// Verifies with the keys that a header can name.
fn verify_with(
    keys: &[PreparedKey],
    header: &Header,
    verify: impl Fn(&PreparedKey) -> Result<(), Error>,
) -> Result<(), KeyProblem> {
    match choose(keys, header)? {
        KeyChoice::One(key) => verify(key).map_err(KeyProblem::Unfit),
        KeyChoice::Unnamed => {
            let mut last = None;
            for key in unnamed(keys, header).take(MOST_TRIED) {
                match verify(key) {
                    Ok(()) => return Ok(()),
                    Err(error) => last = Some(error),
                }
            }
            // Any key may have been meant, also one that is not there.
            Err(KeyProblem::Unknown(last.unwrap_or_else(|| unknown(header))))
        }
    }
}

/// What a header names.
enum KeyChoice<'k> {
    One(&'k PreparedKey),
    /// Any of the keys without `kid`.
    Unnamed,
}

/// The key with the `kid` of the header. A header without `kid` names the only key for its algorithm. Otherwise any of the keys
/// without `kid` may be meant.
fn choose<'k>(keys: &'k [PreparedKey], header: &Header) -> Result<KeyChoice<'k>, KeyProblem> {
    let asked = header.key_id.as_deref();
    let mut named = fitting(keys, header).filter(|key| asked.is_none() || key.id.as_deref() == asked);
    match (named.next(), named.next()) {
        (Some(key), None) if key.id.is_some() => Ok(KeyChoice::One(key)),
        _ if unnamed(keys, header).next().is_some() => Ok(KeyChoice::Unnamed),
        (Some(_), _) => {
            let detail = format!("the token names no key, and there are several for {}", header.algorithm);
            Err(KeyProblem::Ambiguous(Error::invalid(detail)))
        }
        (None, _) => Err(KeyProblem::Unknown(unknown(header))),
    }
}

fn fitting<'k>(keys: &'k [PreparedKey], header: &Header) -> impl Iterator<Item = &'k PreparedKey> {
    keys.iter().filter(|key| key.algorithm == header.algorithm)
}

fn unnamed<'k>(keys: &'k [PreparedKey], header: &Header) -> impl Iterator<Item = &'k PreparedKey> {
    fitting(keys, header).filter(|key| key.id.is_none())
}

fn unknown(header: &Header) -> Error {
    let id = header.key_id.as_deref().map_or("without `kid`".to_owned(), quote);
    Error::invalid(format!("the issuer has no key for {} with the token's `kid` ({id})", header.algorithm))
}
