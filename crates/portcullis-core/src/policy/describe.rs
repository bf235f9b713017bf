//! Policies as data.

use crate::rights::NamedRight;
use std::{borrow::Cow, fmt, time::Duration};

/// What a policy requires, as data.
///
/// The checks when a route is added and the tables of routes use it.
///
/// `Display` writes it in words. A test can compare these words, so that a change to a policy shows in review:
///
/// ```
/// use portcullis_core::policy::{values::Description, *};
///
/// let read = any((staff(), role("viewer").on("project", path("project_id")).hidden()));
/// let description = read.describe();
/// assert_eq!(description.to_string(), "staff or role viewer on project, hidden");
///
/// let [Description::Staff, Description::Role { on: Some(on), .. }] = description.parts() else {
///     panic!("two parts")
/// };
/// assert_eq!((on.kind, on.is_hidden, &on.params[..]), ("project", true, &["project_id"][..]));
/// assert!(!description.is_public() && anyone().describe().is_public());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Description {
    /// [`anyone`](super::anyone).
    Anyone,
    /// [`authenticated`](super::authenticated).
    Authenticated,
    /// [`staff`](super::staff).
    Staff,
    /// [`role`](super::role).
    Role {
        /// The name of the role.
        role: &'static str,
        /// The resource on which it is required, if any.
        on: Option<On>,
    },
    /// [`permission`](super::permission).
    Permission {
        /// The name of the permission.
        permission: &'static str,
        /// The resource on which it is required, if any.
        on: Option<On>,
    },
    /// [`scope`](super::scope).
    Scope(&'static str),
    /// [`claim`](super::claim).
    Claim {
        /// The path of the claim.
        path: &'static str,
        /// The required text; `None` if the claim has to be set.
        is: Option<&'static str>,
    },
    /// [`signed_in_within`](super::signed_in_within).
    SignedInWithin(Duration),
    /// [`factor`](super::factor).
    Factor(&'static str),
    /// [`when`](super::when).
    When {
        /// The code of its denials.
        code: &'static str,
    },
    /// A [`Rule`](super::Rule).
    Rule {
        /// Its name.
        name: Cow<'static, str>,
        /// The policies that it asks.
        parts: Vec<Self>,
    },
    /// [`signed`](super::signed).
    Signed {
        /// The name of the signer.
        signer: &'static str,
    },
    /// [`all`](super::all).
    All(Vec<Self>),
    /// [`any`](super::any).
    Any(Vec<Self>),
    /// [`not`](super::not).
    Not(Box<Self>),
    /// [`hidden`](super::hidden).
    Hidden(Box<Self>),
    /// [`via`](super::via).
    Via {
        /// The name of the scheme.
        scheme: &'static str,
        /// What is required of callers of this scheme.
        part: Box<Self>,
    },
    /// [`also_via`](super::also_via).
    AlsoVia {
        /// The name of the scheme.
        scheme: &'static str,
        /// What is required.
        part: Box<Self>,
    },
    /// [`fresh`](super::fresh).
    Fresh {
        /// The greatest allowed age of the identity.
        max_age: Duration,
        /// What is required.
        part: Box<Self>,
    },
    /// [`visitors`](super::visitors).
    Visitors(Box<Self>),
    /// [`without_baseline`](super::without_baseline).
    WithoutBaseline(Box<Self>),
    /// [`engine`](super::engine).
    Engine {
        /// The name of the engine.
        engine: &'static str,
        /// What it is asked for.
        action: &'static str,
        /// The resource that it is asked about, if any.
        on: Option<On>,
    },
    /// [`account`](super::account).
    Account {
        /// The code of its denials.
        code: &'static str,
    },
    /// [`shadow`](super::shadow). In words it is the live policy.
    Shadow {
        /// The name of the candidate.
        name: &'static str,
        /// What is required.
        live: Box<Self>,
        /// What would be required. It is none of the [parts](Self::parts).
        candidate: Box<Self>,
    },
    /// [`OnResource::row`](super::OnResource::row).
    Row {
        /// The code of its denials.
        code: &'static str,
        /// What is required on the resource.
        part: Box<Self>,
    },
}

/// The resource that a policy is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct On {
    /// The kind of the resource, such as `project`.
    pub kind: &'static str,
    /// The kinds of the resources that it has to belong to.
    pub of: Vec<&'static str>,
    /// Whether strangers get 404.
    pub is_hidden: bool,
    /// The path parameters that its identifiers are read from.
    pub params: Vec<&'static str>,
    /// How many of these are of the resource itself. They come first.
    pub(crate) own_params: usize,
}

impl Description {
    /// The policies that this one is made of.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::All(parts) | Self::Any(parts) | Self::Rule { parts, .. } => parts,
            Self::Not(part)
            | Self::Hidden(part)
            | Self::Visitors(part)
            | Self::WithoutBaseline(part)
            | Self::Via { part, .. }
            | Self::AlsoVia { part, .. }
            | Self::Fresh { part, .. }
            | Self::Shadow { live: part, .. }
            | Self::Row { part, .. } => std::slice::from_ref(part),
            _ => &[],
        }
    }

    /// Shows this and all of its parts, and whether they stand below a [`not`](super::not).
    pub(crate) fn walk<'d>(&'d self, below_not: bool, see: &mut dyn FnMut(&'d Self, bool)) {
        see(self, below_not);
        let below_not = below_not || matches!(self, Self::Not(_));
        self.parts().iter().for_each(|part| part.walk(below_not, see));
    }

    /// Whether it allows every caller, so that no caller needs to be authenticated.
    #[must_use]
    pub fn is_public(&self) -> bool {
        match self {
            Self::Anyone => true,
            Self::Any(parts) => parts.iter().any(Self::is_public),
            Self::All(parts) => !parts.is_empty() && parts.iter().all(Self::is_public),
            Self::Hidden(part) | Self::WithoutBaseline(part) | Self::Shadow { live: part, .. } => part.is_public(),
            _ => false,
        }
    }

    pub(super) fn right(&self) -> Option<NamedRight> {
        match self {
            Self::Role { role, on } => Some(NamedRight::role(role, on.as_ref().map(|on| on.kind))),
            Self::Permission { permission, on } => {
                Some(NamedRight::permission(permission, on.as_ref().map(|on| on.kind)))
            }
            _ => None,
        }
    }

    pub(crate) fn on(&self) -> Option<&On> {
        match self {
            Self::Role { on, .. } | Self::Permission { on, .. } | Self::Engine { on, .. } => on.as_ref(),
            _ => None,
        }
    }

    fn is_list(&self) -> bool {
        match self {
            Self::All(_) | Self::Any(_) => true,
            Self::Shadow { live, .. } => live.is_list(),
            _ => false,
        }
    }

    fn list(f: &mut fmt::Formatter<'_>, parts: &[Self], between: &str) -> fmt::Result {
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                f.write_str(between)?;
            }
            if part.is_list() { write!(f, "({part})")? } else { write!(f, "{part}")? }
        }
        Ok(())
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Authenticated => f.write_str("authenticated"),
            Self::Staff => f.write_str("staff"),
            Self::Role { role, .. } => write!(f, "role {role}"),
            Self::Permission { permission, .. } => write!(f, "permission {permission}"),
            Self::Scope(scope) => write!(f, "scope {scope}"),
            Self::Claim { path, is: None } => write!(f, "claim {path}"),
            Self::Claim { path, is: Some(text) } => write!(f, "claim {path} is {text}"),
            Self::SignedInWithin(max_age) => write!(f, "signed in within {max_age:?}"),
            Self::Factor(factor) => write!(f, "factor {factor}"),
            Self::When { code } => f.write_str(code),
            // These codes say what is wrong with the row: `unless unconfirmed`.
            Self::Account { code } => write!(f, "unless {code}"),
            Self::Row { code, part } => write!(f, "{part}, unless {code}"),
            Self::Engine { engine, action, .. } => write!(f, "{action} by {engine}"),
            Self::Rule { name, .. } => f.write_str(name),
            Self::Signed { signer } => write!(f, "signed address {signer}"),
            Self::All(parts) => Self::list(f, parts, " and "),
            Self::Any(parts) => Self::list(f, parts, " or "),
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Hidden(part) => write!(f, "{part}, hidden"),
            Self::Via { scheme, part } if **part == Self::Authenticated => write!(f, "by {scheme}"),
            Self::Via { scheme, part } => write!(f, "by {scheme}: {part}"),
            Self::AlsoVia { scheme, part } => write!(f, "{part}, also by {scheme}"),
            Self::Fresh { max_age, part } => write!(f, "{part}, fresh within {max_age:?}"),
            Self::Visitors(part) => write!(f, "{part}, visitors too"),
            Self::Shadow { live, .. } => write!(f, "{live}"),
            Self::WithoutBaseline(part) => write!(f, "{part}, without the baseline"),
        }?;
        let Some(on) = self.on() else { return Ok(()) };
        write!(f, " on {}", on.kind)?;
        for (place, kind) in on.of.iter().enumerate() {
            let word = if place == 0 { "of" } else { "and" };
            write!(f, " {word} the {kind}")?;
        }
        if on.is_hidden { f.write_str(", hidden") } else { Ok(()) }
    }
}
