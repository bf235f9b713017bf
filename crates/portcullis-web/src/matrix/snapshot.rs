//! A matrix that a test compares with a file of the repository.

use super::Matrix;
use crate::Table;
use std::{env, fs, path::PathBuf};

/// The environment variable by which a changed matrix is accepted.
const UPDATE: &str = "UPDATE_MATRIX";

impl Table {
    /// Who may use which route, and which role has which permission.
    #[must_use]
    pub fn matrix(&self) -> Matrix {
        Matrix::of(self.all())
    }

    /// Checks that the [matrix](Self::matrix) is the one in this file, in Markdown, so that every change to it is part of a pull
    /// request. The path is relative to the manifest of the package that is tested.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate()?;
    /// let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
    /// book.add(&gate, &gate.plan(role("viewer"))?, Some("GET"), "/reports");
    ///
    /// book.table().assert_matrix("tests/doc/matrix.md");
    /// # Ok(()) }
    /// ```
    ///
    /// To create the file, or to accept a change, run the test with `UPDATE_MATRIX=1`. That writes the file, except where `CI` is
    /// set.
    ///
    /// # Panics
    /// If the matrix is another one. The message says in words what the change grants and takes.
    #[track_caller]
    #[expect(clippy::panic, reason = "an assertion of a test")]
    pub fn assert_matrix(&self, path: &str) {
        let is_set = |name: &str| env::var(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
        let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
        let may_write = is_set(UPDATE) && !is_set("CI");
        if let Err(problem) = compare(&self.matrix(), &folder.join(path), may_write) {
            panic!("{path} {problem}");
        }
    }
}

fn compare(matrix: &Matrix, path: &std::path::Path, may_write: bool) -> Result<(), String> {
    let accept = format!("to accept it, run the test with {UPDATE}=1 (which writes nothing where CI is set)");
    let problem = match fs::read_to_string(path) {
        Err(error) => format!("cannot be read ({error}); {accept}"),
        Ok(text) => match Matrix::from_markdown(&text) {
            Err(error) => format!("cannot be read: {error}; {accept}"),
            Ok(known) if known == *matrix => return Ok(()),
            Ok(known) => {
                let diff = known.diff(matrix);
                let words = if diff.is_empty() {
                    "changes:\n- the order, or what is named".to_owned()
                } else {
                    diff.to_string()
                };
                format!("is not who may do what now\n\n{words}\n\n{accept}")
            }
        },
    };
    if !may_write {
        return Err(problem);
    }
    fs::write(path, matrix.to_string()).map_err(|error| format!("cannot be written ({error})"))
}
