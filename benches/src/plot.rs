//! Figures as bars, in SVG.

use crate::{case::Case, table::Figures};
use std::fmt::Write;

const WIDTH: f64 = 820.0;
const NAMES: f64 = 210.0;
const BARS: f64 = 470.0;
const LINE: f64 = 22.0;

/// The time of each case's operations: ours, the peers, and the floor. The bars of a case have a scale of their own.
pub(crate) fn svg(title: &str, cases: &[(&Case, &[Figures])]) -> String {
    let mut body = String::new();
    let mut y = 2.0 * LINE;
    text(&mut body, 0.0, LINE, "start", "bold", title);
    for (case, figures) in cases {
        y += LINE / 2.0;
        text(&mut body, 0.0, y, "start", "bold", case.row);
        y += 4.0;
        let times: Vec<f64> = figures.iter().map(|figures| figures.nanoseconds.unwrap_or_default()).collect();
        let most = times.iter().copied().fold(1.0, f64::max);
        for (place, (operation, time)) in case.operations.iter().zip(&times).enumerate() {
            let color = match place {
                0 => "#2563eb",
                _ if place + 1 == case.operations.len() => "#cbd5e1",
                _ => "#94a3b8",
            };
            let (length, middle) = ((time / most * BARS).max(1.0), y + LINE * 0.7);
            text(&mut body, NAMES - 8.0, middle, "end", "normal", operation.by);
            let top = y + 3.0;
            let height = LINE - 6.0;
            // Writing to a text does not fail.
            let _ = writeln!(
                body,
                r#"<rect x="{NAMES}" y="{top:.1}" width="{length:.1}" height="{height}" rx="2" fill="{color}"/>"#
            );
            text(&mut body, NAMES + length + 6.0, middle, "start", "normal", &duration(*time));
            y += LINE;
        }
        y += LINE;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y:.0}\" width=\"{WIDTH}\" height=\"{y:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#64748b\">\n{body}</svg>\n"
    )
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, weight: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ =
        writeln!(body, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-weight="{weight}">{text}</text>"#);
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        time if time <= 0.0 => "not measured".to_owned(),
        time if time < 1_000.0 => format!("{time:.0} ns"),
        time if time < 100_000.0 => format!("{:.2} µs", time / 1_000.0),
        time => format!("{:.0} µs", time / 1_000.0),
    }
}
