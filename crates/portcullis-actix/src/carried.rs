use crate::head::Head;
use actix_web::{HttpMessage, HttpRequest};
use portcullis_core::{Authentication, Gate, Plan};
use portcullis_web::{Carrier, Memory};

/// A request whose extensions hold what this crate remembers about it.
pub(crate) struct CarriedRequest<'r>(pub(crate) &'r HttpRequest);

impl Carrier for CarriedRequest<'_> {
    type Head<'a>
        = Head<'a>
    where
        Self: 'a;

    fn head(&mut self, _: Option<&Plan>) -> Head<'_> {
        Head::of(self.0)
    }

    fn recall<T>(&self, see: impl FnOnce(&Memory) -> T) -> Option<T> {
        self.0.extensions().get().map(see)
    }

    fn change(&mut self, change: impl FnOnce(&mut Memory)) {
        if let Some(memory) = self.0.extensions_mut().get_mut() {
            change(memory);
        }
    }

    fn insert(&mut self, memory: Memory) {
        self.0.extensions_mut().insert(memory);
    }
}

/// The caller of a request, if this gate has already established it. For middleware behind a guard.
#[must_use]
pub fn established(gate: &Gate, request: &HttpRequest) -> Option<Authentication> {
    request.extensions().get::<Memory>()?.established(gate).cloned()
}

/// Tells [`enforce`](crate::GateExt::enforce) that this request was checked. Guards and extractors do this themselves.
pub fn mark_checked(request: &HttpRequest) {
    CarriedRequest(request).recall(Memory::mark_checked);
}
