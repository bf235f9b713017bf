use super::{ClaimPath, OtherKind};
use crate::{
    error::Error,
    json::{Object, Value},
};

/// What claims have to say: those of a token ([`Issuer::rules`](crate::Issuer::rules)), or those of an answer about one
/// ([`Introspection::rules`](crate::Introspection::rules), [`WhoAmI::rules`](crate::WhoAmI::rules)).
///
/// Every claim is a [`ClaimPath`]: a name, or a JSON pointer. Values are texts and are compared byte for byte; a claim of
/// another type never fits.
///
/// ```
/// # fn main() -> Result<(), portcullis_core::Error> {
/// use portcullis_core::Rules;
///
/// let cognito = Rules::new().require("token_use", "access")?;
/// let keycloak = Rules::new().one_of("azp", ["web", "mobile"])?.forbid("/act/sub")?;
/// # let _ = (cognito, keycloak); Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Where a rule says what kind of tokens it wants.
    kinds: OtherKind,
}

#[derive(Debug, Clone)]
struct Rule {
    claim: ClaimPath,
    asks: Asks,
}

#[derive(Debug, Clone)]
enum Asks {
    OneOf(Vec<String>),
    OneOfIfPresent(Vec<String>),
    Absence,
}

impl Rules {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The claim is this text.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn require(self, claim: impl AsRef<str>, value: impl Into<String>) -> Result<Self, Error> {
        self.one_of(claim, [value])
    }

    /// The claim is one of these texts.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed or there is no text.
    pub fn one_of<S: Into<String>>(
        self,
        claim: impl AsRef<str>,
        values: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        self.with(claim, Asks::OneOf(values.into_iter().map(Into::into).collect()))
    }

    /// The claim is one of these texts, or it is not there; for what not every token says. `null` is there.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed or there is no text.
    pub fn if_present<S: Into<String>>(
        self,
        claim: impl AsRef<str>,
        values: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        self.with(claim, Asks::OneOfIfPresent(values.into_iter().map(Into::into).collect()))
    }

    /// The claim is not there, whatever its value.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn forbid(self, claim: impl AsRef<str>) -> Result<Self, Error> {
        self.with(claim, Asks::Absence)
    }

    fn with(mut self, claim: impl AsRef<str>, asks: Asks) -> Result<Self, Error> {
        let claim = ClaimPath::new(claim)?;
        if matches!(&asks, Asks::OneOf(values) | Asks::OneOfIfPresent(values) if values.is_empty()) {
            return Err(Error::misconfigured(format!("no value that the claim `{claim}` may have")));
        }
        if !matches!(asks, Asks::Absence) {
            self.kinds = self.kinds.or(OtherKind::at(claim.as_str()));
        }
        self.rules.push(Rule { claim, asks });
        Ok(self)
    }

    /// Whether claims say what they have to, each rule in its turn.
    pub(crate) fn check(&self, claims: &Object) -> Result<(), Error> {
        self.check_each(claims, false)
    }

    /// Whether they say nothing else than they have to, where they say anything.
    pub(crate) fn check_said(&self, claims: &Object) -> Result<(), Error> {
        self.check_each(claims, true)
    }

    fn check_each(&self, claims: &Object, may_lack: bool) -> Result<(), Error> {
        for Rule { claim, asks } in &self.rules {
            let found = claims.at(claim.as_str());
            let values = match asks {
                Asks::Absence if found.is_some() => {
                    return Err(Error::invalid(format!("a token with the claim `{claim}` is not accepted here")));
                }
                Asks::Absence => continue,
                Asks::OneOfIfPresent(_) if found.is_none() => continue,
                Asks::OneOf(_) if may_lack && found.is_none() => continue,
                Asks::OneOf(values) | Asks::OneOfIfPresent(values) => values,
            };
            if found.and_then(Value::as_str).is_none_or(|found| !values.iter().any(|value| *value == found)) {
                return Err(Error::invalid(format!("the claim `{claim}` is not `{}`", values.join("` or `"))));
            }
        }
        Ok(())
    }

    pub(crate) fn kinds(&self) -> OtherKind {
        self.kinds
    }
}
