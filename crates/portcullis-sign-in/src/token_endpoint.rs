//! What the provider gives for a code or a refresh token.

use crate::{
    fault::{failed, misconfigured, unavailable},
    flow::Token,
    provider::Provider,
};
use portcullis_core::{Error, HttpRequest, HttpResponse};
use serde::Deserialize;
use std::{
    fmt,
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

pub(crate) enum Grant<'g> {
    Code { code: &'g str, verifier: &'g str, redirect_uri: &'g str },
    Refresh(&'g str),
}

/// The tokens of an answer. `Debug` shows none.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) id: Option<Token>,
    pub(crate) access: Option<Token>,
    pub(crate) refresh: Option<Token>,
    pub(crate) end_at: Option<SystemTime>,
}

impl Provider {
    /// The tokens for a code or a refresh token.
    pub(crate) async fn redeem(&self, grant: Grant<'_>) -> Result<Tokens, Error> {
        let metadata = self.metadata().await?;
        let is_refresh = matches!(grant, Grant::Refresh(_));
        let mut fields = match grant {
            Grant::Code { code, verifier, redirect_uri } => vec![
                ("grant_type", "authorization_code"),
                ("code", code),
                ("code_verifier", verifier),
                ("redirect_uri", redirect_uri),
            ],
            Grant::Refresh(token) => vec![("grant_type", "refresh_token"), ("refresh_token", token)],
        };
        let supported = &metadata.token_endpoint_auth_methods_supported;
        let knows_basic = supported.is_empty() || supported.iter().any(|method| method == "client_secret_basic");
        let secret = self.secret.as_ref().map(|secret| secret.as_str());
        let is_in_body = self.is_secret_in_body || !knows_basic;
        let (in_body, basic) = if is_in_body { (secret, None) } else { (None, secret) };
        if basic.is_none() {
            fields.push(("client_id", self.client_id()));
        }
        fields.extend(in_body.map(|secret| ("client_secret", secret)));
        let request =
            HttpRequest::post_form(&metadata.token_endpoint, &fields).with_header("accept", "application/json");
        let request = match basic {
            Some(secret) => request.with_basic(self.client_id(), secret),
            None => request,
        };
        let answer = request.send(&*self.client).await?;
        match answer.status() {
            200 => self.tokens(&answer),
            status @ 400..=499 => Err(refusal(status, answer.body(), is_refresh)),
            status => Err(unavailable(format!("the provider's token endpoint: status {status}"))),
        }
    }

    fn tokens(&self, answer: &HttpResponse) -> Result<Tokens, Error> {
        let answer: TokenAnswer = serde_json::from_slice(answer.body())
            .map_err(|_| unavailable("the provider's token endpoint answered with something else"))?;
        let token = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Zeroizing::new);
        let end_at = answer.expires_in.and_then(|left| self.clock.now().checked_add(Duration::from_secs(left)));
        Ok(Tokens {
            id: token(answer.id_token),
            access: token(answer.access_token),
            refresh: token(answer.refresh_token),
            end_at,
        })
    }
}

/// Why the token endpoint refuses (RFC 6749, section 5.2). What is not about this client is about the code or the refresh
/// token: some providers refuse these with an error of their own, or with status 400 and nothing else. At a refresh, a request
/// that is not valid has such a token: the same client's request for the code was valid.
fn refusal(status: u16, body: &[u8], is_refresh: bool) -> Error {
    let code = serde_json::from_slice::<TokenError>(body).map(|answer| answer.error).unwrap_or_default();
    let what = format!("status {status}, `{}`", code.chars().take(80).collect::<String>());
    let token = || failed(format!("the provider does not take the code or the refresh token: {what}"));
    match (&*code, status) {
        ("invalid_request", 400) if is_refresh => token(),
        (_, 429) | ("server_error" | "temporarily_unavailable", _) => {
            unavailable(format!("the provider's token endpoint: {what}"))
        }
        (
            "invalid_client" | "invalid_request" | "invalid_scope" | "unauthorized_client" | "unsupported_grant_type",
            _,
        )
        | ("", 401..) => misconfigured(format!("the provider refuses this client: {what}")),
        _ => token(),
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: Option<String>,
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(..)")
    }
}
