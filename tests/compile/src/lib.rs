//! What the compiler says to typical mistakes: see `compile.rs`.
