//! What changed from one matrix to another, in words.

use super::{CALLER, Line, Matrix, VISITOR};
use portcullis_core::{Forecast, Holder};
use std::fmt;

/// What changed from one [`Matrix`] to another, in words: what it grants, what it takes, and what now depends on something else.
///
/// `Display` writes a list, grants first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    grants: Vec<String>,
    takes: Vec<String>,
    changes: Vec<String>,
}

impl Diff {
    /// What callers may do now that they could not do before, or could only do under a condition.
    #[must_use]
    pub fn grants(&self) -> &[String] {
        &self.grants
    }

    /// What callers may no longer do, or only under a condition.
    #[must_use]
    pub fn takes(&self) -> &[String] {
        &self.takes
    }

    /// What depends on something else than before.
    #[must_use]
    pub fn changes(&self) -> &[String] {
        &self.changes
    }

    /// Whether nothing changed for any caller.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty() && self.takes.is_empty() && self.changes.is_empty()
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [("grants", &self.grants), ("takes", &self.takes), ("changes", &self.changes)];
        for (place, (title, list)) in lists.into_iter().filter(|(_, list)| !list.is_empty()).enumerate() {
            write!(f, "{}{title}:", if place > 0 { "\n" } else { "" })?;
            list.iter().try_for_each(|entry| write!(f, "\n- {entry}"))?;
        }
        Ok(())
    }
}

impl Matrix {
    /// What the later matrix grants and takes.
    ///
    /// A role that only one of them knows is compared with callers without any role.
    #[must_use]
    pub fn diff(&self, later: &Self) -> Diff {
        let mut diff = Diff::default();
        if self.baselines != later.baselines {
            let words = |matrix: &Self| match matrix.baselines.is_empty() {
                true => "none".to_owned(),
                false => matrix.baselines.join("; "),
            };
            diff.changes.push(format!("the baseline is: {} (before: {})", words(later), words(self)));
        }
        let all = later.holders.iter().chain(self.holders.iter().filter(|holder| !later.holders.contains(holder)));
        let holders: Vec<&Holder> = all.collect();
        let before = |name: &str, lines: &[Line]| lines.iter().position(|line| line.name == name);
        for line in &later.routes {
            match before(&line.name, &self.routes).and_then(|place| self.routes.get(place)) {
                Some(earlier) => {
                    let earlier = self.seen(earlier, &holders, CALLER);
                    diff.route(&line.name, &holders, &earlier, &later.seen(line, &holders, CALLER));
                }
                None => {
                    let who = allowed(&holders, &later.seen(line, &holders, CALLER));
                    diff.grants.push(format!("{} is new, for {who}", line.name));
                }
            }
        }
        for line in self.routes.iter().filter(|line| before(&line.name, &later.routes).is_none()) {
            diff.takes.push(format!("{} is gone", line.name));
        }
        let names = later.permissions.iter().chain(&self.permissions).map(|line| &line.name);
        let mut seen: Vec<&String> = Vec::new();
        for name in names {
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            let of = |matrix: &Self| {
                let line = matrix.permissions.iter().find(|line| line.name == *name);
                line.map_or_else(|| vec![Forecast::Deny; holders.len()], |line| matrix.seen(line, &holders, VISITOR))
            };
            diff.permission(name, &holders, &of(self), &of(later));
        }
        diff
    }

    /// The cells of a line for these holders; for those that the matrix does not have, the cell at this place.
    fn seen(&self, line: &Line, holders: &[&Holder], default: usize) -> Vec<Forecast> {
        let place = |holder: &Holder| self.holders.iter().position(|known| known == holder).unwrap_or(default);
        holders.iter().map(|holder| line.cells.get(place(holder)).cloned().unwrap_or(Forecast::Deny)).collect()
    }
}

impl Diff {
    fn route(&mut self, route: &str, holders: &[&Holder], before: &[Forecast], after: &[Forecast]) {
        let is_public = |cells: &[Forecast]| cells.get(VISITOR) == Some(&Forecast::Allow);
        match (is_public(before), is_public(after)) {
            (true, true) => return,
            (false, true) => return self.grants.push(format!("{route} is public now")),
            (true, false) => {
                return self.takes.push(format!("{route} is no longer public, and is for {}", allowed(holders, after)));
            }
            (false, false) => {}
        }
        let of_caller = (before.get(CALLER), after.get(CALLER));
        for (place, ((holder, earlier), later)) in holders.iter().zip(before).zip(after).enumerate() {
            // What changed for every caller is said once.
            if earlier == later || place > CALLER && of_caller == (Some(earlier), Some(later)) {
                continue;
            }
            let who = who(holder);
            match (earlier, later) {
                (Forecast::Deny, Forecast::Allow) => self.grants.push(format!("{who} may now {route}")),
                (Forecast::Deny, Forecast::Depends(on)) => {
                    self.grants.push(format!("{who} may now {route}, depending on: {}", on.join("; ")));
                }
                (Forecast::Depends(on), Forecast::Allow) => {
                    self.grants.push(format!("{who} may now {route} without depending on: {}", on.join("; ")));
                }
                (_, Forecast::Deny) => self.takes.push(format!("{who} may no longer {route}")),
                (Forecast::Allow, Forecast::Depends(on)) => {
                    self.takes.push(format!("{who} may {route} only depending on: {}", on.join("; ")));
                }
                (Forecast::Depends(from), Forecast::Depends(to)) => {
                    let (from, to) = (from.join("; "), to.join("; "));
                    self.changes.push(format!("{who} may {route} depending on: {to} (before: {from})"));
                }
                (Forecast::Allow, Forecast::Allow) => {}
            }
        }
    }

    fn permission(&mut self, permission: &str, holders: &[&Holder], before: &[Forecast], after: &[Forecast]) {
        for ((holder, earlier), later) in holders.iter().zip(before).zip(after).filter(|((_, one), other)| one != other)
        {
            let who = who(holder);
            match later {
                Forecast::Allow => self.grants.push(format!("{who} now has the permission {permission}")),
                Forecast::Deny => self.takes.push(format!("{who} no longer has the permission {permission}")),
                Forecast::Depends(on) if *earlier == Forecast::Allow => {
                    self.takes
                        .push(format!("{who} has the permission {permission} only depending on: {}", on.join("; ")));
                }
                Forecast::Depends(on) => {
                    self.grants
                        .push(format!("{who} now has the permission {permission}, depending on: {}", on.join("; ")));
                }
            }
        }
    }
}

fn who(holder: &Holder) -> String {
    match holder {
        Holder::Visitor => "callers without a credential".to_owned(),
        Holder::Caller => "authenticated callers".to_owned(),
        Holder::Role { role, on: None } => format!("`{role}`"),
        Holder::Role { role, on: Some(kind) } => format!("`{role}` on {kind}"),
        other => other.to_string(),
    }
}

/// Those whom a route allows, or may allow.
fn allowed(holders: &[&Holder], cells: &[Forecast]) -> String {
    if cells.get(VISITOR) == Some(&Forecast::Allow) {
        return "everybody: it is public".to_owned();
    }
    let of_caller = cells.get(CALLER).unwrap_or(&Forecast::Deny);
    let all = holders.iter().zip(cells).enumerate();
    let other = all.filter(|(place, (_, cell))| **cell != Forecast::Deny && (*place <= CALLER || *cell != of_caller));
    let words: Vec<String> = other
        .map(|(_, (holder, cell))| match cell {
            Forecast::Depends(on) => format!("{} depending on: {}", who(holder), on.join("; ")),
            _ => who(holder),
        })
        .collect();
    if words.is_empty() { "no caller with one right alone".to_owned() } else { words.join(", ") }
}
