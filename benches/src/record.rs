//! What ours took beyond the floor when it was recorded, and whether it takes more now.
//!
//! The floor is taken off since processors differ: the cryptographic library takes another way on each.

use crate::{
    case::{Case, Operation},
    guard,
    table::Figures,
};
use std::{fmt, fs, io};

/// How the names of the cases begin that are recorded.
const CASES: [&str; 15] = [
    "verify/HS256",
    "verify/RS256/small",
    "guard/axum/cached",
    "guard/axum/HS256, extracted",
    "guard/actix",
    "refused",
    "policy",
    "cache/hot HS256",
    "growth/issuers",
    "growth/keys",
    "growth/schemes",
    "growth/cached bearer schemes",
    "growth/routes",
    "growth/roles",
    "growth/permissions",
];

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/recorded.txt");
/// More than this share is a change, and more than so many instructions, since builds differ by about thirty.
const SHARE: f64 = 0.03;
const INSTRUCTIONS: u64 = 60;

/// Whether a case of this name is recorded.
pub(crate) fn concerns(name: &str) -> bool {
    CASES.iter().any(|beginning| name.starts_with(beginning))
}

/// A guard on a route is compared with a layer that does nothing, where there is one.
pub(crate) fn floor(case: &Case) -> Option<&Operation> {
    let no_op = case.operations.iter().find(|operation| operation.by == guard::NO_OP);
    no_op.or(case.operations.last())
}

/// Writes what was measured, to be compared with from now on.
pub(crate) fn write(cases: &[Case], figures: &[Vec<Figures>]) -> io::Result<()> {
    let measured = measured(cases, figures).ok_or(io::ErrorKind::Unsupported)?;
    fs::write(FILE, measured.iter().map(|taken| format!("{taken}\n")).collect::<String>())
}

/// Says of each case whether it takes no more than is recorded, and whether all do.
pub(crate) fn judge(cases: &[Case], figures: &[Vec<Figures>]) -> bool {
    let Some(measured) = measured(cases, figures) else {
        println!("instructions are not available here, so nothing can be compared with the record");
        return false;
    };
    let recorded = fs::read_to_string(FILE).unwrap_or_default();
    let recorded: Vec<Taken> = recorded.lines().filter_map(Taken::parse).collect();
    let mut all = true;
    for taken in &measured {
        let before = recorded.iter().find(|before| (&before.case, &before.floor) == (&taken.case, &taken.floor));
        let (kept, remark) = taken.beside(before);
        let before = before.map_or_else(String::new, |before| format!(", before {}", before.amounts()));
        println!("{}: {} beyond {}{before}{remark}", taken.case, taken.amounts(), taken.floor);
        all &= kept;
    }
    for gone in recorded.iter().filter(|before| measured.iter().all(|taken| taken.case != before.case)) {
        println!("{}: recorded, but there is no such case", gone.case);
        all = false;
    }
    all
}

/// `None` if something could not be counted.
fn measured(cases: &[Case], figures: &[Vec<Figures>]) -> Option<Vec<Taken>> {
    let recorded = cases.iter().zip(figures).filter(|(case, _)| concerns(&case.name));
    recorded.map(|(case, figures)| Taken::of(case, figures)).collect()
}

/// What ours takes beyond the floor of a case: a line of the file.
struct Taken {
    case: String,
    floor: String,
    instructions: u64,
    allocations: u64,
}

impl Taken {
    fn of(case: &Case, figures: &[Figures]) -> Option<Self> {
        let (ours, floor) = (figures.first()?, floor(case)?.by);
        let (_, theirs) = case.operations.iter().zip(figures).find(|(operation, _)| operation.by == floor)?;
        Some(Self {
            case: case.name.clone(),
            floor: floor.to_owned(),
            instructions: ours.instructions?.saturating_sub(theirs.instructions?),
            allocations: ours.allocations.saturating_sub(theirs.allocations),
        })
    }

    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(" | ");
        let mut text = || parts.next().map(str::to_owned);
        let (case, floor, instructions, allocations) = (text()?, text()?, text()?, text()?);
        Some(Self { case, floor, instructions: instructions.parse().ok()?, allocations: allocations.parse().ok()? })
    }

    /// Whether it is no more than before, and what there is to say about it.
    fn beside(&self, before: Option<&Self>) -> (bool, &'static str) {
        let Some(before) = before else { return (false, "; not recorded") };
        let play = ((before.instructions as f64 * SHARE) as u64).max(INSTRUCTIONS);
        let is_more = |one: &Self, other: &Self| {
            one.instructions > other.instructions + play || one.allocations > other.allocations
        };
        match (is_more(self, before), is_more(before, self)) {
            (true, _) => (false, "; too much"),
            (false, true) => (true, "; less, so record it anew"),
            (false, false) => (true, ""),
        }
    }

    fn amounts(&self) -> String {
        format!("{} instructions and {} allocations", self.instructions, self.allocations)
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, floor, instructions, allocations } = self;
        write!(f, "{case} | {floor} | {instructions} | {allocations}")
    }
}
