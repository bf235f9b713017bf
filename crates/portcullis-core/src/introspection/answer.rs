//! Answers of issuers about tokens.
//!
//! An answer is read as strictly as a token: JSON without duplicates, and the same rules for its claims. What cannot be read is an
//! outage of the issuer (503), and never a refusal of the token.

use crate::{
    claims::{ClaimPath, Claims, RegisteredClaims, Rules},
    error::{Error, ErrorKind, quote},
    http::HttpResponse,
    json::{Fault, Object, Value},
    jwt::{Evidence, Issuer},
};
use std::{collections::HashMap, fmt::Write, time::Duration};

/// The issuer failed to answer: 503. `what` completes the sentence "the issuer answered with …".
pub(crate) fn bad_answer(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the issuer answered with {}", what.into()))
}

pub(crate) fn status_of(answer: &HttpResponse) -> Error {
    timed(bad_answer(format!("the status {}", answer.status())), answer)
}

/// With the time until the next attempt, if the issuer gives it in seconds (RFC 9110, section 10.2.3), and not in years.
fn timed(error: Error, answer: &HttpResponse) -> Error {
    match answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok()) {
        Some(seconds @ 1..=3600) => error.with_retry_after(Duration::from_secs(seconds)),
        _ => error,
    }
}

/// The JSON object in an answer, read as strictly as the claims of a token.
pub(crate) fn object(answer: &HttpResponse) -> Result<Object, Error> {
    let text =
        str::from_utf8(answer.body()).map_err(|error| timed(bad_answer("no UTF-8").with_cause(error), answer))?;
    let fault = |fault: Fault| timed(bad_answer(format!("JSON that is {}", fault.text())), answer);
    Object::read(text.to_owned()).map_err(fault)
}

/// What an answer is checked against.
pub(super) struct Measure<'a> {
    pub(super) issuer: &'a Issuer,
    pub(super) rules: &'a Rules,
    pub(super) evidence: Evidence,
    /// The claims of the token, if it was verified here.
    pub(super) verified: Option<&'a Claims>,
    /// Whether the answer may leave out the audience of the token.
    pub(super) any_client: bool,
    /// Whether a gate asks for the proofs of bound tokens.
    pub(super) has_proofs: bool,
    pub(super) now: f64,
}

impl Measure<'_> {
    /// Whether the claims of this answer meet everything that is required.
    fn check(&self, object: &Object, registered: &RegisteredClaims) -> Result<(), Error> {
        self.issuer.check_answer(self.rules, self.evidence, self.any_client, registered, object, self.now)
    }
}

/// What an issuer says about a token that is active (RFC 7662, section 2.2).
pub(super) fn read_introspection(
    answers: &[HttpResponse],
    measure: &Measure<'_>,
    may_lack_type: bool,
) -> Result<Claims, Error> {
    let answer = answers.first().ok_or_else(|| bad_answer("nothing"))?;
    if answer.status() != 200 {
        return Err(status_of(answer));
    }
    let object = object(answer)?;
    match object.member("active") {
        Some(active) if active.is_true() => {}
        Some(active) if active.text() == "false" => {
            return Err(Error::invalid("the issuer says that the token is not active"));
        }
        _ => return Err(bad_answer("no `active` that is true or false")),
    }
    check_type(&object, may_lack_type)?;
    check_bound(&object, measure.has_proofs)?;
    let registered = RegisteredClaims::read(&object)?;
    // Some issuers call a refresh token `Bearer`, and write in a claim of their own what it is.
    measure.issuer.check_kind(&registered, measure.rules)?;
    measure.check(&object, &registered)?;
    match measure.verified {
        Some(token) => completed(&object, token),
        None => Ok(Claims::verified(object, registered)),
    }
}

/// What an answer need not repeat about a token that was verified here (RFC 7662, section 2.2): whom it is about, and when it was
/// issued. Rights are in the answer alone, since an issuer may name fewer of them to some services (section 4).
const NEED_NOT_BE_REPEATED: [&str; 5] = ["sub", "client_id", "jti", "iat", "exp"];

fn completed(answer: &Object, token: &Claims) -> Result<Claims, Error> {
    let mut text = answer.text().trim_end().strip_suffix('}').unwrap_or_default().to_owned();
    for name in NEED_NOT_BE_REPEATED.into_iter().filter(|name| answer.member(name).is_none()) {
        if let Some(value) = token.at(name) {
            // Writing to a text does not fail.
            let _ = write!(text, ",\"{name}\":{}", value.text());
        }
    }
    text.push('}');
    let object = Object::read(text).map_err(|fault| bad_answer(format!("JSON that is {}", fault.text())))?;
    let registered = RegisteredClaims::read(&object)?;
    Ok(Claims::verified(object, registered))
}

/// An issuer may call a refresh token active as well. So the answer has to say that this token gives access: in `token_type`
/// (RFC 7662, section 2.2), or in the `token_use` of some issuers. If both are present, both have to say it.
fn check_type(answer: &Object, may_be_missing: bool) -> Result<(), Error> {
    const USES: &[&str] = &["bearer", "access_token", "access"];
    const TYPES: &[&str] = &["bearer", "access_token", "access", DPOP];
    let types = [("token_type", TYPES), ("token_use", USES)];
    let mut types = types.into_iter().filter_map(|(name, known)| Some((name, known, answer.member(name)?)));
    let gives_access = |kind: &str, known: &[&str]| known.iter().any(|it| kind.eq_ignore_ascii_case(it));
    let is_other =
        |(_, known, kind): &(&str, &[&str], Value<'_>)| !kind.as_str().is_some_and(|kind| gives_access(&kind, known));
    if let Some((name, _, other)) = types.clone().find(is_other) {
        let kind = quote(&other.as_str().unwrap_or_default());
        return Err(Error::invalid(format!("the `{name}` {kind} is not that of an access token")));
    }
    if types.next().is_none() && !may_be_missing {
        return Err(Error::invalid(
            "the issuer's answer has no `token_type`, so the token may be a refresh token; allow_missing_token_type() accepts it",
        ));
    }
    Ok(())
}

const DPOP: &str = "dpop";

/// A token of the type `DPoP` is bound to a key, which the answer names (RFC 9449, section 6.2). The gate asks for the proof.
fn check_bound(answer: &Object, has_proofs: bool) -> Result<(), Error> {
    let text = |value: Value<'_>| value.as_str().unwrap_or_default().into_owned();
    if !answer.member("token_type").map(text).is_some_and(|kind| kind.eq_ignore_ascii_case(DPOP)) {
        return Ok(());
    }
    if !has_proofs {
        return Err(Error::invalid(
            "the `token_type` `DPoP` is not that of an access token without a proof; Scheme::dpop asks for one",
        ));
    }
    let key = answer.member("cnf").and_then(|cnf| cnf.member("jkt")).map(text);
    match key.is_some_and(|key| !key.is_empty()) {
        true => Ok(()),
        false => Err(Error::invalid("the issuer's answer has the `token_type` `DPoP`, and names no key (`cnf.jkt`)")),
    }
}

/// Whether a service that was shown a token accepts it.
pub(super) fn check_accepted(answer: &HttpResponse) -> Result<(), Error> {
    match answer.status() {
        200 => Ok(()),
        status @ (401 | 403) => Err(Error::invalid(format!("the issuer refuses the token with {status}"))),
        _ => Err(status_of(answer)),
    }
}

/// What a service says about the owner of a token: the members of all its answers. An attacker who can write into one answer
/// must not be able to replace what another one says. So members of the same name have to be equal.
pub(super) fn read_claims(
    answers: &[HttpResponse],
    within: Option<&ClaimPath>,
    measure: &Measure<'_>,
) -> Result<Claims, Error> {
    let objects = answers.iter().map(object).collect::<Result<Vec<_>, _>>()?;
    let part = |object| within.map_or_else(|| Some(Object::value(object)), |within| object.at(within.as_str()));
    let members = objects.iter().filter_map(|object| part(object)?.members()).flatten();
    let (mut text, mut known) = (String::from("{"), HashMap::new());
    for (name, value) in members {
        match known.get(&name) {
            Some(other) if value.is_same(*other) => continue,
            Some(_) => {
                return Err(Error::invalid(format!("two answers of the issuer differ in the member {}", quote(&name))));
            }
            None => {}
        }
        let comma = if known.is_empty() { "" } else { "," };
        // Writing to a text does not fail.
        let _ = write!(text, "{comma}{}:{}", serde_json::Value::from(&*name), value.text());
        known.insert(name, value);
    }
    text.push('}');
    let object = Object::read(text).map_err(|fault| bad_answer(format!("JSON that is {}", fault.text())))?;
    let registered = RegisteredClaims::read(&object)?;
    measure.check(&object, &registered)?;
    Ok(Claims::verified(object, registered))
}
