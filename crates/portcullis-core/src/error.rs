//! What went wrong, for the log and for the client.
//!
//! One type for everything, from a malformed header to a store that is down. The kind decides the status; `refusal.rs` makes
//! the answer, and the gate writes the one log event. An error is one pointer, since results with it are on every hot path.

use crate::{
    credential::CredentialSource,
    decision::{Denial, STEP_UP},
    explanation::Explanation,
};
use std::{borrow::Cow, collections::BTreeMap, error, fmt, sync::Arc, time::Duration};

/// What kind of failure an error is, which decides the answer to the client.
///
/// A client reacts to a 401 with a new credential, so an outage is never one:
///
/// ```
/// use portcullis_core::{Error, ErrorKind};
///
/// let status = |kind| Error::new(kind, "in words for the log").status();
/// assert_eq!(status(ErrorKind::Invalid), 401); // the client needs another credential
/// // the credential is valid, and the caller may not do this
/// assert_eq!(status(ErrorKind::Denied), 403);
/// // the client tries again later with the same credential
/// assert_eq!(status(ErrorKind::Unavailable), 503);
/// assert_eq!(status(ErrorKind::Misconfigured), 500); // a mistake of this service
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No credential was presented: 401 with a bare challenge.
    Missing,
    /// The request presents credentials in a way that is not allowed (RFC 6750, section 3.1, `invalid_request`): 400.
    Malformed,
    /// The verifier does not know this kind of credential; the next scheme that reads it is asked. 401 if no verifier knows
    /// it.
    Unrecognized,
    /// The credential is not valid: 401.
    Invalid,
    /// The credential was valid and has expired: 401. A kind of its own, because clients refresh on it.
    Expired,
    /// The credential is valid, but the caller has no account here: 401 with a bare challenge, since the same credential
    /// works once there is an account.
    NoAccount,
    /// A page of another origin makes the request, with a cookie or where it is [checked](crate::Gate::check_origin): 403.
    CrossOrigin,
    /// The credential is valid, but the caller has to sign in again, or by another factor: 401 with a challenge that says what is
    /// required (RFC 9470). See [`signed_in_within`](crate::policy::signed_in_within).
    InsufficientAuthentication,
    /// The caller may not do this: 403.
    Denied,
    /// The caller may not do this, nor know that it exists: 404.
    Hidden,
    /// The request is refused for another reason than the caller's identity or rights: 400, or the status of
    /// [`Error::rejected`].
    Rejected,
    /// Something needed for the decision did not answer: 503.
    Unavailable,
    /// A mistake in the service's configuration: an error of `build()`, or 500 if a request meets it.
    Misconfigured,
}

impl ErrorKind {
    /// The code of an error that has none of its own.
    fn code(self) -> &'static str {
        match self {
            Self::Missing => "credential_missing",
            Self::Malformed => "invalid_request",
            Self::Unrecognized | Self::Invalid => "invalid_token",
            Self::Expired => "token_expired",
            Self::NoAccount => "user_not_found",
            Self::CrossOrigin => "cross_origin",
            Self::InsufficientAuthentication => STEP_UP,
            Self::Denied => "denied",
            Self::Hidden => "not_found",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Misconfigured => "misconfigured",
        }
    }
}

/// What went wrong: in words for the log, and as a [`code`](Self::code) for the client.
///
/// Cheap to clone; never contains a token, a key or a secret. `Debug` shows a cause only by its text.
///
/// ```
/// use portcullis_core::{Error, ErrorKind};
/// use std::{error::Error as _, time::Duration};
///
/// # fn asked() -> std::io::Result<bool> { Err(std::io::Error::other("connection reset")) }
/// fn is_known() -> Result<bool, Error> {
///     asked().map_err(|cause| {
///         Error::new(ErrorKind::Unavailable, "the key store did not answer")
///             .with_cause(cause)
///             .with_retry_after(Duration::from_secs(5))
///             .with_issuer("https://keys.example.com")
///     })
/// }
///
/// let error = is_known().err();
/// let facts = error.as_ref().map(|error| (error.code(), error.retry_after(), error.issuer()));
/// assert_eq!(
///     facts,
///     Some(("unavailable", Some(Duration::from_secs(5)), Some("https://keys.example.com")))
/// );
/// let cause = error.as_ref().and_then(|error| error.source());
/// assert_eq!(cause.map(ToString::to_string).as_deref(), Some("connection reset"));
/// ```
///
/// An error of a gate also knows where the credential was read, or which parameter of the request is at fault:
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use portcullis_core::{Error, Gate, policy::*, testing::acting_as};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let gate = gate(&[])?;
/// let who = gate.establish(&get("/projects/7").bearer("not-a-token")).await;
/// let source = who
///     .principal()
///     .err()
///     .and_then(|error| error.credential_source().map(ToString::to_string));
/// assert_eq!(source.as_deref(), Some("bearer header"));
///
/// let plan = gate.plan(role("viewer").on("project", path("project_id")))?;
/// let (as_alice, request) =
///     (gate.acting_as(acting_as("alice")), get("/projects/x").param("project_id", "x"));
/// let who = as_alice.establish_for(&plan, &request).await;
/// let error = as_alice.authorize(&who, &plan, &request).await.err();
/// let facts = error.as_ref().map(|error| (error.code(), error.parameter()));
/// assert_eq!(facts, Some(("invalid_id", Some("project_id"))));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

/// The members of a body that are no lists of the application.
const RESERVED: [&str; 9] =
    ["type", "title", "status", "detail", "instance", "code", "acr_values", "max_age", "explanation"];

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    /// This level only, for the log. The cause has its own text.
    detail: Cow<'static, str>,
    /// `None`: that of the kind, or of the denial.
    code: Option<Cow<'static, str>>,
    /// The status of [`ErrorKind::Rejected`].
    rejected: u16,
    /// Members of the body, beside those of every body.
    lists: BTreeMap<&'static str, Vec<String>>,
    cause: Option<Arc<dyn error::Error + Send + Sync>>,
    /// The parameter of the route or request that is at fault.
    parameter: Option<&'static str>,
    denial: Option<Denial>,
    retry_after: Option<Duration>,
    source: Option<CredentialSource>,
    /// The name of the scheme that judged the credential.
    scheme: Option<&'static str>,
    issuer: Option<Arc<str>>,
    explanation: Option<Explanation>,
    /// The error of the verifier that was asked before, and through it all others.
    before: Option<Error>,
}

impl Error {
    /// An error of a kind. The detail is for the log: lower case, no full stop, and never a secret.
    #[must_use]
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            detail: detail.into(),
            code: None,
            rejected: 400,
            lists: BTreeMap::new(),
            cause: None,
            parameter: None,
            denial: None,
            retry_after: None,
            source: None,
            scheme: None,
            issuer: None,
            explanation: None,
            before: None,
        }))
    }

    /// The caller may not do this (403, with this code for the client). For directories and handlers.
    ///
    /// ```
    /// use portcullis_core::Error;
    ///
    /// let error = Error::denied("over_quota");
    /// assert_eq!((error.status(), error.code()), (403, "over_quota"));
    /// ```
    #[must_use]
    pub fn denied(code: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Denied, "the application denies the request").with_denial(Denial::new(code))
    }

    /// The resource of this kind does not exist: answered like an unknown path (404). For handlers that find out after the
    /// policy, so that their answer equals that of a hidden denial.
    ///
    /// ```
    /// use portcullis_core::Error;
    ///
    /// let error = Error::missing("project");
    /// assert_eq!((error.status(), error.code()), (404, "not_found"));
    /// // for the log
    /// assert_eq!(error.denial().and_then(|denial| denial.resource_kind()), Some("project"));
    /// ```
    #[must_use]
    pub fn missing(kind: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Hidden, "the application reports that the resource does not exist")
            .with_denial(Denial::missing(kind))
    }

    /// The request is refused for another reason than the caller's identity or rights, with this status (400 to 499) and this
    /// code for the client. For handlers.
    ///
    /// A 404 of this kind has a body with the code; [`missing`](Self::missing) is answered like an unknown path. A 401 has a
    /// challenge that does not call a token invalid. Any other status is a mistake of the service, and answered with 500.
    ///
    /// ```
    /// use portcullis_core::Error;
    /// use std::time::Duration;
    ///
    /// let taken = Error::rejected(409, "email_taken").refuse();
    /// assert_eq!(taken.status(), 409);
    /// assert_eq!(taken.body(), br#"{"code":"email_taken","status":409,"title":"Conflict"}"#);
    ///
    /// let later = Error::rejected(429, "too_many_tries").with_retry_after(Duration::from_secs(30));
    /// assert!(later.refuse().headers().any(|header| header == ("retry-after", "30")));
    /// assert_eq!(Error::rejected(302, "moved").status(), 500);
    /// ```
    #[must_use]
    pub fn rejected(status: u16, code: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        if !(400..=499).contains(&status) {
            let code = quote(&code);
            return Self::misconfigured(format!(
                "a rejection has a status from 400 to 499; that of {code} is {status}"
            ));
        }
        let mut error = Self::new(ErrorKind::Rejected, "the application rejects the request").with_code(code);
        Arc::make_mut(&mut error.0).rejected = status;
        error
    }

    /// The principal is verified and has no account here (401, `user_not_found`). For directories. The challenge does not call
    /// the token invalid, so clients keep it.
    ///
    /// ```
    /// use portcullis_core::Error;
    ///
    /// let error = Error::no_account();
    /// assert_eq!((error.status(), error.code()), (401, "user_not_found"));
    /// assert_eq!(error.challenge(None).as_deref(), Some("Bearer"));
    /// ```
    #[must_use]
    pub fn no_account() -> Self {
        Self::new(ErrorKind::NoAccount, "the principal has no account here")
    }

    pub(crate) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Invalid, detail)
    }

    /// An organization context is refused. The challenge does not call the credential invalid, so clients keep it.
    pub(crate) fn invalid_context(reason: &str) -> Self {
        Self::rejected(401, "invalid_context").with_detail(format!("the organization context is refused: {reason}"))
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        Arc::make_mut(&mut self.0).detail = detail.into();
        self
    }

    pub(crate) fn misconfigured(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Misconfigured, detail)
    }

    /// With the error that caused this one, for the log: its text is written beside that of this one.
    #[must_use]
    pub fn with_cause(mut self, cause: impl error::Error + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.0).cause = Some(Arc::new(cause));
        self
    }

    /// With this code for the client instead of that of the kind, such as `email_unconfirmed`. Clients compare it, so it is
    /// `snake_case` and does not change.
    ///
    /// ```
    /// use portcullis_core::{Error, ErrorKind};
    ///
    /// let error =
    ///     Error::new(ErrorKind::Invalid, "a key of a closed account").with_code("key_closed");
    /// assert_eq!((error.status(), error.code()), (401, "key_closed"));
    /// ```
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        Arc::make_mut(&mut self.0).code = Some(code.into());
        self
    }

    /// With a list in the body of the default answer, beside its code: an extension member (RFC 9457, section 3.2). Another list
    /// of this name is replaced. Clients see it, so it never contains a secret.
    ///
    /// The members that RFC 9457 defines and those of the default answer keep their meaning: a list of such a name is not added.
    ///
    /// ```
    /// use portcullis_core::Error;
    ///
    /// let error = Error::rejected(400, "weak_password").with_list("rules", ["too_short"]);
    /// assert_eq!(
    ///     error.refuse().body(),
    ///     br#"{"code":"weak_password","rules":["too_short"],"status":400,"title":"Bad Request"}"#
    /// );
    /// // for a renderer
    /// assert_eq!(error.list("rules"), ["too_short"]);
    /// ```
    #[must_use]
    pub fn with_list(mut self, name: &'static str, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        if !RESERVED.contains(&name) {
            let values = values.into_iter().map(Into::into).collect();
            Arc::make_mut(&mut self.0).lists.insert(name, values);
        }
        self
    }

    /// With the time after which the client may try again (`Retry-After`, rounded up to whole seconds).
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        Arc::make_mut(&mut self.0).retry_after = Some(after);
        self
    }

    /// With the issuer of the token, for the log. Only one that the service trusts, never an unverified `iss`.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<Arc<str>>) -> Self {
        Arc::make_mut(&mut self.0).issuer = Some(issuer.into());
        self
    }

    pub(crate) fn with_parameter(mut self, name: &'static str) -> Self {
        Arc::make_mut(&mut self.0).parameter = Some(name);
        self
    }

    pub(crate) fn with_denial(mut self, denial: Denial) -> Self {
        Arc::make_mut(&mut self.0).denial = Some(denial);
        self
    }

    pub(crate) fn with_source(mut self, source: &CredentialSource) -> Self {
        // What the memory of a request shares is copied only for a change.
        if self.credential_source() != Some(source) {
            Arc::make_mut(&mut self.0).source = Some(source.clone());
        }
        self
    }

    pub(crate) fn with_scheme(mut self, name: Option<&'static str>) -> Self {
        if name.is_some() && self.0.scheme != name {
            Arc::make_mut(&mut self.0).scheme = name;
        }
        self
    }

    pub(crate) fn scheme(&self) -> Option<&'static str> {
        self.0.scheme
    }

    pub(crate) fn with_explanation(mut self, explanation: Option<Explanation>) -> Self {
        Arc::make_mut(&mut self.0).explanation = explanation;
        self
    }

    /// With the errors of the verifiers that were asked before.
    pub(crate) fn after(mut self, before: Option<Self>) -> Self {
        if before.is_some() {
            Arc::make_mut(&mut self.0).before = before;
        }
        self
    }

    /// The errors of the other verifiers, in the order in which they were asked.
    pub(crate) fn others(&self) -> Vec<&Self> {
        let mut others: Vec<&Self> =
            std::iter::successors(self.0.before.as_ref(), |error| error.0.before.as_ref()).collect();
        others.reverse();
        others
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code for clients and dashboards.
    ///
    /// For a denial it names the part of the policy that denied, such as `role_required`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self.own_code() {
            Some(code) => code,
            None => self.0.kind.code(),
        }
    }

    /// The code, unless it was made at run time.
    #[cfg(feature = "metrics")]
    pub(crate) fn constant_code(&self) -> Option<&'static str> {
        match self.own_code() {
            Some(Cow::Borrowed(code)) => Some(code),
            Some(Cow::Owned(_)) => None,
            None => Some(self.0.kind.code()),
        }
    }

    /// A code that is not that of its kind.
    fn own_code(&self) -> Option<&Cow<'static, str>> {
        match (&self.0.code, &self.0.denial) {
            (Some(code), _) => Some(code),
            (None, Some(denial)) if self.0.kind == ErrorKind::Denied => Some(&denial.why().code),
            _ => None,
        }
    }

    /// The HTTP status of the default answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.0.kind {
            ErrorKind::Malformed => 400,
            ErrorKind::Missing
            | ErrorKind::Unrecognized
            | ErrorKind::Invalid
            | ErrorKind::Expired
            | ErrorKind::NoAccount
            | ErrorKind::InsufficientAuthentication => 401,
            ErrorKind::CrossOrigin | ErrorKind::Denied => 403,
            ErrorKind::Hidden => 404,
            ErrorKind::Rejected => self.0.rejected,
            ErrorKind::Unavailable => 503,
            ErrorKind::Misconfigured => 500,
        }
    }

    /// The value of `WWW-Authenticate` in the default answer (RFC 6750, section 3), or `None` where there is none.
    ///
    /// ```
    /// use portcullis_core::{Error, ErrorKind};
    ///
    /// let challenge = |kind| Error::new(kind, "in words for the log").challenge(Some("orders"));
    /// assert_eq!(challenge(ErrorKind::Missing).as_deref(), Some("Bearer realm=\"orders\""));
    /// let invalid = "Bearer realm=\"orders\", error=\"invalid_token\", \
    ///     error_description=\"the token is not valid\"";
    /// assert_eq!(challenge(ErrorKind::Invalid).as_deref(), Some(invalid));
    /// assert_eq!(challenge(ErrorKind::Unavailable), None);
    /// ```
    #[must_use]
    pub fn challenge(&self, realm: Option<&str>) -> Option<String> {
        self.challenge_with(realm.map(|realm| format!("realm=\"{realm}\"")).as_deref())
    }

    /// The same, with these parameters first.
    pub(crate) fn challenge_with(&self, parameters: Option<&str>) -> Option<String> {
        let error: Option<Cow<'static, str>> = match self.0.kind {
            // To call a valid token invalid would let clients throw it away and ask for the next one, without end.
            ErrorKind::Missing | ErrorKind::NoAccount => None,
            ErrorKind::Rejected if self.0.rejected == 401 => None,
            ErrorKind::Malformed if self.0.parameter.is_some() => return None,
            ErrorKind::Malformed => Some("error=\"invalid_request\"".into()),
            ErrorKind::Expired => Some("error=\"invalid_token\", error_description=\"the token has expired\"".into()),
            ErrorKind::Unrecognized | ErrorKind::Invalid => {
                Some("error=\"invalid_token\", error_description=\"the token is not valid\"".into())
            }
            ErrorKind::InsufficientAuthentication => Some(Cow::Owned(self.step_up())),
            ErrorKind::Denied => Some(format!("error=\"insufficient_scope\", scope=\"{}\"", self.scope()?).into()),
            _ => return None,
        };
        Some(match (parameters, error.as_deref()) {
            (None, None) => "Bearer".to_owned(),
            (Some(only), None) | (None, Some(only)) => ["Bearer ", only].concat(),
            (Some(parameters), Some(error)) => ["Bearer ", parameters, ", ", error].concat(),
        })
    }

    /// The parameters of the challenge (RFC 9470, section 3).
    fn step_up(&self) -> String {
        let (factor, max_age) = (self.factor(), self.max_age());
        let description = "a more recent or a stronger sign-in is required";
        let mut parameters = format!("error=\"{STEP_UP}\", error_description=\"{description}\"");
        if let Some(factor) = factor {
            parameters.push_str(&format!(", acr_values=\"{factor}\""));
        }
        if let Some(max_age) = max_age {
            parameters.push_str(&format!(", max_age=\"{max_age}\""));
        }
        parameters
    }

    /// The factor by which the caller has to sign in.
    pub(crate) fn factor(&self) -> Option<&str> {
        self.denial().filter(|_| self.0.kind == ErrorKind::InsufficientAuthentication)?.required()
    }

    /// How old the caller's sign-in may be, in seconds.
    pub(crate) fn max_age(&self) -> Option<u64> {
        let denial = self.denial().filter(|_| self.0.kind == ErrorKind::InsufficientAuthentication)?;
        denial.max_age().map(|max_age| max_age.as_secs())
    }

    /// What a policy required and what the caller has instead, if it denied; also for hidden denials. For renderers and
    /// logs: what a renderer shows of a hidden denial is no longer hidden.
    #[must_use]
    pub fn denial(&self) -> Option<&Denial> {
        self.0.denial.as_ref()
    }

    /// The parameter of the request that is missing, malformed or in conflict. Such an error is not about the credential, so
    /// its 400 has no challenge.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        self.0.parameter
    }

    /// The missing scope, if a policy denied because of scopes.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.denial().filter(|denial| denial.why().is_scope && !denial.is_hidden())?.required()
    }

    /// The [list](Self::with_list) of this name, for renderers. Empty if there is none.
    #[must_use]
    pub fn list(&self, name: &str) -> &[String] {
        self.0.lists.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn lists(&self) -> &BTreeMap<&'static str, Vec<String>> {
        &self.0.lists
    }

    /// When the client may try again, if known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The source of the credential.
    #[must_use]
    pub fn credential_source(&self) -> Option<&CredentialSource> {
        self.0.source.as_ref()
    }

    /// The issuer of the token, one of those that the service trusts.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// Why a policy denied, part by part. Recorded while the log is at debug level, and otherwise `None`.
    #[must_use]
    pub fn explanation(&self) -> Option<&Explanation> {
        self.0.explanation.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

/// Foreign errors print their fields with `Debug`, such as the row of a failed insert. Only their text goes to the log.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &self.0.kind).field("detail", &self.0.detail).field("code", &self.code());
        if let Some(cause) = &self.0.cause {
            shown.field("cause", &format_args!("{cause}"));
        }
        if let Some(issuer) = &self.0.issuer {
            shown.field("issuer", issuer);
        }
        if let Some(source) = &self.0.source {
            shown.field("source", &format_args!("{source}"));
        }
        shown.finish_non_exhaustive()
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.cause.as_ref().map(|cause| &**cause as &(dyn error::Error + 'static))
    }
}

/// Unverified text of a request, made fit for a log: escaped and short.
pub(crate) fn quote(text: &str) -> String {
    // Nearly all are names without anything to escape.
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if text.len() <= 80 && text.bytes().all(is_plain) {
        return ["`", text, "`"].concat();
    }
    let mut short: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}
