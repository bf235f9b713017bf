//! A flow that only the browser that began it can finish.

use crate::{
    fault::{failed, misconfigured, refused},
    flow::{Flow, Identity, state_of},
    provider::Provider,
    seal::SealingKeys,
    session::{cookie, milliseconds, since_1970},
};
use portcullis_core::{CredentialSource, Error, RequestHead};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a flow may take.
const LIFE: Duration = Duration::from_secs(600);

/// How many flows a browser keeps at once: one for each tab.
const AT_ONCE: usize = 8;

/// Sign-in at a provider, where each flow is bound to the browser that began it. For services with sessions of their own;
/// [`SignIn`](crate::SignIn) has them.
///
/// A flow has a sealed cookie of its own, which is named after its `state`. So tabs do not disturb each other, and a callback
/// counts only in the browser that began its flow, within ten minutes.
///
/// ```
/// use portcullis_core::{Error, RequestHead};
/// use portcullis_sign_in::BrowserFlow;
///
/// /// The address to redirect the browser to, and the cookies to set.
/// async fn login(
///     flow: &BrowserFlow,
///     head: &dyn RequestHead,
/// ) -> Result<(String, Vec<String>), Error> {
///     let begun = flow.begin(head, "/orders", "").await?;
///     Ok((begun.address, begun.cookies))
/// }
///
/// /// Who signed in, and where to go. In another browser: 400 `sign_in_failed`.
/// async fn callback(
///     flow: &BrowserFlow,
///     head: &dyn RequestHead,
/// ) -> Result<(String, String), Error> {
///     let finished = flow.finish(head).await?;
///     Ok((finished.identity.principal.id().to_string(), finished.return_to))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct BrowserFlow {
    provider: Provider,
    redirect_uri: String,
    keys: SealingKeys,
    prefix: &'static str,
}

/// A flow that has begun.
#[derive(Debug)]
#[non_exhaustive]
pub struct BegunFlow {
    /// Where to redirect the browser.
    pub address: String,
    /// The values of `Set-Cookie`.
    pub cookies: Vec<String>,
}

/// A flow that has ended with a verified identity.
#[derive(Debug)]
#[non_exhaustive]
pub struct FinishedFlow {
    /// Who signed in.
    pub identity: Identity,
    /// Where to go: a path of this service.
    pub return_to: String,
    /// The note of the beginning.
    pub note: String,
    /// The value of `Set-Cookie` that removes the cookie of the flow.
    pub cookie: String,
}

/// What the cookie of a flow contains.
#[derive(Serialize, Deserialize)]
struct Sealed {
    flow: Flow,
    return_to: String,
    note: String,
    ends_at: u64,
}

impl BrowserFlow {
    /// Flows at this provider, with the address of the callback as it is registered there. Their cookies begin with this
    /// prefix, such as `__Host-sign-in-`: it differs between several uses on one host.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if that is no absolute address.
    pub fn new(
        provider: Provider,
        redirect_uri: impl Into<String>,
        keys: SealingKeys,
        prefix: &'static str,
    ) -> Result<Self, Error> {
        let redirect_uri = redirect_uri.into();
        let address: http::Uri =
            redirect_uri.parse().map_err(|cause| misconfigured("the redirect URI is no address").with_cause(cause))?;
        if !matches!(address.scheme_str(), Some("https" | "http")) || address.query().is_some() {
            let detail = format!("the redirect URI `{redirect_uri}` is no absolute address without a query");
            return Err(misconfigured(detail));
        }
        Ok(Self { provider, redirect_uri, keys, prefix })
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The address of the callback.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The same with other settings of its provider, such as those of a step-up.
    pub(crate) fn at(&self, provider: Provider) -> Self {
        Self { provider, ..self.clone() }
    }

    /// The parameter `return_to` of a query, or else `/`. [`begin`](Self::begin) checks it.
    #[must_use]
    pub fn return_to(head: &dyn RequestHead) -> String {
        let query = form_urlencoded::parse(head.query().unwrap_or_default().as_bytes());
        let found = query.into_iter().find(|(name, _)| name == "return_to");
        found.map_or_else(|| "/".to_owned(), |(_, path)| path.into_owned())
    }

    /// Begins a flow. The note comes back at its end; the browser cannot read or change it.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`](portcullis_core::ErrorKind::Rejected), `invalid_return_to`, if that is no path of this service.
    /// Those of [`Provider::begin`].
    pub async fn begin(&self, head: &dyn RequestHead, return_to: &str, note: &str) -> Result<BegunFlow, Error> {
        if !is_local(return_to) {
            return Err(refused("invalid_return_to", "it is no path of this service"));
        }
        let (address, flow) = self.provider.begin(&self.redirect_uri).await?;
        let name = self.cookie_of(&flow.state)?;
        let ends_at = self.now().saturating_add(milliseconds(LIFE));
        let sealed = Sealed { flow, return_to: return_to.to_owned(), note: note.to_owned(), ends_at };
        let json = serde_json::to_vec(&sealed).map_err(|cause| misconfigured("no JSON").with_cause(cause))?;
        let value = self.keys.seal(&self.purpose(&name), &Zeroizing::new(json))?;
        let mut cookies = vec![cookie(&name, &value, LIFE)?];
        // Flows that nobody ended.
        for old in self.cookies_of(head).into_iter().rev().skip(AT_ONCE - 1) {
            cookies.push(cookie(&old, "", Duration::ZERO)?);
        }
        Ok(BegunFlow { address, cookies })
    }

    /// Ends a flow by the request of its callback.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`](portcullis_core::ErrorKind::Rejected), `sign_in_failed`, if this browser began no such flow, or
    /// too long ago. Those of [`Provider::finish`].
    pub async fn finish(&self, head: &dyn RequestHead) -> Result<FinishedFlow, Error> {
        let query = head.query().unwrap_or_default();
        let name = self.cookie_of(&state_of(query)?)?;
        let value = CredentialSource::cookie(&name).read(head)?;
        let value = value.ok_or_else(|| failed("this browser began no such flow, or ended it"))?;
        let not_ours = || failed("the flow is not ours");
        let sealed = self.keys.open(&self.purpose(&name), value.expose()).ok_or_else(not_ours)?;
        let Sealed { flow, return_to, note, ends_at } = serde_json::from_slice(&sealed).map_err(|_| not_ours())?;
        if self.now() >= ends_at {
            return Err(failed("the flow took too long"));
        }
        let identity = self.provider.finish(&flow, query).await?;
        Ok(FinishedFlow { identity, return_to, note, cookie: cookie(&name, "", Duration::ZERO)? })
    }

    fn now(&self) -> u64 {
        since_1970(self.provider.clock.now())
    }

    /// What is sealed for one flow, use, provider or client does not open for another.
    fn purpose(&self, name: &str) -> String {
        ["flow", name, self.provider.issuer(), self.provider.client_id()].join("\0")
    }

    /// The cookie of a flow. Its name is made of the state, so that tabs do not replace each other's.
    fn cookie_of(&self, state: &str) -> Result<String, Error> {
        let part: String = state.chars().take(12).collect();
        let is_text = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_ours = part.len() == 12 && part.bytes().all(is_text);
        if is_ours { Ok(format!("{}{part}", self.prefix)) } else { Err(failed("the `state` is not ours")) }
    }

    /// The cookies of flows that a browser has, in the order in which it sent them.
    fn cookies_of(&self, head: &dyn RequestHead) -> Vec<String> {
        let mut names = Vec::new();
        head.each_header("cookie", &mut |line| {
            let pairs = std::str::from_utf8(line).unwrap_or_default().split(';');
            let states = pairs.filter_map(|pair| pair.split_once('=')?.0.trim().strip_prefix(self.prefix));
            names.extend(states.filter_map(|state| self.cookie_of(state).ok()));
        });
        names
    }
}

/// A path of this service, which no browser reads as another host.
fn is_local(path: &str) -> bool {
    let rest = path.strip_prefix('/');
    rest.is_some_and(|rest| !rest.starts_with('/'))
        && path.len() <= 1024
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}
