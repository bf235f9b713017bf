//! HTTP endpoints over plain HTTP types. Adapters mount them.

mod answer;
mod call;
mod cookies;
#[cfg(feature = "utoipa")]
mod openapi;
mod organizations;
#[cfg(feature = "sign-in")]
mod providers;
mod table;

pub use call::Call;
pub use cookies::{SameSite, TokenCookies};
pub use table::Endpoint;

use crate::{
    accounts::{Accounts, SignIn, Tokens},
    error::Error,
    id::SessionId,
    links::Proof,
    second_factor::SignInOutcome,
    secret::Token,
    sign_up::SignUp,
};
use answer::{created, mail_sent, no_content, ok, with_cookies};
use bytes::Bytes;
use http::Response;
use portcullis_core::{Error as CoreError, ErrorKind, Gate, KeyScopes, NewKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    sync::{Arc, Once},
    time::{Duration, SystemTime},
};
use table::{ENDPOINTS, Name};

/// The endpoints of accounts: sign-up, sign-in, refresh, sign-out, sessions, those of links in mails and, where the accounts have
/// them, of API keys and organizations.
///
/// Made by [`Accounts::endpoints`]. `Routes::accounts` of an adapter mounts them. Tokens are in the bodies of the answers,
/// unless [`cookies`](Self::cookies) says otherwise.
#[derive(Debug, Clone)]
pub struct Endpoints(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    accounts: Accounts,
    cookies: Option<TokenCookies>,
    proxies: usize,
    extra: Vec<String>,
}

impl Accounts {
    /// The endpoints, to mount below a path.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        let (cookies, proxies, extra) = (None, 0, Vec::new());
        Endpoints(Arc::new(Inner { accounts: self.clone(), cookies, proxies, extra }))
    }
}

impl Endpoints {
    /// The largest body in bytes.
    pub const MAX_BODY: usize = 16 * 1024;

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Tokens go into cookies, which scripts cannot read.
    ///
    /// A request without a cookie, without `Origin` and without `Sec-Fetch-Site` comes from a client that is no browser. It gets
    /// its tokens in the body, and never a cookie.
    #[must_use]
    pub fn cookies(self, cookies: TokenCookies) -> Self {
        self.with(|inner| inner.cookies = Some(cookies))
    }

    /// How many proxies of yours add an address to `X-Forwarded-For`. By default none: then the header is not read, since a
    /// client can write anything into it.
    #[must_use]
    pub fn behind_proxies(self, count: usize) -> Self {
        self.with(|inner| inner.proxies = count)
    }

    /// The members of a sign-up's body that become fields of [`User::extra`](crate::User::extra). By default none. Users choose
    /// their values, so leave out what decides about rights.
    #[must_use]
    pub fn extra_fields<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.with(|inner| inner.extra = names.into_iter().map(Into::into).collect())
    }

    /// The endpoints, for an adapter to mount.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if no browser accepts the cookies, if the gate does not read them, if it does not know which
    /// sessions have ended, or if the accounts have organizations and it does not know their members and
    /// [roles](crate::Organizations::hierarchy).
    pub fn list(&self, gate: &Gate) -> Result<impl Iterator<Item = Endpoint> + use<>, CoreError> {
        if !gate.has_revocations() {
            let detail = "the gate would accept the tokens of sessions that have ended; give it \
                          `.revocations(accounts.revocations())`";
            return Err(CoreError::new(ErrorKind::Misconfigured, detail));
        }
        if let Some(cookies) = &self.0.cookies {
            cookies.check()?;
            let source = cookies.source();
            if !gate.sources().any(|known| *known == source) {
                let detail = format!("the endpoints set {source}, which no scheme of the gate reads");
                return Err(CoreError::new(ErrorKind::Misconfigured, detail));
            }
        }
        if let Some(organizations) = &self.0.accounts.0.organizations {
            organizations.check(gate)?;
        }
        #[cfg(feature = "sign-in")]
        self.check_providers()?;
        Ok(self.switched_on())
    }

    /// Those of what the accounts have.
    fn switched_on(&self) -> impl Iterator<Item = Endpoint> + use<> {
        let organizations = self.0.accounts.0.organizations.as_ref();
        let has_organizations = organizations.is_some();
        let has_roles = organizations.is_some_and(|organizations| organizations.defines_roles);
        let has_providers = self.has_providers();
        let has_links = self.0.accounts.0.options.magic_links;
        let has_keys = self.0.accounts.0.keys.is_some();
        let is_link = |endpoint: &Endpoint| matches!(endpoint.name, Name::SendMagicLink | Name::MagicLink);
        let is_key = |endpoint: &Endpoint| matches!(endpoint.name, Name::Keys | Name::AddKey | Name::WithdrawKey);
        let is_on = move |endpoint: &Endpoint| {
            (has_links || !is_link(endpoint))
                && (has_keys || !is_key(endpoint))
                && (has_organizations || !endpoint.is_about_organizations())
                && (has_roles || !endpoint.is_about_roles())
                && (has_providers || !endpoint.name.is_of_provider())
        };
        ENDPOINTS.iter().copied().filter(is_on)
    }

    /// Answers a request, for an adapter. The guard of the route renders the error.
    ///
    /// # Errors
    /// That of the endpoint.
    pub async fn answer(&self, endpoint: Endpoint, call: Call) -> Result<Response<Bytes>, CoreError> {
        call.check_origin()?;
        let mut client = call.client(self.0.proxies);
        client.device = self.0.cookies.as_ref().and_then(|cookies| cookies.read_device(&call));
        let client = &client;
        if client.address.is_none() {
            static ONCE: Once = Once::new();
            ONCE.call_once(
                || tracing::warn!(target: "portcullis", "requests have no address, so nothing is limited by network"),
            );
        }
        let accounts = &self.0.accounts;
        Ok(match endpoint.name {
            Name::SignUp => {
                let WithPassword { email, password, mut rest } = call.json()?;
                rest.retain(|name, _| self.0.extra.contains(name));
                match accounts.sign_up(SignUp { email: &email, password: &password, extra: rest }, client).await? {
                    Some(sign_in) => self.signed_in(&call, &sign_in),
                    None => mail_sent(),
                }
            }
            Name::SignIn => {
                let WithPassword { email, password, .. } = call.json()?;
                self.outcome(&call, accounts.sign_in(&email, &password, client).await?)
            }
            Name::SecondFactor => {
                let TokenAndCode { token, code } = call.json()?;
                self.signed_in(&call, &accounts.second_factor(&token, &code, client).await?)
            }
            Name::Refresh => self.with_tokens(&call, &accounts.refresh(&self.refresh_token(&call)?, client).await?),
            Name::SignOut => {
                for token in self.tokens_to_end(&call)? {
                    accounts.sign_out(&token).await?;
                }
                self.signed_out(&call, &json!({}))
            }
            Name::SignOutEverywhere => {
                let ended = accounts.sign_out_everywhere(call.caller()?).await?;
                self.signed_out(&call, &json!({ "ended": ended }))
            }
            Name::Me => ok(&json!({ "user": answer::user(&accounts.user(call.caller()?).await?) })),
            Name::Sessions => {
                let current = call.caller()?.session();
                let current = current.as_ref().map(portcullis_core::SessionId::id);
                let sessions = accounts.sessions(call.caller()?).await?;
                let shown = sessions.iter().map(|known| answer::session(known, current == Some(known.id.as_str())));
                ok(&json!({ "sessions": shown.collect::<Vec<_>>() }))
            }
            Name::EndSession => {
                accounts.end_session(call.caller()?, &SessionId::new(call.id("id")?)).await?;
                no_content()
            }
            Name::Confirm => {
                let WithToken { token, password } = call.json()?;
                let proof = match (&password, &call.who) {
                    (Some(password), _) => Proof::Password(password),
                    (None, Ok(Some(who))) => Proof::Session(who),
                    (None, Ok(None)) => Proof::Nothing,
                    // Without a proof the password would be removed. A client with new tokens can try again.
                    (None, Err(error)) => return Err(error.clone()),
                };
                let user = accounts.confirm_email(&token, proof).await?;
                ok(&json!({ "has_password": user.password_hash.is_some() }))
            }
            Name::ResendConfirmation => {
                accounts.resend_confirmation(&call.json::<WithEmail>()?.email, client).await?;
                mail_sent()
            }
            Name::RequestReset => {
                accounts.request_reset(&call.json::<WithEmail>()?.email, client).await?;
                mail_sent()
            }
            Name::Reset => {
                let WithToken { token, password } = call.json()?;
                accounts.reset_password(&token, &password.ok_or(Error::InvalidRequest)?).await?;
                ok(&json!({}))
            }
            Name::ChangePassword => {
                let OldAndNew { old, new } = call.json()?;
                self.with_tokens(&call, &accounts.change_password(call.caller()?, &old, &new, client).await?)
            }
            Name::RequestEmailChange => {
                let WithPassword { email, password, .. } = call.json()?;
                accounts.request_email_change(call.caller()?, &password, &email, client).await?;
                mail_sent()
            }
            Name::ConfirmEmailChange => {
                accounts.confirm_email_change(&call.json::<WithToken>()?.token).await?;
                ok(&json!({}))
            }
            Name::Totp => ok(&answer::second_factor(accounts.totp(call.caller()?).await?)),
            Name::EnrolTotp => {
                let password = call.json_or_default::<MaybePassword>()?.password;
                let enrolment = accounts.enrol_totp(call.caller()?, password.as_deref()).await?;
                ok(&json!({ "uri": enrolment.uri.expose(), "secret": enrolment.secret.expose() }))
            }
            Name::ConfirmTotp => {
                let code = call.json::<WithCode>()?.code;
                answer::recovery_codes(&accounts.confirm_totp(call.caller()?, &code).await?)
            }
            Name::RenewRecoveryCodes => {
                let code = call.json::<WithCode>()?.code;
                answer::recovery_codes(&accounts.renew_recovery_codes(call.caller()?, &code).await?)
            }
            Name::RemoveTotp => {
                let code = call.json::<WithCode>()?.code;
                accounts.remove_totp(call.caller()?, &code).await?;
                no_content()
            }
            Name::SendMagicLink => {
                accounts.send_magic_link(&call.json::<WithEmail>()?.email, client).await?;
                mail_sent()
            }
            Name::MagicLink => {
                let token = call.json::<WithToken>()?.token;
                self.outcome(&call, accounts.sign_in_with_link(&token, client).await?)
            }
            #[cfg(feature = "sign-in")]
            name if name.is_of_provider() => self.at_provider(name, &call, client).await?,
            Name::BeginSignIn | Name::FinishSignIn | Name::BeginLink | Name::Identities | Name::Unlink => {
                return Err(Error::NotEnabled("sign-in at providers").into());
            }
            Name::Keys => {
                let keys = accounts.keys(call.caller()?).await?;
                ok(&json!({ "keys": keys.iter().map(answer::key).collect::<Vec<_>>() }))
            }
            Name::AddKey => self.add_key(&call).await?,
            Name::WithdrawKey => {
                accounts.withdraw_key(call.caller()?, call.id("id")?).await?;
                no_content()
            }
            Name::Organizations => self.organizations(&call).await?,
            Name::CreateOrganization => self.create_organization(&call).await?,
            Name::SetOrganization => self.set_organization(&call).await?,
            Name::AcceptInvitation => self.accept_invitation(&call).await?,
            Name::Organization => self.organization(&call).await?,
            Name::ChangeOrganization => self.change_organization(&call).await?,
            Name::RemoveOrganization => self.remove_organization(&call).await?,
            Name::Members => self.members(&call).await?,
            Name::ChangeMember => self.change_member(&call).await?,
            Name::RemoveMember => self.remove_member(&call).await?,
            Name::Invitations => self.invitations(&call).await?,
            Name::Invite => self.invite(&call).await?,
            Name::WithdrawInvitation => self.withdraw_invitation(&call).await?,
            Name::Roles => self.roles(&call).await?,
            Name::DefineRole => self.define_role(&call).await?,
            Name::RemoveRole => self.remove_role(&call).await?,
        })
    }

    #[cfg(not(feature = "sign-in"))]
    fn has_providers(&self) -> bool {
        false
    }

    async fn add_key(&self, call: &Call) -> Result<Response<Bytes>, Error> {
        let NewKeyBody { name, scopes, expires_at } = call.json()?;
        if name.is_empty() || name.chars().count() > NewKeyBody::MAX_NAME {
            return Err(Error::InvalidRequest);
        }
        let key = NewKey::new(name, KeyScopes::new(scopes)?);
        let key = match expires_at {
            Some(seconds) => {
                let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
                key.expires_at(at.ok_or(Error::InvalidRequest)?)
            }
            None => key,
        };
        let key = self.0.accounts.add_key(call.caller()?, key).await?;
        Ok(created(&json!({ "text": key.expose(), "key": answer::key(key.row()) })))
    }

    /// The cookies for this request: none for a client that is no browser.
    fn cookies_for(&self, call: &Call) -> Option<&TokenCookies> {
        self.0.cookies.as_ref().filter(|_| call.may_be_browser())
    }

    fn refresh_token(&self, call: &Call) -> Result<String, Error> {
        let body: WithRefresh = call.json_or_default()?;
        let token = match (body.refresh_token, &self.0.cookies) {
            (None, Some(cookies)) if cookies.has_access() => cookies.read_refresh(call)?,
            (None, Some(_)) => return Err(Error::NotEnabled("refresh of a session cookie")),
            (token, _) => token,
        };
        token.ok_or(Error::InvalidRefreshToken)
    }

    /// The refresh tokens of a sign-out. A browser may have sent none; another client has forgotten it.
    fn tokens_to_end(&self, call: &Call) -> Result<Vec<String>, Error> {
        let body: WithRefresh = call.json_or_default()?;
        match (body.refresh_token, self.cookies_for(call)) {
            (Some(token), _) => Ok(vec![token]),
            (None, Some(cookies)) => Ok(cookies.read_each_refresh(call)),
            (None, None) => Err(Error::InvalidRequest),
        }
    }

    fn outcome(&self, call: &Call, outcome: SignInOutcome) -> Response<Bytes> {
        match outcome {
            SignInOutcome::SignedIn(sign_in) => self.signed_in(call, &sign_in),
            SignInOutcome::SecondFactor(token) => ok(&json!({ "second_factor": token.expose() })),
        }
    }

    fn signed_in(&self, call: &Call, sign_in: &SignIn) -> Response<Bytes> {
        let user = Map::from_iter([("user".to_owned(), answer::user(&sign_in.user))]);
        let cookies = self.cookies_for(call);
        give(&sign_in.tokens, user, cookies, cookies.map(|cookies| cookies.set_signed_in(sign_in)))
    }

    fn with_tokens(&self, call: &Call, tokens: &Tokens) -> Response<Bytes> {
        let cookies = self.cookies_for(call);
        give(tokens, Map::new(), cookies, cookies.map(|cookies| cookies.set(tokens)))
    }

    /// Another access token of the same session.
    fn with_access(&self, call: &Call, access: &Token) -> Response<Bytes> {
        let expires_in = self.0.accounts.0.access.life.as_secs();
        match self.cookies_for(call) {
            None => ok(&json!({ "token_type": "Bearer", "access_token": access.expose(), "expires_in": expires_in })),
            Some(cookies) => match cookies.set_access(access) {
                Some(cookie) => with_cookies(ok(&json!({ "expires_in": expires_in })), vec![cookie]),
                // The session itself says it.
                None => ok(&json!({})),
            },
        }
    }

    fn signed_out(&self, call: &Call, body: &Value) -> Response<Bytes> {
        with_cookies(ok(body), self.cookies_for(call).map(TokenCookies::clear).unwrap_or_default())
    }
}

/// An answer with tokens: in these cookies, or else in the body.
fn give(
    tokens: &Tokens,
    mut body: Map<String, Value>,
    cookies: Option<&TokenCookies>,
    values: Option<Vec<String>>,
) -> Response<Bytes> {
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    if cookies.is_none_or(TokenCookies::has_access) {
        set("expires_in", tokens.expires_in.as_secs().into());
    }
    set("refresh_expires_in", tokens.refresh_expires_in.as_secs().into());
    if cookies.is_none() {
        set("token_type", "Bearer".into());
        set("access_token", tokens.access.expose().into());
        set("refresh_token", tokens.refresh.expose().into());
    }
    with_cookies(ok(&Value::Object(body)), values.unwrap_or_default())
}

#[derive(Deserialize)]
struct WithPassword {
    email: String,
    password: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct WithEmail {
    email: String,
}

#[derive(Deserialize)]
struct WithToken {
    token: String,
    password: Option<String>,
}

#[derive(Deserialize)]
struct WithCode {
    code: String,
}

#[derive(Deserialize)]
struct TokenAndCode {
    token: String,
    code: String,
}

#[derive(Default, Deserialize)]
struct MaybePassword {
    password: Option<String>,
}

#[derive(Deserialize)]
struct OldAndNew {
    old: String,
    new: String,
}

#[derive(Deserialize)]
struct NewKeyBody {
    name: String,
    scopes: Vec<String>,
    /// In seconds since 1970.
    expires_at: Option<u64>,
}

impl NewKeyBody {
    const MAX_NAME: usize = 255;
}

#[derive(Default, Deserialize)]
struct WithRefresh {
    refresh_token: Option<String>,
}
