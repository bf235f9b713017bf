//! Requests to an instance.

use super::{
    CookieMode, CookieSession, KeptPair, Login, SignUp, TokenPair,
    answer::{accepted, data, unreadable},
    base,
    cookies::CookieNames,
};
use crate::parts::misconfigured;
use portcullis_core::{BearerToken, Clock, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, SystemClock};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{fmt, sync::Arc};

/// Signs people in at one Directus instance, and speaks to it as they do. For verifying tokens there is
/// [`Directus`](super::Directus).
///
/// ```
/// use portcullis_core::ErrorKind;
/// use portcullis_providers::directus::{DirectusClient, Login};
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
/// # #[derive(Debug)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, request: HttpRequest, reply: Reply) {
/// #         let pair = r#"{"data":{"expires":900000,"refresh_token":"r1","access_token":"a1"}}"#;
/// #         reply.give(Ok(match (request.url().ends_with("/auth/login"), request.body().contains("correct horse")) {
/// #             (true, true) => HttpResponse::new(200, pair),
/// #             (true, false) => HttpResponse::new(401, r#"{"errors":[{"extensions":{"code":"INVALID_CREDENTIALS"}}]}"#),
/// #             _ => HttpResponse::new(200, r#"{"data":{"id":"u1","first_name":"Alice"}}"#),
/// #         }));
/// #     }
/// # }
/// #[derive(serde::Deserialize)]
/// struct Me {
///     first_name: Option<String>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let client = Client;
/// let directus = DirectusClient::new("https://directus.example.com", client)?;
/// let pair = directus.login(&Login::new("alice@example.com", "correct horse")).await?;
/// let me: Me = directus.me(pair.access_token(), &["first_name"]).await?;
/// assert_eq!(me.first_name.as_deref(), Some("Alice"));
///
/// let refused = directus.login(&Login::new("alice@example.com", "guess")).await;
/// assert!(refused.is_err_and(|error| error.code() == "invalid_credentials"));
/// # Ok(()) }
/// ```
///
/// # Errors of the instance
/// | Directus | here | code |
/// |---|---|---|
/// | `INVALID_CREDENTIALS`, `INVALID_OTP`, `USER_SUSPENDED` | [`Invalid`](ErrorKind::Invalid), 401 | the same in lower case |
/// | `INVALID_TOKEN` (403 there) | `Invalid`, 401 | `invalid_token` |
/// | `TOKEN_EXPIRED` | `Expired`, 401 | `token_expired` |
/// | `INVALID_PAYLOAD`, `FAILED_VALIDATION` | `Rejected`, 400 | `invalid_payload` |
/// | `RECORD_NOT_UNIQUE` | `Rejected`, 409 | `record_not_unique` |
/// | `FORBIDDEN`, `RESOURCE_RESTRICTED` | `Denied`, 403 | `forbidden` |
/// | everything else, and no answer | `Unavailable`, 503 | `unavailable` |
#[derive(Clone)]
pub struct DirectusClient {
    base: String,
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    cookies: CookieNames,
}

impl DirectusClient {
    /// A client of the instance at this address.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if `url` is no HTTP address.
    pub fn new(url: &str, client: impl HttpClient + 'static) -> Result<Self, Error> {
        let (http, clock) = (Arc::new(client), Arc::new(SystemClock::default()));
        Ok(Self { base: base(url)?.to_owned(), http, clock, cookies: CookieNames::default() })
    }

    /// The clock that the tokens of a [`KeptPair`] expire by. The system's by default.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The names of the instance's cookies, if they were changed: its `SESSION_COOKIE_NAME` and `REFRESH_TOKEN_COOKIE_NAME`.
    #[must_use]
    pub fn cookie_names(self, session: &str, refresh: &str) -> Self {
        Self { cookies: CookieNames { session: session.to_owned(), refresh: refresh.to_owned() }, ..self }
    }

    /// Signs in, and returns the tokens (`json` mode).
    ///
    /// # Errors
    /// See [above](Self#errors-of-the-instance).
    pub async fn login(&self, login: &Login) -> Result<TokenPair, Error> {
        TokenPair::read(&self.post("login", login.body("json")).await?)
    }

    /// New tokens for a refresh token, which is used up. [`keep`](Self::keep) does it when it is time.
    ///
    /// # Errors
    /// See [above](Self#errors-of-the-instance).
    pub async fn refresh(&self, refresh_token: &str) -> Result<TokenPair, Error> {
        TokenPair::read(&self.send(self.refresh_request(refresh_token)).await?)
    }

    /// Ends the session of a refresh token. Its access token stays valid until it expires.
    ///
    /// # Errors
    /// See [above](Self#errors-of-the-instance). An unknown token is none.
    pub async fn logout(&self, refresh_token: &str) -> Result<(), Error> {
        accepted(&self.send(self.logout_request(refresh_token)).await?)
    }

    /// Signs in, and returns the cookies for the browser.
    ///
    /// # Errors
    /// See [above](Self#errors-of-the-instance).
    pub async fn login_with_cookie(&self, login: &Login, mode: CookieMode) -> Result<CookieSession, Error> {
        CookieSession::read(&self.post("login", login.body(mode.name())).await?, &self.cookies)
    }

    /// New cookies for the value of a browser's cookie. No other cookie of the browser is sent.
    ///
    /// # Errors
    /// See [above](Self#errors-of-the-instance). `Invalid` as well if the value cannot be one of a cookie.
    pub async fn refresh_with_cookie(&self, value: &str, mode: CookieMode) -> Result<CookieSession, Error> {
        CookieSession::read(&self.post_cookie("refresh", value, mode).await?, &self.cookies)
    }

    /// Ends the session of a browser's cookie, and returns the `Set-Cookie` headers that remove it.
    ///
    /// # Errors
    /// See [above](Self#errors-of-the-instance). `Invalid` as well if the value cannot be one of a cookie.
    pub async fn logout_with_cookie(&self, value: &str, mode: CookieMode) -> Result<Vec<String>, Error> {
        let answer = self.post_cookie("logout", value, mode).await?;
        accepted(&answer)?;
        Ok(self.cookies.of(&answer))
    }

    /// These fields of the user whose token this is. A field that the user may not read is absent, and often so are then all
    /// others. `id` is always asked for.
    ///
    /// # Errors
    /// See [above](Self#errors-of-the-instance). `Invalid` for the token of a share, which is no user's.
    pub async fn me<T: DeserializeOwned>(&self, access_token: &BearerToken, fields: &[&str]) -> Result<T, Error> {
        let is_name = |field: &&str| field.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.*".contains(&byte));
        if !fields.iter().all(is_name) {
            return Err(misconfigured("a field of a user whose name has other characters than `a-z0-9_.*`"));
        }
        let fields: String = fields.iter().flat_map(|field| [",", *field]).collect();
        let request = HttpRequest::get(format!("{}/users/me?fields=id{fields}", self.base));
        let data = data(&self.send(authorized(request, access_token)).await?)?;
        if data.get("id").and_then(Value::as_str).is_none_or(str::is_empty) {
            let detail = "Directus names no user for the token";
            return Err(Error::new(ErrorKind::Invalid, detail));
        }
        serde_json::from_value(data).map_err(|_| unreadable("a user whose fields have other types"))
    }

    /// Keeps these tokens, and replaces them before they expire.
    #[must_use]
    pub fn keep(&self, pair: TokenPair) -> KeptPair {
        KeptPair::new(self.clone(), pair)
    }

    /// Creates users with this static token of an administrator, all of them with this role. `fields` may be set by those who
    /// register, beside their e-mail address and password. [`SignUp`] has an example.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the token cannot be one, `role` is no id, or a
    /// field is one that gives rights or access.
    pub fn sign_up(&self, admin_token: &str, role: &str, fields: &[&'static str]) -> Result<SignUp, Error> {
        SignUp::new(self.clone(), admin_token, role, fields)
    }

    pub(super) fn refresh_request(&self, refresh_token: &str) -> HttpRequest {
        self.auth("refresh", json!({ "refresh_token": refresh_token, "mode": "json" }))
    }

    pub(super) fn logout_request(&self, refresh_token: &str) -> HttpRequest {
        self.auth("logout", json!({ "refresh_token": refresh_token, "mode": "json" }))
    }

    pub(super) async fn create_user(&self, token: &BearerToken, user: Value) -> Result<HttpResponse, Error> {
        let request = HttpRequest::post_json(format!("{}/users", self.base), user.to_string());
        self.send(authorized(request, token)).await
    }

    fn auth(&self, what: &str, body: Value) -> HttpRequest {
        HttpRequest::post_json(format!("{}/auth/{what}", self.base), body.to_string())
    }

    async fn post(&self, what: &str, body: Value) -> Result<HttpResponse, Error> {
        self.send(self.auth(what, body)).await
    }

    async fn post_cookie(&self, what: &str, value: &str, mode: CookieMode) -> Result<HttpResponse, Error> {
        let cookie = self.cookies.header(value, mode)?;
        self.send(self.auth(what, json!({ "mode": mode.name() })).with_header("cookie", cookie)).await
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        request.send(&*self.http).await
    }
}

fn authorized(request: HttpRequest, token: &BearerToken) -> HttpRequest {
    request.with_header("authorization", format!("Bearer {}", token.expose()))
}

impl fmt::Debug for DirectusClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DirectusClient").field(&self.base).finish()
    }
}
