use portcullis_core::Error;

/// An error that a handler has returned, on its way to the guard of its route, which renders it. It is already logged.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "a wrapper that makes an error a type of its own in a response")]
pub struct PendingError(pub Error);
