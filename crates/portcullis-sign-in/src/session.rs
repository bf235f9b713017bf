//! A session: what it contains, and how a cookie carries it.

use crate::{
    fault::{misconfigured, no_session},
    flow::Identity,
    seal::random_text,
    sign_in::SignIn,
    store::StoredSession,
};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_core::{Account, Error, ErrorKind, PermissionSet, Principal, PrincipalKind};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};

/// What a browser keeps of a cookie, name and value (RFC 6265, section 6.1).
const MAX_COOKIE: usize = 4096;

/// The claims of the ID token that the session keeps, by [`SignIn::keep_claims`]: the account of the principal.
///
/// ```
/// # use portcullis_core::{Account, Principal, PrincipalKind};
/// use portcullis_sign_in::SignedIn;
///
/// fn email(principal: &Principal) -> Option<String> {
///     principal.account::<SignedIn>().ok()?.claim("email")
/// }
/// # let stranger = Principal::new(PrincipalKind::User, "alice");
/// assert_eq!(email(&stranger), None); // did not sign in by this crate
/// ```
#[derive(Clone)]
pub struct SignedIn(Map<String, Value>);

impl SignedIn {
    /// A claim, if the session keeps it and it has this type.
    #[must_use]
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_value(self.0.get(name)?.clone()).ok()
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedIn")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Times are milliseconds since 1970.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) sid: Option<String>,
    /// When the session began.
    signed_in_at: u64,
    /// When and how the user signed in at the provider, if it says so. A refresh signs nobody in.
    authenticated_at: Option<u64>,
    methods: Vec<String>,
    class: Option<String>,
    pub(crate) ends_at: u64,
    /// The end of the provider's tokens, if the session is refreshed.
    pub(crate) renew_at: Option<u64>,
    roles: Vec<String>,
    scopes: Vec<String>,
    permissions: Vec<String>,
    organization: Option<String>,
    staff: bool,
    claims: Map<String, Value>,
    pub(crate) id_token: String,
    pub(crate) refresh_token: Option<String>,
    /// How often it was refreshed.
    pub(crate) refreshes: u64,
    /// A process is refreshing it until then.
    pub(crate) renewing_until: u64,
}

impl Session {
    /// What an ID token says goes into the session.
    pub(crate) fn describe(&mut self, identity: &Identity, kept: &[String]) {
        let principal = &identity.principal;
        self.roles = principal.roles().iter().map(|role| role.as_str().to_owned()).collect();
        self.scopes = principal.scopes().to_vec();
        self.permissions = principal.permissions().iter().map(Cow::into_owned).collect();
        self.organization = principal.organization().map(str::to_owned);
        self.staff = principal.is_staff();
        let claim = |name: &String| Some((name.clone(), identity.claims.get::<Value>(name).ok()??));
        self.claims = kept.iter().filter_map(claim).collect();
        self.id_token = identity.tokens.id.as_deref().cloned().unwrap_or_default();
    }

    /// Open, and with live tokens of the provider.
    pub(crate) fn is_fresh(&self, now: u64) -> bool {
        now < self.ends_at && self.renew_at.is_none_or(|end| now < end)
    }

    pub(crate) fn expires_at(&self) -> u64 {
        self.renew_at.unwrap_or(u64::MAX).min(self.ends_at)
    }

    /// The provider's session is the principal's session, and ours its token: either can end alone.
    pub(crate) fn principal(&self, issuer: &str) -> Principal {
        let times = [self.signed_in_at, self.expires_at()].map(time);
        let [signed_in_at, expires_at] = times;
        // Each was in a set before, and what is no permission grants nothing.
        let permissions = PermissionSet::new(&self.permissions).unwrap_or_default();
        let principal = Principal::new(PrincipalKind::User, self.subject.clone())
            .with_issuer(issuer)
            .with_session(self.sid.as_ref().unwrap_or(&self.id).clone())
            .with_token_id(self.id.clone())
            .with_staff(self.staff)
            .with_permissions(permissions)
            .with_times(Some(signed_in_at), Some(expires_at));
        let principal = principal.with_authentication_methods(self.methods.iter().cloned());
        let principal = match self.authenticated_at {
            Some(at) => principal.with_authenticated_at(time(at)),
            None => principal,
        };
        let principal = match &self.class {
            Some(class) => principal.with_authentication_class(class.clone()),
            None => principal,
        };
        let principal = match &self.organization {
            Some(organization) => principal.with_organization(organization.clone()),
            None => principal,
        };
        let principal = self.roles.iter().cloned().fold(principal, Principal::with_role);
        let principal = self.scopes.iter().cloned().fold(principal, Principal::with_scope);
        principal.with_account(Account::new(SignedIn(self.claims.clone())))
    }
}

impl SignIn {
    /// A new session, as the value of its cookie.
    pub(crate) async fn start(&self, identity: &Identity) -> Result<String, Error> {
        let inner = &*self.0;
        let now = self.now();
        let refresh_token = match (inner.refreshes, &identity.tokens.refresh) {
            (true, Some(token)) => Some(token.to_string()),
            (false, _) => None,
            (true, None) => {
                let detail = "the provider gave no refresh token; many want the scope `offline_access`";
                return Err(misconfigured(detail));
            }
        };
        let who = &identity.principal;
        let mut session = Session {
            id: random_text::<24>()?,
            subject: identity.claims.subject().map(Into::into).unwrap_or_default(),
            sid: identity.claims.get::<String>("sid").ok().flatten(),
            signed_in_at: now,
            authenticated_at: who.authenticated_at().map(since_1970),
            methods: who.authentication_methods().into_iter().map(Cow::into_owned).collect(),
            class: who.authentication_class().map(Cow::into_owned),
            ends_at: now.saturating_add(milliseconds(inner.lifetime)),
            renew_at: identity.tokens_end_at().filter(|_| refresh_token.is_some()).map(since_1970),
            roles: Vec::new(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            organization: None,
            staff: false,
            claims: Map::new(),
            id_token: String::new(),
            refresh_token,
            refreshes: 0,
            renewing_until: 0,
        };
        session.describe(identity, &inner.kept);
        let Some(store) = &inner.store else { return self.seal_session(&session) };
        let secret = random_text::<32>()?;
        let first =
            StoredSession::new(digest_of(&secret), 0, String::new(), session.subject.clone(), time(session.ends_at));
        store.add(self.next_row(&first.with_sid(session.sid.clone()), &session)?).await?;
        inner.keys.seal(&self.purpose("key"), secret.as_bytes())
    }

    /// The session of a cookie, and its row in the store.
    pub(crate) async fn open(&self, cookie: &str) -> Result<(Session, Option<StoredSession>), Error> {
        let inner = &*self.0;
        let unknown = || no_session("the session's cookie is not one of ours, or its key is no longer known");
        let (session, row) = match &inner.store {
            None => (inner.keys.open(&self.purpose("session"), cookie).ok_or_else(unknown)?, None),
            Some(store) => {
                let secret = inner.keys.open(&self.purpose("key"), cookie).ok_or_else(unknown)?;
                let secret = std::str::from_utf8(&secret).map_err(|_| unknown())?;
                let row = store.find(&digest_of(secret)).await?.ok_or_else(|| no_session("the session has ended"))?;
                (inner.keys.open(&self.purpose(&row.key), &row.sealed).ok_or_else(unknown)?, Some(row))
            }
        };
        let session: Session = serde_json::from_slice(&session).map_err(|_| unknown())?;
        if self.now() >= session.ends_at {
            return Err(Error::new(ErrorKind::Expired, "the session is over"));
        }
        Ok((session, row))
    }

    pub(crate) fn seal_session(&self, session: &Session) -> Result<String, Error> {
        self.sealed("session", session)
    }

    /// The row after this one, with this session.
    pub(crate) fn next_row(&self, row: &StoredSession, session: &Session) -> Result<StoredSession, Error> {
        let sealed = self.sealed(&row.key, session)?;
        Ok(StoredSession { version: row.version.saturating_add(1), sealed, ..row.clone() })
    }

    pub(crate) fn sealed(&self, purpose: &str, value: &impl Serialize) -> Result<String, Error> {
        let json = serde_json::to_vec(value).map_err(|cause| misconfigured("no JSON").with_cause(cause))?;
        self.0.keys.seal(&self.purpose(purpose), &zeroize::Zeroizing::new(json))
    }

    /// What is sealed for one purpose, cookie, provider or client does not open for another.
    pub(crate) fn purpose(&self, purpose: &str) -> String {
        let provider = &self.0.provider;
        [purpose, Self::COOKIE, provider.issuer(), provider.client_id()].join("\0")
    }

    pub(crate) fn now(&self) -> u64 {
        since_1970(self.0.provider.clock.now())
    }
}

/// A cookie of this host for this time; an empty value removes it.
pub(crate) fn cookie(name: &str, value: &str, time: Duration) -> Result<String, Error> {
    let bytes = name.len() + value.len();
    if bytes > MAX_COOKIE {
        return Err(misconfigured(format!(
            "the cookie `{name}` has {bytes} bytes, of which browsers keep {MAX_COOKIE}: keep fewer claims, or keep sessions in \
             a store with `SignIn::store`"
        )));
    }
    Ok(format!("{name}={value}; HttpOnly; Path=/; Max-Age={}; SameSite=Lax; Secure", time.as_secs()))
}

pub(crate) fn digest_of(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn since_1970(time: SystemTime) -> u64 {
    milliseconds(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn time(since_1970: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(since_1970)).unwrap_or(SystemTime::UNIX_EPOCH)
}
