//! Where the identifier of a resource is in a request.

use super::Question;
use crate::{
    error::{Error, ErrorKind},
    head::only_header,
};
use std::{borrow::Cow, fmt};

/// Where the identifier of a resource is in a request.
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

    /// Uses the other place if this one has no identifier. If both have one and they differ, the request is refused (400,
    /// `conflicting_ids`).
    ///
    /// ```
    /// use portcullis_core::policy::*;
    ///
    /// const READ: &dyn Policy = &role("viewer").on("project", query("project_id").or(header("x-project")));
    /// ```
    ///
    /// # Panics
    /// With more than two places; in a constant, the build fails.
    #[must_use]
    #[expect(clippy::panic, reason = "a mistake in the source, found when it is compiled or started")]
    pub const fn or(self, other: Self) -> Self {
        match (self.second, other.second) {
            (None, None) => Self { second: Some(other.first), ..self },
            _ => panic!("an identifier stands in at most two places"),
        }
    }
}

/// The path parameter of this name, decoded as the handler will see it.
#[must_use]
pub const fn path(name: &'static str) -> ResourceId {
    ResourceId::at(IdPlace::Path(name))
}

/// The query parameter of this name. A request without it is refused (400, `parameter_missing`).
#[must_use]
pub const fn query(name: &'static str) -> ResourceId {
    ResourceId::at(IdPlace::Query(name))
}

/// The header of this name. A request without it is refused (400, `parameter_missing`).
#[must_use]
pub const fn header(name: &'static str) -> ResourceId {
    ResourceId::at(IdPlace::Header(name))
}

/// The organization of the caller, by its token, key or account. Without one, the request is refused (400,
/// `parameter_missing`).
#[must_use]
pub const fn organization() -> ResourceId {
    ResourceId::at(IdPlace::Organization)
}

/// An identifier given as a value. See [`id`].
#[derive(Clone)]
pub struct IdValue(String);

/// An identifier given as a value, such as one from a body.
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
