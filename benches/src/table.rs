use crate::case::Case;
use std::fmt;

/// What was measured of one operation; what was not or could not be measured is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) nanoseconds: Option<f64>,
    pub(crate) instructions: Option<u64>,
    pub(crate) allocations: u64,
}

/// The figures of several cases under one heading, printed as a table that Markdown understands.
#[derive(Debug)]
pub(crate) struct Table {
    heading: String,
    rows: Vec<[String; 9]>,
}

const COLUMNS: [&str; 9] = ["", "by", "ns", "instr", "allocs", "ns/peer", "instr/peer", "ns/bare", "instr/bare"];

impl Table {
    pub(crate) fn new(heading: &str) -> Self {
        Self { heading: heading.to_owned(), rows: Vec::new() }
    }

    /// The rows of one case. Its first operation is ours and is put in relation to the peer, which comes next or is
    /// missing, and to the bare primitive, which is the last.
    pub(crate) fn push(&mut self, case: &Case, figures: &[Figures]) {
        let (bare, peer) = match figures {
            [_, peer, .., bare] => (Some(bare), Some(peer)),
            [_, bare] => (Some(bare), None),
            _ => (None, None),
        };
        for (place, (operation, figures)) in case.operations.iter().zip(figures).enumerate() {
            let against = |other: Option<&Figures>| {
                let other = other.filter(|_| place == 0);
                let time = other.and_then(|other| Some(figures.nanoseconds? / other.nanoseconds?));
                let work = other.and_then(|other| Some(figures.instructions? as f64 / other.instructions? as f64));
                [ratio(time), ratio(work)]
            };
            let ([time_peer, work_peer], [time_bare, work_bare]) = (against(peer), against(bare));
            self.rows.push([
                case.row.to_owned(),
                operation.by.to_owned(),
                figures.nanoseconds.map_or_else(String::new, |time| grouped(time.round() as u64)),
                figures.instructions.map_or_else(|| "not available".to_owned(), grouped),
                figures.allocations.to_string(),
                time_peer,
                work_peer,
                time_bare,
                work_bare,
            ]);
        }
    }
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default()
}

/// With a comma between the thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = COLUMNS.map(str::to_owned);
        let mut widths = heads.each_ref().map(String::len);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.len().max(*width);
            }
        }
        let line = |f: &mut fmt::Formatter<'_>, row: &[String; 9]| {
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                // Names to the left, numbers to the right.
                if column < 2 { write!(f, "| {cell:<width$} ")? } else { write!(f, "| {cell:>width$} ")? }
            }
            writeln!(f, "|")
        };
        writeln!(f, "{}\n", self.heading)?;
        line(f, &heads)?;
        for (column, width) in widths.into_iter().enumerate() {
            let (dashes, end) = ("-".repeat(width), if column < 2 { ' ' } else { ':' });
            write!(f, "| {dashes}{end}")?;
        }
        writeln!(f, "|")?;
        self.rows.iter().try_for_each(|row| line(f, row))
    }
}
