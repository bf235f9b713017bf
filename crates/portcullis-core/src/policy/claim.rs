use super::{Description, Policy, Question, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    claims::{Claims, checked_path, flag},
    decision::Explanation,
    error::Error,
};

/// Whose token says something. See [`claim`].
#[derive(Debug, Clone, Copy)]
pub struct RequireClaim {
    path: &'static str,
    text: Option<&'static str>,
}

/// Lets principals pass whose token has this claim set, by its [place](crate::ClaimPath): JSON `true` or `1`. Code
/// `claim_required`.
///
/// A claim that is `false`, `0`, `null` or not there is not set, and who came without a token has no claims. One of another
/// type, such as a text, cannot be judged. The token is refused then, below [`not`](super::not) as well: 401, as where a
/// claim does not fit a [type of yours](crate::Claims::get). The log says what it is.
///
/// # Panics
/// If the place is malformed; in a constant, that fails the build.
#[must_use]
#[track_caller]
pub const fn claim(path: &'static str) -> RequireClaim {
    RequireClaim { path: checked_path(path), text: None }
}

impl RequireClaim {
    /// Lets principals pass whose claim is this text, or an array of texts with this one in it. Something else than texts
    /// cannot be judged, as above.
    #[must_use]
    pub const fn is(self, text: &'static str) -> Self {
        Self { path: self.path, text: Some(text) }
    }

    /// Whether it holds; `None` if the claim has another type.
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

/// Nothing stands at this place, and nothing on the way to it that should be an object and is none.
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
