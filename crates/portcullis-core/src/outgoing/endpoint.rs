//! A token endpoint (RFC 6749, section 3.2): how a client authenticates there, and what it answers.

use super::BearerToken;
use crate::{
    error::{Error, ErrorKind, quote},
    http::{HttpRequest, HttpResponse, checked, without_query},
    introspection::{bad_answer, object, status_of},
    json::Object,
    secret::Secret,
};
use std::{fmt, sync::Arc, time::Duration};

/// How long a token is kept whose answer has no `expires_in`.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(60);

/// Longer lifetimes count as this one.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The address of an endpoint, who asks there, and for what.
#[derive(Clone)]
pub(super) struct Endpoint {
    url: String,
    id: String,
    secret: Arc<Secret>,
    /// Whether the secret is in the form, and not in the `Authorization` header.
    pub(super) in_body: bool,
    pub(super) scope: Option<String>,
    /// The service that the token is for: `audience` and `resource`.
    pub(super) target: Vec<(&'static str, String)>,
}

impl Endpoint {
    pub(super) fn new(url: String, id: &str, secret: &str) -> Result<Self, Error> {
        if id.is_empty() || secret.is_empty() {
            return Err(Error::misconfigured("a client of a token endpoint without an id or a secret"));
        }
        let secret = Arc::new(Secret::new(secret.as_bytes()));
        let (url, id) = (checked(url)?, id.to_owned());
        Ok(Self { url, id, secret, in_body: false, scope: None, target: Vec::new() })
    }

    /// The request with these fields.
    pub(super) fn request<'a>(&'a self, mut fields: Vec<(&'a str, &'a str)>) -> HttpRequest {
        let secret = self.secret.text();
        fields.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        fields.extend(self.target.iter().map(|(name, value)| (*name, value.as_str())));
        if self.in_body {
            fields.extend([("client_id", &*self.id), ("client_secret", secret)]);
        }
        let request = HttpRequest::post_form(&self.url, &fields).with_header("accept", "application/json");
        match self.in_body {
            true => request,
            false => request.with_basic(&self.id, secret),
        }
    }

    /// The token in an answer (RFC 6749, section 5.1), and its lifetime.
    pub(super) fn token(&self, answer: &Object) -> Result<(BearerToken, Duration), Error> {
        let text = |name| answer.member(name).and_then(|value| value.as_str());
        if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(bad_answer("a token whose `token_type` is not `Bearer`"));
        }
        let token = text("access_token").ok_or_else(|| bad_answer("no `access_token`"))?;
        let token =
            BearerToken::new(token).map_err(|error| bad_answer("a token that cannot be sent").with_cause(error))?;
        if let (Some(wanted), Some(granted)) = (self.scope.as_deref(), text("scope")) {
            let granted: Vec<&str> = granted.split(' ').collect();
            if let Some(lacking) = wanted.split(' ').find(|scope| !granted.contains(scope)) {
                return Err(Error::misconfigured(format!(
                    "the token endpoint does not grant the scope {}",
                    quote(lacking)
                )));
            }
        }
        Ok((token, lifetime(answer)?))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {} of {}", quote(&self.id), without_query(&self.url))
    }
}

/// `expires_in`, which some endpoints write as a text.
fn lifetime(answer: &Object) -> Result<Duration, Error> {
    let seconds = match answer.member("expires_in") {
        None => return Ok(UNKNOWN_LIFETIME),
        Some(value) => value.as_number().or_else(|| value.as_str()?.parse().ok()),
    };
    match seconds {
        Some(seconds) if seconds >= 1.0 => {
            Ok(Duration::try_from_secs_f64(seconds).map_or(LONGEST_LIFETIME, |time| time.min(LONGEST_LIFETIME)))
        }
        _ => Err(bad_answer("an `expires_in` that is no time ahead")),
    }
}

/// The JSON in an answer, or why the endpoint refuses (RFC 6749, section 5.2). `refusal` is the kind of error for a code that is
/// about the token in the request.
pub(super) fn read(answer: &HttpResponse, refusal: impl Fn(&str) -> Option<ErrorKind>) -> Result<Object, Error> {
    match answer.status() {
        200 => object(answer),
        status @ (400 | 401 | 403) => {
            let code = object(answer).ok().and_then(|body| Some(body.member("error")?.as_str()?.into_owned()));
            // Only known codes are repeated: whatever else an endpoint writes may be what was sent to it.
            match code.as_deref().and_then(|code| CODES.into_iter().find(|known| *known == code)) {
                Some("temporarily_unavailable" | "server_error") => Err(status_of(answer)),
                Some(code) => {
                    let kind = refusal(code).unwrap_or(ErrorKind::Misconfigured);
                    Err(Error::new(kind, format!("the token endpoint refuses the request with `{code}`")))
                }
                // A page of something in between, rather than the endpoint.
                None if code.is_none() => Err(status_of(answer)),
                None => {
                    let detail = format!("the token endpoint refuses the request with {status} and an unknown error");
                    Err(Error::misconfigured(detail))
                }
            }
        }
        _ => Err(status_of(answer)),
    }
}

/// RFC 6749, sections 5.2 and 4.1.2.1, and RFC 8693, section 2.2.2.
const CODES: [&str; 10] = [
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
];
