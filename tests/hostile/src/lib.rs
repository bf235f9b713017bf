//! Nothing of its own; see the test targets in `Cargo.toml`.
