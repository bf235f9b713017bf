//! What the threads do: hash a password, and verify one.

use crate::{error::Error, secret};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

/// The costs of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Costs {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

/// As OWASP recommends: 19 MiB, two passes, one lane.
impl Default for Costs {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

/// Verifies hashes of another algorithm: password and hash. `None` if the hash is not of that algorithm.
pub(crate) type Legacy = Arc<dyn Fn(&str, &str) -> Option<bool> + Send + Sync>;

/// Whether a password fits a hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) fits: bool,
    /// The password fits, and its hash has other costs than ours or is of another algorithm.
    pub(crate) is_outdated: bool,
}

/// What each thread works with.
pub(super) struct Worker {
    argon2: Argon2<'static>,
    /// The hash of a random password, which is verified where there is no hash.
    dummy: PasswordHash,
    legacy: Option<Legacy>,
}

/// The operating system gave no memory for a hash, or no salt.
pub(super) struct NoMemory;

impl Worker {
    pub(super) fn new(costs: Costs, legacy: Option<Legacy>) -> Result<Self, Error> {
        let refused =
            |error: &dyn fmt::Display| Error::misconfigured(format!("the costs of argon2 do not work: {error}"));
        let params = Params::new(costs.memory_kib, costs.passes, costs.lanes, None).map_err(|error| refused(&error))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let password = Zeroizing::new(secret::random::<32>()?);
        let dummy = argon2.hash_password(&*password).map_err(|error| refused(&error))?;
        Ok(Self { argon2, dummy, legacy })
    }

    pub(super) fn hash(&self, password: &str) -> Result<String, NoMemory> {
        self.argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| NoMemory)
    }

    pub(super) fn verify(&self, password: &str, hash: Option<&str>) -> Result<Match, NoMemory> {
        match hash {
            Some(hash) if hash.starts_with("$argon2") => self.verify_argon2(password, hash),
            Some(hash) => self.verify_legacy(password, hash),
            None => self.verify_dummy(password),
        }
    }

    fn verify_argon2(&self, password: &str, hash: &str) -> Result<Match, NoMemory> {
        let hash = PasswordHash::new(hash).ok();
        let Some((hash, is_outdated)) = hash.and_then(|hash| self.is_outdated(&hash).map(|is| (hash, is))) else {
            return self.verify_dummy(password);
        };
        match self.argon2.verify_password(password.as_bytes(), &hash) {
            Ok(()) => Ok(Match { fits: true, is_outdated }),
            Err(password_hash::Error::PasswordInvalid) => Ok(Match::default()),
            Err(password_hash::Error::OutOfMemory) => Err(NoMemory),
            // Nothing was computed.
            Err(_) => self.verify_dummy(password),
        }
    }

    /// Whether a hash has other costs. `None` if it shall not be computed: it is incomplete, or its costs are such that it can
    /// only have been planted to exhaust the service.
    fn is_outdated(&self, hash: &PasswordHash) -> Option<bool> {
        const MAX: (u32, u32, u32) = (256 * 1024, 16, 16);
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        let (ours, its) = (costs(self.argon2.params()), costs(&Params::try_from(hash).ok()?));
        let is_sane = its.0 <= ours.0.max(MAX.0) && its.1 <= ours.1.max(MAX.1) && its.2 <= ours.2.max(MAX.2);
        let is_whole = hash.salt.is_some() && hash.hash.is_some();
        let is_current = hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into());
        (is_sane && is_whole).then_some(!is_current || its != ours)
    }

    fn verify_legacy(&self, password: &str, hash: &str) -> Result<Match, NoMemory> {
        match self.legacy.as_ref().and_then(|legacy| legacy(password, hash)) {
            Some(fits) => Ok(Match { fits, is_outdated: fits }),
            None => self.verify_dummy(password),
        }
    }

    fn verify_dummy(&self, password: &str) -> Result<Match, NoMemory> {
        match self.argon2.verify_password(password.as_bytes(), &self.dummy) {
            Err(password_hash::Error::OutOfMemory) => Err(NoMemory),
            _ => Ok(Match::default()),
        }
    }
}
