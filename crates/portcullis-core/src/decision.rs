use crate::rights::{ResourceRef, Role};
use std::{borrow::Cow, fmt};

/// The answer of a policy: yes or no. Being unable to tell is an [`Error`](crate::Error) and neither.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_enums, reason = "a third answer would have to break every match")]
pub enum Decision {
    /// The principal may.
    Allow(Access),
    /// The principal may not.
    Deny(Denial),
}

impl Decision {
    /// Yes, without more to say.
    #[must_use]
    pub fn allow() -> Self {
        Self::Allow(Access::default())
    }

    /// No, with the reason code that the client is told.
    #[must_use]
    pub fn deny(code: impl Into<Cow<'static, str>>) -> Self {
        Self::Deny(Denial::new(code))
    }

    /// Whether it is yes.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// How it came to this, part by part: recorded when [`Gate::explain`](crate::Gate::explain) asked, and for denials
    /// while the log listens at debug level.
    #[must_use]
    pub fn explain(&self) -> Option<&Explanation> {
        match self {
            Self::Allow(access) => access.explanation.as_deref(),
            Self::Deny(denial) => denial.explanation.as_deref(),
        }
    }

    pub(crate) fn explained(mut self, explanation: Explanation) -> Self {
        *self.explanation_mut() = Some(Box::new(explanation));
        self
    }

    pub(crate) fn explanation_mut(&mut self) -> &mut Option<Box<Explanation>> {
        match self {
            Self::Allow(access) => &mut access.explanation,
            Self::Deny(denial) => &mut denial.explanation,
        }
    }
}

/// What a policy found out on the way to yes.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub(crate) role: Option<Role>,
    pub(crate) resource: Option<ResourceRef>,
    pub(crate) explanation: Option<Box<Explanation>>,
}

impl Access {
    /// The role by which the principal may, if it was one: on the [`resource`](Self::resource), if there is one.
    #[must_use]
    pub fn role(&self) -> Option<&Role> {
        self.role.as_ref()
    }

    /// The resource on which it may, if there was one.
    #[must_use]
    pub fn resource(&self) -> Option<&ResourceRef> {
        self.resource.as_ref()
    }
}

/// Why a policy said no.
#[derive(Debug, Clone)]
pub struct Denial {
    pub(crate) code: Cow<'static, str>,
    pub(crate) hidden: bool,
    pub(crate) scope: Option<Cow<'static, str>>,
    /// No negation turns it into a yes: it says that the caller was not asked about.
    pub(crate) is_firm: bool,
    /// It says nothing but that the caller came by another scheme.
    pub(crate) is_about_scheme: bool,
    pub(crate) explanation: Option<Box<Explanation>>,
}

impl Denial {
    pub(crate) fn new(code: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        Self { code, hidden: false, scope: None, is_firm: false, is_about_scheme: false, explanation: None }
    }

    /// The two as one: the later reason, unless the earlier one says more; hidden if one of them is, and firm if one is.
    pub(crate) fn then(self, later: Self) -> Self {
        let (hidden, is_firm) = (self.hidden || later.hidden, self.is_firm || later.is_firm);
        let reason = if later.is_about_scheme && !self.is_about_scheme { self } else { later };
        Self { hidden, is_firm, ..reason }
    }

    /// The reason code that the client is told.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether the client is not even told that there is something.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }
}

/// One part of a policy and what came of it, with the parts below; for logs and tests, never for the client.
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

    /// Whether it held.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.allowed
    }

    /// What decided it, such as where a role came from.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The parts below that were looked at.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        &self.parts
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

/// A tree, one part a line: `+` held, `-` did not.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
