use super::{Policy, Question, Verdict};
use crate::{
    answer::Answer,
    claims::{checked_path, is_set},
    decision::Explanation,
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
/// # Panics
/// If the place is malformed; in a constant, that fails the build.
#[must_use]
#[track_caller]
pub const fn claim(path: &'static str) -> RequireClaim {
    RequireClaim { path: checked_path(path), text: None }
}

impl RequireClaim {
    /// Lets principals pass whose claim is this text, or an array with this text in it.
    #[must_use]
    pub const fn is(self, text: &'static str) -> Self {
        Self { path: self.path, text: Some(text) }
    }
}

impl Policy for RequireClaim {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let value = question.principal.token_claims().and_then(|claims| claims.at(self.path));
        let holds = value.is_some_and(|value| match (self.text, value.elements()) {
            (None, _) => is_set(value),
            (Some(text), None) => value.as_str().is_some_and(|found| found == text),
            (Some(text), Some(mut elements)) => {
                elements.any(|element| element.as_str().is_some_and(|found| found == text))
            }
        });
        let part = || {
            let asked = self.text.map_or("set".to_owned(), |text| format!("`{text}`"));
            Explanation::new(format!("claim `{}` is {asked}", self.path), holds)
        };
        Answer::now(Ok(question.verdict(holds, "claim_required", part)))
    }
}
