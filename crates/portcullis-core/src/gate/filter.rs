//! The rows of a list that a policy allows.

use super::{Caller, caller::is_allowed, decide};
use crate::{
    decision::Decision,
    engine::Batches,
    error::Error,
    head::WithParam,
    policy::{Description, Plan, Policy, Question},
    rights::{Page, ResourceRef, Rights},
};

impl Caller {
    /// The rows whose resource this policy allows, in their order.
    ///
    /// The policy is that of the route to one resource. It is asked about each row as if the path had the row's identifier in
    /// the parameter `param`. So a list shows what its caller may open:
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// use portcullis_core::Caller;
    ///
    /// const READ: &dyn Policy = &role("viewer").on("project", path("project_id")).hidden();
    /// # #[derive(Clone)]
    /// struct Project {
    ///     id: u32,
    /// }
    ///
    /// /// `GET /projects`; the page is from a query.
    /// async fn list(caller: Caller, page: Vec<Project>) -> Result<Vec<Project>, Error> {
    ///     caller.filter(READ, "project_id", page, |project| project.id).await
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate(&[("alice", 1, "viewer"), ("alice", 3, "owner")])?;
    /// let alice = gate.acting_as(acting_as("alice"));
    /// let page: Vec<Project> = (1..=4).map(|id| Project { id }).collect();
    /// # let caller = now(alice.establish(&get("/projects"))).caller(&get("/projects"))?;
    /// # assert!(now(caller.filter(READ, "project", page.clone(), |project| project.id)).is_err());
    /// let shown = now(list(caller, page))?;
    /// assert_eq!(shown.iter().map(|project| project.id).collect::<Vec<_>>(), [1, 3]);
    /// # Ok(()) }
    /// ```
    ///
    /// A membership is asked one question for all rows: [`Membership::standings`](crate::Membership::standings). Another one is
    /// asked for the parents of each kind that roles are inherited from. Not at once, but row by row, are asked: what a
    /// [`Rule`](crate::policy::Rule) asks by itself, what customers' roles permit, and
    /// [`visitors`](crate::policy::visitors).
    ///
    /// Where the policy names an [engine](crate::policy::engine), the rows are decided side by side, and each engine is asked
    /// about all rows at once: [`Engine::allows_each`](crate::Engine::allows_each). It is not asked about rows that are decided
    /// without it.
    ///
    /// # Errors
    /// As [`require`](Self::require), except denials: a row that cannot be decided is an error of the whole, and never left
    /// out. [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the policy does not read the parameter.
    pub async fn filter<T, I: ToString>(
        &self,
        policy: impl Policy + 'static,
        param: &'static str,
        rows: impl IntoIterator<Item = T>,
        id: impl Fn(&T) -> I,
    ) -> Result<Vec<T>, Error> {
        let plan = self.plan(policy)?;
        if !plan.params().contains(&param) {
            let known = plan.params();
            let detail = format!("a list is filtered by the parameter `{param}`, and its policy reads {known:?}");
            return Err(Error::misconfigured(detail));
        }
        let rows: Vec<(String, T)> = rows.into_iter().map(|row| (id(&row).to_string(), row)).collect();
        self.prepare(&plan, param, rows.iter().map(|(id, _)| id.as_str()));
        let mut allowed = Vec::new();
        if asks_engine(plan.description()) && !plan.is_public() {
            let batches = Batches::new(&self.who.gate.0.rights);
            let decided = batches.decide(rows.iter().map(|(id, _)| self.decide_row(&batches.rights, &plan, param, id)));
            for (is_allowed, (_, row)) in decided.await.into_iter().zip(rows) {
                if is_allowed? {
                    allowed.push(row);
                }
            }
            return Ok(allowed);
        }
        for (value, row) in rows {
            let head = WithParam { head: &self.head, name: param, value };
            if is_allowed(self.who.gate.authorize_beyond(None, &self.who, &plan, &head).await)? {
                allowed.push(row);
            }
        }
        Ok(allowed)
    }

    /// Whether the policy allows one row, by these rights.
    async fn decide_row(&self, rights: &Rights, plan: &Plan, param: &'static str, id: &str) -> Result<bool, Error> {
        let head = WithParam { head: &self.head, name: param, value: id.to_owned() };
        let (who, gate) = (&self.who, &self.who.gate);
        let question = Question { rights, ..gate.question(who, plan, &head, false)? };
        match decide(None, gate.0.superuser.as_ref(), plan, question).await {
            Ok(Decision::Allow(_)) => Ok(true),
            Ok(Decision::Deny(denial)) if denial.why().is_absent => Err(who.missing().with_denial(denial)),
            Ok(Decision::Deny(_)) => Ok(false),
            Err(error) => Err(who.attribute(error)),
        }
    }

    /// Prepares the questions about all rows, for each kind of resource that the policy reads from this parameter.
    fn prepare<'r>(&self, plan: &Plan, param: &str, ids: impl Iterator<Item = &'r str> + Clone) {
        let gate = &self.who.gate;
        let Some(standings) = self.who.standings() else { return };
        let page = Page { rights: gate.0.rights.clone(), who: self.principal.clone(), moment: gate.moment(plan) };
        plan.description().walk(false, &mut |part, _| {
            let Some(on) = part.on().filter(|on| on.params.iter().take(on.own_params).any(|own| *own == param)) else {
                return;
            };
            let resource = |id: &str| page.rights.resource(on.kind.into(), id).ok().flatten();
            let on_rows: Vec<ResourceRef> = ids.clone().filter_map(resource).collect();
            page.prepare(standings, on.kind, on_rows);
        });
    }
}

/// Whether this policy asks an engine, or a candidate in it does.
fn asks_engine(policy: &Description) -> bool {
    let mut asks = false;
    policy.walk(false, &mut |part, _| {
        asks |= match part {
            Description::Engine { .. } => true,
            Description::Shadow { candidate, .. } => asks_engine(candidate),
            _ => false,
        }
    });
    asks
}
