//! Identifiers to store and compare. Each has its issuer in it, since a name is unique only at its issuer.
//!
//! Each has one spelling as text, and another spelling is refused. So a database can compare the texts.

use super::PrincipalKind;
use crate::{claims::Text, error::Error};
use std::{fmt, str::FromStr, sync::Arc};

/// The identity of a principal: its kind, its issuer, and its name at that issuer.
///
/// Compare and store this. The same subject at two issuers is two principals, and a third one without an issuer. As text it
/// is `user|https://id.example.com|alice`: `|` and `%` in the issuer are escaped as in a URL, the subject is the rest.
/// `Debug` shows kind and issuer only, since a subject may be an e-mail address.
///
/// ```
/// # fn main() -> Result<(), portcullis_core::Error> {
/// use portcullis_core::{PrincipalId, PrincipalKind};
///
/// let alice =
///     PrincipalId::new(PrincipalKind::User, "alice").with_issuer("https://id.example.com");
/// assert_eq!(alice.to_string(), "user|https://id.example.com|alice");
/// assert_eq!(alice.to_string().parse::<PrincipalId>()?, alice);
///
/// let elsewhere =
///     PrincipalId::new(PrincipalKind::User, "alice").with_issuer("https://id.example.org");
/// assert_ne!(elsewhere, alice);
/// assert_eq!(elsewhere.subject(), alice.subject());
/// assert!("alice".parse::<PrincipalId>().is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PrincipalId {
    kind: PrincipalKind,
    issuer: Option<Arc<str>>,
    subject: Text,
}

impl PrincipalId {
    /// The principal of this kind and name, without an issuer.
    #[must_use]
    pub fn new(kind: PrincipalKind, subject: impl Into<String>) -> Self {
        Self::of(kind, subject.into().into())
    }

    pub(crate) fn of(kind: PrincipalKind, subject: Text) -> Self {
        Self { kind, issuer: None, subject }
    }

    /// With this issuer. An empty name is no issuer.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<Arc<str>>) -> Self {
        self.set_issuer(issuer.into());
        self
    }

    pub(crate) fn with_kind(self, kind: PrincipalKind) -> Self {
        Self { kind, ..self }
    }

    pub(super) fn set_kind(&mut self, kind: PrincipalKind) {
        self.kind = kind;
    }

    pub(super) fn set_issuer(&mut self, issuer: Arc<str>) {
        self.issuer = named(issuer);
    }

    /// What kind of principal it is.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// Its issuer; `None` if that is this service itself.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    pub(crate) fn issuer_shared(&self) -> Option<Arc<str>> {
        self.issuer.clone()
    }

    /// Its name at the issuer. It is unique only there.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.subject.as_str()
    }
}

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}|{}", self.kind.name(), escaped(self.issuer()), self.subject())
    }
}

impl FromStr for PrincipalId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let (kind, rest) = text.split_once('|')?;
            let kind = PrincipalKind::ALL.into_iter().find(|known| known.name() == kind)?;
            let (issuer, subject) = split(rest)?;
            Some(Self { kind, issuer, subject: subject.into() })
        };
        parse().ok_or_else(|| {
            Error::misconfigured("the text is not a principal id, which is written `kind|issuer|subject`")
        })
    }
}

impl fmt::Debug for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)?;
        of(self.issuer(), f)
    }
}

macro_rules! id_at_issuer {
    ($(#[$docs:meta])* $name:ident, $what:literal) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name {
            issuer: Option<Arc<str>>,
            id: String,
        }

        impl $name {
            #[doc = concat!("The ", $what, " of this id that has no issuer.")]
            #[must_use]
            pub fn new(id: impl Into<String>) -> Self {
                Self { issuer: None, id: id.into() }
            }

            /// With this issuer. An empty name is no issuer.
            #[must_use]
            pub fn with_issuer(self, issuer: impl Into<Arc<str>>) -> Self {
                Self { issuer: named(issuer.into()), ..self }
            }

            pub(super) fn of(issuer: Option<Arc<str>>, id: impl Into<String>) -> Self {
                Self { issuer, id: id.into() }
            }

            /// Its issuer; `None` if that is this service itself.
            #[must_use]
            pub fn issuer(&self) -> Option<&str> {
                self.issuer.as_deref()
            }

            /// The id alone, which is unique only at its issuer.
            #[must_use]
            pub fn id(&self) -> &str {
                &self.id
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}|{}", escaped(self.issuer()), self.id)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let wrong = || Error::misconfigured(concat!("the text is not a ", $what, " id, which is written `issuer|id`"));
                split(text).map(|(issuer, id)| Self { issuer, id }).ok_or_else(wrong)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))?;
                of(self.issuer(), f)
            }
        }
    };
}

id_at_issuer! {
    /// A session: its issuer, and its id there (by default the `sid` of tokens; see the [map](crate::ClaimMap::session)).
    ///
    /// As text it is `https://id.example.com|the-session`, written like a [`PrincipalId`]. `Debug` shows the issuer only,
    /// since some issuers use a session's id as a credential.
    ///
    /// ```
    /// use portcullis_core::{Principal, PrincipalKind, SessionId};
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// // What a handler stored when alice signed in, and what a logout token names later.
    /// let alice = Principal::new(PrincipalKind::User, "alice")
    ///     .with_issuer("https://id.example.com")
    ///     .with_session("s1");
    /// let stored = alice.session().map(|session| session.to_string());
    /// assert_eq!(stored.as_deref(), Some("https://id.example.com|s1"));
    ///
    /// let ended = SessionId::new("s1").with_issuer("https://id.example.com");
    /// assert_eq!("https://id.example.com|s1".parse::<SessionId>()?, ended);
    /// assert_ne!(SessionId::new("s1"), ended); // a session of this service itself
    /// # Ok(()) }
    /// ```
    SessionId, "session"
}

id_at_issuer! {
    /// A token: its issuer, and its id there (`jti`).
    ///
    /// As text it is `https://id.example.com|the-token`, written like a [`PrincipalId`]. `Debug` shows the issuer only.
    ///
    /// ```
    /// use portcullis_core::TokenId;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let token = TokenId::new("t1").with_issuer("https://id.example.com");
    /// assert_eq!((token.issuer(), token.id()), (Some("https://id.example.com"), "t1"));
    /// assert_eq!(token.to_string().parse::<TokenId>()?, token);
    /// assert!("t1".parse::<TokenId>().is_err()); // without an issuer it is written `|t1`
    /// # Ok(()) }
    /// ```
    TokenId, "token"
}

fn named(issuer: Arc<str>) -> Option<Arc<str>> {
    Some(issuer).filter(|issuer| !issuer.is_empty())
}

fn escaped(issuer: Option<&str>) -> String {
    issuer.unwrap_or_default().replace('%', "%25").replace('|', "%7C")
}

/// An issuer and the rest. Each has one spelling, so texts may be compared as well.
fn split(text: &str) -> Option<(Option<Arc<str>>, String)> {
    let (written, rest) = text.split_once('|')?;
    let issuer = named(written.replace("%7C", "|").replace("%25", "%").into());
    (escaped(issuer.as_deref()) == written).then(|| (issuer, rest.to_owned()))
}

/// What `Debug` shows of an id.
fn of(issuer: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    issuer.map_or(Ok(()), |issuer| write!(f, " of `{issuer}`"))
}
