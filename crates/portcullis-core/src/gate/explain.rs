//! Decisions with their reasons.

use super::{Authentication, Gate, GateBuilder, superuser::ask_policy};
use crate::{
    answer::Answer,
    explanation::Explanation,
    head::RequestHead,
    policy::{Plan, Question, Verdict, ask},
    principal::Principal,
};
use std::fmt;

impl GateBuilder {
    /// Adds the [explanation](crate::Explanation) of a denial to the default answer, as the list `explanation` of its body.
    ///
    /// For development only. It tells the client the parts of the policy, the caller's roles and where they come from, and
    /// the resources that were asked about. A hidden denial is not explained, since it must look like an unknown path. The gate
    /// warns in the log when it is built.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let body = |gate: Gate| -> Result<String, Error> {
    ///     let gate = gate.acting_as(acting_as("alice").with_role("viewer"));
    ///     let plan = gate.plan(role("manager"))?;
    ///     let who = now(gate.establish(&get("/reports")));
    ///     let denied = now(gate.authorize(&who, &plan, &get("/reports"))).unwrap_err();
    ///     Ok(String::from_utf8_lossy(gate.refuse(&denied).body()).into_owned())
    /// };
    ///
    /// let explained = body(builder()?.dangerous_explain_denials().build()?)?;
    /// assert!(explained.contains("- role `manager` (no role that includes it"), "{explained}");
    /// assert!(!body(builder()?.build()?)?.contains("manager"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_explain_denials(mut self) -> Self {
        self.parts.explains_denials = true;
        self
    }
}

impl Gate {
    /// Decides like [`authorize`](Self::authorize), and records why: see [`Decision::explain`](crate::Decision::explain).
    ///
    /// For tests and for support: the explanation names roles, resources and the parts of the policy. Never send it to a
    /// client.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate(&[("alice", 1, "viewer")])?.acting_as(acting_as("alice"));
    /// let plan = gate.plan(any((staff(), role("manager").on("project", path("project_id")))))?;
    /// let who = now(gate.establish(&project(1)));
    ///
    /// let decision = now(gate.explain(&who, &plan, &project(1)))?;
    /// assert!(!decision.is_allowed());
    /// let text = decision.explain().map(ToString::to_string).unwrap_or_default();
    /// assert!(
    ///     text.contains("- role `manager` on project \"1\" (has the role `viewer` there)"),
    ///     "{text}"
    /// );
    /// # Ok(()) }
    /// ```
    pub fn explain<'a>(
        &'a self,
        who: &'a Authentication,
        plan: &'a Plan,
        head: &'a dyn RequestHead,
    ) -> Answer<'a, Verdict> {
        self.ask(self.baseline_of(plan), who, plan, head, true)
    }

    /// The baseline and then the policy, as `decide` asks them, with the caller above both.
    pub(super) fn decide_explained<'a>(
        baseline: Option<&'a Plan>,
        superuser: Option<&'a Plan>,
        who: &'a Authentication,
        plan: &'a Plan,
        question: Question<'a>,
    ) -> Answer<'a, Verdict> {
        let policy = move |mut parts: Vec<Explanation>| {
            ask_policy(superuser, plan, question).map(move |verdict| {
                let mut decision = verdict?;
                parts.extend(decision.explanation_mut().take().map(|tree| *tree));
                let allowed = decision.is_allowed();
                Ok(decision.explained(who.explanation(allowed, parts)))
            })
        };
        let Some(baseline) = baseline.filter(|_| question.caller.is_some()) else { return policy(Vec::new()) };
        let (accepted, narrowing) = (baseline.unnamed(), question.narrowing.covered());
        let named = baseline.named();
        ask(baseline.policy(), Question { accepted, narrowing, named, ..question }).then(move |verdict| {
            let mut decision = match verdict {
                Ok(decision) => decision,
                Err(error) => return Answer::now(Err(error)),
            };
            let tree = decision.explanation_mut().take().map(|tree| *tree);
            let part = Explanation::new("baseline", decision.is_allowed()).with_parts(tree.into_iter().collect());
            match decision.is_allowed() {
                true => policy(vec![part]),
                false => Answer::now(Ok(decision.explained(who.explanation(false, vec![part])))),
            }
        })
    }
}

impl Authentication {
    /// The caller, above the parts that were asked.
    fn explanation(&self, allowed: bool, parts: Vec<Explanation>) -> Explanation {
        let whole = Explanation::new(self.to_string(), allowed).with_parts(parts);
        match self.visitor().ok().flatten().map(Principal::has_account) {
            Some(true) => whole.with_note("with an account"),
            Some(false) if self.gate.0.directory.is_some() => whole.with_note("without an account"),
            _ => whole,
        }
    }
}

/// A principal as logs show it: without its subject, which may be an e-mail address.
impl fmt::Display for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(Some(principal)) = self.visitor() else { return f.write_str("a caller without a credential") };
        write!(f, "a {:?}", principal.kind())?;
        if let Some(issuer) = principal.issuer() {
            write!(f, " of `{issuer}`")?;
        }
        if let Some(source) = self.source() {
            write!(f, " by {source}")?;
        }
        match self.scheme() {
            Some(scheme) => write!(f, " of the scheme `{scheme}`"),
            None => Ok(()),
        }
    }
}
