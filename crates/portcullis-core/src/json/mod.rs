//! Strict JSON (RFC 8259) of signed documents, read in one pass without building a tree.
//!
//! A token's header and claims come from outside, and two readers that disagree about them are an attack. So there is
//! one reader: duplicate members are refused at any depth and with escapes resolved, and so are lone surrogates,
//! numbers without a finite value, and nesting beyond [`MAX_DEPTH`]. It does not build on `serde_json`, whose treatment
//! of numbers can be changed by any other crate of the program (`arbitrary_precision`); a property test compares the two.

mod cursor;
mod object;
mod scan;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use cursor::Cursor;
pub(crate) use object::Object;
pub(crate) use scan::{Fault, bit, mark, object, outline};
pub(crate) use value::Value;

/// Whether a text has to be written with escapes.
pub(crate) fn has_escapes(text: &str) -> bool {
    scan::plain(text.as_bytes()) < text.len()
}

/// How deep objects and arrays may nest.
pub(crate) const MAX_DEPTH: usize = 64;
