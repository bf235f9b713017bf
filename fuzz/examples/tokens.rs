//! Writes a good token of each algorithm into the corpus of `compact_token`, after the embedded keys or the rules changed.

fn main() -> std::io::Result<()> {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/compact_token");
    std::fs::create_dir_all(&corpus)?;
    for (algorithm, token) in portcullis_fuzz::tokens() {
        std::fs::write(corpus.join(format!("good-{algorithm}").to_lowercase()), token)?;
    }
    Ok(())
}
