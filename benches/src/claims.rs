use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug};

/// The claims of a token: the text that is signed, what a verifier expects of it, and the type it is read into.
pub(crate) trait Sample: DeserializeOwned + PartialEq + Debug + Send + Sync + 'static {
    const SIZE: &'static str;
    const JSON: &'static str;
    const ISSUER: &'static str;
    /// `None` means that the token may not have any.
    const AUDIENCE: Option<&'static str>;
}

/// What Directus puts into an access token.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Small {
    id: String,
    role: String,
    app_access: bool,
    admin_access: bool,
    iss: String,
    iat: u64,
    pub(crate) exp: u64,
}

impl Sample for Small {
    const SIZE: &'static str = "small";
    const JSON: &'static str = concat!(
        r#"{"id":"3f0c1a52-9d7e-4b86-a1c4-5e2d8f7b9036","role":"b6e1d9a4-27c8-4f53-8e0b-91a7c3d5f248","#,
        r#""app_access":true,"admin_access":false,"#,
        r#""session":"Vt3qLw8ZrK1nXc5BhYj0GmPs7DaEfQuT9oNi2RyUvWxHkJbCdMlAg6S4IzOeFp_-","#,
        r#""iat":1763769600,"exp":4102444800,"iss":"directus"}"#,
    );
    const ISSUER: &'static str = "directus";
    const AUDIENCE: Option<&'static str> = None;
}

/// What Keycloak puts into an access token.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Large {
    exp: u64,
    iat: u64,
    auth_time: u64,
    jti: String,
    iss: String,
    aud: Vec<String>,
    sub: String,
    azp: String,
    sid: String,
    realm_access: Roles,
    // A tree, as a hash map's random seed would make the count of instructions vary.
    resource_access: BTreeMap<String, Roles>,
    scope: String,
    email_verified: bool,
    name: String,
    preferred_username: String,
    email: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Roles {
    roles: Vec<String>,
}

impl Sample for Large {
    const SIZE: &'static str = "large";
    const JSON: &'static str = concat!(
        r#"{"exp":4102444800,"iat":1763769600,"auth_time":1763769588,"jti":"onrtac:c1e0b7d4-58f2-4a3b-9c6d-7a8e90f1b2c3","#,
        r#""iss":"https://id.example.com/realms/warehouse","aud":["account","stock-api"],"#,
        r#""sub":"f:2d9e4c70-81b5-4e6a-b3f7-60a1c8d5e942:maria","typ":"Bearer","azp":"storefront","#,
        r#""sid":"a94f7c21-3e60-4d8b-95b2-f01d6e8c7a35","acr":"1","#,
        r#""allowed-origins":["https://shop.example.com","https://staff.example.com"],"#,
        r#""realm_access":{"roles":["default-roles-warehouse","offline_access","uma_authorization","buyer"]},"#,
        r#""resource_access":{"account":{"roles":["manage-account","manage-account-links","view-profile"]},"#,
        r#""stock-api":{"roles":["stock:read","stock:write","stock:count","orders:read"]}},"#,
        r#""scope":"openid email profile","email_verified":true,"name":"Maria Example","preferred_username":"maria","#,
        r#""given_name":"Maria","family_name":"Example","email":"maria@example.com"}"#,
    );
    const ISSUER: &'static str = "https://id.example.com/realms/warehouse";
    const AUDIENCE: Option<&'static str> = Some("stock-api");
}
