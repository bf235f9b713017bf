//! What documents and manifests name is there, and no program that runs trusts the published keys of `testing`.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use base64::{Engine, prelude::BASE64_STANDARD};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Addresses that somebody has opened. What is not published yet has none.
const OPENED: [&str; 3] = ["https://github.com/aws/aws-lc-rs", "https://keepachangelog.com", "https://directus.io"];

/// Where links between these pages lead in rustdoc.
const LINKS: &str = include_str!("../crates/portcullis/src/links.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Everything below the root but what was built.
fn files() -> Vec<PathBuf> {
    fn add(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let skipped = [".git", "target", "corpus", "node_modules"].iter().any(|name| path.ends_with(name));
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
        // Pages that are documentation of the crate too, where a path leads elsewhere: they name links as `[docs-…]`.
        let is_rustdoc = *page == root().join("README.md") || page.starts_with(root().join("docs"));
        if is_rustdoc {
            for (name, link) in between(&text, "\n[docs-", '\n').filter_map(|rest| rest.split_once("]: ")) {
                assert!(page.parent().unwrap().join(link).exists(), "{}: no `{link}`", page.display());
                assert!(
                    LINKS.contains(&format!("[docs-{name}]: ")),
                    "{}: rustdoc has no `docs-{name}`",
                    page.display()
                );
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

/// Every page is compiled with the documentation, and the page of the same name as its folder leads to it.
#[test]
fn pages_are_found() {
    let (files, docs) = (files(), root().join("docs"));
    let manual = fs::read_to_string(root().join("crates/portcullis/src/lib.rs")).unwrap();
    let mut pages = 0;
    for (page, _) in with_extension(&files, "md").filter(|(page, _)| page.starts_with(&docs)) {
        pages += 1;
        let name = page.strip_prefix(&docs).unwrap().to_str().unwrap();
        assert!(manual.contains(&format!("include_str!(\"../docs/{name}\")")), "no module of `manual` is {name}");
        if let Some((folder, _)) = name.split_once('/') {
            let overview = fs::read_to_string(docs.join(folder).with_extension("md")).unwrap();
            assert!(overview.contains(&format!("]: {name}\n")), "docs/{folder}.md has no link to {name}");
        }
    }
    assert!(pages > 40, "{pages}");
}

/// Rustdoc shows pictures from copies, since documentation has no other files.
#[test]
fn pictures_are_those_of_the_pages() {
    for (name, file) in [("flow", "docs/flow.svg"), ("plot-axum", "benches/plots/axum.svg")] {
        let picture = BASE64_STANDARD.encode(fs::read(root().join(file)).unwrap());
        let link = format!("\n[docs-{name}]: data:image/svg+xml;base64,{picture}\n");
        assert!(LINKS.contains(&link), "write into crates/portcullis/src/links.md:{link}");
    }
}

/// A page of rustdoc has room for so many columns in a window of 1280 pixels; pages of Markdown show hidden lines, and have
/// room for ten more.
#[test]
fn no_line_of_an_example_is_cut_off() {
    const ROOM: usize = 94;
    let files = files();
    let pages = with_extension(&files, "md")
        .filter(|(path, _)| **path == root().join("README.md") || path.starts_with(root().join("docs")))
        .map(|(path, text)| (path, text, ROOM + 10));
    let is_source = |path: &Path| path.starts_with(root().join("crates")) && path.iter().any(|part| part == "src");
    let sources = with_extension(&files, "rs").filter(|(path, _)| is_source(path));
    let comments = sources.map(|(path, text)| {
        let comment = |line: &str| {
            let line = line.trim_start();
            let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).unwrap_or_default();
            comment.strip_prefix(' ').unwrap_or(comment).to_owned()
        };
        (path, text.lines().map(comment).collect::<Vec<_>>().join("\n"), usize::MAX)
    });
    let mut examples = 0;
    for (path, text, hidden) in pages.chain(comments) {
        for block in text.split("```").skip(1).step_by(2) {
            examples += 1;
            let (language, lines) = block.split_once('\n').unwrap_or_default();
            for line in lines.lines() {
                let is_hidden = line.starts_with("# ") && language != "toml";
                let room = if is_hidden { hidden } else { ROOM };
                assert!(line.chars().count() <= room, "{}: longer than {room} columns: {line}", path.display());
            }
        }
    }
    assert!(examples > 200, "{examples}");
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
        let serves_nobody =
            ["benches/Cargo.toml", "benches/engines/Cargo.toml", "benches/peers/Cargo.toml", "fuzz/Cargo.toml"]
                .iter()
                .any(|name| path.ends_with(name));
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
