//! The compiler says to each mistake in `cases/` what is written down beside it. With `TRYBUILD=overwrite` its words are written
//! down again. That `docs/mistakes.md` shows them is asserted in `tests/mistakes`.
#![allow(missing_docs, reason = "tests")]

#[test]
fn the_compiler_says_what_is_written_down() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
