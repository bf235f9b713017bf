//! What the READMEs say is so.

use crate::service::*;
use serde_json::Value;
use std::{collections::HashMap, fs, path::Path};

/// Each line to paste is answered with the status that stands behind it.
#[tokio::test]
async fn the_lines_to_paste() {
    let service = Service::new();
    let mut variables = HashMap::new();
    let mut answered = 0;
    for line in include_str!("../../README.md").lines() {
        if let Some((name, value)) =
            line.split_once('=').filter(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase()))
        {
            variables.insert(format!("${name}"), value.trim_matches('\'').to_owned());
        }
        let Some((command, expected)) = line.strip_prefix("curl -i ").and_then(|line| line.split_once(" # ")) else {
            continue;
        };
        let mut command = command.trim().to_owned();
        for _ in 0..2 {
            for (name, value) in &variables {
                command = command.replace(name, value);
            }
        }
        let (rest, address) = command.rsplit_once(' ').unwrap_or(("", &command));
        let path = address.strip_prefix("localhost:8000").unwrap_or_else(|| panic!("{address}"));
        let method = if rest.contains("-X POST") { "POST" } else { "GET" };
        let key = rest.split('"').nth(1).and_then(|header| header.strip_prefix("x-api-key: "));
        let headers: Vec<_> = key.map(|key| ("x-api-key", key.to_owned())).into_iter().collect();
        let answer = service.ask(method, path, &headers, &Value::Null).await;
        assert!(expected.starts_with(&answer.status.to_string()), "{line}: {}", answer.status);
        answered += 1;
    }
    assert_eq!(answered, 6);
}

/// The table of lines that users write is counted.
#[test]
fn the_lines_that_users_write() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let readme = read(&examples.join("README.md"));
    let (_, table) = readme.split_once("| example | files | lines |\n").unwrap_or_else(|| panic!("no table"));
    let mut rows = 0;
    for row in table.lines().skip(1).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let src = examples.join(cells[1]).join("src");
        let lines: usize =
            cells[2].split_whitespace().map(|file| lines_of_code(&read(&src.join(file.trim_matches('`'))))).sum();
        assert_eq!(cells[3], lines.to_string(), "{row}");
        rows += 1;
    }
    assert!(rows >= 3, "{readme}");
}

fn lines_of_code(text: &str) -> usize {
    text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//")).count()
}
