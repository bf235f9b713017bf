//! What may not get worse. Only what is the same in every run is judged, never time, so that a busy machine cannot fail it.

use crate::{
    cache,
    case::Case,
    guard::{self, actix, axum, refused},
    policy,
    table::Figures,
    verify,
};

/// What ours may need at most in one case.
struct Limit {
    case: &'static str,
    /// Whom it is compared with there.
    other: &'static str,
    most: Most,
}

enum Most {
    /// This share of the other's instructions.
    Share(f64),
    /// So many instructions and allocations more than the other.
    Added { instructions: u64, allocations: u64 },
}

const LIMITS: [Limit; 21] = [
    Limit { case: verify::HS256, other: verify::PEER, most: Most::Share(0.5) },
    added(actix::KNOWN, guard::BARE, 1_500, 1),
    added(actix::REMEMBERED, actix::AUTHENTICATED, 1_500, 1),
    added(axum::CACHED, guard::BARE, 1_450, 0),
    added(axum::GUARDED, guard::NO_OP, 1_400, 0),
    added(axum::BOTH, guard::NO_OP, 1_900, 0),
    added(actix::CACHED, guard::BARE, 1_560, 0),
    added(actix::GUARDED, guard::NO_OP, 2_250, 1),
    added(actix::BOTH, guard::NO_OP, 2_600, 1),
    Limit { case: refused::FORGED, other: refused::ACCEPTED, most: Most::Share(1.15) },
    Limit { case: refused::EXPIRED, other: refused::ACCEPTED, most: Most::Share(1.2) },
    Limit { case: refused::TOO_LONG, other: refused::ACCEPTED, most: Most::Share(0.7) },
    added(policy::ROLE[0], policy::AUTHENTICATED, 60, 0),
    added(policy::ROLE[1], policy::AUTHENTICATED, 60, 0),
    added(policy::LAST_ROLE[0], policy::AUTHENTICATED, 250, 0),
    added(policy::LAST_ROLE[1], policy::AUTHENTICATED, 250, 0),
    added(policy::PERMISSION[0], policy::AUTHENTICATED, 60, 0),
    added(policy::PERMISSION[1], policy::AUTHENTICATED, 60, 0),
    added(policy::STANDING[0], policy::AUTHENTICATED, 1_500, 1),
    added(policy::STANDING[1], policy::AUTHENTICATED, 1_500, 1),
    Limit { case: cache::HOT, other: cache::PEER, most: Most::Share(0.6) },
];

const fn added(case: &'static str, other: &'static str, instructions: u64, allocations: u64) -> Limit {
    Limit { case, other, most: Most::Added { instructions, allocations } }
}

/// Whether a case of this name is judged, or printed beside those that are.
pub(crate) fn concerns(name: &str) -> bool {
    name == "verify/RS256/small" || LIMITS.iter().any(|limit| limit.case == name)
}

/// Says of each limit whether it is kept, and whether all are.
pub(crate) fn judge(cases: &[Case], figures: &[Vec<Figures>]) -> bool {
    let judged = LIMITS.iter().map(|limit| limit.judge(cases, figures));
    // All of them are printed, so without an early exit.
    judged.fold(true, |all, kept| all & kept)
}

impl Limit {
    fn judge(&self, cases: &[Case], figures: &[Vec<Figures>]) -> bool {
        let Self { case: name, other, .. } = self;
        let found = cases.iter().zip(figures).find(|(case, _)| case.name == *name);
        let of = |by: &str| {
            let (case, figures) = found?;
            case.operations.iter().zip(figures).find(|(operation, _)| operation.by == by).map(|(_, figures)| figures)
        };
        let (Some(ours), Some(theirs)) = (of(verify::OURS), of(other)) else {
            println!("{name}: not measured");
            return false;
        };
        let (Some(instructions), Some(their_instructions)) = (ours.instructions, theirs.instructions) else {
            println!("{name}: instructions are not available here, so there is nothing to judge");
            return false;
        };
        match self.most {
            Most::Share(most) => {
                let share = instructions as f64 / their_instructions as f64;
                println!("{name}: {share:.3} of the instructions of {other}, and at most {most} is allowed");
                share <= most
            }
            Most::Added { instructions: most, allocations: most_allocations } => {
                let more = instructions.saturating_sub(their_instructions);
                let allocations = ours.allocations.saturating_sub(theirs.allocations);
                println!(
                    "{name}: {more} instructions and {allocations} allocations more than the {other}, \
                     and at most {most} and {most_allocations} are allowed"
                );
                more <= most && allocations <= most_allocations
            }
        }
    }
}
