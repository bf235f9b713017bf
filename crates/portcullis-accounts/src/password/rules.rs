//! Which passwords may be set.

use super::MAX_BYTES;
use crate::error::Error;
use std::{fmt, sync::Arc};

/// Which passwords may be set. Passwords that are set already are not checked.
///
/// By default 8 to 256 characters of any kind, as NIST SP 800-63B recommends. A password never has more than 1 024 bytes.
///
/// ```
/// use portcullis_accounts::{CharacterClass, PasswordRules};
///
/// let rules = PasswordRules::new()
///     .length(12, 128)
///     .max_run(2)
///     .require(CharacterClass::Digit)
///     .and("breached", |password| password != "correct horse battery 1");
/// # let _ = rules;
/// ```
#[derive(Clone)]
pub struct PasswordRules {
    min: usize,
    max: usize,
    max_run: Option<usize>,
    classes: Vec<CharacterClass>,
    others: Vec<(&'static str, Rule)>,
}

type Rule = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A kind of characters that a password must contain: [`PasswordRules::require`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CharacterClass {
    /// An upper-case letter of any script. Code `no_uppercase`.
    Uppercase,
    /// A lower-case letter of any script. Code `no_lowercase`.
    Lowercase,
    /// A digit from `0` to `9`. Code `no_digit`.
    Digit,
    /// One of ``!@#$%^&*(),.?":{}|<>``. Code `no_special`.
    Special,
}

impl CharacterClass {
    fn contains(self, character: char) -> bool {
        match self {
            Self::Uppercase => character.is_uppercase(),
            Self::Lowercase => character.is_lowercase(),
            Self::Digit => character.is_ascii_digit(),
            Self::Special => r#"!@#$%^&*(),.?":{}|<>"#.contains(character),
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Uppercase => "no_uppercase",
            Self::Lowercase => "no_lowercase",
            Self::Digit => "no_digit",
            Self::Special => "no_special",
        }
    }
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self { min: 8, max: 256, max_run: None, classes: Vec::new(), others: Vec::new() }
    }
}

impl PasswordRules {
    /// From 8 to 256 characters of any kind.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The least and the greatest number of characters. Codes `too_short` and `too_long`.
    #[must_use]
    pub fn length(self, min: usize, max: usize) -> Self {
        Self { min, max, ..self }
    }

    /// How many times in a row a character may appear: with 2, three alike are refused. Code `repeats`.
    #[must_use]
    pub fn max_run(self, run: usize) -> Self {
        Self { max_run: Some(run), ..self }
    }

    /// Requires a character of this kind.
    #[must_use]
    pub fn require(mut self, class: CharacterClass) -> Self {
        self.classes.push(class);
        self
    }

    /// A rule of your own, such as a list of breached passwords: `accepts` returns whether the password may be set. The code
    /// is for the client.
    ///
    /// The rule runs in the request, so it must be quick.
    #[must_use]
    pub fn and(mut self, code: &'static str, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.others.push((code, Arc::new(accepts)));
        self
    }

    /// # Errors
    /// [`Error::PasswordRejected`] with the codes of all rules that the password breaks.
    pub(crate) fn check(&self, password: &str) -> Result<(), Error> {
        let length = password.chars().count();
        let too_long = length > self.max || password.len() > MAX_BYTES;
        let repeats = self.max_run.is_some_and(|max| longest_run(password) > max);
        let classes = self.classes.iter().map(|class| (class.code(), !password.chars().any(|it| class.contains(it))));
        let mut broken: Vec<_> = [("too_short", length < self.min), ("too_long", too_long), ("repeats", repeats)]
            .into_iter()
            .chain(classes)
            .filter_map(|(code, is_broken)| is_broken.then_some(code))
            .collect();
        // A rule of the application never sees megabytes.
        if !too_long {
            broken.extend(self.others.iter().filter(|(_, accepts)| !accepts(password)).map(|(code, _)| *code));
        }
        if broken.is_empty() { Ok(()) } else { Err(Error::PasswordRejected(broken)) }
    }
}

fn longest_run(password: &str) -> usize {
    let (mut longest, mut run, mut last) = (0, 0, None);
    for character in password.chars() {
        run = if last == Some(character) { run + 1 } else { 1 };
        last = Some(character);
        longest = longest.max(run);
    }
    longest
}

impl fmt::Debug for PasswordRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordRules")
            .field("length", &(self.min..=self.max))
            .field("max_run", &self.max_run)
            .field("classes", &self.classes)
            .field("others", &self.others.iter().map(|(code, _)| code).collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(rules: &PasswordRules, password: &str) -> Vec<&'static str> {
        match rules.check(password) {
            Ok(()) => Vec::new(),
            Err(Error::PasswordRejected(codes)) => codes,
            Err(_) => vec!["another error"],
        }
    }

    #[test]
    fn length_counts_characters_and_is_never_above_1024_bytes() {
        let rules = PasswordRules::new();
        assert_eq!(broken(&rules, "1234567"), ["too_short"]);
        assert_eq!(broken(&rules, "äöüäöüä"), ["too_short"]);
        assert!(broken(&rules, "äöüäöüäö").is_empty());
        assert!(broken(&rules, &"x".repeat(256)).is_empty());
        assert_eq!(broken(&rules, &"x".repeat(257)), ["too_long"]);
        let rules = rules.length(1, 10_000);
        assert!(broken(&rules, &"x".repeat(1024)).is_empty());
        assert_eq!(broken(&rules, &"x".repeat(1025)), ["too_long"]);
        assert_eq!(broken(&rules, &"🦀".repeat(257)), ["too_long"]);
    }

    #[test]
    fn runs_are_of_the_same_character() {
        let rules = PasswordRules::new().max_run(2);
        assert!(broken(&rules, "aabbaabbaa").is_empty());
        assert_eq!(broken(&rules, "aabbbaab"), ["repeats"]);
        assert!(broken(&rules, "aaAaaAaa").is_empty());
    }

    #[test]
    fn each_class_is_required_by_itself() {
        for (class, code, without, with) in [
            (CharacterClass::Uppercase, "no_uppercase", "abcdefg1", "Abcdefg1"),
            (CharacterClass::Lowercase, "no_lowercase", "ABCDEFG1", "ABCDEFGh"),
            (CharacterClass::Digit, "no_digit", "abcdefgh", "abcdefg9"),
            (CharacterClass::Special, "no_special", "abcdef-_", "abcdef-|"),
        ] {
            let rules = PasswordRules::new().require(class);
            assert_eq!(broken(&rules, without), [code]);
            assert!(broken(&rules, with).is_empty());
        }
    }

    #[test]
    fn all_broken_rules_are_told_at_once() {
        let rules = PasswordRules::new()
            .max_run(2)
            .require(CharacterClass::Uppercase)
            .require(CharacterClass::Digit)
            .and("breached", |password| password != "aaaa");
        assert_eq!(broken(&rules, "aaaa"), ["too_short", "repeats", "no_uppercase", "no_digit", "breached"]);
        assert!(broken(&rules, "Aaabb-99-ccdd").is_empty());
    }

    #[test]
    fn a_rule_of_the_application_never_sees_a_password_that_is_too_long() {
        let rules = PasswordRules::new().and("seen", |_| false);
        assert_eq!(broken(&rules, &"x".repeat(300)), ["too_long"]);
        assert_eq!(broken(&rules, "long enough"), ["seen"]);
    }
}
