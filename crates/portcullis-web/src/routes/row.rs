//! A route, and what can be said about it.

use super::{JoinPaths, path::params};
use crate::matrix::roles;
use portcullis_core::{Forecast, Gate, Holder, Plan, policy::values::Description};
use std::{fmt, panic::Location};

/// The end of the paths of routes that answer everything below.
pub(super) const REST: &str = "/*";

/// A route of a [`Table`](super::Table).
#[derive(Debug, Clone)]
pub struct Row {
    gate: Gate,
    plan: Plan,
    baseline: Option<Plan>,
    method: Option<&'static str>,
    path: String,
    at: &'static Location<'static>,
}

impl Row {
    pub(super) fn new(
        gate: &Gate,
        plan: &Plan,
        method: Option<&'static str>,
        path: String,
        at: &'static Location<'static>,
    ) -> Self {
        let has_baseline = !plan.is_public() && !matches!(plan.description(), Description::WithoutBaseline(_));
        let baseline = gate.baseline().filter(|_| has_baseline).cloned();
        Self { gate: gate.clone(), plan: plan.clone(), baseline, method, path, at }
    }

    pub(super) fn below(self, prefix: &str, join: JoinPaths) -> Self {
        Self { path: join(prefix, &self.path), ..self }
    }

    /// The method. `None` where a method router or route of the framework decides which methods there are.
    #[must_use]
    pub fn method(&self) -> Option<&'static str> {
        self.method
    }

    /// The path. The path of a service or a fallback ends with `/*`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Description {
        self.plan.description()
    }

    /// The policy of the gate's [superusers](portcullis_core::GateBuilder::superuser), if they pass here without a right that is
    /// required.
    #[must_use]
    pub fn superuser(&self) -> Option<&Description> {
        self.plan.superuser()
    }

    /// The policy in words, with that of superusers.
    pub(super) fn words(&self) -> String {
        match self.superuser() {
            Some(superuser) => format!("{}, or superuser ({superuser})", self.policy()),
            None => self.policy().to_string(),
        }
    }

    /// The [baseline](portcullis_core::GateBuilder::baseline), if it is asked before the policy.
    #[must_use]
    pub fn baseline(&self) -> Option<&Description> {
        self.baseline.as_ref().map(own_description)
    }

    /// The schemes that the policy accepts: their names, or their sources where they have no name. A public route has none,
    /// since its policy needs no caller.
    #[must_use]
    pub fn schemes(&self) -> Vec<String> {
        if self.plan.is_public() { Vec::new() } else { self.plan.schemes() }
    }

    /// Whether it needs no caller.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.plan.is_public()
    }

    /// The roles that satisfy the policy by themselves, such as `manager` and `viewer on project`.
    ///
    /// None where every authenticated caller passes. What else the [baseline](Self::baseline) requires is not part of it.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        self.passing(roles(&self.gate))
    }

    /// The permissions that satisfy the policy by themselves, such as `kb:read` and `project:delete on project`.
    ///
    /// None where every authenticated caller passes. What else the [baseline](Self::baseline) requires is not part of it.
    #[must_use]
    pub fn permissions(&self) -> Vec<String> {
        let mut named = Vec::new();
        permissions(self.policy(), &mut named);
        self.passing(named.into_iter())
    }

    /// Those of the callers with one right that the policy allows for this right alone, without repetitions.
    fn passing(&self, holders: impl Iterator<Item = Holder>) -> Vec<String> {
        let mut passing = Vec::new();
        if self.plan.forecast(&Holder::Caller) == Forecast::Allow {
            return passing;
        }
        for holder in holders.filter(|holder| self.plan.forecast(holder) == Forecast::Allow) {
            let text = holder.to_string();
            // The column says which it is.
            let name = text.split_once(' ').map_or(text.as_str(), |(_, name)| name).to_owned();
            if !passing.contains(&name) {
                passing.push(name);
            }
        }
        passing
    }

    /// The path parameters that the policy does not read. A handler that uses one of them reads a value that nothing has
    /// checked, such as the flight of another project.
    ///
    /// Public routes have none. Parameters that a closure or a [`Rule`](portcullis_core::policy::Rule) reads are listed as
    /// well, since closures and rules do not announce them. What an `Authorized` of the handler reads is not known here.
    pub fn unseen(&self) -> impl Iterator<Item = &str> {
        let params = if self.plan.is_public() { Vec::new() } else { params(&self.path) };
        params.into_iter().filter(|param| !self.plan.params().contains(param))
    }

    /// The scopes that the policy and the baseline name, apart from what is hidden or excluded.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &'static str> {
        let mut named = Vec::new();
        [Some(self.policy()), self.baseline()].into_iter().flatten().for_each(|policy| scopes(policy, &mut named));
        named.into_iter()
    }

    #[cfg(feature = "utoipa")]
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What the baseline and the policy answer callers with one right. What the baseline depends on is not repeated.
    pub(crate) fn forecast(&self, holder: &Holder) -> Forecast {
        // Without a credential, only the policy is asked.
        let baseline = self.baseline.as_ref().filter(|_| *holder != Holder::Visitor);
        let baseline = baseline.map_or(Forecast::Allow, |plan| plan.forecast(holder));
        let on_baseline = || vec!["the baseline".to_owned()];
        match (baseline, self.plan.forecast(holder)) {
            (Forecast::Deny, _) | (_, Forecast::Deny) => Forecast::Deny,
            (Forecast::Allow, policy) => policy,
            (Forecast::Depends(_), Forecast::Allow) => Forecast::Depends(on_baseline()),
            (Forecast::Depends(_), Forecast::Depends(on)) => {
                Forecast::Depends(on_baseline().into_iter().chain(on).collect())
            }
        }
    }

    /// Where in the code it was added.
    pub(super) fn place(&self) -> &'static Location<'static> {
        self.at
    }

    /// What is wrong with the route itself.
    pub(super) fn problem(&self) -> Option<String> {
        let params = params(&self.path);
        let twice = params.iter().enumerate().find(|(place, param)| params.iter().take(*place).any(|it| it == *param));
        if let Some((_, param)) = twice {
            return Some(format!("`{self}` has two parameters `{param}`; rename one of them (added at {})", self.at));
        }
        let missing = self.plan.params().iter().find(|param| !params.contains(param))?;
        Some(format!(
            "the policy of `{self}` reads the path parameter `{missing}`, which the path does not have (added at {}); if a router \
             that is not ours nests these routes, say its path by `.below(…)`",
            self.at
        ))
    }

    /// What is wrong with the route, compared with those before it.
    pub(super) fn repeats(&self, before: &[&Self]) -> Option<String> {
        // Those of a framework's own routes are not known.
        let is_known = self.method.is_some() || self.path.ends_with(REST);
        let first = before.iter().find(|row| is_known && row.method == self.method && row.path == self.path)?;
        Some(format!("`{self}` is there twice (added at {} and at {})", first.at, self.at))
    }
}

/// The method and the path.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.unwrap_or("any"), self.path)
    }
}

/// What a baseline requires. The gate plans it like a policy before which there is no baseline.
pub(crate) fn own_description(baseline: &Plan) -> &Description {
    match baseline.description() {
        Description::WithoutBaseline(policy) => policy,
        policy => policy,
    }
}

fn scopes(policy: &Description, named: &mut Vec<&'static str>) {
    match policy {
        Description::Scope(scope) => named.push(scope),
        // What nobody should know of, and what a caller must not have.
        Description::Hidden(_) | Description::Not(_) => {}
        _ => policy.parts().iter().for_each(|part| scopes(part, named)),
    }
}

/// The permissions that a policy names.
fn permissions(policy: &Description, named: &mut Vec<Holder>) {
    if let Description::Permission { permission, on } = policy {
        let on = on.as_ref().map(|on| on.kind.to_owned());
        named.push(Holder::Permission { permission: (*permission).to_owned(), on });
    }
    policy.parts().iter().for_each(|part| permissions(part, named));
}
