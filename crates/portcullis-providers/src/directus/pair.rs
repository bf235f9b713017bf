//! A pair of tokens: signing in for it, and keeping it.

use super::{
    DirectusClient,
    answer::{data, unreadable},
};
use portcullis_core::{BearerToken, Error, ErrorKind, HttpRequest, HttpResponse, KeptToken, Reply, TokenSource};
use serde_json::{Value, json};
use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use zeroize::Zeroizing;

/// What a person signs in with. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Login {
    email: String,
    password: Zeroizing<String>,
    otp: Option<String>,
}

impl Login {
    /// With an e-mail address and a password.
    #[must_use]
    pub fn new(email: &str, password: &str) -> Self {
        Self { email: email.to_owned(), password: Zeroizing::new(password.to_owned()), otp: None }
    }

    /// With a one-time password, for users with a second factor.
    #[must_use]
    pub fn otp(self, otp: &str) -> Self {
        Self { otp: Some(otp.to_owned()), ..self }
    }

    pub(super) fn body(&self, mode: &str) -> Value {
        let mut body = json!({ "email": self.email, "password": &**self.password, "mode": mode });
        if let (Some(otp), Some(body)) = (&self.otp, body.as_object_mut()) {
            body.insert("otp".to_owned(), json!(otp));
        }
        body
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// An access token, and the refresh token for the next one. `Debug` shows neither.
#[derive(Clone)]
pub struct TokenPair {
    access: BearerToken,
    refresh: Zeroizing<String>,
    expires_in: Duration,
}

impl TokenPair {
    pub(super) fn read(answer: &HttpResponse) -> Result<Self, Error> {
        let data = data(answer)?;
        let text = |name: &str| data.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let access = BearerToken::new(text("access_token").ok_or_else(|| unreadable("no `access_token`"))?)?;
        let refresh = text("refresh_token").ok_or_else(|| unreadable("no `refresh_token`"))?;
        let expires = data.get("expires").and_then(Value::as_u64).ok_or_else(|| unreadable("no `expires`"))?;
        let refresh = Zeroizing::new(refresh.to_owned());
        Ok(Self { access, refresh, expires_in: Duration::from_millis(expires) })
    }

    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &BearerToken {
        &self.access
    }

    /// The refresh token, which can be used once.
    #[must_use]
    pub fn expose_refresh_token(&self) -> &str {
        &self.refresh
    }

    /// How long the access token is valid, from when it was issued.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenPair(..)")
    }
}

/// A pair of tokens that is replaced before the access token expires, as [`KeptToken`] does it: with one request in flight, for
/// all callers. Clones share it.
///
/// A refresh token is used up by the request that succeeds with it. When the instance refuses one, the session has ended:
/// nothing is sent any more, and the user has to sign in again. Keep a pair only once.
///
/// ```
/// use portcullis_core::ErrorKind;
/// use portcullis_providers::directus::{DirectusClient, Login};
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply, testing::FixedClock};
/// # #[derive(Debug)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, request: HttpRequest, reply: Reply) {
/// #         let pair = |n| HttpResponse::new(200, format!(r#"{{"data":{{"expires":900000,"refresh_token":"r{n}","access_token":"a{n}"}}}}"#));
/// #         reply.give(Ok(match (request.url().ends_with("/auth/login"), request.body().contains("\"r1\"")) {
/// #             (true, _) => pair(1),
/// #             (false, true) => pair(2),
/// #             _ => HttpResponse::new(401, r#"{"errors":[{"extensions":{"code":"INVALID_CREDENTIALS"}}]}"#),
/// #         }));
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// # let (client, clock) = (Client, FixedClock::at(1_767_268_800));
/// # let hour = std::time::Duration::from_secs(3600);
/// # let (url, tests) = ("https://directus.example.com", clock.clone());
/// let directus = DirectusClient::new(url, client)?;
/// # let directus = directus.clock(tests);
/// let pair = directus.login(&Login::new("sync@example.com", "correct horse")).await?;
/// let kept = directus.keep(pair);
/// assert_eq!(kept.bearer().await?.expose(), "a1"); // before each request
///
/// clock.advance(hour);
/// assert_eq!(kept.bearer().await?.expose(), "a2");
///
/// clock.advance(hour); // the session was ended
/// assert!(kept.bearer().await.is_err_and(|error| error.kind() == ErrorKind::Invalid));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct KeptPair {
    session: Arc<Session>,
    kept: KeptToken,
}

/// The refresh token of a session, or why there is none any more.
struct Session {
    directus: DirectusClient,
    refresh: Mutex<Result<Zeroizing<String>, Error>>,
}

impl KeptPair {
    pub(super) fn new(directus: DirectusClient, pair: TokenPair) -> Self {
        let TokenPair { access, refresh, expires_in } = pair;
        let (http, clock) = (directus.http.clone(), directus.clock.clone());
        let session = Arc::new(Session { directus, refresh: Mutex::new(Ok(refresh)) });
        let kept = KeptToken::new(session.clone(), http).clock(clock).starting_with(access, expires_in);
        Self { session, kept }
    }

    /// The access token to send.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the session has ended; otherwise as [`DirectusClient::refresh`].
    pub async fn bearer(&self) -> Result<BearerToken, Error> {
        self.kept.bearer().await
    }

    /// Ends the session at the instance, and here. The access token stays valid for those who have it, until it expires.
    ///
    /// # Errors
    /// As [`DirectusClient::logout`]. Here it has ended all the same.
    pub async fn logout(&self) -> Result<(), Error> {
        let ended = Error::new(ErrorKind::Invalid, "the session was ended by a logout");
        let refresh = mem::replace(&mut *self.session.refresh(), Err(ended));
        self.kept.forget();
        match refresh {
            Ok(refresh) => self.session.directus.logout(&refresh).await,
            Err(_) => Ok(()),
        }
    }
}

impl Session {
    fn refresh(&self) -> MutexGuard<'_, Result<Zeroizing<String>, Error>> {
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenSource for Session {
    fn request(&self) -> Result<HttpRequest, Error> {
        self.refresh().as_ref().map(|refresh| self.directus.refresh_request(refresh)).map_err(Clone::clone)
    }

    fn read(&self, answer: &HttpResponse) -> Result<(BearerToken, Duration), Error> {
        let pair = TokenPair::read(answer);
        let mut refresh = self.refresh();
        if let Err(ended) = &*refresh {
            let ended = ended.clone();
            drop(refresh);
            // A logout in the meantime was with the token that this request used up.
            if let Ok(pair) = pair {
                self.directus.http.send(self.directus.logout_request(&pair.refresh), Reply::new(|_| ()));
            }
            return Err(ended);
        }
        match pair {
            Ok(pair) => {
                *refresh = Ok(pair.refresh);
                Ok((pair.access, pair.expires_in))
            }
            Err(error) => {
                if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Expired) {
                    *refresh = Err(error.clone());
                }
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.directus.fmt(f)
    }
}
