//! The table of routes.

use super::{JoinPaths, path::params};
use portcullis_core::{Gate, Plan, policy::values::Description};
use std::{fmt, panic::Location};

/// The end of the paths of routes that answer everything below.
pub(super) const REST: &str = "/*";

/// The routes of a service, and who may use them.
///
/// `Display` writes it as a table in Markdown. A test can compare it with a file, so that each change of a policy shows in
/// review. `Routes::table` of the adapters makes one; here with the [`Book`](super::Book) that they use:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let gate = gate()?;
/// let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
/// book.add(&gate, &gate.plan(anyone())?, Some("GET"), "/news");
/// book.add(&gate, &gate.plan(role("viewer"))?, Some("GET"), "/projects/{id}");
///
/// let table = book.table();
/// assert_eq!(
///     table.rows().map(ToString::to_string).collect::<Vec<_>>(),
///     ["GET /news", "GET /projects/{id}"]
/// );
/// // the policy does not read it
/// assert_eq!(table.unseen().collect::<Vec<_>>(), [("/projects/{id}", "id")]);
/// assert!(table.to_string().contains("| GET | `/projects/{id}` | role viewer |"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Table(Vec<Row>);

impl Table {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Self(rows)
    }

    /// The routes, in the order in which they were added.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.0.iter()
    }

    /// The path parameters that no policy reads, each with the path of its route: see [`Row::unseen`].
    pub fn unseen(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|row| row.unseen().map(|param| (row.path(), param)))
    }
}

/// A route of a [`Table`].
#[derive(Debug, Clone)]
pub struct Row {
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
        Self { plan: plan.clone(), baseline, method, path, at }
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

    /// The [baseline](portcullis_core::GateBuilder::baseline), if it is asked before the policy.
    #[must_use]
    pub fn baseline(&self) -> Option<&Description> {
        // The gate plans it like a policy before which there is no baseline.
        self.baseline.as_ref().map(|plan| match plan.description() {
            Description::WithoutBaseline(policy) => policy,
            policy => policy,
        })
    }

    /// The schemes that the policy accepts: their names, or their sources where they have no name. A public route has none,
    /// since its policy needs no caller.
    #[must_use]
    pub fn schemes(&self) -> Vec<String> {
        if self.plan.is_public() { Vec::new() } else { self.plan.schemes() }
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

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| method | path | who may pass | baseline | by | parameters that no policy reads |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        self.0.iter().try_for_each(|row| {
            let baseline = row.baseline().map(ToString::to_string).unwrap_or_default();
            let unseen: Vec<&str> = row.unseen().collect();
            let cells = [
                row.method.unwrap_or("any").to_owned(),
                format!("`{}`", row.path),
                row.policy().to_string(),
                baseline,
                row.schemes().join(", "),
                unseen.join(", "),
            ];
            // A pattern of a path may contain what separates cells.
            cells.iter().try_for_each(|cell| write!(f, "| {} ", cell.replace('|', "\\|")))?;
            writeln!(f, "|")
        })
    }
}
