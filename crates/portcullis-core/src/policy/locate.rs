//! Where the identifier of a resource is in a request: [`path`], [`query`], [`header`], [`organization`], or a value.
//!
//! The text that is found is parsed by the [`Membership`](crate::Membership) of the kind.

use super::Question;
use crate::{
    error::{Error, ErrorKind},
    head::only_header,
};
use std::{borrow::Cow, fmt};

/// Where the identifier of a resource is in a request. See [`path`], [`query`], [`header`] and [`organization`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceId {
    first: IdPlace,
    second: Option<IdPlace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdPlace {
    Path(&'static str),
    Query(&'static str),
    Header(&'static str),
    Organization,
}

impl ResourceId {
    const fn at(first: IdPlace) -> Self {
        Self { first, second: None }
    }

    /// Uses the other place if this one has no identifier.
    ///
    /// If both have one and they differ, the request is refused (400, `conflicting_ids`).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> { let gate = gate(&[("alice", 1, "viewer")])?;
    /// const READ: &dyn Policy =
    ///     &role("viewer").on("project", query("project_id").or(header("x-project")));
    ///
    /// let alice = gate.acting_as(acting_as("alice"));
    /// assert_eq!(answer(&alice, READ, get("/export?project_id=1")), "200");
    /// assert_eq!(answer(&alice, READ, get("/export").header("x-project", "1")), "200");
    /// assert_eq!(
    ///     answer(&alice, READ, get("/export?project_id=1").header("x-project", "2")),
    ///     "400 conflicting_ids"
    /// );
    /// assert_eq!(answer(&alice, READ, get("/export")), "400 parameter_missing");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// With more than two places; in a constant, the build fails.
    #[must_use]
    #[expect(clippy::panic, reason = "a mistake in the source, found when it is compiled or started")]
    pub const fn or(self, other: Self) -> Self {
        match (self.second, other.second) {
            (None, None) => Self { second: Some(other.first), ..self },
            _ => panic!("an identifier is read from at most two places"),
        }
    }
}

/// The path parameter of this name, decoded as the handler will see it.
///
/// The policy and the handler so judge the same resource, however the path was encoded. If the route has no parameter of this
/// name, adding it is an error where the adapter knows the route; otherwise each request is answered with 500. A text that is
/// no identifier of the kind is refused (400, `invalid_id`).
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[("alice", 1, "viewer")])?;
/// const READ: &dyn Policy = &role("viewer").on("project", path("project_id"));
///
/// let alice = gate.acting_as(acting_as("alice"));
/// let request = |id| get("/projects/_").param("project_id", id);
/// assert_eq!(answer(&alice, READ, request("1")), "200");
/// assert_eq!(answer(&alice, READ, request("2")), "403 not_a_member");
/// assert_eq!(answer(&alice, READ, request("one")), "400 invalid_id");
/// # Ok(()) }
/// ```
#[must_use]
pub const fn path(name: &'static str) -> ResourceId {
    ResourceId::at(IdPlace::Path(name))
}

/// The query parameter of this name.
///
/// A request without it is refused (400, `parameter_missing`).
///
/// A parameter that is present twice is refused too (400), even if both values are equal: the handler might read the other
/// one.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[("alice", 1, "viewer")])?;
/// const SEARCH: &dyn Policy = &role("viewer").on("project", query("project"));
///
/// let alice = gate.acting_as(acting_as("alice"));
/// assert_eq!(answer(&alice, SEARCH, get("/search?q=x&project=1")), "200");
/// assert_eq!(answer(&alice, SEARCH, get("/search?q=x&project=2")), "403 not_a_member");
/// assert_eq!(answer(&alice, SEARCH, get("/search?q=x")), "400 parameter_missing");
/// # Ok(()) }
/// ```
#[must_use]
pub const fn query(name: &'static str) -> ResourceId {
    ResourceId::at(IdPlace::Query(name))
}

/// The header of this name.
///
/// A request without it is refused (400, `parameter_missing`).
///
/// A header that is present twice, or is no UTF-8, is refused too (400). Spaces around the value are ignored.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[("alice", 1, "viewer")])?;
/// const READ: &dyn Policy = &role("viewer").on("project", header("x-project"));
///
/// let alice = gate.acting_as(acting_as("alice"));
/// assert_eq!(answer(&alice, READ, get("/files").header("X-Project", "1")), "200");
/// assert_eq!(answer(&alice, READ, get("/files").header("X-Project", "2")), "403 not_a_member");
/// assert_eq!(answer(&alice, READ, get("/files")), "400 parameter_missing");
/// # Ok(()) }
/// ```
#[must_use]
pub const fn header(name: &'static str) -> ResourceId {
    ResourceId::at(IdPlace::Header(name))
}

/// The organization of the caller, by its token, key or account.
///
/// Without one, the request is refused (400, `parameter_missing`).
///
/// The client cannot choose it, unlike a parameter. With `query("org").or(organization())` it can name an organization, but a
/// credential that belongs to one is refused for every other.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> {
/// let organizations = Projects(&[("alice", 5, "owner"), ("bob", 5, "viewer")]);
/// let gate = builder()?.membership("organization", organizations).build()?;
/// const BILLING: &dyn Policy = &role("owner").on("organization", organization());
///
/// let within = |name: &str| gate.acting_as(acting_as(name).with_organization("5"));
/// assert_eq!(answer(&within("alice"), BILLING, get("/billing")), "200");
/// assert_eq!(answer(&within("bob"), BILLING, get("/billing")), "403 role_required");
/// assert_eq!(
///     answer(&gate.acting_as(acting_as("alice")), BILLING, get("/billing")),
///     "400 parameter_missing"
/// );
/// # Ok(()) }
/// ```
#[must_use]
pub const fn organization() -> ResourceId {
    ResourceId::at(IdPlace::Organization)
}

/// An identifier given as a value. See [`id`].
#[derive(Clone)]
pub struct IdValue(String);

/// An identifier given as a value, such as one from a body.
///
/// A guard reads the head of a request only. So this is for a handler that asks with [`Caller::require`](crate::Caller::require)
/// or [`Caller::allows`](crate::Caller::allows):
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[("alice", 1, "manager")])?.acting_as(acting_as("alice"));
/// async fn move_file(caller: Caller, from: u32, to: u32) -> Result<(), Error> {
///     caller.require(role("manager").on("project", id(from))).await?;
///     caller.require(role("manager").on("project", id(to))).await?;
///     Ok(())
/// }
///
/// # let caller = || now(gate.establish(&get("/"))).caller(&get("/"));
/// assert!(now(move_file(caller()?, 1, 1)).is_ok());
/// let denied = now(move_file(caller()?, 1, 2)).unwrap_err();
/// assert_eq!((denied.status(), denied.code()), (403, "not_a_member"));
/// # Ok(()) }
/// ```
#[must_use]
pub fn id(value: impl ToString) -> IdValue {
    IdValue(value.to_string())
}

/// It may be an e-mail address.
impl fmt::Debug for IdValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("id(..)")
    }
}

/// Where an identifier comes from: a [`ResourceId`] or an [`IdValue`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say where an identifier is",
    note = "use `path(…)`, `query(…)`, `header(…)`, `organization()` or `id(…)` of `portcullis::policy`"
)]
pub trait Locate: fmt::Debug + Send + Sync {
    /// The identifier, and what the request calls it.
    #[doc(hidden)]
    fn locate<'a>(&'a self, question: &Question<'a>) -> Result<(Cow<'a, str>, &'static str), Error>;

    /// The path parameters that it reads.
    #[doc(hidden)]
    fn params(&self) -> Vec<&'static str>;
}

impl IdPlace {
    fn name(self) -> &'static str {
        match self {
            Self::Path(name) | Self::Query(name) | Self::Header(name) => name,
            Self::Organization => "organization",
        }
    }

    fn read<'a>(self, question: &Question<'a>) -> Result<Option<Cow<'a, str>>, Error> {
        let text = match self {
            Self::Path(name) => Some(question.param(name)?),
            Self::Query(name) => question.query(name)?,
            Self::Header(name) => only_header(question.head(), name)?.map(Cow::Borrowed),
            Self::Organization => question.caller.and_then(|who| who.organization()).map(Cow::Borrowed),
        };
        Ok(text.filter(|text| !text.is_empty()))
    }
}

fn malformed(detail: String, code: &'static str, parameter: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, detail).with_code(code).with_parameter(parameter)
}

impl Locate for ResourceId {
    fn locate<'a>(&'a self, question: &Question<'a>) -> Result<(Cow<'a, str>, &'static str), Error> {
        let first = self.first.read(question)?.map(|id| (id, self.first.name()));
        let second = match self.second {
            Some(place) => place.read(question)?.map(|id| (id, place.name())),
            None => None,
        };
        match (first, second) {
            (Some((first, one)), Some((second, other))) if first != second => {
                Err(malformed(format!("`{one}` and `{other}` name different resources"), "conflicting_ids", other))
            }
            (Some(found), _) | (None, Some(found)) => Ok(found),
            (None, None) => {
                let name = self.first.name();
                Err(malformed(format!("the request has no `{name}`"), "parameter_missing", name))
            }
        }
    }

    fn params(&self) -> Vec<&'static str> {
        let places = [Some(self.first), self.second].into_iter().flatten();
        places.filter_map(|place| if let IdPlace::Path(name) = place { Some(name) } else { None }).collect()
    }
}

impl Locate for IdValue {
    fn locate<'a>(&'a self, _: &Question<'a>) -> Result<(Cow<'a, str>, &'static str), Error> {
        Ok((Cow::Borrowed(&self.0), "id"))
    }

    fn params(&self) -> Vec<&'static str> {
        Vec::new()
    }
}
