use crate::{
    answer::Answer,
    credential::Credential,
    error::Error,
    jwt::{Jwt, Verified},
    principal::Principal,
};
use quick_cache::{Equivalent, Weighter, sync};
use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};
use zeroize::Zeroizing;

/// What an entry takes beside what grows with its token.
const BESIDE: usize = 512;

/// How many verified tokens a gate remembers: see [`GateBuilder::cache`](crate::GateBuilder::cache).
#[derive(Debug, Clone, Copy)]
pub struct TokenCache {
    entries: usize,
    bytes: usize,
}

impl TokenCache {
    /// At most so many tokens, in at most 64 MiB.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self { entries, bytes: 64 << 20 }
    }

    /// In at most so many bytes. A token counts four times and half a KiB more: for its text and claims, the principal, and
    /// what handlers parse of it.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }
}

/// Tokens that were verified, and what came of it.
///
/// An entry is found by the whole text of its token and the place of its verifier in the gate, so that none is taken for
/// another. It is immutable and shared. What it depends on beside, keys and time, is asked on every hit.
pub(super) struct Cache(sync::Cache<Token, Arc<Verified>, Weight>);

impl Cache {
    pub(super) fn new(size: TokenCache) -> Self {
        let (entries, bytes) = (size.entries as u64, size.bytes as u64);
        // So that the weight bounds both, an entry weighs its share at least. One more of them does not fit.
        let share = (bytes / entries.saturating_add(1)).saturating_add(1);
        Self(sync::Cache::with_weighter(size.entries, bytes, Weight { share }))
    }

    /// What the verifier would answer.
    pub(super) fn authenticate(
        &self,
        place: usize,
        verifier: &Jwt,
        credential: &Credential<'_>,
    ) -> Answer<'static, Result<Principal, Error>> {
        let text = credential.expose();
        let token = TokenRef { place, text };
        if let Some(verified) = self.0.get(&token) {
            if verifier.still_holds(&verified) {
                return Answer::now(Ok(verified.principal.clone()));
            }
            self.0.remove_if(&token, |found| Arc::ptr_eq(found, &verified));
        }
        match verifier.verify_now(text) {
            Ok(verified) => {
                let principal = verified.principal.clone();
                self.0.insert(Token { place, text: Zeroizing::new(text.to_owned()) }, Arc::new(verified));
                Answer::now(Ok(principal))
            }
            Err(answer) => answer,
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} tokens)", self.0.len())
    }
}

/// A token, and the place of the authenticator that verified it.
struct Token {
    place: usize,
    text: Zeroizing<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct TokenRef<'t> {
    place: usize,
    text: &'t str,
}

impl Token {
    fn as_ref(&self) -> TokenRef<'_> {
        TokenRef { place: self.place, text: &self.text }
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

impl Equivalent<Token> for TokenRef<'_> {
    fn equivalent(&self, token: &Token) -> bool {
        *self == token.as_ref()
    }
}

#[derive(Clone)]
struct Weight {
    share: u64,
}

impl Weighter<Token, Arc<Verified>> for Weight {
    fn weight(&self, token: &Token, _: &Arc<Verified>) -> u64 {
        let bytes = token.text.len().saturating_mul(4).saturating_add(BESIDE);
        self.share.max(bytes as u64)
    }
}
