//! What ours may take at most, whatever is recorded. Only what is the same in every run is judged, never time, so that a busy
//! machine cannot fail it.

use crate::{cache, case::Case, guard::refused, policy, table::Figures, verify};

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
    /// So many instructions more than the other, and so many allocations.
    Added(u64, u64),
}

const LIMITS: [Limit; 13] = [
    share(verify::HS256, verify::PEER, 0.42),
    share(refused::FORGED, refused::ACCEPTED, 1.15),
    share(refused::EXPIRED, refused::ACCEPTED, 1.2),
    share(refused::TOO_LONG, refused::ACCEPTED, 0.7),
    added(policy::ROLE[0], 60, 0),
    added(policy::ROLE[1], 60, 0),
    added(policy::LAST_ROLE[0], 250, 0),
    added(policy::LAST_ROLE[1], 250, 0),
    added(policy::PERMISSION[0], 60, 0),
    added(policy::PERMISSION[1], 60, 0),
    added(policy::STANDING[0], 1_500, 1),
    added(policy::STANDING[1], 1_500, 1),
    share(cache::HOT, cache::PEER, 0.6),
];

const fn share(case: &'static str, other: &'static str, most: f64) -> Limit {
    Limit { case, other, most: Most::Share(most) }
}

const fn added(case: &'static str, instructions: u64, allocations: u64) -> Limit {
    Limit { case, other: policy::AUTHENTICATED, most: Most::Added(instructions, allocations) }
}

/// Whether a limit is about a case of this name.
pub(crate) fn concerns(name: &str) -> bool {
    LIMITS.iter().any(|limit| limit.case == name)
}

/// Whether a limit compares ours with this one there.
pub(crate) fn compares(name: &str, by: &str) -> bool {
    LIMITS.iter().any(|limit| (limit.case, limit.other) == (name, by))
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
            Most::Added(most, most_allocations) => {
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
