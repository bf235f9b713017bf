//! The forms in which a table is written. Each escapes texts by its own rules: paths and names come from the application, and a
//! table is opened in spreadsheets and browsers.

use super::Row;
use serde_json::json;
use std::fmt::Write;

const HEAD: [&str; 8] = [
    "method",
    "path",
    "who may pass",
    "baseline",
    "by",
    "roles that pass",
    "permissions that pass",
    "parameters that no policy reads",
];

/// The cells of a route, each of them a list.
fn cells(row: &Row) -> [Vec<String>; 8] {
    [
        vec![row.method().unwrap_or("any").to_owned()],
        vec![row.path().to_owned()],
        vec![row.words()],
        row.baseline().map(ToString::to_string).into_iter().collect(),
        row.schemes(),
        row.roles(),
        row.permissions(),
        row.unseen().map(str::to_owned).collect(),
    ]
}

pub(super) fn markdown(rows: &[Row]) -> String {
    let mut text = format!("| {} |\n|{}\n", HEAD.join(" | "), "---|".repeat(HEAD.len()));
    for row in rows {
        for (place, cell) in cells(row).into_iter().enumerate() {
            let cell = cell.join(", ");
            let cell = if place == 1 { code_span(&cell) } else { cell };
            // A pattern of a path may contain what separates cells.
            let cell = cell.replace('|', "\\|").replace(char::is_control, " ");
            let _ = write!(text, "| {cell} ");
        }
        text.push_str("|\n");
    }
    text
}

/// With more backticks around it than in it.
fn code_span(text: &str) -> String {
    let longest = text.split(|found| found != '`').map(str::len).max().unwrap_or_default();
    let (fence, space) = ("`".repeat(longest.saturating_add(1)), if longest > 0 { " " } else { "" });
    format!("{fence}{space}{text}{space}{fence}")
}

pub(super) fn csv(rows: &[Row]) -> String {
    let line = |cells: [String; 8]| cells.map(|cell| quoted(&cell)).join(",") + "\r\n";
    let rows = rows.iter().map(|row| line(cells(row).map(|cell| cell.join(", "))));
    std::iter::once(line(HEAD.map(str::to_owned))).chain(rows).collect()
}

/// All cells are quoted, since some spreadsheets also split at semicolons and tabs. What they would take for a formula is marked
/// as a text; wide characters count, since some of them are read as their narrow ones.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

pub(super) fn json(rows: &[Row]) -> String {
    let object = |row: &Row| {
        json!({
            "method": row.method(),
            "path": row.path(),
            "policy": row.policy().to_string(),
            "superuser": row.superuser().map(ToString::to_string),
            "is_public": row.is_public(),
            "baseline": row.baseline().map(ToString::to_string),
            "schemes": row.schemes(),
            "roles": row.roles(),
            "permissions": row.permissions(),
            "unseen": row.unseen().collect::<Vec<_>>(),
        })
    };
    format!("{:#}\n", rows.iter().map(object).collect::<serde_json::Value>())
}

pub(super) fn html(rows: &[Row]) -> String {
    let head: String = HEAD.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let mut body = String::new();
    for row in rows {
        let class = if row.is_public() { " class=\"public\"" } else { "" };
        let _ = write!(body, "<tr{class}>");
        for cell in cells(row) {
            body.push_str("<td>");
            for item in cell {
                let _ = write!(body, "<span>{}</span>", escaped(&item));
            }
            body.push_str("</td>");
        }
        body.push_str("</tr>\n");
    }
    include_str!("table.html").replace("<!-- head -->", &head).replace("<!-- rows -->", &body)
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for found in text.chars() {
        match found {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(found),
        }
    }
    safe
}
