//! What the claims of a token have to be, beyond issuer, audience and times.

use super::{ClaimPath, OtherKind};
use crate::{
    error::Error,
    json::{Object, Value},
};

/// What claims have to say: those of a token ([`Issuer::rules`](crate::Issuer::rules)), or those of an answer about one
/// ([`Introspection::rules`](crate::Introspection::rules), [`WhoAmI::rules`](crate::WhoAmI::rules)).
///
/// Every claim is a [`ClaimPath`]: a name, or a JSON pointer. Values are strings and are compared byte for byte. A claim of
/// another type never matches.
///
/// ```
/// use portcullis_core::{ErrorKind, Jwt, Rules, testing::TestIssuer};
/// use serde_json::json;
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let rules = Rules::new()
///     .require("token_use", "access")? // no ID tokens
///     .one_of("azp", ["web", "mobile"])? // two of the issuer's clients
///     .if_present("acr", ["silver", "gold"])? // programs have none
///     .forbid("/act/sub")?; // no tokens for acting as another user (RFC 8693, section 4.1)
/// let issuer = TestIssuer::new();
/// let verifier = Jwt::new(issuer.issuer().rules(rules)).clock(issuer.clock());
///
/// let token = || issuer.token("alice").claim("token_use", "access").claim("azp", "web");
/// assert!(verifier.verify(&token().sign()).is_ok());
/// assert!(verifier.verify(&token().claim("acr", "gold").sign()).is_ok());
///
/// for refused in [
///     token().claim("token_use", "id"),
///     token().without("azp"),
///     token().claim("acr", "bronze"),
///     token().claim("act", json!({ "sub": "mallory" })),
/// ] {
///     assert!(
///         verifier
///             .verify(&refused.sign())
///             .is_err_and(|error| error.kind() == ErrorKind::Invalid)
///     );
/// }
/// # Ok(()) }
/// ```
///
/// Use rules for what makes a token acceptable at all. What makes a caller allowed to do something is a policy, such as
/// [`claim`](crate::policy::claim): its denial is a 403, while a rule's refusal is a 401.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// The claims of a token's kind that a rule compares. The built-in check of kinds leaves them to the rule.
    kinds: OtherKind,
}

#[derive(Debug, Clone)]
struct Rule {
    claim: ClaimPath,
    condition: Condition,
}

#[derive(Debug, Clone)]
enum Condition {
    OneOf(Vec<String>),
    OneOfIfPresent(Vec<String>),
    Absence,
}

impl Rules {
    /// Creates an empty set of rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The claim has to be this string.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn require(self, claim: impl AsRef<str>, value: impl Into<String>) -> Result<Self, Error> {
        self.one_of(claim, [value])
    }

    /// The claim has to be one of these strings.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed or there is no string.
    pub fn one_of<S: Into<String>>(
        self,
        claim: impl AsRef<str>,
        values: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        self.with(claim, Condition::OneOf(values.into_iter().map(Into::into).collect()))
    }

    /// The claim has to be one of these strings, or absent. For claims that not every token has. `null` counts as present.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed or there is no string.
    pub fn if_present<S: Into<String>>(
        self,
        claim: impl AsRef<str>,
        values: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        self.with(claim, Condition::OneOfIfPresent(values.into_iter().map(Into::into).collect()))
    }

    /// The claim has to be absent. Any value is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the place is malformed.
    pub fn forbid(self, claim: impl AsRef<str>) -> Result<Self, Error> {
        self.with(claim, Condition::Absence)
    }

    /// These rules and the others.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.rules.extend(others.rules);
        self.kinds = self.kinds.or(others.kinds);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn with(mut self, claim: impl AsRef<str>, condition: Condition) -> Result<Self, Error> {
        let claim = ClaimPath::new(claim)?;
        if matches!(&condition, Condition::OneOf(values) | Condition::OneOfIfPresent(values) if values.is_empty()) {
            return Err(Error::misconfigured(format!("the rule for the claim `{claim}` lists no value")));
        }
        if !matches!(condition, Condition::Absence) {
            self.kinds = self.kinds.or(OtherKind::at(claim.as_str()));
        }
        self.rules.push(Rule { claim, condition });
        Ok(self)
    }

    /// Checks each rule in order, for claims that have to be complete.
    pub(crate) fn check(&self, claims: &Object) -> Result<(), Error> {
        self.check_each(claims, false)
    }

    /// The same, but a claim that is absent passes. For a token and its issuer's answer, of which each may leave out what the
    /// other one states.
    pub(crate) fn check_present(&self, claims: &Object) -> Result<(), Error> {
        self.check_each(claims, true)
    }

    fn check_each(&self, claims: &Object, may_be_absent: bool) -> Result<(), Error> {
        for Rule { claim, condition } in &self.rules {
            let found = claims.at(claim.as_str());
            let values = match condition {
                Condition::Absence if found.is_some() => {
                    return Err(Error::invalid(format!("a token with the claim `{claim}` is not accepted here")));
                }
                Condition::Absence => continue,
                Condition::OneOfIfPresent(_) if found.is_none() => continue,
                Condition::OneOf(_) if may_be_absent && found.is_none() => continue,
                Condition::OneOf(values) | Condition::OneOfIfPresent(values) => values,
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
