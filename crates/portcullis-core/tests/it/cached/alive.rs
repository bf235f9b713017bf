//! Which tokens a cache has, seen from outside: what is parsed of a token lives for as long as somebody has its claims.

use super::Rig;
use portcullis_core::{Gate, Principal};
use serde::Deserialize;
use std::{cell::RefCell, collections::BTreeSet};

thread_local! {
    /// The tokens whose claims somebody has, by their `jti`. Each test is a thread of its own.
    static ALIVE: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

#[derive(Deserialize)]
struct Raw {
    jti: String,
}

#[derive(Deserialize)]
#[serde(from = "Raw")]
struct Alive(String);

impl From<Raw> for Alive {
    fn from(Raw { jti }: Raw) -> Self {
        ALIVE.with_borrow_mut(|alive| assert!(alive.insert(jti.clone()), "{jti} is there twice"));
        Self(jti)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.with_borrow_mut(|alive| alive.remove(&self.0));
    }
}

/// The tokens that are remembered by anybody.
pub(super) fn alive() -> BTreeSet<String> {
    ALIVE.with_borrow(BTreeSet::clone)
}

/// Parses what there is to a token, and forgets who came with it.
pub(super) fn leave(principal: Principal) {
    principal.claims::<Alive>().unwrap();
}

impl Rig {
    /// A request with this token, of which only the gate remembers anything.
    #[track_caller]
    pub(super) fn comes(&self, token: &str) {
        leave(self.accepted(token));
    }
}

#[test]
fn what_is_alive_is_what_the_gate_remembers() {
    let (cached, plain) = (Rig::cached(), Rig::plain());
    let tokens = ["a", "b"].map(|jti| super::token(1, jti));
    plain.comes(&tokens[0]);
    assert!(alive().is_empty(), "without a cache nothing is remembered");
    cached.comes(&tokens[0]);
    cached.comes(&tokens[0]);
    cached.comes(&tokens[1]);
    assert_eq!(alive(), ["a", "b"].map(Into::into).into());
    // A gate that is gone remembers nothing, and a clone is the same gate.
    let clone: Gate = cached.gate.clone();
    drop(cached);
    assert_eq!(alive().len(), 2);
    drop(clone);
    assert!(alive().is_empty());
}
