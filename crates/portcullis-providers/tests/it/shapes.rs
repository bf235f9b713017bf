//! Tokens in the shapes of each issuer, for the suite that all of them share and for their own tests.

use crate::{gate::Head, tokens::now};
use portcullis_core::{
    Algorithm, Audience, Error, ErrorKind, Gate, HttpClient, HttpRequest, HttpResponse, Issuer, Jwt, Principal,
    RemoteKeys, Reply, Scheme, Verifier,
    testing::{TestIssuer, TestToken},
};
use portcullis_providers::{
    auth0, clerk::Instance, cognito, directus::Directus, entra, firebase, github_actions, google, keycloak, kubernetes,
    okta, rfc9068, stytch, supabase, zitadel,
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

pub const TENANT: &str = "11111111-2222-4333-8444-555555555555";
pub const PROJECT: &str = "project-test-11111111-1111-4111-8111-111111111111";
pub const B2B: &str = "project-live-11111111-1111-4111-8111-111111111111";
pub const PUBLISHABLE_KEY: &str = "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k";

/// An issuer as its users set it up, what it signs, and what it signs for others.
pub struct Shape {
    pub provider: &'static str,
    /// The `iss` of its tokens.
    pub issuer: &'static str,
    pub algorithm: Algorithm,
    /// The verifier with keys that are fetched by this client.
    pub verifier: fn(Published) -> Result<Verifier, Error>,
    /// Where its keys are. `None` if nothing is fetched.
    pub keys_at: Option<&'static str>,
    /// The claims of a good token.
    pub claims: fn() -> Value,
    /// Claims that make it a token for somebody else: another audience, client, project or repository.
    pub elsewhere: fn() -> Value,
    /// The name of another environment of the same issuer.
    pub environment: &'static str,
    pub token_type: &'static str,
}

impl Shape {
    pub fn tester(&self) -> TestIssuer {
        TestIssuer::with_algorithm(self.algorithm).named(self.issuer)
    }

    /// A token with these claims in addition to those of a good one. `null` takes a claim away.
    pub fn token<'t>(&self, tester: &'t TestIssuer, changes: &Value) -> TestToken<'t> {
        let each = |token, claims: &Value| {
            claims.as_object().unwrap().iter().fold(token, |token: TestToken<'t>, (name, value)| match value {
                Value::Null => token.without(name),
                _ => token.claim(name, value.clone()),
            })
        };
        let token = tester.token("").without("aud").without("sub").header("typ", self.token_type);
        each(each(token, &(self.claims)()), changes)
    }

    /// The principal of a good token with these changes.
    pub fn enter(&self, changes: Value) -> Result<Principal, Error> {
        self.enter_as(changes, |token| token)
    }

    /// The same, with more changes to the token.
    pub fn enter_as(&self, changes: Value, change: fn(TestToken<'_>) -> TestToken<'_>) -> Result<Principal, Error> {
        let tester = self.tester();
        let verifier = (self.verifier)(Published::by(self, &tester)).unwrap();
        let gate = Gate::builder().clock(tester.clock()).scheme(Scheme::new(verifier).bearer()).build().unwrap();
        let token = change(self.token(&tester, &changes)).sign();
        let established = now(gate.establish(&Head::bearer(&token)));
        established.principal().cloned()
    }

    /// The kind of the refusal.
    pub fn refuses(&self, changes: Value) -> Option<ErrorKind> {
        self.enter(changes).err().map(|error| error.kind())
    }
}

/// The keys of an issuer at their address, and nothing elsewhere.
#[derive(Debug, Clone)]
pub struct Published {
    keys_at: Option<&'static str>,
    keys: String,
    document: Option<(String, String)>,
    is_down: Arc<AtomicBool>,
}

impl Published {
    pub fn by(shape: &Shape, tester: &TestIssuer) -> Self {
        let keys = format!(r#"{{"keys":[{}]}}"#, tester.signing_key().public_jwk("1").unwrap_or_default());
        let (name, keys_at) = (shape.issuer, shape.keys_at);
        let document = (shape.provider == "RFC 9068").then(|| {
            let document = json!({ "issuer": name, "jwks_uri": keys_at }).to_string();
            (format!("{name}/.well-known/openid-configuration"), document)
        });
        Self { keys_at, keys, document, is_down: Arc::default() }
    }

    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }
}

impl HttpClient for Published {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let found = match &self.document {
            Some((address, document)) if request.url() == address => Some(document),
            _ => self.keys_at.filter(|address| *address == request.url()).map(|_| &self.keys),
        };
        reply.give(match (self.is_down.load(Ordering::SeqCst), found) {
            (true, _) => Err(Error::new(ErrorKind::Unavailable, "the issuer is down")),
            (false, Some(text)) => Ok(HttpResponse::new(200, text.as_str())),
            (false, None) => Ok(HttpResponse::new(404, "")),
        });
    }
}

fn jwt(issuer: Result<Issuer, Error>) -> Result<Verifier, Error> {
    Ok(Jwt::new(issuer?).into())
}

fn clerk() -> Instance {
    Instance::new(PUBLISHABLE_KEY).unwrap()
}

/// That of the test kit.
const SECRET: &str = "the test issuer's secret, published with its source: trust none.";

const RS256: Algorithm = Algorithm::Rs256;

pub const SHAPES: [Shape; 19] = [
    Shape {
        provider: "Auth0",
        issuer: "https://shop.eu.auth0.com/",
        algorithm: RS256,
        verifier: |client| {
            jwt(auth0::api("shop.eu.auth0.com", "https://api.example.com", auth0::keys("shop.eu.auth0.com", client)?))
        },
        keys_at: Some("https://shop.eu.auth0.com/.well-known/jwks.json"),
        claims: || {
            json!({ "sub": "auth0|1", "aud": ["https://api.example.com", "https://shop.eu.auth0.com/userinfo"],
                    "azp": "client", "scope": "openid read:orders", "permissions": ["read:orders"], "org_id": "org_1" })
        },
        elsewhere: || json!({ "aud": "https://other.example.com" }),
        environment: "https://shop-dev.eu.auth0.com/",
        token_type: "JWT",
    },
    Shape {
        provider: "Clerk",
        issuer: "https://clerk.example.com",
        algorithm: RS256,
        verifier: |client| jwt(clerk().sessions_of(["https://app.example.com"], clerk().keys(client)?)),
        keys_at: Some("https://clerk.example.com/.well-known/jwks.json"),
        claims: || {
            json!({ "sub": "user_1", "sid": "sess_1", "azp": "https://app.example.com", "fva": [0, -1], "v": 2, "sts": "active",
                    "fea": "o:dashboard,o:teams",
                    "o": { "id": "org_1", "slg": "acme", "rol": "admin", "per": "manage,read", "fpm": "3,2" } })
        },
        elsewhere: || json!({ "azp": "https://evil.example.net" }),
        environment: "https://brave-owl-1.clerk.accounts.dev",
        token_type: "JWT",
    },
    Shape {
        provider: "Cognito, access tokens",
        issuer: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123",
        algorithm: RS256,
        verifier: |client| {
            jwt(cognito::access_tokens(
                "eu-central-1_AbCdEf123",
                ["web"],
                cognito::keys("eu-central-1_AbCdEf123", client)?,
            ))
        },
        keys_at: Some("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123/.well-known/jwks.json"),
        claims: || {
            json!({ "sub": "alice", "client_id": "web", "token_use": "access", "scope": "openid orders/read", "version": 2,
                    "origin_jti": "login-1", "jti": "token-1", "cognito:groups": ["admins"] })
        },
        elsewhere: || json!({ "client_id": "other" }),
        environment: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Staging00",
        token_type: "JWT",
    },
    Shape {
        provider: "Cognito, ID tokens",
        issuer: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123",
        algorithm: RS256,
        verifier: |client| {
            jwt(cognito::id_tokens("eu-central-1_AbCdEf123", ["web"], cognito::keys("eu-central-1_AbCdEf123", client)?))
        },
        keys_at: Some("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123/.well-known/jwks.json"),
        claims: || json!({ "sub": "alice", "aud": "web", "token_use": "id", "cognito:groups": ["admins"] }),
        elsewhere: || json!({ "aud": "other" }),
        environment: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Staging00",
        token_type: "JWT",
    },
    Shape {
        provider: "Directus, local",
        issuer: "directus",
        algorithm: Algorithm::Hs256,
        verifier: |_| Ok(Directus::new(SECRET)?.into()),
        keys_at: None,
        claims: || json!({ "id": "u1", "role": "r1", "app_access": true, "admin_access": false }),
        elsewhere: || json!({ "aud": "other" }),
        environment: "https://directus.example.net",
        token_type: "JWT",
    },
    Shape {
        provider: "Entra, version 2",
        issuer: "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0",
        algorithm: RS256,
        verifier: |client| jwt(entra::tenant(TENANT, Audience::is("api"), entra::keys(TENANT, client)?)),
        keys_at: Some("https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/discovery/v2.0/keys"),
        claims: || {
            json!({ "sub": "pairwise", "aud": "api", "oid": "alice", "tid": TENANT, "azp": "web", "ver": "2.0",
                    "scp": "orders.read orders.write", "roles": ["Admin"] })
        },
        elsewhere: || json!({ "aud": "other" }),
        environment: "https://login.microsoftonline.com/99999999-2222-4333-8444-555555555555/v2.0",
        token_type: "JWT",
    },
    Shape {
        provider: "Entra, version 1",
        issuer: "https://sts.windows.net/11111111-2222-4333-8444-555555555555/",
        algorithm: RS256,
        verifier: |client| jwt(entra::tenant(TENANT, Audience::is("api://api"), entra::keys(TENANT, client)?)),
        keys_at: Some("https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/discovery/v2.0/keys"),
        claims: || {
            json!({ "sub": "pairwise", "aud": "api://api", "oid": "alice", "tid": TENANT, "appid": "web", "ver": "1.0",
                    "scp": "orders.read" })
        },
        elsewhere: || json!({ "aud": "api://other" }),
        environment: "https://sts.windows.net/99999999-2222-4333-8444-555555555555/",
        token_type: "JWT",
    },
    Shape {
        provider: "Firebase",
        issuer: "https://securetoken.google.com/shop-1234",
        algorithm: RS256,
        verifier: |client| jwt(firebase::users("shop-1234", firebase::keys(client)?)),
        keys_at: Some("https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"),
        claims: || {
            json!({ "sub": "alice", "user_id": "alice", "aud": "shop-1234", "auth_time": 1_000,
                    "firebase": { "sign_in_provider": "password", "tenant": "acme" } })
        },
        elsewhere: || json!({ "aud": "other" }),
        environment: "https://securetoken.google.com/shop-staging",
        token_type: "JWT",
    },
    Shape {
        provider: "GitHub Actions",
        issuer: "https://token.actions.githubusercontent.com",
        algorithm: RS256,
        verifier: |client| jwt(github_actions::repositories(["74839201"], "deploy", github_actions::keys(client)?)),
        keys_at: Some("https://token.actions.githubusercontent.com/.well-known/jwks"),
        claims: || {
            json!({ "sub": "repo:example/shop:ref:refs/heads/main", "aud": "deploy", "repository": "example/shop",
                    "repository_id": "74839201", "repository_owner_id": "9919", "ref": "refs/heads/main" })
        },
        elsewhere: || json!({ "repository_id": "1", "repository": "example/shop" }),
        environment: "https://github.example.com/_services/token",
        token_type: "JWT",
    },
    Shape {
        provider: "Google",
        issuer: "https://accounts.google.com",
        algorithm: RS256,
        verifier: |client| jwt(google::workspace("example.com", ["web"], google::keys(client)?)),
        keys_at: Some("https://www.googleapis.com/oauth2/v3/certs"),
        claims: || {
            json!({ "sub": "1", "aud": "web", "azp": "web", "hd": "example.com", "email": "alice@example.com",
                    "email_verified": true })
        },
        elsewhere: || json!({ "hd": null, "email": "mallory@example.com" }),
        environment: "https://accounts.google.com.example.net",
        token_type: "JWT",
    },
    Shape {
        provider: "Keycloak",
        issuer: "https://id.example.com/realms/shop",
        algorithm: RS256,
        verifier: |client| {
            jwt(keycloak::client_roles(
                "https://id.example.com",
                "shop",
                "orders",
                keycloak::keys("http://keycloak:8080", "shop", client)?,
            ))
        },
        keys_at: Some("http://keycloak:8080/realms/shop/protocol/openid-connect/certs"),
        claims: || {
            json!({ "sub": "alice", "aud": ["account", "orders"], "typ": "Bearer", "azp": "web", "sid": "s1", "scope": "email",
                    "realm_access": { "roles": ["offline_access"] }, "resource_access": { "orders": { "roles": ["editor"] } } })
        },
        elsewhere: || json!({ "aud": ["account", "billing"] }),
        environment: "https://id.example.com/realms/staging",
        token_type: "JWT",
    },
    Shape {
        provider: "Kubernetes",
        issuer: "https://kubernetes.default.svc.cluster.local",
        algorithm: RS256,
        verifier: |client| {
            let cluster = "https://kubernetes.default.svc.cluster.local";
            let keys = RemoteKeys::jwks("https://kubernetes.default.svc/openid/v1/jwks", client)?;
            jwt(kubernetes::service_accounts(["shop:worker"], cluster, "orders", keys))
        },
        keys_at: Some("https://kubernetes.default.svc/openid/v1/jwks"),
        claims: || {
            json!({ "sub": "system:serviceaccount:shop:worker", "aud": ["orders"],
                    "kubernetes.io": { "namespace": "shop", "pod": { "name": "worker-1", "uid": "2" },
                                       "serviceaccount": { "name": "worker", "uid": "1" } } })
        },
        elsewhere: || json!({ "aud": ["https://kubernetes.default.svc.cluster.local"] }),
        environment: "https://oidc.staging.example.com",
        token_type: "JWT",
    },
    Shape {
        provider: "Okta",
        issuer: "https://shop.okta.com/oauth2/default",
        algorithm: RS256,
        verifier: |client| {
            jwt(okta::server(
                "shop.okta.com",
                "default",
                "api://default",
                okta::keys("shop.okta.com", "default", client)?,
            ))
        },
        keys_at: Some("https://shop.okta.com/oauth2/default/v1/keys"),
        claims: || {
            json!({ "sub": "alice@example.com", "uid": "00u1", "cid": "0oa1", "aud": "api://default", "ver": 1,
                    "scp": ["openid", "orders"], "groups": ["Admins"] })
        },
        elsewhere: || json!({ "aud": "api://other" }),
        environment: "https://shop.oktapreview.com/oauth2/default",
        token_type: "JWT",
    },
    Shape {
        provider: "RFC 9068",
        issuer: "https://id.example.com",
        algorithm: Algorithm::Es256,
        verifier: |client| {
            let keys = RemoteKeys::discover("https://id.example.com", client)?;
            jwt(rfc9068::access_tokens("https://id.example.com", Audience::is("orders"), [Algorithm::Es256], keys))
        },
        keys_at: Some("https://id.example.com/keys"),
        claims: || json!({ "sub": "alice", "aud": "orders", "client_id": "web", "jti": "1", "scope": "orders:read", "roles": ["editor"] }),
        elsewhere: || json!({ "aud": "billing" }),
        environment: "https://id.staging.example.com",
        token_type: "at+jwt",
    },
    Shape {
        provider: "Stytch, consumer",
        issuer: "stytch.com/project-test-11111111-1111-4111-8111-111111111111",
        algorithm: RS256,
        verifier: |client| jwt(stytch::sessions(PROJECT, stytch::keys(PROJECT, client)?)),
        keys_at: Some("https://test.stytch.com/v1/sessions/jwks/project-test-11111111-1111-4111-8111-111111111111"),
        claims: || {
            json!({ "sub": "user-test-1", "aud": [PROJECT],
                    "https://stytch.com/session": { "id": "session-test-1", "expires_at": null, "roles": ["stytch_user"] } })
        },
        elsewhere: || json!({ "aud": [B2B] }),
        environment: "stytch.com/project-live-11111111-1111-4111-8111-111111111111",
        token_type: "JWT",
    },
    Shape {
        provider: "Stytch, B2B",
        issuer: "stytch.com/project-live-11111111-1111-4111-8111-111111111111",
        algorithm: RS256,
        verifier: |client| jwt(stytch::b2b_sessions(B2B, stytch::b2b_keys(B2B, client)?)),
        keys_at: Some("https://api.stytch.com/v1/b2b/sessions/jwks/project-live-11111111-1111-4111-8111-111111111111"),
        claims: || {
            json!({ "sub": "member-live-1", "aud": [B2B],
                    "https://stytch.com/session": { "id": "session-live-1", "roles": ["stytch_member", "editor"] },
                    "https://stytch.com/organization": { "organization_id": "organization-live-1", "slug": "acme" } })
        },
        elsewhere: || json!({ "aud": [PROJECT] }),
        environment: "stytch.com/project-test-11111111-1111-4111-8111-111111111111",
        token_type: "JWT",
    },
    Shape {
        provider: "Supabase",
        issuer: "https://abcdefghijklmnopqrst.supabase.co/auth/v1",
        algorithm: Algorithm::Es256,
        verifier: |client| {
            jwt(supabase::users(
                "https://abcdefghijklmnopqrst.supabase.co",
                supabase::keys("https://abcdefghijklmnopqrst.supabase.co", client)?,
            ))
        },
        keys_at: Some("https://abcdefghijklmnopqrst.supabase.co/auth/v1/.well-known/jwks.json"),
        claims: || {
            json!({ "sub": "alice", "aud": "authenticated", "role": "authenticated", "session_id": "s1", "aal": "aal1",
                    "is_anonymous": false })
        },
        elsewhere: || json!({ "aud": null, "role": "service_role", "ref": "abcdefghijklmnopqrst" }),
        environment: "https://zzzzzzzzzzzzzzzzzzzz.supabase.co/auth/v1",
        token_type: "JWT",
    },
    Shape {
        provider: "Supabase, by secret",
        issuer: "https://abcdefghijklmnopqrst.supabase.co/auth/v1",
        algorithm: Algorithm::Hs256,
        verifier: |_| jwt(supabase::users_by_secret("https://abcdefghijklmnopqrst.supabase.co", SECRET)),
        keys_at: None,
        claims: || json!({ "sub": "alice", "aud": "authenticated", "role": "authenticated", "session_id": "s1" }),
        elsewhere: || json!({ "aud": "anon" }),
        environment: "https://zzzzzzzzzzzzzzzzzzzz.supabase.co/auth/v1",
        token_type: "JWT",
    },
    Shape {
        provider: "Zitadel",
        issuer: "https://shop.zitadel.cloud",
        algorithm: RS256,
        verifier: |client| {
            jwt(zitadel::project(
                "https://shop.zitadel.cloud",
                "6923",
                zitadel::keys("https://shop.zitadel.cloud", client)?,
            ))
        },
        keys_at: Some("https://shop.zitadel.cloud/oauth/v2/keys"),
        claims: || {
            json!({ "sub": "1", "aud": ["2", "6923"], "client_id": "2",
                    "urn:zitadel:iam:org:project:6923:roles": { "editor": { "77": "acme.example.com" } },
                    "urn:zitadel:iam:user:resourceowner:id": "77" })
        },
        elsewhere: || json!({ "aud": ["2", "6924"] }),
        environment: "https://staging.zitadel.cloud",
        token_type: "JWT",
    },
];

/// The shape of this provider.
pub fn of(provider: &str) -> &'static Shape {
    SHAPES.iter().find(|shape| shape.provider == provider).unwrap()
}
