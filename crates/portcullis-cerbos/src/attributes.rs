//! Attributes that the service adds to ours.

use portcullis_core::{Error, ErrorKind};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

type OfOne<T> = dyn Fn(&T) -> Result<Value, Error> + Send + Sync;

/// The function of the service for principals, or for resources.
pub(crate) struct Attributes<T>(Option<Arc<OfOne<T>>>);

impl<T> Attributes<T> {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn new<A: Serialize>(of: impl Fn(&T) -> Result<A, Error> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(move |one| {
            serde_json::to_value(of(one)?).map_err(|cause| misconfigured("they are no JSON").with_cause(cause))
        })))
    }

    /// Those of the service and ours. A name of ours is never taken from the service, also where ours has no value.
    pub(crate) fn of<const N: usize>(
        &self,
        one: &T,
        ours: [(&str, Option<Value>); N],
    ) -> Result<Map<String, Value>, Error> {
        let mut all = match self.0.as_ref().map(|of| of(one)).transpose()? {
            None => Map::new(),
            Some(Value::Object(all)) => all,
            Some(_) => return Err(misconfigured("they are no object")),
        };
        for (name, value) in ours {
            if all.contains_key(name) {
                return Err(misconfigured(&format!("Portcullis sends `{name}` itself")));
            }
            all.extend(value.map(|value| (name.to_owned(), value)));
        }
        Ok(all)
    }
}

impl<T> Clone for Attributes<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

fn misconfigured(why: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, format!("the attributes for Cerbos: {why}"))
}
