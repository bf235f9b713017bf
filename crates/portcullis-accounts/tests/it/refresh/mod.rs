//! What a refresh token becomes: every state at every time under every rule, and families of tokens against a model.

mod model;
mod table;
