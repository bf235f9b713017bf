//! What documents and manifests name is there, and no program that runs trusts the published keys of `testing`.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Addresses that somebody has opened. What is not published yet has none.
const OPENED: [&str; 3] = ["https://github.com/aws/aws-lc-rs", "https://keepachangelog.com", "https://directus.io"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Everything below the root but what was built.
fn files() -> Vec<PathBuf> {
    fn add(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let skipped = [".git", "target", "corpus"].iter().any(|name| path.ends_with(name));
            match path.is_dir() {
                _ if skipped || path.is_symlink() => {}
                true => add(&path, found),
                false => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    add(&root(), &mut found);
    found
}

fn with_extension<'a>(files: &'a [PathBuf], extension: &'a str) -> impl Iterator<Item = (&'a PathBuf, String)> {
    let all = files.iter().filter(move |path| path.extension().is_some_and(|found| found == extension));
    all.map(|path| (path, fs::read_to_string(path).unwrap()))
}

/// Prose without its blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// What stands between the two, each time.
fn between<'a>(text: &'a str, before: &'a str, after: char) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(move |rest| rest.split(after).next())
}

/// The anchor that a heading gets where Markdown is shown.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

#[test]
fn links_lead_somewhere() {
    let files = files();
    for (page, text) in with_extension(&files, "md") {
        // Pages that are documentation of the crate too, where a path leads elsewhere.
        let is_rustdoc = *page == root().join("README.md") || page.starts_with(root().join("docs"));
        if is_rustdoc {
            for link in between(&text, "]: docs/", '\n') {
                assert!(root().join("docs").join(link).exists(), "{}: no `docs/{link}`", page.display());
            }
        }
        for link in between(&prose(&text), "](", ')').filter(|link| !link.starts_with("http")) {
            assert!(!is_rustdoc, "{}: rustdoc has no `{link}`; write the path as code", page.display());
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: no `{link}`", page.display());
            let has = |text: String| text.lines().any(|line| line.starts_with('#') && anchor(line) == fragment);
            assert!(fragment.is_empty() || has(fs::read_to_string(target).unwrap()), "{}: no `{link}`", page.display());
        }
    }
}

#[test]
fn addresses_are_those_that_somebody_opened() {
    let files = files();
    let opened = |at: &Path, address: &str| {
        assert!(OPENED.contains(&address), "{}: open {address}, then add it to the list", at.display());
    };
    for (at, text) in with_extension(&files, "toml") {
        for name in ["repository", "homepage", "documentation"] {
            for address in between(&text, &format!("\n{name} = \""), '"') {
                opened(at, address);
            }
        }
    }
    for (at, text) in with_extension(&files, "md").chain(with_extension(&files, "rs")) {
        for (before, after) in [("](http", ')'), ("<http", '>')] {
            let addresses =
                between(&text, before, after).filter(|rest| rest.starts_with("://") || rest.starts_with("s://"));
            addresses.for_each(|rest| opened(at, &format!("http{rest}")));
        }
    }
}

#[test]
fn files_that_a_document_names_exist() {
    let files = files();
    let exists = |named: &str| {
        // A module may have become a folder.
        let module = named.strip_suffix(".rs").map(|module| format!("{module}/mod.rs"));
        let is_it = |path: &Path| path.ends_with(named) || module.as_ref().is_some_and(|module| path.ends_with(module));
        files.iter().any(|file| if named.ends_with('/') { file.ancestors().any(is_it) } else { is_it(file) })
    };
    for (page, text) in with_extension(&files, "md") {
        for code in prose(&text).split('`').skip(1).step_by(2) {
            let is_path = [".md", ".rs", ".sh", ".toml", ".mjs", "/"].iter().any(|end| code.ends_with(end))
                && code.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
                && !code.starts_with('/');
            assert!(!is_path || exists(code), "{}: there is no `{code}`", page.display());
        }
    }
}

/// `testing` is for `[dev-dependencies]`; benches and fuzz targets serve nobody.
#[test]
fn no_program_is_built_with_published_keys() {
    let files = files();
    let mut manifests = 0;
    for (path, text) in with_extension(&files, "toml") {
        let serves_nobody = ["benches/Cargo.toml", "fuzz/Cargo.toml"].iter().any(|name| path.ends_with(name));
        if !path.ends_with("Cargo.toml") || serves_nobody {
            continue;
        }
        manifests += 1;
        for section in
            text.split("\n[").filter(|section| section.starts_with("dependencies") || section.starts_with("target"))
        {
            assert!(!section.contains("\"testing\""), "{}: {section}", path.display());
        }
    }
    assert!(manifests > 9, "{manifests}");
}
