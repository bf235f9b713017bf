//! Sign-in: the paths, cookies and answers of the original, over the methods of [`Accounts`].

use bytes::Bytes;
use http::{
    Response,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION, SET_COOKIE},
};
use portcullis::{
    ApiKeys, Error, ErrorKind,
    accounts::{self, store::Stores, *},
};
use serde_json::{Map, Value, json};
use std::{collections::HashMap, time::Duration};

/// What can be posted without a session. On both frameworks, [`Auth::answer`] answers it.
pub const PATHS: [&str; 9] = [
    "/api/v1/users",
    "/api/v1/auth/access-token",
    "/api/v1/auth/refresh-token",
    "/api/v1/auth/remove-access-token",
    "/api/v1/auth/confirm-email",
    "/api/v1/auth/request-email-confirmation",
    "/api/v1/auth/approve-account",
    "/api/v1/auth/request-password-reset",
    "/api/v1/auth/reset-password",
];

/// The accounts, by the rules of the original. Pages of its front end are below this address.
///
/// # Errors
/// If the secret has fewer than 32 bytes.
pub fn accounts(
    secret: &str,
    stores: impl Into<Stores>,
    mailer: impl Mailer + 'static,
    pages: &str,
) -> Result<AccountsBuilder, Error> {
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let sessions = SessionRules::new().format(RefreshFormat::Jwt).life(days(365)).idle(days(30));
    let pages = Links::below(format!("{pages}/auth"));
    Ok(Accounts::builder("d2s", Secret::new(secret)?, stores)
        .access_tokens(AccessTokens::new().dangerous_bare("access"))
        .sessions(sessions.grace(Duration::from_secs(10)).dangerous_keep_family())
        .passwords(PasswordRules::new().length(12, 128).max_run(2))
        .legacy(|password, hash| hash.starts_with("$2").then(|| bcrypt::verify(password, hash).unwrap_or(false)))
        .limits(Limits::new().sign_ins_per_network(Limit::new(10, Duration::from_secs(60))))
        .approval()
        .mailer(mailer, pages))
}

/// What the endpoints of [`PATHS`] need.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "tests put it together")]
pub struct Auth {
    /// The accounts.
    pub accounts: Accounts,
    /// Where tokens are set and read.
    pub cookies: TokenCookies,
    /// The API keys.
    pub keys: ApiKeys,
    /// Who approves accounts.
    pub administrator: EmailAddress,
}

impl Auth {
    /// Answers a request to one of [`PATHS`].
    ///
    /// # Errors
    /// Those of the accounts.
    pub async fn answer(self, path: &'static str, call: Call) -> Result<Response<Bytes>, Error> {
        let (accounts, client, fields) = (&self.accounts, &call.client(0), fields(&call));
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        match path.rsplit('/').next().unwrap_or_default() {
            "users" => {
                let names = ["first_name", "last_name"].map(|name| (name.to_owned(), field(name).into()));
                let mut user = Map::from_iter(names);
                let form = SignUp { email: field("email"), password: field("password"), extra: user.clone() };
                accounts.sign_up(form, client).await?;
                user.insert("email".to_owned(), field("email").into());
                answer(201, &Value::Object(user), SET_COOKIE, &[])
            }
            "access-token" => {
                let sign_in = accounts.sign_in(field("username"), field("password"), client).await?.signed_in()?;
                answer(200, &json!(200), SET_COOKIE, &self.cookies.set(&sign_in.tokens))
            }
            "refresh-token" => {
                let token = self.cookies.read_refresh(&call)?;
                let token = token.ok_or_else(|| Error::rejected(401, "no_refresh_token"))?;
                let tokens = accounts.refresh(&token, client).await?;
                let (access, refresh) = (tokens.access.expose(), tokens.refresh.expose());
                let expires_in = tokens.expires_in.as_secs();
                let body = json!({ "access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": expires_in });
                answer(200, &body, SET_COOKIE, &self.cookies.set(&tokens))
            }
            "remove-access-token" => {
                for token in self.cookies.read_each_refresh(&call) {
                    accounts.sign_out(&token).await?;
                }
                answer(200, &json!(200), SET_COOKIE, &self.cookies.clear())
            }
            "confirm-email" => {
                let proof = fields.get("password").map_or(Proof::Nothing, |password| Proof::Password(password));
                let query = match accounts.confirm_email(field("token"), proof).await {
                    Err(accounts::Error::InvalidToken) => "error=invalid",
                    confirmed => {
                        let user = confirmed?;
                        if user.approved_at.is_none() {
                            accounts.request_approval(&user.id, &self.administrator).await?;
                        }
                        "email_confirmed=true"
                    }
                };
                answer(303, &Value::Null, LOCATION, &[format!("/auth/login?{query}")])
            }
            "request-email-confirmation" => {
                accounts.resend_confirmation(field("email"), client).await?;
                answer(200, &Value::Null, SET_COOKIE, &[])
            }
            "approve-account" => {
                let status = match accounts.approve_with_link(field("token")).await {
                    Err(accounts::Error::InvalidToken) => "token invalid",
                    approved => approved.map(|_| "approved")?,
                };
                answer(200, &json!({ "status": status }), SET_COOKIE, &[])
            }
            "request-password-reset" => {
                accounts.request_reset(field("email"), client).await?;
                answer(200, &Value::Null, SET_COOKIE, &[])
            }
            "reset-password" => {
                accounts.reset_password(field("token"), field("password")).await?;
                answer(200, &json!({ "status": "success" }), SET_COOKIE, &[])
            }
            _ => Err(Error::new(ErrorKind::Misconfigured, "a path without an answer")),
        }
    }
}

/// The fields of a form, or of a JSON object.
fn fields(call: &Call) -> HashMap<String, String> {
    call.json().unwrap_or_else(|_| form_urlencoded::parse(call.request.body()).into_owned().collect())
}

fn answer(status: u16, body: &Value, name: HeaderName, values: &[String]) -> Result<Response<Bytes>, Error> {
    let answer = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    let answer = answer.header(CACHE_CONTROL, "no-store");
    let answer = values.iter().fold(answer, |answer, value| answer.header(&name, value));
    let failed = |error| Error::new(ErrorKind::Misconfigured, "an answer with a malformed header").with_cause(error);
    answer.body(body.to_string().into()).map_err(failed)
}
