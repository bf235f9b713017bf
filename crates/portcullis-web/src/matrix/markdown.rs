//! The matrix in Markdown, for people who review it, and read back for a comparison.
//!
//! Roles on resources have a table for each kind, which leaves out the routes where they change nothing.

use super::{CALLER, COMMON, Line, Matrix};
use portcullis_core::{Error, ErrorKind, Forecast, Holder};
use std::fmt;

const INTRODUCTION: &str = "\
# Who may do what

Each column is a caller with only this right. A dash is no. Tables of roles on resources leave out routes where these roles
change nothing.
";

const BASELINE: &str = "## Baseline";
const ON: &str = ": roles on ";
/// Between the parts of what a cell depends on.
const AND: &str = "; ";
const DEPENDS: &str = "depends: ";

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(INTRODUCTION)?;
        for (place, words) in self.baselines.iter().enumerate() {
            if place == 0 {
                write!(f, "\n{BASELINE}\n\n")?;
            }
            writeln!(f, "- {}", escaped(words))?;
        }
        let kinds: Vec<Option<&str>> = std::iter::once(None).chain(self.kinds().into_iter().map(Some)).collect();
        kinds.iter().try_for_each(|kind| self.section(f, true, *kind))?;
        kinds.iter().try_for_each(|kind| self.section(f, false, *kind))
    }
}

impl Matrix {
    /// The table of routes, or of permissions, for roles everywhere or on resources of a kind.
    fn section(&self, f: &mut fmt::Formatter<'_>, is_routes: bool, kind: Option<&str>) -> fmt::Result {
        let is_here = |holder: &Holder| match holder {
            Holder::Role { on, .. } => on.as_deref() == kind,
            // No permission is theirs.
            _ => kind.is_none() && is_routes,
        };
        let places: Vec<usize> =
            (0..self.holders.len()).filter(|place| self.holders.get(*place).is_some_and(is_here)).collect();
        let of = |line: &Line| -> Vec<Forecast> {
            places.iter().filter_map(|place| line.cells.get(*place)).cloned().collect()
        };
        let lines = if is_routes { &self.routes } else { &self.permissions };
        let is_shown = |line: &&Line| kind.is_none() || of(line).iter().any(|cell| cell != line.default(is_routes));
        let lines: Vec<&Line> = lines.iter().filter(is_shown).collect();
        // The tables of routes name all roles.
        if !is_routes && lines.is_empty() {
            return Ok(());
        }
        let (title, column) = if is_routes { ("Routes", "route") } else { ("Permissions", "permission") };
        let on = kind.map(|kind| format!("{ON}{}", escaped(kind))).unwrap_or_default();
        write!(f, "\n## {title}{on}\n\n| {column} |")?;
        for holder in places.iter().filter_map(|place| self.holders.get(*place)) {
            match holder {
                Holder::Role { role, on: Some(_) } => write!(f, " {} |", escaped(role))?,
                other => write!(f, " {} |", escaped(&other.to_string()))?,
            }
        }
        writeln!(f, "\n|---|{}", "---|".repeat(places.len()))?;
        for line in lines {
            write!(f, "| {} |", escaped(&line.name))?;
            for cell in of(line) {
                match cell {
                    Forecast::Allow => write!(f, " yes |")?,
                    Forecast::Deny => write!(f, " - |")?,
                    Forecast::Depends(on) => {
                        let on: Vec<String> = on.iter().map(|on| escaped(on).replace(';', "\\;")).collect();
                        write!(f, " {DEPENDS}{} |", on.join(AND))?;
                    }
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }

    /// Reads what `Display` has written.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the text is no such matrix. The error names the line.
    pub fn from_markdown(text: &str) -> Result<Self, Error> {
        let problem = |number: usize, what: &str| {
            let detail = format!("line {} of the matrix {what}; write it again", number.saturating_add(1));
            Error::new(ErrorKind::Misconfigured, detail)
        };
        let mut parts = Parts::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_end();
            let read = match line {
                BASELINE => Some(()),
                line if line.starts_with("- ") => {
                    parts.baselines.push(plain(line.trim_start_matches("- ")));
                    Some(())
                }
                line if line.starts_with("## ") => parts.heading(line.trim_start_matches("## ")),
                line if line.starts_with("|---") => Some(()),
                line if line.starts_with('|') => parts.row(&cells(line)),
                _ => Some(()),
            };
            read.ok_or_else(|| problem(number, "cannot be read"))?;
        }
        let Parts { baselines, holders, routes, permissions, .. } = parts;
        let lines = |rows: Vec<Cells>, is_routes: bool| -> Vec<Line> {
            let line = |(name, cells): Cells| {
                let of =
                    |holder: &Holder| cells.iter().find(|(known, _)| known == holder).map(|(_, cell)| cell.clone());
                let default = of(&Holder::Caller).filter(|_| is_routes).unwrap_or(Forecast::Deny);
                let cells = holders.iter().map(|holder| of(holder).unwrap_or_else(|| default.clone())).collect();
                Line { name, cells }
            };
            rows.into_iter().map(line).collect()
        };
        let (routes, permissions) = (lines(routes, true), lines(permissions, false));
        Self { baselines, holders, routes, permissions }.whole().ok_or_else(|| problem(0, "does not begin a whole one"))
    }

    /// A matrix that was read; `None` if something is there twice, or a caller is missing that every matrix has.
    pub(super) fn whole(self) -> Option<Self> {
        let is_once = |names: Vec<String>| {
            names.iter().enumerate().all(|(place, name)| !names.iter().take(place).any(|earlier| earlier == name))
        };
        let names = |lines: &[Line]| lines.iter().map(|line| line.name.clone()).collect();
        let is_whole = self.holders.starts_with(&COMMON)
            && is_once(self.holders.iter().map(|holder| format!("{holder:?}")).collect())
            && is_once(names(&self.routes))
            && is_once(names(&self.permissions));
        is_whole.then_some(self)
    }
}

impl Line {
    /// What a caller without any right gets.
    fn default(&self, is_route: bool) -> &Forecast {
        self.cells.get(CALLER).filter(|_| is_route).unwrap_or(&Forecast::Deny)
    }
}

/// The name of a line, and its cells so far.
type Cells = (String, Vec<(Holder, Forecast)>);

/// What was read so far.
#[derive(Default)]
struct Parts {
    baselines: Vec<String>,
    holders: Vec<Holder>,
    routes: Vec<Cells>,
    permissions: Vec<Cells>,
    /// Whether the table is about routes, and the kind of resources that its roles are on.
    section: Option<(bool, Option<String>)>,
    columns: Option<Vec<Holder>>,
}

impl Parts {
    fn heading(&mut self, heading: &str) -> Option<()> {
        let (title, kind) = match heading.split_once(ON) {
            Some((title, kind)) => (title, Some(plain(kind))),
            None => (heading, None),
        };
        self.section = Some(match title {
            "Routes" => (true, kind),
            "Permissions" => (false, kind),
            _ => return None,
        });
        self.columns = None;
        Some(())
    }

    fn row(&mut self, cells: &[String]) -> Option<()> {
        let (is_routes, kind) = self.section.clone()?;
        let (name, cells) = cells.split_first()?;
        let Some(columns) = &self.columns else {
            let holder = |name: &String| match &kind {
                Some(kind) => Some(Holder::Role { role: plain(name), on: Some(kind.clone()) }),
                None => {
                    let name = plain(name);
                    let role = |name: &str| Holder::Role { role: name.to_owned(), on: None };
                    let common = COMMON.into_iter().find(|holder| holder.to_string() == name);
                    common.or_else(|| name.strip_prefix("role ").map(role))
                }
            };
            let columns: Vec<Holder> = cells.iter().map(holder).collect::<Option<_>>()?;
            if is_routes {
                self.holders.extend(columns.iter().cloned());
            } else if !columns.iter().all(|column| self.holders.contains(column)) {
                return None;
            }
            self.columns = Some(columns);
            return Some(());
        };
        if columns.len() != cells.len() {
            return None;
        }
        let read: Vec<(Holder, Forecast)> = columns
            .iter()
            .zip(cells)
            .map(|(holder, cell)| Some((holder.clone(), forecast(cell)?)))
            .collect::<Option<_>>()?;
        let lines = if is_routes { &mut self.routes } else { &mut self.permissions };
        let name = plain(name);
        match lines.iter_mut().find(|(known, _)| kind.is_some() && *known == name) {
            Some((_, cells)) => cells.extend(read),
            None if kind.is_none() => lines.push((name, read)),
            None => return None,
        }
        Some(())
    }
}

fn forecast(cell: &str) -> Option<Forecast> {
    match cell {
        "yes" => Some(Forecast::Allow),
        "-" => Some(Forecast::Deny),
        cell => {
            let on = split(cell.strip_prefix(DEPENDS)?, ';');
            Some(Forecast::Depends(on.iter().map(|on| plain(on.trim())).collect()))
        }
    }
}

/// The cells of a line, still escaped.
fn cells(line: &str) -> Vec<String> {
    let mut cells: Vec<String> = split(line, '|').iter().skip(1).map(|cell| cell.trim().to_owned()).collect();
    cells.pop();
    cells
}

/// The parts of a text between a character that is not escaped.
fn split(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut is_escaped) = (vec![String::new()], false);
    for found in text.chars() {
        if found == at && !is_escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(found);
        }
        is_escaped = found == '\\' && !is_escaped;
    }
    parts
}

/// A text that neither ends a cell nor a line, and that no browser takes for markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for found in text.chars() {
        match found {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\\' | '|' | '<' => safe.extend(['\\', found]),
            _ => safe.push(found),
        }
    }
    safe
}

/// What was escaped.
fn plain(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text.chars());
    while let Some(found) = rest.next() {
        plain.push(match (found, found == '\\') {
            (_, true) => match rest.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            (found, false) => found,
        });
    }
    plain
}
