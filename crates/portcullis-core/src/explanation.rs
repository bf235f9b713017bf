//! Why a policy answered as it did, part by part.

use std::fmt;

/// One part of a policy and its result, with the parts below.
///
/// [`Gate::explain`](crate::Gate::explain) records it, and a log at debug level has it for every denial. Clients never get it,
/// except with [`dangerous_explain_denials`](crate::GateBuilder::dangerous_explain_denials).
///
/// The first line is the caller: its kind and issuer, the source of its credential, the scheme if that has a name, and
/// whether a directory found its account. Below it are the [baseline](crate::GateBuilder::baseline), if it was asked, and the
/// policy of the route. A note says where a role comes from: the credential, the account, the resource itself or a parent.
/// Parts that were not asked are left out, so the [last one](Self::decided_by) decided:
///
/// ```
/// use portcullis_core::{
///     Gate, Scheme,
///     policy::*,
///     testing::{TestIssuer, acting_as},
/// };
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// let gate =
///     Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).build()?;
/// let (plan, request) = (gate.plan(any((staff(), scope("reports"))))?, get("/"));
///
/// let as_bob = gate.acting_as(acting_as("bob").with_scope("orders"));
/// let who = as_bob.establish_for(&plan, &request).await;
/// let decision = as_bob.explain(&who, &plan, &request).await?;
/// let whole = decision.explain();
/// assert_eq!(
///     whole.map(|whole| (whole.part(), whole.allowed(), whole.parts().len())),
///     Some(("a User", false, 1))
/// );
/// let tree = whole.map(ToString::to_string).unwrap_or_default();
/// assert_eq!(tree, "- a User\n  - any of\n    - staff\n    - scope `reports`");
/// assert_eq!(whole.map(|whole| whole.decided_by().part()), Some("scope `reports`"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    part: String,
    allowed: bool,
    note: Option<String>,
    parts: Vec<Explanation>,
}

impl Explanation {
    pub(crate) fn new(part: impl Into<String>, allowed: bool) -> Self {
        Self { part: part.into(), allowed, note: None, parts: Vec::new() }
    }

    pub(crate) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    pub(crate) fn with_parts(mut self, parts: Vec<Self>) -> Self {
        self.parts = parts;
        self
    }

    /// The part, as it was written: `role "viewer" on project`.
    #[must_use]
    pub fn part(&self) -> &str {
        &self.part
    }

    /// Whether the part allowed the caller.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.allowed
    }

    /// The fact that decided, such as the resource from which a role is inherited.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The parts below that were asked.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        &self.parts
    }

    /// The part that settled the decision: the last one that was asked.
    #[must_use]
    pub fn decided_by(&self) -> &Self {
        self.parts.last().map_or(self, Self::decided_by)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let mark = if self.allowed { "+" } else { "-" };
        write!(f, "{:depth$}{mark} {}", "", self.part)?;
        if let Some(note) = &self.note {
            write!(f, " ({note})")?;
        }
        for part in &self.parts {
            writeln!(f)?;
            part.write(f, depth + 2)?;
        }
        Ok(())
    }
}

/// A tree with one part in each line: `+` allowed, `-` denied.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
