//! Claims that were read as types of the application, kept beside the claims.

use std::{any::Any, sync::OnceLock};

/// Typed views of one document, one for each type. A list that grows at its end and never locks a reader.
#[derive(Default)]
pub(super) struct Views(OnceLock<Box<dyn AnyView>>);

struct View<T> {
    value: T,
    next: Views,
}

trait AnyView: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn next(&self) -> &Views;
}

impl<T: Send + Sync + 'static> AnyView for View<T> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn next(&self) -> &Views {
        &self.next
    }
}

impl Views {
    /// The view of this type. It is made if it does not exist. Two threads that both make it agree on the first.
    pub(super) fn get_or_try_insert<T: Send + Sync + 'static, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        let (mut at, found) = self.find::<T>();
        if let Some(found) = found {
            return Ok(found);
        }
        let made: Box<dyn AnyView> = Box::new(View { value: make()?, next: Self::default() });
        let mut made = Some(made);
        loop {
            // Another thread may have added a view at the end of the list. INVARIANT: once ours is in, it is found.
            made = made.and_then(|view| at.0.set(view).err());
            let (end, found) = at.find::<T>();
            if let Some(found) = found {
                return Ok(found);
            }
            at = end;
        }
    }

    /// The view of this type, and the end of the list.
    fn find<T: 'static>(&self) -> (&Self, Option<&T>) {
        let mut at = self;
        while let Some(view) = at.0.get() {
            if let Some(found) = view.as_any().downcast_ref::<View<T>>() {
                return (at, Some(&found.value));
            }
            at = view.next();
        }
        (at, None)
    }
}
