//! Logout tokens (OpenID Connect Back-Channel Logout 1.0).

use crate::{fault::refused, provider::Provider};
use portcullis_core::{Claims, Credential, CredentialSource, Error, ErrorKind};
use serde_json::{Map, Value};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A verified logout token: which sessions end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogoutToken {
    /// The session at the provider, if one ends.
    pub sid: Option<String>,
    /// The user. All of the user's sessions end if no `sid` is named.
    pub subject: Option<String>,
    /// The token's id, which counts once.
    pub id: String,
}

impl Provider {
    /// Verifies a logout token: `typ` is `logout+jwt`, it is signed by the provider for this client, issued in the last two
    /// minutes, has the event, `jti`, and `sid` or `sub`, and no `nonce` (section 2.6).
    /// [`allow_draft_logout_tokens`](Self::allow_draft_logout_tokens) accepts those of drafts too.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] with status 400 and the code `invalid_logout_token`, or [`ErrorKind::Unavailable`] without the
    /// provider's keys.
    pub async fn verify_logout_token(&self, token: &str) -> Result<LogoutToken, Error> {
        let jwt = self.jwt(&self.logout_tokens);
        let wrong = |what: &str| refused("invalid_logout_token", what);
        // Waits for the keys. Its principal is not asked for: a logout token may have no subject.
        if let Err(error) = jwt.authenticate(&Credential::new(token, CredentialSource::bearer())).await
            && error.kind() == ErrorKind::Unavailable
        {
            return Err(error);
        }
        let claims = jwt.verify(token).map_err(|error| wrong("it is not valid").with_cause(error))?;
        let events = claims.get::<Map<String, Value>>("events").ok().flatten().unwrap_or_default();
        if !events.get(EVENT).is_some_and(Value::is_object) {
            return Err(wrong("it has not the event of a logout"));
        }
        if claims.issued_at().is_none() {
            return Err(wrong("it has no `iat`"));
        }
        let sid = claims.get::<String>("sid").map_err(|_| wrong("its `sid` is no text"))?;
        let subject = claims.subject().map(Into::into);
        if sid.is_none() && subject.is_none() {
            return Err(wrong("it has neither `sid` nor `sub`"));
        }
        let id = Claims::token_id(&claims).filter(|id| !id.is_empty()).ok_or_else(|| wrong("it has no `jti`"))?;
        Ok(LogoutToken { sid, subject, id: id.into() })
    }
}
