//! Measures cases, and prints the figures.

use crate::{
    allocations,
    case::{Case, Operation},
    instructions,
    table::{Figures, Table},
    time,
};

/// Above this many nanoseconds instructions are not counted: it would take minutes, and the primitive is nearly all.
const LONGEST_COUNTED: f64 = 100_000.0;

/// Prints everything there is to know of these cases, and returns it.
pub(crate) fn report(cases: &mut [Case]) -> Vec<Vec<Figures>> {
    eprintln!("timing {} cases", cases.len());
    let mut operations: Vec<&mut Operation> = cases.iter_mut().flat_map(|case| &mut case.operations).collect();
    let mut times = time::least(&mut operations).into_iter();
    let each = |case: &mut Case| {
        eprintln!("counting {}", case.name);
        let times: Vec<f64> = times.by_ref().take(case.operations.len()).collect();
        let countable = times.iter().all(|time| *time <= LONGEST_COUNTED);
        let mut figures = if countable { counted(case) } else { allocated(case) };
        for (figures, time) in figures.iter_mut().zip(times) {
            figures.nanoseconds = Some(time).filter(|time| time.is_finite());
        }
        figures
    };
    let figures: Vec<_> = cases.iter_mut().map(each).collect();
    print(cases, &figures);
    figures
}

/// The call that a parent process single-steps.
pub(crate) fn step(mut cases: Vec<Case>, by: &str) {
    let operation = cases.iter_mut().flat_map(|case| &mut case.operations).find(|operation| operation.by == by);
    let operation = operation.expect("the parent names what there is");
    operation.warm_up();
    instructions::region(operation);
}

fn allocated(case: &mut Case) -> Vec<Figures> {
    let count = |operation| Figures { allocations: allocations::count(operation), ..Figures::default() };
    case.operations.iter_mut().map(count).collect()
}

pub(crate) fn counted(case: &mut Case) -> Vec<Figures> {
    let mut figures = allocated(case);
    for (figures, operation) in figures.iter_mut().zip(&case.operations) {
        figures.instructions = instructions::count(&["step", &case.name, operation.by]);
    }
    figures
}

fn print(cases: &[Case], figures: &[Vec<Figures>]) {
    let rows: Vec<(&Case, &Vec<Figures>)> = cases.iter().zip(figures).collect();
    for of_one_table in rows.chunk_by(|(one, _), (next, _)| one.table == next.table) {
        let mut table = Table::new(of_one_table.first().map_or("", |(case, _)| &case.table));
        for (case, figures) in of_one_table {
            table.push(case, figures);
        }
        println!("{table}");
    }
}
