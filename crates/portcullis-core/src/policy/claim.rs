//! Policies about a claim of the caller's token.

use super::{Description, Policy, Question, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    claims::{Claims, checked_path, flag},
    error::Error,
    explanation::Explanation,
};

/// Callers with a claim in their token. See [`claim`].
#[derive(Debug, Clone, Copy)]
pub struct RequireClaim {
    path: &'static str,
    text: Option<&'static str>,
}

/// Requires that this claim is set in the caller's token: JSON `true` or `1`, at this [path](crate::ClaimPath).
///
/// The code of its denials is `claim_required`.
///
/// A claim that is `false`, `0`, `null` or absent is not set. A caller without a token has no claims. A claim of another
/// type, such as a text, cannot be judged. The token is then refused with 401, below [`not`](super::not) as well, as where
/// a claim does not fit a [type of yours](crate::Claims::get). The log has the reason.
///
/// For a claim that is more than a flag or a text, write a [`when`](super::when) or a [`Rule`](super::Rule) that reads
/// [`Principal::claims`](crate::Principal::claims).
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// const BETA: &dyn Policy = &claim("beta");
///
/// let issuer = TestIssuer::new();
/// let tester = issuer.token("alice").claim("beta", true).sign();
/// let other = issuer.token("bob").sign();
/// let odd = issuer.token("carol").claim("beta", "yes").sign();
/// assert_eq!(answer(&gate, BETA, get("/beta").bearer(&tester)), "200");
/// assert_eq!(answer(&gate, BETA, get("/beta").bearer(&other)), "403 claim_required");
/// // neither set nor unset
/// assert_eq!(answer(&gate, BETA, get("/beta").bearer(&odd)), "401 invalid_token");
/// # Ok(()) }
/// ```
///
/// # Panics
/// If the path is malformed; in a constant, the build fails.
#[must_use]
#[track_caller]
pub const fn claim(path: &'static str) -> RequireClaim {
    RequireClaim { path: checked_path(path), text: None }
}

impl RequireClaim {
    /// Requires that the claim is this text, or an array of texts that contains it.
    ///
    /// Other types cannot be judged, as above.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
    /// const DEVICES: &dyn Policy = &claim("/realm/groups").is("devices");
    ///
    /// let issuer = TestIssuer::new();
    /// let token = |groups: &[&str]| {
    ///     issuer.token("alice").claim("realm", serde_json::json!({ "groups": groups })).sign()
    /// };
    /// assert_eq!(
    ///     answer(&gate, DEVICES, get("/devices").bearer(&token(&["mail", "devices"]))),
    ///     "200"
    /// );
    /// assert_eq!(
    ///     answer(&gate, DEVICES, get("/devices").bearer(&token(&["mail"]))),
    ///     "403 claim_required"
    /// );
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn is(self, text: &'static str) -> Self {
        Self { path: self.path, text: Some(text) }
    }

    /// Whether the claim is as required; `None` if it has another type.
    fn holds(&self, claims: &Claims) -> Option<bool> {
        let Some(value) = claims.at(self.path) else { return is_absent(claims, self.path).then_some(false) };
        match (value.text(), self.text, value.elements()) {
            ("null", ..) => Some(false),
            (_, None, _) => flag(value),
            (_, Some(text), None) => Some(value.as_str()? == text),
            (_, Some(text), Some(mut texts)) => {
                texts.try_fold(false, |found, element| Some(element.as_str()? == text || found))
            }
        }
    }
}

/// Whether the claim is absent, and the value above it could contain it.
fn is_absent(claims: &Claims, path: &str) -> bool {
    let mut way = if path.starts_with('/') { path } else { "" };
    while let Some((parent, name)) = way.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
        if let Some(value) = claims.at(parent) {
            let is_index = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            return value.members().is_some() || value.text() == "null" || is_index && value.elements().is_some();
        }
        way = parent;
    }
    true
}

impl Sealed for RequireClaim {}

impl Policy for RequireClaim {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let Some(holds) = question.principal().token_claims().map_or(Some(false), |claims| self.holds(claims)) else {
            let asked =
                self.text.map_or("a flag, `true` or `1`; see `claim(…).is(…)` for texts", |_| "a text or texts");
            let detail = format!("what the token has at `{}` is not {asked}", self.path);
            return Answer::now(Err(Error::invalid(detail)));
        };
        let part = || {
            let asked = self.text.map_or("set".to_owned(), |text| format!("`{text}`"));
            Explanation::new(format!("claim `{}` is {asked}", self.path), holds)
        };
        Answer::now(Ok(question.verdict(holds, "claim_required", part)))
    }

    fn describe(&self) -> Description {
        Description::Claim { path: self.path, is: self.text }
    }
}
