//! Cookies with tokens.

use crate::{
    accounts::{SignIn, Tokens},
    error::Error,
    secret::Token,
};
use http::HeaderName;
use portcullis_core::{CredentialSource, RequestHead};
use std::{fmt::Write, time::Duration};

/// When a browser sends a cookie with requests that pages of other sites make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// With links to the service only.
    Lax,
    /// Never.
    Strict,
    /// Always. Then only the gate's check of origins protects the service.
    None,
}

/// The cookies that contain tokens, and how they are set. They are always `HttpOnly`.
///
/// Endpoints use them by [`Endpoints::cookies`](crate::Endpoints::cookies), and handlers of your own by [`set`](Self::set),
/// [`clear`](Self::clear) and [`read_refresh`](Self::read_refresh).
///
/// ```
/// use portcullis_accounts::{SameSite, TokenCookies};
///
/// let cookies = TokenCookies::named("access_token", "refresh").same_site(SameSite::Strict);
/// let removed = cookies.clear();
/// assert_eq!(
///     removed[0],
///     "access_token=; HttpOnly; Path=/; Max-Age=0; SameSite=Strict; Secure"
/// );
/// ```
#[derive(Debug, Clone)]
pub struct TokenCookies {
    access: Option<String>,
    refresh: String,
    device: &'static str,
    refresh_path: String,
    same_site: SameSite,
    is_secure: bool,
    prefix: &'static str,
    domain: Option<String>,
}

impl Default for TokenCookies {
    fn default() -> Self {
        Self { device: "__Host-device", ..Self::named("__Host-access", "__Host-refresh") }
    }
}

impl TokenCookies {
    /// `__Host-access` until the browser is closed, and `__Host-refresh` as long as its token is valid. Both are `Secure` and
    /// `SameSite=Lax`. The gate has to read the first one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with other names. Without the prefix `__Host-`, another host of the domain can set them.
    #[must_use]
    pub fn named(access: impl Into<String>, refresh: impl Into<String>) -> Self {
        Self {
            access: Some(access.into()),
            refresh: refresh.into(),
            device: "device",
            refresh_path: "/".to_owned(),
            same_site: SameSite::Lax,
            is_secure: true,
            prefix: "",
            domain: None,
        }
    }

    /// One cookie, `__Host-session`, with the refresh token, for pages that a server renders. The gate reads it by
    /// [`Accounts::sessions_by_token`](crate::Accounts::sessions_by_token).
    #[must_use]
    pub fn one_session() -> Self {
        Self { access: None, refresh: "__Host-session".to_owned(), ..Self::default() }
    }

    /// The path of the refresh cookie, such as `/auth`. By default `/`. Its name cannot begin with `__Host-` then.
    #[must_use]
    pub fn refresh_path(self, path: impl Into<String>) -> Self {
        Self { refresh_path: path.into(), ..self }
    }

    /// By default [`SameSite::Lax`].
    #[must_use]
    pub fn same_site(self, same_site: SameSite) -> Self {
        Self { same_site, ..self }
    }

    /// Writes `"Bearer …"` with quotes as values, for clients of an older service.
    #[must_use]
    pub fn with_scheme(self) -> Self {
        Self { prefix: "Bearer ", ..self }
    }

    /// For all hosts of a domain. Each of them can read and set the cookies.
    #[must_use]
    pub fn dangerous_domain(self, domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), device: "device", ..self }
    }

    /// Without `Secure`, for a service without TLS. Browsers treat `localhost` as secure, so development does not need it.
    #[must_use]
    pub fn dangerous_insecure(self) -> Self {
        Self { is_secure: false, device: "device", ..self }
    }

    /// Whether a browser accepts such cookies.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refused = |detail: String| Err(Error::misconfigured(detail));
        for (name, path) in self.access.iter().map(|name| (name, "/")).chain([(&self.refresh, &*self.refresh_path)]) {
            let is_bound = self.is_secure && self.domain.is_none() && path == "/";
            if name.starts_with("__Host-") && !is_bound || name.starts_with("__Secure-") && !self.is_secure {
                return refused(format!(
                    "no browser accepts the cookie `{name}`: `__Host-` needs `Secure`, the path `/` and no domain, and \
                     `__Secure-` needs `Secure`"
                ));
            }
            // The characters of a header's name are those of a cookie's name (RFC 6265, section 4.1.1).
            if HeaderName::try_from(name).is_err() {
                return refused(format!("`{name}` is not a name of a cookie: use letters, digits, `-`, `_` and `.`"));
            }
        }
        let is_text = |text: &str| text.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b';');
        if !self.refresh_path.starts_with('/') || !is_text(&self.refresh_path) {
            return refused(format!(
                "the path of a cookie begins with `/` and has no `;`, unlike `{}`",
                self.refresh_path
            ));
        }
        if let Some(domain) = self.domain.as_deref().filter(|domain| domain.is_empty() || !is_text(domain)) {
            return refused(format!("`{domain}` is not the domain of a cookie"));
        }
        if self.access.iter().any(|name| [&*self.refresh, self.device].contains(&&**name))
            || self.refresh == self.device
        {
            return refused("two cookies have the same name; the second would replace the first".to_owned());
        }
        if self.same_site == SameSite::None && !self.is_secure {
            return refused("no browser accepts a cookie with `SameSite=None` and without `Secure`".to_owned());
        }
        Ok(())
    }

    /// The source that a gate has to read: the access token, or the one session cookie.
    #[must_use]
    pub fn source(&self) -> CredentialSource {
        self.source_of(self.access.as_ref().unwrap_or(&self.refresh))
    }

    fn source_of(&self, name: &str) -> CredentialSource {
        let source = CredentialSource::cookie(name);
        if self.prefix.is_empty() { source } else { source.prefix(self.prefix) }
    }

    /// The refresh token of a request.
    ///
    /// # Errors
    /// Those of the core for a malformed cookie, such as two of the name.
    pub fn read_refresh(&self, head: &dyn RequestHead) -> Result<Option<String>, Error> {
        let found = self.source_of(&self.refresh).read(head)?;
        Ok(found.map(|credential| credential.expose().to_owned()))
    }

    /// All refresh tokens of a request, for a sign-out: cookies of one name may differ where a path or a domain has changed.
    #[must_use]
    pub fn read_each_refresh(&self, head: &dyn RequestHead) -> Vec<String> {
        const MAX: usize = 8;
        let mut found = Vec::new();
        head.each_header("cookie", &mut |line| {
            let line = String::from_utf8_lossy(line);
            let pairs = line.split(';').filter_map(|pair| pair.split_once('='));
            let values = pairs.filter(|(name, _)| name.trim() == self.refresh).map(|(_, value)| value);
            let values = values.map(|value| value.trim().trim_matches('"').trim_start_matches(self.prefix).to_owned());
            found.extend(values.filter(|value| !value.is_empty()).take(MAX.saturating_sub(found.len())));
        });
        found
    }

    /// Whether there is a cookie with an access token, which a page has to refresh.
    pub(super) fn has_access(&self) -> bool {
        self.access.is_some()
    }

    pub(super) fn read_device(&self, head: &dyn RequestHead) -> Option<String> {
        let found = CredentialSource::cookie(self.device).read(head).ok()??;
        Some(found.expose().to_owned())
    }

    /// The values of `Set-Cookie` for these tokens.
    #[must_use]
    pub fn set(&self, tokens: &Tokens) -> Vec<String> {
        let access = self.set_access(&tokens.access);
        let age = match self.access {
            Some(_) => tokens.refresh_expires_in,
            // It is not exchanged, so its cookie is never set again. The service decides how long it may be idle.
            None => tokens.session.not_after.duration_since(tokens.session.used_at).unwrap_or_default(),
        };
        let age = Some(age);
        let refresh = self.cookie(&self.refresh, &self.value(&tokens.refresh), &self.refresh_path, age);
        access.into_iter().chain([refresh]).collect()
    }

    /// The value of `Set-Cookie` for another access token of the session, such as that of
    /// [`Accounts::set_organization`](crate::Accounts::set_organization). None for [one cookie](Self::one_session), which has no
    /// access token.
    #[must_use]
    pub fn set_access(&self, access: &Token) -> Option<String> {
        self.access.as_ref().map(|name| self.cookie(name, &self.value(access), "/", None))
    }

    fn value(&self, token: &Token) -> String {
        match self.prefix {
            "" => token.expose().to_owned(),
            prefix => format!("\"{prefix}{}\"", token.expose()),
        }
    }

    /// The values of `Set-Cookie` after a sign-in: those of [`set`](Self::set), and the one of the
    /// [device](SignIn::device).
    #[must_use]
    pub fn set_signed_in(&self, sign_in: &SignIn) -> Vec<String> {
        const YEAR: Duration = Duration::from_secs(365 * 86_400);
        let device = self.cookie(self.device, &sign_in.device, "/", Some(YEAR));
        self.set(&sign_in.tokens).into_iter().chain([device]).collect()
    }

    /// The values of `Set-Cookie` that remove the tokens, for a sign-out. Not for a refresh that failed: another tab may have
    /// set better ones meanwhile.
    #[must_use]
    pub fn clear(&self) -> Vec<String> {
        let removed = |name: &str, path: &str| self.cookie(name, "", path, Some(Duration::ZERO));
        let access = self.access.as_ref().map(|name| removed(name, "/"));
        access.into_iter().chain([removed(&self.refresh, &self.refresh_path)]).collect()
    }

    fn cookie(&self, name: &str, value: &str, path: &str, age: Option<Duration>) -> String {
        let mut cookie = format!("{name}={value}; HttpOnly; Path={path}");
        // Writing to a `String` does not fail.
        if let Some(age) = age {
            // Rounded up, so that the cookie does not end before its token.
            let _ = write!(cookie, "; Max-Age={}", age.as_secs().saturating_add(u64::from(age.subsec_nanos() > 0)));
        }
        if let Some(domain) = &self.domain {
            let _ = write!(cookie, "; Domain={domain}");
        }
        let _ = write!(cookie, "; SameSite={:?}{}", self.same_site, if self.is_secure { "; Secure" } else { "" });
        cookie
    }
}
