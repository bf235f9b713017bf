//! What the services saw and answered, and what the pages saw of it.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// One request, as a service saw it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The page that made it, and in which way.
    pub from: String,
    pub step: String,
    pub status: u16,
    /// `origin` and `sec-fetch-*`, and whether there was a cookie.
    pub headers: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Journal {
    entries: Mutex<Vec<Entry>>,
    reports: Mutex<BTreeMap<String, Value>>,
}

impl Journal {
    /// Notes a request of a page. Others are none of the test's.
    pub fn note<'a>(&self, query: &str, headers: impl Iterator<Item = (&'a str, &'a [u8])>, status: u16) {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let (Some(from), Some(step)) = (value("from"), value("step")) else { return };
        let mut seen: Vec<String> = headers
            .filter(|(name, _)| *name == "origin" || *name == "cookie" || name.starts_with("sec-fetch-"))
            .map(|(name, value)| match name {
                "cookie" => name.to_owned(),
                name => format!("{name}: {}", String::from_utf8_lossy(value)),
            })
            .collect();
        seen.sort();
        let entry = Entry { from: from.to_owned(), step: step.to_owned(), status, headers: seen };
        self.entries.lock().unwrap().push(entry);
    }

    pub fn report(&self, from: &str, seen: Value) {
        self.reports.lock().unwrap().insert(from.to_owned(), seen);
    }

    /// What a page told.
    pub fn told(&self, from: &str) -> Option<Value> {
        self.reports.lock().unwrap().get(from).cloned()
    }

    /// All requests of a page.
    pub fn of(&self, from: &str) -> Vec<Entry> {
        self.entries.lock().unwrap().iter().filter(|entry| entry.from == from).cloned().collect()
    }

    /// Waits until a page has made this many requests.
    pub async fn wait_for(&self, from: &str, count: usize) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.of(from).len() < count && Instant::now() < end {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// All of it, as lines or as a page.
    pub fn text(&self, title: &str) -> String {
        let mut text = format!("{title}\n");
        for Entry { from, step, status, headers } in &*self.entries.lock().unwrap() {
            writeln!(text, "  {from:<20} {step:<22} {status}  {}", headers.join("  ")).unwrap();
        }
        text
    }

    pub fn html(&self) -> String {
        let mut rows = String::new();
        for Entry { from, step, status, headers } in &*self.entries.lock().unwrap() {
            let color = if *status < 400 { "#0a6b2d" } else { "#a01919" };
            let (from, headers) = (from.replace('&', "&amp;"), headers.join("<br>"));
            write!(rows, "<tr><td>{from}<td>{step}<td style='color:{color}'>{status}<td>{headers}").unwrap();
        }
        format!(
            "<!doctype html><meta charset=utf-8><title>results</title><style>td {{ border-bottom: 1px solid #ccc; \
             padding: 2px 12px; font: 13px monospace; vertical-align: top }}</style><table>{rows}</table>"
        )
    }
}
