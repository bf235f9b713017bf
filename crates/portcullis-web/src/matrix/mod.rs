//! Who may do what, as a matrix that can be kept in a file and compared.

mod diff;
mod json;
mod markdown;
mod snapshot;

pub use diff::Diff;

use crate::routes::{Row, own_description};
use portcullis_core::{Forecast, Gate, Holder, Permission, policy::values::Description};

/// Who may do what: roles and routes, roles and permissions.
///
/// Each cell is `yes`, `no`, or what it depends on: see [`Forecast`]. It is worked out from the policies and from the roles of
/// the gate, without a request. What a [`Membership`](portcullis_core::Membership) permits beyond these roles is not in it, nor
/// what an `Authorized` or a `Caller` of a handler asks.
///
/// `Display` writes it in Markdown. [`to_json`](Self::to_json) is for other programs. Both can be read back and
/// [compared](Self::diff):
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// fn matrix(policy: impl Policy + 'static) -> Result<Matrix, Error> {
///     let gate = gate()?;
///     let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
///     book.add(&gate, &gate.plan(policy)?, Some("GET"), "/reports");
///     Ok(book.table().matrix())
/// }
///
/// # fn main() -> Result<(), Error> {
/// let before = matrix(staff())?;
/// let after = matrix(role("viewer"))?;
/// assert!(after.to_string().contains("| GET /reports | - | - | - | yes |"));
/// assert_eq!(Matrix::from_markdown(&after.to_string())?, after);
///
/// let diff = before.diff(&after);
/// assert_eq!(diff.grants(), ["`viewer` may now GET /reports"]);
/// assert_eq!(diff.takes(), ["staff may no longer GET /reports"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// What cells mean by the baseline: one for each gate that has one.
    baselines: Vec<String>,
    holders: Vec<Holder>,
    routes: Vec<Line>,
    permissions: Vec<Line>,
}

/// A route, or a permission, with a cell for each holder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    name: String,
    cells: Vec<Forecast>,
}

/// The places of those holders that every matrix has.
const VISITOR: usize = 0;
const CALLER: usize = 1;
const COMMON: [Holder; 3] = [Holder::Visitor, Holder::Caller, Holder::Staff];

impl Matrix {
    pub(crate) fn of(rows: &[Row]) -> Self {
        let mut gates: Vec<&Gate> = Vec::new();
        for row in rows {
            if !gates.iter().any(|gate| gate.is_same(row.gate())) {
                gates.push(row.gate());
            }
        }
        let mut holders = COMMON.to_vec();
        for holder in gates.iter().flat_map(|gate| roles(gate)) {
            if !holders.contains(&holder) {
                holders.push(holder);
            }
        }
        let mut routes: Vec<Line> = Vec::new();
        for row in rows {
            let (name, cells) = (row.to_string(), holders.iter().map(|holder| row.forecast(holder)));
            match routes.iter_mut().find(|line| line.name == name) {
                // Routes of a framework, whose methods are not known here.
                Some(line) => {
                    line.cells.iter_mut().zip(cells).filter(|(one, other)| *one != other).for_each(|(cell, _)| {
                        *cell = Forecast::Depends(vec!["the method".to_owned()]);
                    })
                }
                None => {
                    let cells = cells.collect();
                    routes.push(Line { name, cells });
                }
            }
        }
        let mut names: Vec<String> = gates.iter().flat_map(|gate| gate.permissions()).map(str::to_owned).collect();
        rows.iter().for_each(|row| permissions(row.policy(), &mut names));
        names.sort();
        names.dedup();
        let mut baselines: Vec<String> = Vec::new();
        for words in gates.iter().filter_map(|gate| gate.baseline()).map(|plan| own_description(plan).to_string()) {
            if !baselines.contains(&words) {
                baselines.push(words);
            }
        }
        let permissions = names.into_iter().filter_map(|name| {
            let permission: Permission = name.parse().ok()?;
            let cells = holders.iter().map(|holder| permits(&gates, holder, &permission)).collect();
            Some(Line { name, cells })
        });
        Self { baselines, routes, permissions: permissions.collect(), holders }
    }

    /// The callers with one right that it has cells for: those without a credential, those without any role, staff, and each
    /// role, everywhere and on each kind of resource.
    #[must_use]
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// The routes, as method and path.
    pub fn routes(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|line| line.name.as_str())
    }

    /// The permissions: those that the gate lists, and those that its roles and the policies name.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.permissions.iter().map(|line| line.name.as_str())
    }

    /// Whether these callers may use this route. `None` if the matrix has no such route or caller.
    #[must_use]
    pub fn route(&self, route: &str, holder: &Holder) -> Option<&Forecast> {
        self.cell(&self.routes, route, holder)
    }

    /// Whether these callers have this permission: everywhere, or on the resources on which they have the role. `None` if the
    /// matrix has no such permission or caller.
    #[must_use]
    pub fn permission(&self, permission: &str, holder: &Holder) -> Option<&Forecast> {
        self.cell(&self.permissions, permission, holder)
    }

    fn cell<'m>(&self, lines: &'m [Line], name: &str, holder: &Holder) -> Option<&'m Forecast> {
        let line = lines.iter().find(|line| line.name == name)?;
        line.cells.get(self.holders.iter().position(|known| known == holder)?)
    }

    /// The kinds of resources that its roles are on, in order.
    fn kinds(&self) -> Vec<&str> {
        let mut kinds = Vec::new();
        for holder in &self.holders {
            if let Holder::Role { on: Some(kind), .. } = holder
                && !kinds.contains(&kind.as_str())
            {
                kinds.push(kind);
            }
        }
        kinds
    }
}

/// All roles of a gate: everywhere, then on each kind of resource.
pub(crate) fn roles(gate: &Gate) -> impl Iterator<Item = Holder> {
    std::iter::once(None).chain(gate.kinds().map(Some)).flat_map(|kind| {
        let roles = kind.map_or(gate.roles(), |kind| gate.roles_on(kind));
        let on = kind.map(str::to_owned);
        roles.names().iter().map(move |role| Holder::Role { role: role.clone(), on: on.clone() })
    })
}

/// The permissions that a policy names.
fn permissions(policy: &Description, names: &mut Vec<String>) {
    if let Description::Permission { permission, .. } = policy {
        names.push((*permission).to_owned());
    }
    policy.parts().iter().for_each(|part| permissions(part, names));
}

fn permits(gates: &[&Gate], holder: &Holder, permission: &Permission) -> Forecast {
    let Holder::Role { role, on } = holder else { return Forecast::Deny };
    let known = gates.iter().map(|gate| on.as_ref().map_or(gate.roles(), |kind| gate.roles_on(kind)));
    let mut answers = known.filter(|roles| roles.knows(role)).map(|roles| roles.permits(role, permission));
    let first = answers.next().unwrap_or_default();
    match (first, answers.all(|answer| answer == first)) {
        (_, false) => Forecast::Depends(vec!["the gate of the route".to_owned()]),
        (true, true) => Forecast::Allow,
        (false, true) => Forecast::Deny,
    }
}
