use crate::head::{Framework, Head, Params};
use http::request::Parts;
use portcullis_core::Plan;
use portcullis_web::{Carrier, Memory};
use std::fmt;

/// The parts of a request. Their extensions hold what the adapters remember about it.
pub struct CarriedRequest<'a> {
    parts: &'a mut Parts,
    framework: Option<Framework>,
    params: Params,
}

impl<'a> CarriedRequest<'a> {
    /// `framework` is what the framework knows about requests, if anything.
    #[must_use]
    pub fn new(parts: &'a mut Parts, framework: Option<Framework>) -> Self {
        // A closure, or a rule of the application's own, asks without having said so.
        let params = framework.map_or(Params::Absent, |framework| Params::OnDemand(framework.params));
        Self { parts, framework, params }
    }
}

impl Carrier for CarriedRequest<'_> {
    type Head<'a>
        = Head<'a>
    where
        Self: 'a;

    fn head(&mut self, plan: Option<&Plan>) -> Head<'_> {
        let Some(framework) = self.framework else { return Head::new(self.parts, &self.params) };
        if plan.is_some_and(|plan| !plan.params().is_empty()) {
            self.params = (framework.params)(self.parts);
        }
        Head::new(self.parts, &self.params).within(framework)
    }

    fn recall<T>(&self, see: impl FnOnce(&Memory) -> T) -> Option<T> {
        self.parts.extensions.get().map(see)
    }

    fn change(&mut self, change: impl FnOnce(&mut Memory)) {
        if let Some(memory) = self.parts.extensions.get_mut() {
            change(memory);
        }
    }

    fn insert(&mut self, memory: Memory) {
        self.parts.extensions.insert(memory);
    }
}

impl fmt::Debug for CarriedRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CarriedRequest({} {})", self.parts.method, self.parts.uri.path())
    }
}
