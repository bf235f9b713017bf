//! Policies that an application writes.

use super::{Description, Policy, Question, Verdict, sealed::Sealed};
use crate::answer::Answer;
use std::{any::type_name, borrow::Cow, fmt, future::Future};

/// A policy of your own, for what the policies of this module cannot express. Written with plain `async fn`, it combines
/// like the others and can be a constant.
///
/// Use [`when`](super::when) for a check that needs no waiting, and [`account`](super::account) or
/// [`OnResource::row`](super::values::OnResource::row) for one of a row that is read anyway.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{answer, builder, get};
/// use portcullis_core::{Question, policy::{*, values::RequireRole}, testing::acting_as};
///
/// /// Managers; with `?force`, owners only.
/// #[derive(Debug)]
/// struct MayWrite;
///
/// const MANAGER: RequireRole = role("manager");
/// const OWNER: RequireRole = role("owner");
///
/// impl Rule for MayWrite {
///     async fn decide(&self, question: &Question<'_>) -> Verdict {
///         let needed = if question.query("force")?.is_some() { OWNER } else { MANAGER };
///         question.ask(&needed).await
///     }
///
///     fn parts(&self) -> Vec<&dyn Policy> {
///         vec![&MANAGER, &OWNER]
///     }
/// }
///
/// const WRITE: &dyn Policy = &any((staff(), MayWrite));
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// # let gate = builder()?.build()?;
/// let alice = gate.acting_as(acting_as("alice").with_role("manager"));
/// assert_eq!(answer(&alice, WRITE, get("/articles/1")), "200");
/// assert_eq!(answer(&alice, WRITE, get("/articles/1?force")), "403 role_required");
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy",
    note = "use the functions of `portcullis::policy`, or write `impl Rule for {Self}`"
)]
pub trait Rule: fmt::Debug + Send + Sync + 'static {
    /// Decides about the caller and its request. Asked once for a guard or extractor.
    ///
    /// Allow with [`Decision::allow`](crate::Decision::allow), deny with [`Decision::deny`](crate::Decision::deny) and a code for
    /// the client, or return what another policy decides.
    ///
    /// # Errors
    /// If it cannot decide. An error refuses the request and is never reported as a denial, below [`not`](super::not) as
    /// well.
    fn decide(&self, question: &Question<'_>) -> impl Future<Output = Verdict> + Send;

    /// Its name in tables and logs: by default, the name of its type.
    fn name(&self) -> Cow<'static, str> {
        let name = type_name::<Self>();
        let name = name.split_once('<').map_or(name, |(name, _)| name);
        name.rsplit("::").next().unwrap_or_default().into()
    }

    /// The policies that it asks with [`Question::ask`], so that the names in them are checked when a route is added. By
    /// default, none.
    fn parts(&self) -> Vec<&dyn Policy> {
        Vec::new()
    }
}

impl<R: Rule> Sealed for R {}

impl<R: Rule> Policy for R {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        Answer::later(async move { Rule::decide(self, &question).await })
    }

    fn describe(&self) -> Description {
        let parts = self.parts().into_iter().map(Policy::describe).collect();
        Description::Rule { name: self.name(), parts }
    }
}
