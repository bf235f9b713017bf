//! The policy engines of a gate.

use super::GateBuilder;
use crate::engine::Engine;
use std::sync::Arc;

impl GateBuilder {
    /// A policy engine, by the name that policies use: see [`Engine`].
    #[must_use]
    pub fn engine(mut self, name: impl Into<String>, engine: impl Engine) -> Self {
        let name = name.into();
        self.once(&format!(".engine({name:?}, …)"), !self.rights.engines.contains_key(&name));
        self.rights.engines.insert(name, Arc::new(engine));
        self
    }
}
