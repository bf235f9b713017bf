//! Session tokens of Clerk, verified with the keys of the instance.
//!
//! ```
//! use portcullis_core::{ErrorKind, Gate, Jwt, Scheme, policy::permission};
//! use portcullis_providers::clerk;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named("https://clerk.example.com");
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |azp: &str| {
//! #     let token = tester.token("user_1").without("aud").claim("sid", "sess_1");
//! #     token.claim("azp", azp).sign()
//! # };
//! let instance = clerk::Instance::new("pk_test_Y2xlcmsuZXhhbXBsZS5jb20k")?;
//! // In a service: `instance.keys(client)?`
//! let sessions = instance.sessions_of(["https://app.example.com"], keys)?;
//! let verifier = Jwt::new(sessions).clock(clock.clone());
//! assert!(verifier.verify(&token("https://app.example.com")).is_ok());
//! assert!(verifier.verify(&token("https://evil.example.net")).is_err());
//!
//! let scheme = Scheme::new(verifier).bearer();
//! let scheme = scheme.cookie(&instance.session_cookie()).cookie("__session");
//! let gate = Gate::builder().clock(clock).scheme(scheme).build()?;
//! gate.plan(permission("teams:read"))?; // `org:teams:read` of the organization in the token
//! # Ok(()) }
//! ```
//!
//! The subject is `sub`, the session is `sid`, and the organization is the active one. Tokens of version 1 and of version 2 that
//! say the same become the same principal: the role as `org:admin`, and each permission `org:teams:read` as `teams:read`.
//! Permissions of version 2 are packed into bit masks. A malformed mask grants nothing. A feature of the user before one of the
//! organization can be counted in two ways; only what both of them grant is granted.
//!
//! Everything is verified here, and only the [keys](Instance::keys) are fetched. A session that was ended at Clerk is valid here
//! until its token expires, which is after 60 seconds. Clocks may differ by 5 seconds.
//!
//! Refused are tokens of sessions with open tasks (`sts` is `pending`), and what is no session token: tokens of templates, of
//! machines, and those without `sid`.

use crate::parts::{invalid, is_host, misconfigured};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose};
use portcullis_core::{
    Algorithm, Audience, Error, HttpClient, Issuer, KeySource, Permission, PermissionSet, Principal, RemoteKeys, Rules,
};
use serde::Deserialize;
use std::time::Duration;

/// The header parameter `cat` of session tokens. Templates, machines and others have other values.
const SESSION: &str = "cl_B7d4PD111AAA";

/// How far the clocks may differ, as Clerk's own libraries have it.
const LEEWAY: Duration = Duration::from_secs(5);

/// An instance of Clerk, by its publishable key. Development and production are two instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    key: String,
    issuer: String,
}

impl Instance {
    /// The instance that a publishable key names, such as `pk_test_Y2xlcmsuZXhhbXBsZS5jb20k`. The key is public.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if this is no publishable key.
    pub fn new(publishable_key: &str) -> Result<Self, Error> {
        let encoded = ["pk_test_", "pk_live_"].iter().find_map(|prefix| publishable_key.strip_prefix(prefix));
        let decoded = encoded.and_then(|encoded| general_purpose::STANDARD.decode(encoded).ok());
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        match text.as_deref().and_then(|text| text.strip_suffix('$')).filter(|host| is_host(host)) {
            Some(host) => Ok(Self { key: publishable_key.to_owned(), issuer: format!("https://{host}") }),
            None => Err(misconfigured("not a publishable key of Clerk, which begins with `pk_test_` or `pk_live_`")),
        }
    }

    /// Checks that a secret key is one for the same kind of instance: test or live. The key itself is not stored.
    ///
    /// ```
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # use portcullis_providers::clerk::Instance;
    /// let instance = Instance::new("pk_test_Y2xlcmsuZXhhbXBsZS5jb20k")?;
    /// assert!(instance.check_secret_key("sk_test_0123456789").is_ok());
    /// assert!(instance.check_secret_key("sk_live_0123456789").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if it is not.
    pub fn check_secret_key(&self, secret_key: &str) -> Result<(), Error> {
        let prefix = if self.is_live() { "sk_live_" } else { "sk_test_" };
        match secret_key.strip_prefix(prefix) {
            Some(rest) if !rest.is_empty() => Ok(()),
            _ => {
                Err(misconfigured(format!("with this publishable key of Clerk, the secret key begins with `{prefix}`")))
            }
        }
    }

    /// Whether this is a production instance.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.key.starts_with("pk_live_")
    }

    /// The `iss` of its tokens: the address of its Frontend API.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The name of its own session cookie, `__session_` and a suffix. A browser that knows several instances has one for each.
    /// Read it before `__session`.
    ///
    /// ```
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # use portcullis_providers::clerk::Instance;
    /// let instance = Instance::new("pk_test_Y2xlcmsuZXhhbXBsZS5jb20k")?;
    /// assert_eq!(instance.session_cookie(), "__session_l2OS3d9k");
    /// assert!(Instance::new("pk_test_").is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn session_cookie(&self) -> String {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, self.key.as_bytes());
        let encoded = general_purpose::URL_SAFE_NO_PAD.encode(hash);
        format!("__session_{}", encoded.get(..8).unwrap_or(&encoded))
    }

    /// Accepts the sessions of this instance, whatever page asked for them. Prefer [`sessions_of`](Self::sessions_of).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if there is no RSA key.
    pub fn sessions(&self, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
        let rules = Rules::new().if_present("sts", ["active"])?;
        let header = Rules::new().if_present("cat", [SESSION])?;
        let issuer = Issuer::new(&*self.issuer, Audience::absent(), [Algorithm::Rs256], keys)?;
        Ok(issuer.leeway(LEEWAY)?.token_type("JWT").rules(rules).header_rules(header).finish(session))
    }

    /// Accepts the sessions of this instance that were asked for by pages of these origins, by the claim `azp`.
    ///
    /// ```
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// # use portcullis_core::{Algorithm, Jwt, testing::TestIssuer};
    /// # use portcullis_providers::clerk::Instance;
    /// # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named("https://clerk.example.com");
    /// # let keys = tester.signing_key().key();
    /// let instance = Instance::new("pk_test_Y2xlcmsuZXhhbXBsZS5jb20k")?;
    /// let sessions = instance.sessions_of(["https://app.example.com"], keys.clone())?;
    /// let verifier = Jwt::new(sessions).clock(tester.clock());
    /// let token = || tester.token("user_1").without("aud").claim("sid", "sess_1");
    /// assert!(verifier.verify(&token().claim("azp", "https://app.example.com").sign()).is_ok());
    /// assert!(verifier.verify(&token().sign()).is_err());
    /// assert!(instance.sessions_of([""; 0], keys).is_err()); // no page at all
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if there is no origin or no RSA key.
    pub fn sessions_of<S: Into<String>>(
        &self,
        origins: impl IntoIterator<Item = S>,
        keys: impl Into<KeySource>,
    ) -> Result<Issuer, Error> {
        Ok(self.sessions(keys)?.rules(Rules::new().one_of("azp", origins)?))
    }

    /// The keys of this instance, fetched from its Frontend API with this client.
    ///
    /// # Errors
    /// None that can happen with a valid instance.
    pub fn keys(&self, client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
        RemoteKeys::jwks(format!("{}/.well-known/jwks.json", self.issuer), client)
    }
}

/// What a session token says about its organization, in both versions.
#[derive(Deserialize)]
struct Session {
    sid: Option<String>,
    v: Option<u64>,
    // Version 1
    org_id: Option<String>,
    org_role: Option<String>,
    org_permissions: Option<Vec<String>>,
    // Version 2
    fea: Option<String>,
    o: Option<Organization>,
}

#[derive(Deserialize)]
struct Organization {
    id: String,
    rol: Option<String>,
    per: Option<String>,
    fpm: Option<String>,
}

/// The principal of a session.
fn session(principal: Principal) -> Result<Principal, Error> {
    let session: &Session = principal.claims()?;
    if session.sid.as_deref().is_none_or(str::is_empty) {
        return Err(invalid("the token has no `sid`, so it is not that of a session"));
    }
    let (organization, role, permissions) = match session.v {
        None | Some(1) => {
            let names = session.org_permissions.iter().flatten();
            let permissions = names.filter_map(|name| name.strip_prefix("org:")).map(str::to_owned).collect();
            (session.org_id.clone(), session.org_role.clone(), permissions)
        }
        Some(2) => match &session.o {
            Some(o) => {
                let role = o.rol.as_ref().filter(|role| !role.is_empty()).map(|role| format!("org:{role}"));
                (Some(o.id.clone()), role, permissions(session.fea.as_deref(), o))
            }
            None => (None, None, Vec::new()),
        },
        Some(version) => {
            return Err(invalid(format!("session tokens of Clerk of version {version} are not known here")));
        }
    };
    let Some(organization) = organization.filter(|id| !id.is_empty()) else { return Ok(principal) };
    // What is no permission here is left out, which grants less.
    let permissions: Vec<Permission> = permissions.iter().filter_map(|name| name.parse().ok()).collect();
    let permissions = PermissionSet::exact(permissions.iter().map(Permission::as_str))?;
    let role = role.filter(|role| !role.is_empty());
    let principal = role.into_iter().fold(principal, Principal::with_role);
    Ok(principal.with_organization(organization).with_permissions(permissions))
}

/// The permissions that are packed into `fpm`: a mask for each feature, with a bit for each action, the lowest first.
fn permissions(features: Option<&str>, organization: &Organization) -> Vec<String> {
    // An empty item has its place too; it makes no permission.
    let list = |text: Option<&str>| -> Vec<String> {
        text.unwrap_or_default().split(',').map(|item| item.trim().to_owned()).collect()
    };
    let (features, actions) = (list(features), list(organization.per.as_deref()));
    let masks: Vec<Option<u128>> = organization.fpm.as_deref().unwrap_or_default().split(',').map(mask).collect();
    let of_organization = |feature: &&String| feature.split_once(':').is_some_and(|(scope, _)| scope.contains('o'));

    let granted = |feature: &str, place: usize| -> Vec<String> {
        let mask = masks.get(place).copied().flatten().unwrap_or_default();
        let name = feature.split_once(':').map_or(feature, |(_, name)| name).to_owned();
        let bits = actions.iter().enumerate().take(128).filter(|(bit, _)| mask >> bit & 1 == 1);
        bits.map(|(_, action)| format!("{name}:{action}")).collect()
    };
    // The masks belong to all features, or to those of the organization only.
    let by_all = features.iter().enumerate().filter(|(_, feature)| of_organization(feature));
    let by_all: Vec<String> = by_all.flat_map(|(place, feature)| granted(feature, place)).collect();
    let by_own = features.iter().filter(of_organization).enumerate();
    let mut both: Vec<String> = by_own.flat_map(|(place, feature)| granted(feature, place)).collect();
    both.retain(|permission| by_all.contains(permission));
    both
}

/// A mask in decimal digits. Anything else grants nothing.
fn mask(text: &str) -> Option<u128> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
