//! Policies about the caller's sign-in: when it was, and by which factor.
//!
//! Who does not meet them can sign in again, so their denial is a 401 that says what is required (RFC 9470). Their clock is
//! that of the rights: a gate asks the time of a request only where all of its policies may need it.

use super::{Description, Policy, Question, Verdict, sealed::Sealed};
use crate::{
    answer::Answer,
    decision::{Decision, Denial},
    error::Error,
    explanation::Explanation,
    principal::PrincipalKind,
    rights,
};
use std::time::Duration;

/// How far in the future a sign-in may be, by the clock of another machine.
const AHEAD: Duration = Duration::from_secs(60);

/// This many minutes, for [`signed_in_within`].
#[must_use]
pub const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}

/// People who signed in a short time ago. See [`signed_in_within`].
#[derive(Debug, Clone, Copy)]
pub struct SignedInWithin(Duration);

/// Requires that the caller signed in at most this long ago: for what a stolen session must not be enough for.
///
/// The time is [`Principal::authenticated_at`](crate::Principal::authenticated_at). A caller of whom it is not known has to
/// sign in again, and so has one with a refreshed token, whose sign-in stays as old as it was. A time in the future counts as
/// now if it is at most a minute ahead, and otherwise as unknown.
///
/// The denial is a 401 with the code `insufficient_user_authentication` and the challenge of RFC 9470, section 3, which has
/// the time in `max_age`. Keys and services never sign in: their code is `user_required` (403). So is the answer of another
/// part in the same [`all`](super::all) that denies, since a new sign-in would not help. In [`any`](super::any), the denial of
/// a part that only requires a sign-in is the answer.
///
/// Below [`not`](super::not) it is a configuration error, because callers of whom nothing is known would be allowed. Below
/// [`hidden`](super::hidden) its denial is a 404, which tells no client to sign in.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// const DELETE_ACCOUNT: &dyn Policy = &signed_in_within(minutes(5));
///
/// let issuer = TestIssuer::new();
/// let signed_in = |minutes_ago: u64| {
///     let auth_time = issuer.clock().seconds() - 60 * minutes_ago;
///     get("/account").bearer(&issuer.token("alice").claim("auth_time", auth_time).sign())
/// };
/// assert_eq!(answer(&gate, DELETE_ACCOUNT, signed_in(4)), "200");
/// assert_eq!(
///     answer(&gate, DELETE_ACCOUNT, signed_in(6)),
///     "401 insufficient_user_authentication"
/// );
/// let unknown = get("/account").bearer(&issuer.token("alice").sign());
/// assert_eq!(
///     answer(&gate, DELETE_ACCOUNT, unknown),
///     "401 insufficient_user_authentication"
/// );
/// assert!(gate.plan(not(signed_in_within(minutes(5)))).is_err());
/// # Ok(()) }
/// ```
///
/// # Panics
/// If it is shorter than a second, which is the unit of `auth_time`; in a constant, the build fails.
#[must_use]
#[track_caller]
pub const fn signed_in_within(max_age: Duration) -> SignedInWithin {
    assert!(max_age.as_secs() > 0, "a sign-in cannot be younger than a second");
    SignedInWithin(max_age)
}

impl Sealed for SignedInWithin {}

impl Policy for SignedInWithin {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let now = question.rights.time.now();
        let at = question.principal().authenticated_at();
        let at = at.filter(|at| at.duration_since(now).is_ok_and(|ahead| ahead <= AHEAD) || *at <= now);
        let age = at.map(|at| now.duration_since(at).unwrap_or_default());
        let note = || match age {
            Some(age) => format!("signed in {} s ago", age.as_secs()),
            None => "it is not known when it signed in".to_owned(),
        };
        let holds = age.is_some_and(|age| age <= self.0);
        Answer::now(verdict(question, holds, self, note))
    }

    fn describe(&self) -> Description {
        Description::SignedInWithin(self.0)
    }
}

/// People who signed in by a factor. See [`factor`].
#[derive(Debug, Clone, Copy)]
pub struct Factor(&'static str);

/// Requires that the caller signed in by this factor: a method in the `amr` of its token, such as `otp`, `hwk` or `mfa`
/// (RFC 8176), or the class in its `acr`.
///
/// It reads [`Principal::authentication_methods`](crate::Principal::authentication_methods) and
/// [`Principal::authentication_class`](crate::Principal::authentication_class). The denial is as that of [`signed_in_within`],
/// with the factor in `acr_values`. Below [`not`](super::not) it is a configuration error as well.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// # fn main() -> Result<(), Error> { let gate = gate(&[])?;
/// const PAY: &dyn Policy = &all((role("owner"), factor("otp")));
///
/// let owner = acting_as("alice").with_role("owner");
/// let by = |methods: &[&str]| {
///     gate.acting_as(owner.clone().with_authentication_methods(methods.to_vec()))
/// };
/// assert_eq!(answer(&by(&["pwd", "otp"]), PAY, get("/pay")), "200");
/// assert_eq!(answer(&by(&["pwd"]), PAY, get("/pay")), "401 insufficient_user_authentication");
/// let bob = gate.acting_as(acting_as("bob"));
/// assert_eq!(answer(&bob, PAY, get("/pay")), "403 role_required"); // no factor would help
/// # Ok(()) }
/// ```
///
/// # Panics
/// If it is empty or contains white space, quotes or backslashes; in a constant, the build fails.
#[must_use]
#[track_caller]
pub const fn factor(name: &'static str) -> Factor {
    assert!(rights::is_word(name.as_bytes()), "a factor is a word, without quotes or backslashes");
    Factor(name)
}

impl Sealed for Factor {}

impl Policy for Factor {
    fn decide<'a>(&'a self, question: Question<'a>) -> Answer<'a, Verdict> {
        let who = question.principal();
        let (methods, class) = (who.authentication_methods(), who.authentication_class());
        let holds = methods.iter().any(|method| method == self.0) || class.as_deref() == Some(self.0);
        let note = || {
            let by = Some(methods.join(", ")).filter(|by| !by.is_empty()).map(|by| format!(" by {by}"));
            let class = class.as_ref().map(|class| format!(" as {class}"));
            match (by, class) {
                (None, None) => "it is not known how it signed in".to_owned(),
                (by, class) => format!("signed in{}{}", by.unwrap_or_default(), class.unwrap_or_default()),
            }
        };
        Answer::now(verdict(question, holds, self, note))
    }

    fn describe(&self) -> Description {
        Description::Factor(self.0)
    }
}

fn verdict(question: Question<'_>, holds: bool, policy: &dyn Policy, note: impl FnOnce() -> String) -> Verdict {
    not_inverted(question.below_not)?;
    let is_person = question.principal().kind() == PrincipalKind::User;
    let decision = match required(&policy.describe()) {
        _ if is_person && holds => Decision::allow(),
        Some(step_up) if is_person => Decision::Deny(step_up),
        _ => Decision::Deny(Denial::user_required()),
    };
    if !question.explaining {
        return Ok(decision);
    }
    let note = if is_person { note() } else { "only people sign in".to_owned() };
    let part = Explanation::new(policy.describe().to_string(), decision.is_allowed()).with_note(note);
    Ok(decision.explained(part))
}

/// The denial of whoever meets nothing of what these policies require.
pub(crate) fn required(part: &Description) -> Option<Denial> {
    match part {
        Description::SignedInWithin(max_age) => Some(Denial::step_up(Some(*max_age), None)),
        Description::Factor(name) => Some(Denial::step_up(None, Some(name))),
        Description::All(parts) => parts.iter().filter_map(required).reduce(Denial::and),
        _ => None,
    }
}

/// What is not known of a sign-in would pass the opposite.
pub(super) fn not_inverted(below_not: bool) -> Result<(), Error> {
    match below_not {
        true => Err(Error::misconfigured(
            "`signed_in_within` or `factor` is below `not`, so that callers of whose sign-in nothing is known would be allowed",
        )),
        false => Ok(()),
    }
}
