//! What the adapters know about routes: their paths, their policies, and where in the code they were added.

mod forms;
#[cfg(feature = "utoipa")]
mod openapi;
mod path;
mod row;
mod table;

#[cfg(feature = "utoipa")]
pub use openapi::OpenApiGaps;
pub use row::Row;
pub(crate) use row::own_description;
pub use table::Table;

use portcullis_core::{Gate, Plan};
use std::{collections::BTreeSet, fmt, panic::Location};

/// How a framework joins the path of a route to the path that the route is nested below.
pub type JoinPaths = fn(prefix: &str, path: &str) -> String;

/// What `Routes` of an adapter knows about its routes: their policies, and where in the code they were added.
#[derive(Clone)]
pub struct Book {
    rows: Vec<Row>,
    /// The metadata of protected resources. It is at the root, wherever the routes are nested.
    metadata: Vec<Row>,
    below: Option<String>,
    join: JoinPaths,
}

impl Book {
    /// Creates an empty book, for a framework that joins paths with this function.
    #[must_use]
    pub fn new(join: JoinPaths) -> Self {
        Self { rows: Vec::new(), metadata: Vec::new(), below: None, join }
    }

    /// Adds a route, for one method or for all methods that it has itself.
    #[track_caller]
    pub fn add(&mut self, gate: &Gate, plan: &Plan, method: Option<&'static str>, path: &str) {
        self.rows.push(Row::new(gate, plan, method, path.to_owned(), Location::caller()));
    }

    /// Adds something that answers all paths below this one: a service, or a fallback.
    #[track_caller]
    pub fn add_all_below(&mut self, gate: &Gate, plan: &Plan, path: &str) {
        let path = format!("{}{}", path.trim_end_matches('/'), row::REST);
        self.rows.push(Row::new(gate, plan, None, path, Location::caller()));
    }

    /// Adds the route of the metadata that the gate has about its protected resource (RFC 9728), which everyone may read.
    ///
    /// # Panics
    /// If the gate has no [protected resource](portcullis_core::GateBuilder::protected_resource).
    #[track_caller]
    #[expect(clippy::panic, reason = "a mistake in a route has to show at start")]
    pub fn add_metadata(&mut self, gate: &Gate, plan: &Plan) {
        let Some(resource) = gate.protected_resource() else {
            panic!("the gate has no metadata to serve; set `GateBuilder::protected_resource`")
        };
        let path = resource.metadata_path().to_owned();
        self.metadata.push(Row::new(gate, plan, Some("GET"), path, Location::caller()));
    }

    /// The metadata of protected resources, as JSON: the gate, the path, and what is served there. Its scopes are those that the
    /// routes of this gate name.
    #[must_use]
    pub fn metadata(&self) -> Vec<(Gate, String, String)> {
        let scopes = |gate: &Gate| {
            let rows = self.rows.iter().filter(|row| row.gate().is_same(gate));
            rows.flat_map(Row::scopes).collect::<BTreeSet<_>>()
        };
        let of = |row: &Row| {
            let gate = row.gate().clone();
            let metadata = gate.protected_resource()?.metadata(scopes(&gate));
            Some((gate, row.path().to_owned(), metadata))
        };
        self.metadata.iter().filter_map(of).collect()
    }

    /// Sets the path below which a router of the framework nests the routes.
    pub fn set_below(&mut self, path: &str) {
        self.below = Some(path.to_owned());
    }

    /// Adds the routes of another book below a path.
    pub fn nest(&mut self, path: &str, book: Self) {
        let join = self.join;
        self.rows.extend(book.rows.into_iter().map(|row| row.below(path, join)));
        self.metadata.extend(book.metadata);
    }

    /// Adds the routes of another book.
    pub fn merge(&mut self, book: Self) {
        self.rows.extend(book.rows);
        self.metadata.extend(book.metadata);
    }

    /// All routes with their whole paths.
    #[must_use]
    pub fn table(&self) -> Table {
        let whole = |row: &Row| match &self.below {
            Some(path) => row.clone().below(path, self.join),
            None => row.clone(),
        };
        Table::new(self.rows.iter().map(whole).chain(self.metadata.iter().cloned()).collect())
    }

    /// Checks what is only known once the paths are complete.
    ///
    /// # Panics
    /// If a policy reads a path parameter that the path of its route does not have, if a path has a parameter twice, if a method
    /// of a path is there twice, or if metadata would not be at the root. The message names the line where the route was added.
    #[track_caller]
    #[expect(clippy::panic, reason = "a mistake in a route has to show at start")]
    pub fn check(&self) {
        if let (Some(below), Some(row)) = (&self.below, self.metadata.first()) {
            let (path, place) = (row.path(), row.place());
            panic!("clients look for `{path}` at the root, and these routes are below `{below}` (added at {place})");
        }
        let table = self.table();
        let mut before: Vec<&Row> = Vec::new();
        for row in table.rows() {
            if let Some(problem) = row.problem().or_else(|| row.repeats(&before)) {
                panic!("{problem}");
            }
            before.push(row);
        }
    }
}

/// The methods and paths.
impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rows.iter().map(Row::to_string)).finish()
    }
}
