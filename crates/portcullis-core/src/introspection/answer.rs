use crate::{
    claims::{Claims, Registered},
    error::{Error, ErrorKind, quote},
    http::HttpResponse,
    json::{Object, Value},
    jwt::Issuer,
};

/// What an issuer says of a token that is active (RFC 7662, section 2.2). `Unavailable` where it is no answer.
pub(super) fn claims(answer: &HttpResponse, issuer: &Issuer, any_type: bool, now: f64) -> Result<Claims, Error> {
    let no_answer = |what: String| Error::new(ErrorKind::Unavailable, format!("the issuer answered with {what}"));
    if answer.status() != 200 {
        return Err(no_answer(format!("the status {}", answer.status())));
    }
    let text = str::from_utf8(answer.body()).map_err(|error| no_answer("no UTF-8".into()).with_cause(error))?;
    let object = Object::read(text.to_owned()).map_err(|fault| no_answer(format!("JSON that is {}", fault.text())))?;
    match object.member("active") {
        Some(active) if active.is_true() => {}
        Some(active) if active.text() == "false" => {
            return Err(Error::invalid("the issuer says that the token is not active"));
        }
        _ => return Err(no_answer("no `active` that is true or false".into())),
    }
    let kind = object.member("token_type").and_then(Value::as_str);
    let is_access = |kind: &str| ["bearer", "access_token"].iter().any(|known| kind.eq_ignore_ascii_case(known));
    if !any_type && !kind.as_deref().is_some_and(is_access) {
        let kind = quote(&kind.unwrap_or_default());
        return Err(Error::invalid(format!("the `token_type` {kind} is none of access tokens")));
    }
    let registered = Registered::read(&object)?;
    issuer.check_answer(&registered, &object, now)?;
    Ok(Claims::verified(object, registered))
}
