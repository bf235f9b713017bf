//! Asking a policy engine.

use super::{Description, Locate, On, Policy, Question, ResourceId, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Denial},
    engine::{EngineRequest, EngineResource},
    error::Error,
    explanation::Explanation,
    rights::{self, Halt, ResourceRef, Standing, State},
};

/// Callers whom an engine allows to do something. See [`engine`].
#[derive(Debug, Clone, Copy)]
pub struct OfEngine {
    engine: &'static str,
    action: &'static str,
}

/// Callers whom an engine allows to do something on a resource. See [`OfEngine::on`].
#[derive(Debug, Clone, Copy)]
pub struct OfEngineOn<I = ResourceId> {
    ask: OfEngine,
    kind: &'static str,
    id: I,
}

/// Asks an [`Engine`](crate::Engine) whether the caller may do this.
///
/// The code of its denials is `engine_denied`. An engine that does not answer is an error and never a denial, also below
/// [`not`](super::not). An engine that the gate does not have is a configuration error.
///
/// It is asked each time that the policy is decided, and nothing is cached. Put cheap policies before it:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use portcullis_core::{Engine, EngineRequest};
///
/// # #[derive(Debug)] struct Nobody;
/// # impl Engine for Nobody {
/// #     async fn allows(&self, _: &EngineRequest) -> Result<bool, Error> { Ok(false) }
/// # }
/// # fn main() -> Result<(), Error> {
/// // an engine that allows nothing
/// let gate = builder()?.engine("cerbos", Nobody).build()?;
/// const EXPORT: &dyn Policy = &any((staff(), engine("cerbos", "export")));
///
/// let admin = gate.acting_as(acting_as("root").with_staff(true));
/// assert_eq!(answer(&admin, EXPORT, get("/export")), "200");
/// let alice = gate.acting_as(acting_as("alice"));
/// assert_eq!(answer(&alice, EXPORT, get("/export")), "403 engine_denied");
/// assert_eq!(EXPORT.describe().to_string(), "staff or export by cerbos");
/// # Ok(()) }
/// ```
#[must_use]
pub const fn engine(name: &'static str, action: &'static str) -> OfEngine {
    OfEngine { engine: name, action }
}

impl OfEngine {
    /// Asks about a resource of this kind.
    ///
    /// Where the gate has a [`Membership`](crate::Membership) of the kind, it is asked first: a missing resource is 404, and the
    /// engine gets the caller's standing with its row. Strangers are no exception, since the engine decides about them. Without
    /// a membership the engine gets the text of the request.
    #[must_use]
    pub const fn on<I: Locate>(self, kind: &'static str, id: I) -> OfEngineOn<I> {
        OfEngineOn { ask: self, kind, id }
    }

    fn ask<'a>(self, question: Question<'a>, resource: Option<EngineResource>) -> Answer<'a, Verdict> {
        let engine = match question.rights.engine(self.engine) {
            Ok(engine) => engine.clone(),
            Err(error) => return Answer::now(Err(error)),
        };
        let request = EngineRequest::new(question.principal().clone(), self.action);
        let request = resource.iter().cloned().fold(request, EngineRequest::on);
        let asked: Answer<'a, Result<bool, Error>> = engine.allows(request);
        asked.map(move |allowed| {
            let allowed = allowed?;
            let on = resource.map(EngineResource::into_parts);
            let mut decision = question.verdict(allowed, "engine_denied", || {
                let what = format!("{} by {}", self.action, self.engine);
                let what = on.as_ref().map_or(what.clone(), |(on, _)| format!("{what} on {on}"));
                Explanation::new(what, allowed)
            });
            match &mut decision {
                Decision::Allow(access) => {
                    access.found_mut().on = on.map(|(on, own)| (on, own.unwrap_or_else(Standing::stranger)));
                }
                Decision::Deny(denial) => {
                    let why = denial.why_mut();
                    why.required = Some(self.action);
                    why.kind = on.map(|(on, _)| on.kind().to_owned().into());
                }
            }
            Ok(decision)
        })
    }
}

impl<I: Locate> OfEngineOn<I> {
    /// The resource, or why it cannot be asked about.
    fn resource(&self, question: &Question<'_>) -> Result<Result<EngineResource, Decision>, Halt> {
        let (text, parameter) = self.id.locate(question)?;
        if !question.rights.memberships.contains_key(self.kind) {
            return Ok(Ok(EngineResource::new(ResourceRef::new(self.kind, &*text))));
        }
        let found = question.rights.find(question.asker(), self.kind, &text)?;
        let (on, own) = found.ok_or_else(|| super::resource::malformed_id(self.kind, parameter))?;
        let denial = match own.state() {
            State::Missing => Denial::missing(self.kind),
            State::Refused(code) => Denial::new(code.clone()).with(|why| why.is_firm = true),
            State::Role(_) | State::Stranger => return Ok(Ok(EngineResource::new(on).with_standing(own))),
        };
        let part = || Explanation::new(format!("{} by {} on {on}", self.ask.action, self.ask.engine), false);
        let decision = Decision::Deny(denial);
        Ok(Err(if question.explaining { decision.explained(part()) } else { decision }))
    }

    fn ask<'a>(
        &'a self,
        question: Question<'a>,
        found: Result<Result<EngineResource, Decision>, Error>,
    ) -> Answer<'a, Verdict> {
        match found {
            Ok(Ok(resource)) => self.ask.ask(question, Some(resource)),
            Ok(Err(denied)) => Answer::now(Ok(denied)),
            Err(error) => Answer::now(Err(error)),
        }
    }
}

impl Sealed for OfEngine {}

impl Policy for OfEngine {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        self.ask(question, None)
    }

    fn describe(&self) -> Description {
        Description::Engine { engine: self.engine, action: self.action, on: None }
    }
}

impl<I> Sealed for OfEngineOn<I> {}

impl<I: Locate> Policy for OfEngineOn<I> {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        match rights::answer(move || self.resource(&question)).ready() {
            Ok(found) => self.ask(question, found),
            Err(later) => Answer::later(async move { self.ask(question, later.await).await }),
        }
    }

    fn describe(&self) -> Description {
        let params = self.id.params();
        let (of, own_params) = (Vec::new(), params.len());
        let on = On { kind: self.kind, of, is_hidden: false, params, own_params };
        Description::Engine { engine: self.ask.engine, action: self.ask.action, on: Some(on) }
    }
}
