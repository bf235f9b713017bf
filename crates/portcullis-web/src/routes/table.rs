//! The table of routes.

use super::{
    Row,
    forms::{csv, html, json, markdown},
};
use std::fmt;

/// The routes of a service, and who may use them.
///
/// `Display` writes it as a table in Markdown. [`csv`](Self::csv) and [`json`](Self::json) are for other programs, and
/// [`html`](Self::html) is a page that a person can filter. `Routes::table` of the adapters makes one; here with the
/// [`Book`](super::Book) that they use:
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

    pub(crate) fn all(&self) -> &[Row] {
        &self.0
    }

    /// The path parameters that no policy reads, each with the path of its route: see [`Row::unseen`].
    pub fn unseen(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|row| row.unseen().map(|param| (row.path(), param)))
    }

    /// The table as comma-separated values (RFC 4180), with a header.
    ///
    /// A cell that a spreadsheet would take for a formula begins with an apostrophe.
    #[must_use]
    pub fn csv(&self) -> String {
        csv(&self.0)
    }

    /// The table as a JSON array with an object for each route: `method` (or `null`), `path`, `policy`, `superuser` (or `null`), `is_public`, `baseline`
    /// (or `null`), `schemes`, `roles`, `permissions` and `unseen`.
    #[must_use]
    pub fn json(&self) -> String {
        json(&self.0)
    }

    /// The table as a page in one file, with filters, that needs neither a server nor the network.
    ///
    /// It tells everyone who can read it what is guarded and how: write it to a file, or serve it to staff only.
    #[must_use]
    pub fn html(&self) -> String {
        html(&self.0)
    }

    /// Checks that every route has a policy that needs a caller, except for these: a path for all of its methods, or a method
    /// and a path.
    ///
    /// For a test, so that a route is only public where someone has written it down:
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate()?;
    /// let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
    /// book.add(&gate, &gate.plan(anyone())?, Some("GET"), "/health");
    /// book.add(&gate, &gate.plan(anyone())?, Some("POST"), "/sign-in");
    /// book.add(&gate, &gate.plan(role("viewer"))?, Some("GET"), "/reports");
    ///
    /// book.table().assert_all_guarded(["/health", "POST /sign-in"]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If another route is public, or an entry names no public route. The message lists them all.
    #[track_caller]
    #[expect(clippy::panic, reason = "an assertion of a test")]
    pub fn assert_all_guarded<'e>(&self, except: impl IntoIterator<Item = &'e str>) {
        let except: Vec<&str> = except.into_iter().collect();
        let names = |entry: &str, row: &Row| entry == row.path() || entry == row.to_string();
        let public = || self.0.iter().filter(|row| row.is_public());
        let mut problems = Vec::new();
        for row in public().filter(|row| !except.iter().any(|entry| names(entry, row))) {
            problems.push(format!("`{row}` is public (added at {})", row.place()));
        }
        for entry in except.iter().filter(|entry| !public().any(|row| names(entry, row))) {
            let is_there = self.0.iter().any(|row| names(entry, row));
            let why =
                if is_there { "is guarded; remove it from the list" } else { "is no route; correct or remove it" };
            problems.push(format!("`{entry}` {why}"));
        }
        if !problems.is_empty() {
            let list: String = problems.iter().map(|problem| format!("\n- {problem}")).collect();
            panic!("routes that are not as the list of public ones says:{list}");
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&markdown(&self.0))
    }
}
