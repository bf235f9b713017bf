//! Names as SpiceDB allows them. What it does not allow is an error, and never changed into something that it does.

use crate::messages::{ObjectReference, Operation, RelationshipMessage, SubjectReference, UpdateMessage};
use portcullis_core::{Error, ErrorKind};
use std::{
    fmt::{self, Display},
    str::FromStr,
};

/// The id of an object in SpiceDB: letters and digits of ASCII, and `/`, `_`, `|`, `-`, `=`, `+`; at most 1 024 characters.
///
/// ```
/// use portcullis_spicedb::ObjectId;
///
/// assert_eq!("2f1c-7".parse::<ObjectId>()?.as_str(), "2f1c-7");
/// assert!("alice@example.com".parse::<ObjectId>().is_err());
/// assert!("*".parse::<ObjectId>().is_err()); // in SpiceDB: every object
/// # Ok::<(), portcullis_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(String);

impl ObjectId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/_|-=+".contains(&byte);
        if text.is_empty() || text.len() > 1024 || !text.bytes().all(fits) {
            return Err(misconfigured(
                "an id in SpiceDB has 1 to 1024 letters and digits of ASCII and `/_|-=+`, and this one has others or none",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom SpiceDB is asked about, or whom a relationship names: an object such as `user:alice`, or all that have a relation to
/// one, such as `group:engineering#member`.
///
/// `Debug` does not show the id, which may identify a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    object_type: String,
    id: ObjectId,
    relation: String,
}

impl Subject {
    /// The object of this type with this id.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if SpiceDB does not allow such a type or id.
    pub fn new(object_type: &str, id: impl Display) -> Result<Self, Error> {
        let id = id.to_string().parse()?;
        Ok(Self { object_type: checked_type(object_type)?, id, relation: String::new() })
    }

    /// All that have this relation to the object, such as the members of a group.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if SpiceDB does not allow such a relation.
    pub fn with_relation(self, relation: &str) -> Result<Self, Error> {
        Ok(Self { relation: checked_relation(relation)?, ..self })
    }

    pub(crate) fn message(self) -> SubjectReference {
        let object = ObjectReference { object_type: self.object_type, object_id: self.id.0 };
        SubjectReference { object: Some(object), optional_relation: self.relation }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({}, ..)", self.object_type)
    }
}

/// That a subject has a relation to an object, such as `project:7#viewer@user:alice`.
///
/// ```
/// use portcullis_spicedb::{Relationship, Subject};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let engineers = Subject::new("group", "engineering")?.with_relation("member")?;
/// let added = Relationship::new("project", 7, "viewer", engineers)?.touch();
///
/// let alice = Subject::new("user", "alice")?;
/// let removed = Relationship::new("project", 7, "viewer", alice)?.delete();
/// # let _ = [added, removed]; Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    object_type: String,
    id: ObjectId,
    relation: String,
    subject: Subject,
}

impl Relationship {
    /// The subject's relation to the object of this type with this id.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if SpiceDB does not allow such a type, id or relation.
    pub fn new(object_type: &str, id: impl Display, relation: &str, subject: Subject) -> Result<Self, Error> {
        let (object_type, relation) = (checked_type(object_type)?, checked_relation(relation)?);
        Ok(Self { object_type, id: id.to_string().parse()?, relation, subject })
    }

    /// Adds it, unless it is there already.
    #[must_use]
    pub fn touch(self) -> Update {
        Update { operation: Operation::Touch, relationship: self }
    }

    /// Removes it, if it is there.
    #[must_use]
    pub fn delete(self) -> Update {
        Update { operation: Operation::Delete, relationship: self }
    }
}

/// A change of one relationship, for [`SpiceDb::write`](crate::SpiceDb::write).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    operation: Operation,
    relationship: Relationship,
}

impl Update {
    pub(crate) fn message(self) -> UpdateMessage {
        let Relationship { object_type, id, relation, subject } = self.relationship;
        let resource = Some(ObjectReference { object_type, object_id: id.0 });
        let relationship = RelationshipMessage { resource, relation, subject: Some(subject.message()) };
        UpdateMessage { operation: self.operation.into(), relationship: Some(relationship) }
    }
}

/// The name of a type, which may have prefixes: `project`, `acme/project`.
pub(crate) fn checked_type(name: &str) -> Result<String, Error> {
    if name.split('/').all(is_name) {
        return Ok(name.to_owned());
    }
    Err(misconfigured(format!("SpiceDB allows no type {name:?}: 3 to 64 of `a-z0-9_`, a letter first, no `_` last")))
}

/// The name of a relation or a permission.
pub(crate) fn checked_relation(name: &str) -> Result<String, Error> {
    if is_name(name) {
        return Ok(name.to_owned());
    }
    let detail =
        format!("SpiceDB allows no relation or permission {name:?}: 3 to 64 of `a-z0-9_`, a letter first, no `_` last");
    Err(misconfigured(detail))
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (3..=64).contains(&name.len())
        && name.bytes().all(fits)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('_')
}

pub(crate) fn misconfigured(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Misconfigured, detail)
}
