//! Settings from a file.

mod hosted;
mod native;
#[cfg(feature = "sign-in")]
mod providers;
mod section;

use crate::{
    accounts::Accounts, builder::AccountsBuilder, endpoints::Endpoints, error::Error, password::Costs, store::Stores,
};
pub use hosted::{ClerkConfig, CognitoConfig};
use native::Native;
use section::{Section, Variables, names};
use std::{collections::BTreeSet, env, fmt, fs, path::Path};
use toml::Table;
use zeroize::Zeroizing;

/// Settings from a TOML file.
///
/// A text that begins with `$` is the name of an environment variable, whose whole value it means. Numbers and `true` or
/// `false` may be variables as well.
///
/// ```
/// use portcullis_accounts::{Accounts, Config, Links, store::MemoryStore, testing::Mailbox};
///
/// # fn main() -> Result<(), portcullis_accounts::Error> {
/// let text = r#"
///     [auth.native]
///     session_expire_days = 14
///
///     [auth.native.jwt]
///     issuer = "https://app.example.com"
///     secret = "$JWT_SECRET"
///
///     [auth.native.password]
///     min_length = 12
/// "#;
/// # let env = |_: &str| Some("a-secret-of-at-least-thirty-two-bytes".to_owned());
/// let config = Config::parse(text, env)?; // or `Config::read("accounts.toml")`
/// let accounts = Accounts::from_config(&config, MemoryStore::new())?
///     .mailer(Mailbox::new(), Links::below("https://app.example.com"))
///     .build()?;
/// let endpoints = accounts.endpoints().with_config(&config);
/// # let _ = endpoints; Ok(()) }
/// ```
///
/// # Another backend
/// A file has one of the tables `auth.native`, `auth.cognito` and `auth.clerk`. The last two are for services without accounts
/// of their own, whose users are at Amazon Cognito or Clerk: see [`backend`](Self::backend).
///
/// | Key | Meaning |
/// |---|---|
/// | `auth.cognito.user_pool_id` | required; the pool, such as `eu-central-1_AbCdEf123` |
/// | `auth.cognito.client_id` | required; the app client whose tokens are accepted, or a list of several |
/// | `auth.cognito.client_secret` | the secret of the app client |
/// | `auth.clerk.publishable_key` | required; names the instance |
/// | `auth.clerk.secret_key` | the secret key, which has to be one for the same kind of instance |
/// | `auth.clerk.authorized_parties` | required; the origins of the pages whose sessions are accepted |
/// | `default_role` of both | the role of users who have none |
///
/// # Settings
/// Below `auth.native`, with the default. Other keys are errors.
///
/// | Key | Meaning |
/// |---|---|
/// | `jwt.secret` | required; at least 32 bytes, signs access tokens |
/// | `jwt.issuer` | the issuer, `accounts` |
/// | `jwt.audience` | the audience of access tokens, the issuer |
/// | `jwt.fields` | fields of [`User::extra`](crate::User::extra) that become claims, none |
/// | `jwt.algorithm` | `HS256`, the only one |
/// | `jwt.access_token_expire_minutes` | 15 |
/// | `jwt.refresh_token_expire_days`, `session_expire_days` | how long a session lives, 30; the second counts if both are set |
/// | `session.idle_days` | how long it lives without being used |
/// | `session.grace_seconds` | how long a refresh token that was exchanged may be used again, 30 |
/// | `session.answers_may_be_lost` | [`answers_may_be_lost`](crate::SessionRules::answers_may_be_lost), false |
/// | `password.min_length`, `max_length` | 8, 256 characters |
/// | `password.max_run` | [`PasswordRules::max_run`](crate::PasswordRules::max_run) |
/// | `password.require_uppercase`, `require_lowercase`, `require_digit`, `require_special` | false |
/// | `password.argon2.memory_kib`, `passes`, `lanes` | 19456, 2, 1 |
/// | `enable_signup` | true |
/// | `enable_confirmation` | true; false is [`dangerous_without_confirmation`](AccountsBuilder::dangerous_without_confirmation) |
/// | `enable_magic_link` | false |
/// | `confirmation_token_expire_hours` | 24 |
/// | `recovery_token_expire_minutes` | 60 |
/// | `magic_link_expire_minutes` | 10 |
/// | `default_role` | the role of new users |
/// | `sign_up_fields` | [`Endpoints::extra_fields`], none |
/// | `proxies` | [`Endpoints::behind_proxies`], 0 |
/// | `cookies.access`, `cookies.refresh` | names of [cookies](crate::TokenCookies); without the table there are none |
/// | `cookies.one_session` | [`TokenCookies::one_session`](crate::TokenCookies::one_session), false |
/// | `cookies.same_site` | `lax`, `strict` or `none` |
/// | `cookies.refresh_path` | `/` |
/// | `google_oauth.client_id`, `client_secret`, `redirect_uri` | sign-in with Google: [`with_providers`](AccountsBuilder::with_providers); none |
/// | `oidc.NAME.issuer`, and the same | sign-in at another provider; none |
/// | `scopes` of both | `["email"]` |
/// | `linked_only` of both | [`linked_provider`](AccountsBuilder::linked_provider), false |
/// | `limits.NAME.count`, `limits.NAME.seconds` | a limit of [`Limits`](crate::Limits), such as `sign_ins_per_network` |
#[derive(Clone)]
pub struct Config {
    backend: Backend,
    variables: BTreeSet<String>,
}

/// Where the users of a service are, as its settings say.
#[derive(Clone)]
#[non_exhaustive]
pub enum Backend {
    /// They have accounts of the service's own.
    Native(NativeConfig),
    /// They are in a user pool of Amazon Cognito.
    Cognito(CognitoConfig),
    /// They are at Clerk.
    Clerk(ClerkConfig),
}

/// Settings of accounts of the service's own, for [`Accounts::from_config`].
#[derive(Clone)]
pub struct NativeConfig(Box<Native>);

impl Backend {
    fn name(&self) -> &'static str {
        match self {
            Self::Native(_) => "auth.native",
            Self::Cognito(_) => "auth.cognito",
            Self::Clerk(_) => "auth.clerk",
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backend({})", self.name())
    }
}

impl fmt::Debug for NativeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NativeConfig(..)")
    }
}

impl Config {
    /// Reads settings. `env` returns the value of a variable.
    ///
    /// # Errors
    /// [`Error::Core`] of kind [`Misconfigured`](portcullis_core::ErrorKind::Misconfigured): all variables that are missing or
    /// empty in one error; a text that is not TOML, by its line; a setting that is unknown, missing or wrong, by its name. No
    /// error quotes a value.
    pub fn parse(text: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            Error::misconfigured(format!("the settings are not TOML: see line {line}"))
        })?;
        let mut named = BTreeSet::new();
        table.values().try_for_each(|value| names(value, &mut named))?;
        let (mut variables, mut missing) = (Variables::new(), Vec::new());
        for name in &named {
            match env(name).filter(|value| !value.is_empty()) {
                Some(value) => drop(variables.insert(name.clone(), Zeroizing::new(value))),
                None => missing.push(format!("${name}")),
            }
        }
        if !missing.is_empty() {
            return Err(Error::misconfigured(format!("missing environment variables: {}", missing.join(", "))));
        }
        Ok(Self { backend: backend(table, &variables)?, variables: named })
    }

    /// Where the users are.
    ///
    /// ```
    /// use portcullis_accounts::{Backend, Config};
    ///
    /// # fn main() -> Result<(), portcullis_accounts::Error> {
    /// let text = r#"
    ///     [auth.cognito]
    ///     user_pool_id = "eu-central-1_AbCdEf123"
    ///     client_id = "$CLIENT_ID"
    ///     default_role = "default"
    /// "#;
    /// let env = |_: &str| Some("web".to_owned());
    /// let config = Config::parse(text, env)?;
    /// let Backend::Cognito(cognito) = config.backend() else { panic!("another backend") };
    /// assert_eq!(cognito.user_pool_id(), "eu-central-1_AbCdEf123");
    /// assert_eq!(cognito.client_ids(), ["web"]);
    /// assert!(Config::parse("[auth.cognito]", env).is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    fn native(&self) -> Option<&Native> {
        match &self.backend {
            Backend::Native(NativeConfig(native)) => Some(&**native),
            _ => None,
        }
    }

    /// Reads settings from a file, with the environment of the process.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = fs::read_to_string(path)
            .map_err(|error| Error::misconfigured(format!("cannot read the settings {}: {error}", path.display())))?;
        Self::parse(&Zeroizing::new(text), |name| env::var(name).ok())
    }
}

/// The names of the variables only.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<_> = self.variables.iter().map(|name| format!("${name}")).collect();
        f.debug_struct("Config").field("variables", &variables).finish_non_exhaustive()
    }
}

/// The backends that there are. Only one of them can be set.
const BACKENDS: [&str; 3] = ["native", "clerk", "cognito"];

fn backend(table: Table, variables: &Variables) -> Result<Backend, Error> {
    let mut root = Section::root(table, variables);
    let auth = root.section("auth")?;
    let mut auth = root.require("auth", auth)?;
    let mut backends = Vec::new();
    for name in BACKENDS {
        backends.extend(auth.section(name)?.map(|section| (name, section)));
    }
    auth.end()?;
    root.end()?;
    if backends.len() > 1 {
        let names: Vec<_> = backends.iter().map(|(name, _)| format!("auth.{name}")).collect();
        return Err(Error::misconfigured(format!("only one backend can be set, not {}", names.join(" and "))));
    }
    match backends.pop() {
        Some(("native", section)) => {
            Native::read(section).map(|native| Backend::Native(NativeConfig(Box::new(native))))
        }
        Some(("cognito", section)) => CognitoConfig::read(section).map(Backend::Cognito),
        Some((_, section)) => ClerkConfig::read(section).map(Backend::Clerk),
        None => Err(Error::misconfigured("one of the settings auth.native, auth.clerk and auth.cognito is missing")),
    }
}

impl Accounts {
    /// A builder with the settings of a file. Stores, the mailer and functions are set in code.
    ///
    /// # Errors
    /// [`Error::Core`] of kind [`Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if the file has another backend.
    pub fn from_config(config: &Config, stores: impl Into<Stores>) -> Result<AccountsBuilder, Error> {
        let Some(native) = config.native().cloned() else {
            let name = config.backend.name();
            let detail = format!("the setting auth.native is missing: with {name} there are no accounts of one's own");
            return Err(Error::misconfigured(detail));
        };
        let Costs { memory_kib, passes, lanes } = native.costs;
        let mut builder = Self::builder(native.issuer, native.secret, stores)
            .access_tokens(native.access)
            .sessions(native.sessions)
            .passwords(native.passwords)
            .argon2(memory_kib, passes, lanes)
            .limits(native.limits);
        #[cfg(feature = "sign-in")]
        if !native.providers.is_empty() {
            builder = builder.expect_providers();
        }
        for (purpose, life) in native.lives {
            builder = builder.valid_for(purpose, life);
        }
        if let Some(role) = native.default_role {
            builder = builder.default_role(role);
        }
        if !native.has_sign_up {
            builder = builder.without_sign_up();
        }
        if !native.has_confirmation {
            builder = builder.dangerous_without_confirmation();
        }
        if native.has_magic_links {
            builder = builder.magic_links();
        }
        Ok(builder)
    }
}

impl Endpoints {
    /// With what a file says about endpoints: `cookies`, `proxies` and `sign_up_fields`.
    #[must_use]
    pub fn with_config(mut self, config: &Config) -> Self {
        let Some(native) = config.native() else { return self };
        if let Some(cookies) = &native.cookies {
            self = self.cookies(cookies.clone());
        }
        self.behind_proxies(native.proxies).extra_fields(&native.sign_up_fields)
    }
}
