//! The corpora of `fuzz/`, replayed without libFuzzer: no target panics on any of them, and each lets something
//! through.
#![allow(clippy::panic, missing_docs, reason = "tests")]

use portcullis_fuzz::TARGETS;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The inputs of a target, in the order of their names.
fn inputs(target: &str) -> io::Result<Vec<PathBuf>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut paths =
        fs::read_dir(corpus)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

#[test]
fn the_corpora_hold() -> io::Result<()> {
    for (target, run) in TARGETS {
        let (mut through, inputs) = (0, inputs(target)?);
        for path in &inputs {
            // Says which one it was, if it panics.
            println!("{}", path.display());
            through += usize::from(run(&fs::read(path)?));
        }
        // Corpora that nothing comes through have lost what they were made for.
        assert!(through > 0 && through < inputs.len(), "{target}: {through} of {} came through", inputs.len());
    }
    Ok(())
}

/// Bytes without any sense, and every prefix of every input.
#[test]
fn nothing_panics_on_pieces() -> io::Result<()> {
    for (target, run) in TARGETS {
        for path in inputs(target)? {
            let bytes = fs::read(path)?;
            let step = if cfg!(debug_assertions) { 1 + bytes.len() / 40 } else { 1 };
            (0..bytes.len()).step_by(step).filter_map(|end| bytes.get(..end)).for_each(|piece| _ = run(piece));
        }
    }
    Ok(())
}
