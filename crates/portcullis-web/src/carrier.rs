use crate::Memory;
use portcullis_core::{Plan, RequestHead};

/// A request that has a place for its [`Memory`], in any framework. The example of this crate implements it.
///
/// Keep the memory where all layers, extractors and the handler of the request find it, such as in its extensions.
pub trait Carrier {
    /// What policies see of the request.
    type Head<'a>: RequestHead
    where
        Self: 'a;

    /// The head of the request. A plan says which path parameters will be read.
    fn head(&mut self, plan: Option<&Plan>) -> Self::Head<'_>;

    /// Reads what the request remembers; `None` if that is nothing yet.
    fn recall<T>(&self, see: impl FnOnce(&Memory) -> T) -> Option<T>;

    /// Changes what the request remembers, if there is anything.
    fn change(&mut self, change: impl FnOnce(&mut Memory));

    /// Remembers something for the first time.
    fn insert(&mut self, memory: Memory);
}
