use crate::Memory;
use portcullis_core::{Plan, RequestHead};

/// A request that carries its [`Memory`], whatever the framework.
pub trait Carrier {
    /// What policies see of it.
    type Head<'a>: RequestHead
    where
        Self: 'a;

    /// Its head. A plan says which path parameters will be read.
    fn head(&mut self, plan: Option<&Plan>) -> Self::Head<'_>;

    /// Shows what it remembers; `None` if that is nothing yet.
    fn recall<T>(&self, see: impl FnOnce(&Memory) -> T) -> Option<T>;

    /// Changes what it remembers, if there is something.
    fn change(&mut self, change: impl FnOnce(&mut Memory));

    /// Remembers something for the first time.
    fn insert(&mut self, memory: Memory);
}
