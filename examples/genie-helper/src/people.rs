//! People: registration, sign-in, refresh and sign-out, all at Directus.
#![expect(missing_debug_implementations, reason = "the bodies of requests have passwords and tokens in them")]

use portcullis::{
    Error, HttpClient,
    providers::directus::{DirectusClient, Login, SignUp, TokenPair},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What the service does at Directus for people who are not signed in. The token of the administrator is in here and
/// nowhere else: it only creates users.
#[derive(Debug, Clone)]
pub struct People {
    directus: DirectusClient,
    sign_up: SignUp,
}

/// Who registers. Other fields than these are errors: nobody chooses a role.
#[derive(Deserialize)]
pub struct Registration {
    email: String,
    password: String,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// Who signs in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    email: String,
    password: String,
    otp: Option<String>,
}

/// Who has a pair of tokens. As for Directus itself, no `mode` means JSON.
#[derive(Deserialize)]
pub struct Refresh {
    refresh_token: String,
}

impl People {
    /// At this instance, with the static token of an administrator and the id of the role of new users.
    ///
    /// # Errors
    /// If one of them cannot be what it is.
    pub fn new(url: &str, admin_token: &str, role: &str, client: impl HttpClient + 'static) -> Result<Self, Error> {
        let directus = DirectusClient::new(url, client)?;
        let sign_up = directus.sign_up(admin_token, role, &["first_name"])?;
        Ok(Self { directus, sign_up })
    }

    /// A new user.
    ///
    /// # Errors
    /// If Directus refuses, or a field is not for those who register.
    pub async fn register(self, new: Registration) -> Result<Value, Error> {
        let id = self.sign_up.create(&new.email, &new.password, &new.fields).await?;
        Ok(json!({ "ok": true, "id": id }))
    }

    /// A pair of tokens for an address and a password.
    ///
    /// # Errors
    /// If Directus refuses.
    pub async fn login(self, given: Credentials) -> Result<Value, Error> {
        let login = Login::new(&given.email, &given.password);
        let login = given.otp.iter().fold(login, |login, otp| login.otp(otp));
        Ok(data(&self.directus.login(&login).await?))
    }

    /// The next pair of tokens.
    ///
    /// # Errors
    /// If Directus refuses.
    pub async fn refresh(self, given: Refresh) -> Result<Value, Error> {
        Ok(data(&self.directus.refresh(&given.refresh_token).await?))
    }

    /// Ends the session.
    ///
    /// # Errors
    /// If Directus refuses.
    pub async fn logout(self, given: Refresh) -> Result<Value, Error> {
        self.directus.logout(&given.refresh_token).await?;
        Ok(json!({ "ok": true }))
    }
}

/// As Directus writes it.
fn data(pair: &TokenPair) -> Value {
    json!({ "data": {
        "access_token": pair.access_token().expose(),
        "refresh_token": pair.expose_refresh_token(),
        "expires": u64::try_from(pair.expires_in().as_millis()).unwrap_or(u64::MAX),
    } })
}
