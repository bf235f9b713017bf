//! Sessions in cookies of the instance, which a service passes between it and a browser.

use super::{
    SESSION_COOKIE,
    answer::{data, unreadable},
};
use portcullis_core::{BearerToken, Error, ErrorKind, HttpResponse};
use std::{fmt, time::Duration};

/// The cookie in which Directus keeps refresh tokens by default.
pub const REFRESH_COOKIE: &str = "directus_refresh_token";

/// Which of its tokens the instance keeps in a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieMode {
    /// The refresh token. The access token is in the body (`cookie` mode).
    Cookie,
    /// Everything, in one cookie (`session` mode). The session ends at once when the user signs out.
    Session,
}

impl CookieMode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Session => "session",
        }
    }
}

/// A session in cookies. `Debug` shows nothing of them.
///
/// ```
/// use portcullis_providers::directus::{CookieMode, DirectusClient, Login};
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
/// # #[derive(Debug)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, request: HttpRequest, reply: Reply) {
/// #         let knows = request.body().contains("correct") || request.headers().any(|(_, value)| value == "directus_session_token=s1");
/// #         reply.give(Ok(match knows {
/// #             true => HttpResponse::new(200, r#"{"data":{"expires":86400000}}"#)
/// #                 .with_header("set-cookie", "directus_session_token=s2; HttpOnly; Path=/"),
/// #             false => HttpResponse::new(401, r#"{"errors":[{"extensions":{"code":"INVALID_CREDENTIALS"}}]}"#),
/// #         }));
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let client = Client;
/// let directus = DirectusClient::new("https://directus.example.com", client)?;
/// let login = Login::new("alice@example.com", "correct horse");
/// let session = directus.login_with_cookie(&login, CookieMode::Session).await?;
/// // each is a `Set-Cookie` header of the answer to the browser
/// assert_eq!(session.set_cookies(), ["directus_session_token=s2; HttpOnly; Path=/"]);
///
/// let refresh = async |value| directus.refresh_with_cookie(value, CookieMode::Session).await;
/// assert!(refresh("s1").await.is_ok());
/// assert!(refresh("s0").await.is_err());
/// assert!(refresh("s1; other=1").await.is_err()); // is not sent
/// # Ok(()) }
/// ```
pub struct CookieSession {
    set_cookies: Vec<String>,
    access_token: Option<BearerToken>,
    expires_in: Duration,
}

impl CookieSession {
    pub(super) fn read(answer: &HttpResponse, names: &CookieNames) -> Result<Self, Error> {
        let data = data(answer)?;
        let set_cookies = names.of(answer);
        if set_cookies.is_empty() {
            return Err(unreadable("no cookie"));
        }
        let token = data.get("access_token").and_then(|token| token.as_str());
        let access_token = token.map(BearerToken::new).transpose()?;
        let expires = data.get("expires").and_then(|time| time.as_u64()).ok_or_else(|| unreadable("no `expires`"))?;
        Ok(Self { set_cookies, access_token, expires_in: Duration::from_millis(expires) })
    }

    /// The values of `Set-Cookie` for the browser. Only the two cookies of the instance are among them.
    #[must_use]
    pub fn set_cookies(&self) -> &[String] {
        &self.set_cookies
    }

    /// The access token in [`CookieMode::Cookie`].
    #[must_use]
    pub fn access_token(&self) -> Option<&BearerToken> {
        self.access_token.as_ref()
    }

    /// How long the access token or the session is valid.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }
}

impl fmt::Debug for CookieSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSession(..)")
    }
}

#[derive(Clone)]
pub(super) struct CookieNames {
    pub(super) session: String,
    pub(super) refresh: String,
}

impl Default for CookieNames {
    fn default() -> Self {
        Self { session: SESSION_COOKIE.to_owned(), refresh: REFRESH_COOKIE.to_owned() }
    }
}

impl CookieNames {
    /// The instance's own cookies in an answer.
    pub(super) fn of(&self, answer: &HttpResponse) -> Vec<String> {
        let is_own = |cookie: &&str| {
            cookie.split_once('=').is_some_and(|(name, _)| [&*self.session, &*self.refresh].contains(&name.trim()))
        };
        answer.header_values("set-cookie").filter(is_own).map(str::to_owned).collect()
    }

    /// The header `Cookie` with this value (RFC 6265, section 4.1.1).
    pub(super) fn header(&self, value: &str, mode: CookieMode) -> Result<String, Error> {
        let may_be = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        if value.is_empty() || !value.bytes().all(may_be) {
            return Err(Error::new(ErrorKind::Invalid, "the value of a cookie with characters that it may not have"));
        }
        let name = match mode {
            CookieMode::Cookie => &self.refresh,
            CookieMode::Session => &self.session,
        };
        Ok(format!("{name}={value}"))
    }
}
