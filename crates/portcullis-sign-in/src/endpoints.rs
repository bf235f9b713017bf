//! The endpoints, over plain HTTP types. Adapters mount them.

use crate::{
    browser_flow::BrowserFlow,
    fault::{misconfigured, no_session, refused},
    flow::with_query,
    head::Head,
    provider::{Provider, encoded},
    session::cookie,
    sign_in::SignIn,
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use portcullis_core::{
    CredentialSource, Error, Gate, PrincipalId, PrincipalKind, RequestHead, Revocations, SessionId, TokenId,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// An endpoint, for adapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET login?return_to=/path`: redirects to the provider. With `max_age` and `acr_values`, for a step-up (RFC 9470): the
    /// session then begins only if the user signed in as recently, and the provider is asked for the factor.
    Login,
    /// `GET callback`: the provider redirects here.
    Callback,
    /// `POST refresh`: keeps a session with [`SignIn::refreshed`].
    Refresh,
    /// `POST logout`: ends the session, and redirects to the provider to end that of the provider.
    Logout,
    /// `POST backchannel-logout`: the provider ends sessions.
    BackChannelLogout,
}

impl Endpoint {
    const ALL: [Self; 5] = [Self::Login, Self::Callback, Self::Refresh, Self::Logout, Self::BackChannelLogout];

    /// The method.
    #[must_use]
    pub fn method(self) -> &'static str {
        if matches!(self, Self::Login | Self::Callback) { "GET" } else { "POST" }
    }

    /// The path below the mount point, without a leading slash.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Callback => "callback",
            Self::Refresh => "refresh",
            Self::Logout => "logout",
            Self::BackChannelLogout => "backchannel-logout",
        }
    }
}

/// The ids of logout tokens that counted, until these times: each counts once.
#[derive(Default)]
pub(crate) struct SeenTokens(Mutex<HashMap<String, u64>>);

impl SeenTokens {
    /// Longer than a logout token is accepted: its age of two minutes, and five of leeway at both ends.
    const KEPT: u64 = 720_000;

    fn has(&self, id: &str, now: u64) -> bool {
        self.seen().get(id).is_some_and(|until| *until > now)
    }

    fn add(&self, id: String, now: u64) {
        let mut seen = self.seen();
        seen.retain(|_, until| *until > now);
        seen.insert(id, now.saturating_add(Self::KEPT));
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SignIn {
    /// The largest body in bytes.
    pub const MAX_BODY: usize = 16 * 1024;

    /// The endpoints, for an adapter to mount below this path.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if the redirect URI is not that of `callback`
    /// there, if the gate does not read the cookie, or if it does not know which sessions have ended.
    pub fn endpoints(&self, gate: &Gate, path: &str) -> Result<impl Iterator<Item = Endpoint> + use<>, Error> {
        let callback = format!("{}/{}", path.trim_end_matches('/'), Endpoint::Callback.path());
        if !self.0.flow.redirect_uri().ends_with(&callback) {
            let detail = format!("the redirect URI `{}` does not end in `{callback}`", self.0.flow.redirect_uri());
            return Err(misconfigured(detail));
        }
        let source = CredentialSource::cookie(Self::COOKIE);
        if !gate.sources().any(|known| *known == source) {
            return Err(misconfigured("no scheme of the gate reads the session; give it `.scheme(&sign_in)`"));
        }
        if !gate.has_revocations() {
            return Err(misconfigured(
                "the gate would accept sessions that have ended; give it `.revocations(sign_in.revocations())`",
            ));
        }
        Ok(Endpoint::ALL.into_iter())
    }

    /// Answers a request, for an adapter. The guard of the route renders the error.
    ///
    /// # Errors
    /// That of the endpoint.
    pub async fn answer(
        &self,
        gate: &Gate,
        endpoint: Endpoint,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let head = Head(request);
        match endpoint {
            Endpoint::Login => self.login(&head).await,
            Endpoint::Callback => self.callback(&head).await,
            Endpoint::Refresh => {
                gate.check_origin(&head)?;
                self.refresh_session(&head).await
            }
            Endpoint::Logout => {
                gate.check_origin(&head)?;
                self.logout(&head).await
            }
            Endpoint::BackChannelLogout => self.back_channel_logout(request).await,
        }
    }

    async fn login(&self, head: &Head<'_>) -> Result<Response<Bytes>, Error> {
        let flow = self.0.flow.at(self.stepping_up(head)?);
        let begun = flow.begin(head, &BrowserFlow::return_to(head), "").await?;
        redirect(&begun.address, begun.cookies)
    }

    /// The provider, with what the query asks for. It can only ask for more than a sign-in without it.
    fn stepping_up(&self, head: &Head<'_>) -> Result<Provider, Error> {
        let refused = || refused("invalid_step_up", "`max_age` or `acr_values` cannot be asked for, or is there twice");
        let one = |name: &str| {
            let query = form_urlencoded::parse(head.query().unwrap_or_default().as_bytes());
            let mut values = query.filter(|(found, _)| found == name).map(|(_, value)| value);
            let first = values.next();
            if values.next().is_some() { Err(refused()) } else { Ok(first) }
        };
        let mut provider = self.0.provider.clone();
        if let Some(max_age) = one("max_age")? {
            let seconds = max_age.parse::<u32>().map_err(|_| refused())?;
            provider = provider.max_age(Duration::from_secs(seconds.into()));
        }
        if let Some(value) = one("acr_values")? {
            let known = self.0.acr_values.iter().find(|known| **known == value).ok_or_else(refused)?;
            provider = provider.acr_values([known]);
        }
        Ok(provider)
    }

    async fn callback(&self, head: &Head<'_>) -> Result<Response<Bytes>, Error> {
        let finished = self.0.flow.finish(head).await?;
        // A new session, whatever the browser had: what somebody put there before the sign-in is worth nothing after it.
        let session = cookie(Self::COOKIE, &self.start(&finished.identity).await?, self.0.lifetime)?;
        redirect(&finished.return_to, vec![session, finished.cookie])
    }

    async fn refresh_session(&self, head: &Head<'_>) -> Result<Response<Bytes>, Error> {
        let value = CredentialSource::cookie(Self::COOKIE).read(head)?;
        let value = value.ok_or_else(|| no_session("there is no session"))?;
        let (session, row) = self.open(value.expose()).await?;
        if self.0.revocations.is_revoked(&session.principal(self.0.provider.issuer())).await? {
            return Err(no_session("the session has ended"));
        }
        let session = self.refresh(session, row).await?;
        let now = self.now();
        let cookies = match self.0.store {
            Some(_) => Vec::new(),
            None => {
                let left = Duration::from_millis(session.ends_at.saturating_sub(now));
                vec![cookie(Self::COOKIE, &self.seal_session(&session)?, left)?]
            }
        };
        let body = format!("{{\"expires_in\":{}}}", session.expires_at().saturating_sub(now) / 1000);
        let mut answer = answer(StatusCode::OK, cookies)?.map(|_| Bytes::from(body));
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(answer)
    }

    async fn logout(&self, head: &Head<'_>) -> Result<Response<Bytes>, Error> {
        let (inner, issuer) = (&*self.0, self.0.provider.issuer());
        let mut hint = None;
        // Without a session the browser still goes to the provider.
        if let Ok(Some(value)) = CredentialSource::cookie(Self::COOKIE).read(head)
            && let Ok((session, row)) = self.open(value.expose()).await
        {
            inner.revocations.revoke_token(&TokenId::new(&*session.id).with_issuer(issuer));
            if let (Some(store), Some(row)) = (&inner.store, row) {
                store.remove(&row.key).await?;
            }
            hint = Some(session.id_token);
        }
        let end = inner.provider.metadata().await.ok().and_then(|metadata| metadata.end_session_endpoint.clone());
        let address = match (end, &inner.after_sign_out) {
            (Some(end), after) => {
                let mut fields = vec![("client_id", inner.provider.client_id())];
                fields.extend(hint.as_deref().map(|hint| ("id_token_hint", hint)));
                fields.extend(after.as_deref().map(|after| ("post_logout_redirect_uri", after)));
                with_query(&end, &encoded(&fields))
            }
            (None, Some(after)) => after.clone(),
            (None, None) => "/".to_owned(),
        };
        redirect(&address, vec![cookie(Self::COOKIE, "", Duration::ZERO)?])
    }

    async fn back_channel_logout(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let (inner, issuer) = (&*self.0, self.0.provider.issuer());
        let mut tokens = form_urlencoded::parse(request.body()).filter(|(name, _)| name == "logout_token");
        let (Some((_, token)), None) = (tokens.next(), tokens.next()) else {
            return Err(refused("invalid_logout_token", "there is no `logout_token`, or there are several"));
        };
        let token = inner.provider.verify_logout_token(&token).await?;
        if inner.seen.has(&token.id, self.now()) {
            return Err(refused("invalid_logout_token", "it was used before"));
        }
        match (&token.sid, &token.subject) {
            (Some(sid), _) => inner.revocations.end_session(&SessionId::new(sid).with_issuer(issuer)),
            (None, Some(subject)) => {
                let who = PrincipalId::new(PrincipalKind::User, subject).with_issuer(issuer);
                inner.revocations.sign_out(&who, inner.provider.clock.now());
            }
            (None, None) => {}
        }
        match (&inner.store, &token.sid, &token.subject) {
            (Some(store), Some(sid), _) => store.remove_sid(sid).await?,
            (Some(store), None, Some(subject)) => store.remove_subject(subject).await?,
            _ => {}
        }
        // Not before: a provider sends it again if the store failed.
        inner.seen.add(token.id, self.now());
        answer(StatusCode::OK, Vec::new())
    }
}

fn redirect(address: &str, cookies: Vec<String>) -> Result<Response<Bytes>, Error> {
    let mut answer = answer(StatusCode::SEE_OTHER, cookies)?;
    let address = HeaderValue::from_str(address)
        .map_err(|cause| misconfigured("the address of a redirect is no header").with_cause(cause))?;
    answer.headers_mut().insert(header::LOCATION, address);
    Ok(answer)
}

fn answer(status: StatusCode, cookies: Vec<String>) -> Result<Response<Bytes>, Error> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        let mut value =
            HeaderValue::from_str(&cookie).map_err(|cause| misconfigured("a cookie is no header").with_cause(cause))?;
        value.set_sensitive(true);
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(answer)
}
