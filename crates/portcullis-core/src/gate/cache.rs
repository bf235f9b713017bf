//! Verified tokens between requests.

use crate::{
    answer::Answer,
    credential::Credential,
    error::Error,
    jwt::{Jwt, KeyState, VerifiedToken},
    principal::Principal,
    telemetry::CacheMeter,
    verifier::{Kind, Verifier},
};
use quick_cache::{Equivalent, Weighter, sync};
use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::Range,
    sync::Arc,
};
use zeroize::Zeroizing;

/// The bytes of an entry that do not grow with its token.
const BESIDE: usize = 512;

const METER: CacheMeter = CacheMeter::new("tokens");

/// The size of a gate's cache of verified tokens: see [`GateBuilder::cache`](crate::GateBuilder::cache).
///
/// Count the tokens that are in use at the same time, such as one for each active user. When the cache is full, tokens that are
/// used rarely make room. Then their signatures are verified again; nothing is refused because of that.
///
/// ```
/// use portcullis_core::{Gate, Scheme, SharedSecret, TokenCache, testing::TestIssuer};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let size = TokenCache::new(50_000).max_bytes(256 << 20); // tokens of up to about 1 KiB
/// let tokens = Scheme::new(TestIssuer::new().verifier()).bearer();
/// assert!(Gate::builder().scheme(tokens).cache(size).build().is_ok());
///
/// let secret = SharedSecret::new("role-sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")?;
/// let secrets = Scheme::named("sync", secret).header("x-sync-secret");
/// assert!(Gate::builder().scheme(secrets).cache(size).build().is_err()); // nothing to cache
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TokenCache {
    entries: usize,
    bytes: usize,
}

impl TokenCache {
    /// At most this many tokens, in at most 64 MiB.
    ///
    /// With tokens of 1 KiB, that is room for about 14,500 of them. For more, raise [`max_bytes`](Self::max_bytes).
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self { entries, bytes: 64 << 20 }
    }

    /// At most this many bytes, 64 MiB by default.
    ///
    /// A token counts four times its length plus half a KiB: for its text and claims, the principal, and what handlers
    /// parse of it.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }
}

/// Verified tokens, and their principals.
///
/// An entry is found by the whole text of its token and the place of its verifier in the gate, so no two can be confused.
/// It is immutable. What else it depends on, keys and time, is checked on every hit.
pub(super) struct Cache(sync::Cache<Token, Entry, Weight>);

/// Cheap to clone.
#[derive(Clone)]
struct Entry {
    verified: VerifiedToken,
    /// In these whole seconds, the claims about time are certainly valid.
    surely: Range<u32>,
}

impl Cache {
    pub(super) fn new(size: TokenCache) -> Self {
        let (entries, bytes) = (size.entries as u64, size.bytes as u64);
        // So that the weight bounds both, an entry weighs its share at least. One more of them does not fit, also where the
        // bytes are divided among parts of the cache and rounded up.
        let share = (bytes.saturating_add(entries) / entries.saturating_add(1)).saturating_add(1);
        Self(sync::Cache::with_weighter(size.entries, bytes, Weight { share }))
    }

    /// The caller with this token, if it is cached and the verifier would say the same now. Otherwise the state of its
    /// keys, which is read once for a request.
    pub(super) fn recall(&self, place: usize, verifier: &Jwt, token: &[u8]) -> Result<Principal, KeyState> {
        let token = TokenRef { place, token };
        let Some(entry) = self.0.get(&token) else {
            METER.count(false);
            return Err(KeyState::default());
        };
        match verifier.still_holds(&entry.verified, &entry.surely) {
            Ok(()) => {
                METER.count(true);
                Ok(entry.verified.principal)
            }
            Err(state) => {
                METER.count(false);
                self.0.remove_if(&token, |found| found.verified.principal.is_same(&entry.verified.principal));
                Err(state)
            }
        }
    }

    /// The answer of the verifier, which is then cached.
    pub(super) fn verify(
        &self,
        place: usize,
        verifier: &Jwt,
        token: &str,
        state: KeyState,
    ) -> Answer<'static, Result<Principal, Error>> {
        match verifier.verify_now(token, state) {
            Ok(verified) => {
                let principal = verified.principal.clone();
                let (surely, token) = (verifier.surely(&verified), Zeroizing::new(token.into()));
                self.0.insert(Token { place, token }, Entry { verified, surely });
                Answer::now(Ok(principal))
            }
            Err(answer) => answer,
        }
    }
}

impl Cache {
    /// The answer of a verifier that has a [`Jwt`] for each issuer, or of one whose answers are not cached. Whether the issuer is
    /// still trusted is found out before the cache is asked.
    pub(super) fn ask(
        self: &Arc<Self>,
        place: usize,
        verifier: &Verifier,
        credential: &Credential<'_>,
    ) -> Answer<'static, Result<Principal, Error>> {
        let Kind::Trusted(issuers) = verifier.kind() else { return verifier.ask(credential) };
        let this = self.clone();
        issuers.ask_by(credential.expose(), move |jwt, token| match this.recall(place, jwt, token.as_bytes()) {
            Ok(principal) => Answer::now(Ok(principal)),
            Err(state) => this.verify(place, jwt, token, state),
        })
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} tokens)", self.0.len())
    }
}

/// A token, and the place of the scheme that verified it.
struct Token {
    place: usize,
    token: Zeroizing<Box<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct TokenRef<'t> {
    place: usize,
    token: &'t [u8],
}

impl Token {
    fn as_ref(&self) -> TokenRef<'_> {
        TokenRef { place: self.place, token: self.token.as_bytes() }
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Token {}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

/// The signature is at the end, and tells tokens apart as well as the whole text. Attackers cannot choose one that collides
/// with others: what is in the cache was signed.
impl Hash for TokenRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.token.last_chunk::<16>().map_or(self.token, |end| end));
    }
}

impl Equivalent<Token> for TokenRef<'_> {
    fn equivalent(&self, token: &Token) -> bool {
        *self == token.as_ref()
    }
}

#[derive(Clone)]
struct Weight {
    share: u64,
}

impl Weighter<Token, Entry> for Weight {
    fn weight(&self, token: &Token, _: &Entry) -> u64 {
        let bytes = token.token.len().saturating_mul(4).saturating_add(BESIDE);
        self.share.max(bytes as u64)
    }
}
