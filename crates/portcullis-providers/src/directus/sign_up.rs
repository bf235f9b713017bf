//! New users, whose rights the service decides.

use super::{
    DirectusClient,
    answer::{accepted, data},
};
use crate::parts::misconfigured;
use portcullis_core::{BearerToken, Error, ErrorKind};
use serde_json::{Map, Value};
use std::fmt;

/// Fields that give rights or access, or say who somebody is.
const RESERVED: [&str; 13] = [
    "auth_data",
    "email",
    "external_identifier",
    "id",
    "last_access",
    "last_page",
    "password",
    "policies",
    "provider",
    "role",
    "status",
    "tfa_secret",
    "token",
];

/// Creates users with the static token of an administrator. `Debug` does not show it.
///
/// Role and status are fixed. Beside e-mail address and password, only the listed fields are accepted, with texts, numbers,
/// `true`, `false` or `null`: an object or a list could create or change rows of other tables. Limit how often people may
/// register before you call this.
///
/// ```
/// use portcullis_core::ErrorKind;
/// use portcullis_providers::directus::DirectusClient;
/// use serde_json::json;
/// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
/// # #[derive(Debug)] struct Client;
/// # impl HttpClient for Client {
/// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(200, r#"{"data":{"id":"u1"}}"#))); }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = Client;
/// const ROLE: &str = "5b6ec1d0-0f5f-4d4e-8a52-2d6c7a3a4f10"; // of members
/// let directus = DirectusClient::new("https://directus.example.com", client)?;
/// let sign_up = directus.sign_up("admin-static-token", ROLE, &["first_name"])?;
///
/// let create = async |input: serde_json::Value| {
///     let fields = serde_json::from_value(input).unwrap_or_default();
///     sign_up.create("alice@example.com", "correct horse", &fields).await
/// };
/// assert_eq!(create(json!({ "first_name": "Alice" })).await?.as_deref(), Some("u1"));
/// let refused = create(json!({ "first_name": "Alice", "role": "of-administrators" })).await;
/// assert!(refused.is_err_and(|error| error.code() == "field_not_accepted"));
///
/// // a mistake of the service
/// assert!(directus.sign_up("admin-static-token", ROLE, &["policies"]).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SignUp {
    directus: DirectusClient,
    token: BearerToken,
    role: String,
    fields: Vec<&'static str>,
}

impl SignUp {
    pub(super) fn new(
        directus: DirectusClient,
        admin_token: &str,
        role: &str,
        fields: &[&'static str],
    ) -> Result<Self, Error> {
        let token = BearerToken::new(admin_token)
            .map_err(|error| misconfigured("the administrator's token cannot be one").with_cause(error))?;
        if role.len() != 36 || !role.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return Err(misconfigured("a role of Directus is named by its id, not by its name"));
        }
        if let Some(field) = fields.iter().find(|field| RESERVED.contains(field)) {
            return Err(misconfigured(format!("the field `{field}` is not for those who register")));
        }
        Ok(Self { directus, token, role: role.to_owned(), fields: fields.to_vec() })
    }

    /// Creates a user and returns the id, if the instance tells it.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`]: 400 `field_not_accepted` for a field that is not listed or has another value than stated above,
    /// 409 `record_not_unique` for an e-mail address that is taken, 400 `invalid_payload`.
    /// [`ErrorKind::Misconfigured`] if the instance refuses the administrator's token. [`ErrorKind::Unavailable`] if it does not
    /// answer properly; the user may have been created.
    pub async fn create(
        &self,
        email: &str,
        password: &str,
        fields: &Map<String, Value>,
    ) -> Result<Option<String>, Error> {
        let is_accepted = |(name, value): (&String, &Value)| {
            self.fields.contains(&name.as_str()) && !value.is_object() && !value.is_array()
        };
        if !fields.iter().all(is_accepted) {
            return Err(Error::rejected(400, "field_not_accepted"));
        }
        let mut user = fields.clone();
        let fixed = [("email", email), ("password", password), ("role", &self.role), ("status", "active")];
        user.extend(fixed.map(|(name, value)| (name.to_owned(), Value::from(value))));
        let answer = self.directus.create_user(&self.token, Value::Object(user)).await?;
        accepted(&answer).map_err(|error| match error.kind() {
            ErrorKind::Invalid | ErrorKind::Expired | ErrorKind::Denied => {
                misconfigured("Directus refuses the administrator's token").with_cause(error)
            }
            _ => error,
        })?;
        Ok(data(&answer).ok().and_then(|user| Some(user.get("id")?.as_str()?.to_owned())))
    }
}

impl fmt::Debug for SignUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignUp").field("role", &self.role).field("fields", &self.fields).finish_non_exhaustive()
    }
}
