//! Sign-in at OpenID providers: who an identity there is here.

mod link;

use crate::{
    accounts::Accounts,
    client::Client,
    email::EmailAddress,
    error::Error,
    event::Event,
    id::UserId,
    mailer::{Mail, MailKind},
    second_factor::SignInOutcome,
    secret::{Label, Secret},
    sign_up::address,
    store::{AddOutcome, LinkOutcome, UserKey},
    user::{LinkedIdentity, NewUser, User},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use link::Linking;
use portcullis_core::{Claims, Principal, RequestHead};
use portcullis_sign_in::{BegunFlow, BrowserFlow, Provider, SealingKeys};
use serde_json::Map;
use std::borrow::Cow;

/// A provider as the builder gets it.
#[derive(Debug)]
pub(crate) struct NewProvider {
    pub(crate) name: String,
    pub(crate) provider: Provider,
    pub(crate) redirect_uri: String,
    /// Whether an address that it has verified leads to an account.
    pub(crate) addresses_count: bool,
}

/// The providers of accounts.
#[derive(Debug, Default)]
pub(crate) struct Providers(Vec<KnownProvider>);

#[derive(Debug)]
pub(crate) struct KnownProvider {
    pub(crate) name: String,
    flow: BrowserFlow,
    addresses_count: bool,
}

impl KnownProvider {
    pub(crate) fn issuer(&self) -> &str {
        self.flow.provider().issuer()
    }

    pub(crate) fn redirect_uri(&self) -> &str {
        self.flow.redirect_uri()
    }
}

impl Providers {
    pub(crate) fn new(providers: Vec<NewProvider>, secret: &Secret) -> Result<Self, Error> {
        let mut known = Self::default();
        if providers.is_empty() {
            return Ok(known);
        }
        let mut keys = secret.macs(Label::Flows, &[]).map(|key| URL_SAFE_NO_PAD.encode(key));
        let first = SealingKeys::new(&keys.next().unwrap_or_default())?;
        let keys = keys.try_fold(first, |keys, other| keys.and_previous(&other))?;
        for NewProvider { name, provider, redirect_uri, addresses_count } in providers {
            let is_segment = |name: &str| name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
            let issuer = provider.issuer();
            let is_known = known.iter().any(|known| known.name == name || known.issuer() == issuer);
            if name.is_empty() || !is_segment(&name) || is_known {
                return Err(Error::misconfigured(format!(
                    "the provider `{name}` needs a name of a to z, digits and `-`, and name and issuer have to occur once"
                )));
            }
            let flow = BrowserFlow::new(provider, redirect_uri, keys.clone(), "__Host-flow-")?;
            known.0.push(KnownProvider { name, flow, addresses_count });
        }
        Ok(known)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &KnownProvider> {
        self.0.iter()
    }

    fn named(&self, name: &str) -> Result<&KnownProvider, Error> {
        self.iter().find(|known| known.name == name).ok_or(Error::NotEnabled("the provider"))
    }
}

/// What a flow at a provider has led to.
#[derive(Debug)]
#[non_exhaustive]
pub struct ProviderAnswer {
    /// The sign-in. `None` if the flow [linked](Accounts::begin_link) the identity to the account of the caller.
    pub sign_in: Option<SignInOutcome>,
    /// Where to go: a path of this service.
    pub return_to: String,
    /// The value of `Set-Cookie` that removes the cookie of the flow.
    pub cookie: String,
}

impl Accounts {
    /// Begins a sign-in at a [provider](crate::AccountsBuilder::provider), for a handler of your own. Redirect the browser to
    /// the address, with the cookies.
    ///
    /// # Errors
    /// [`Error::NotEnabled`] if there is no such provider, [`Error::RateLimited`], and those of [`BrowserFlow::begin`].
    pub async fn begin_sign_in(
        &self,
        provider: &str,
        return_to: &str,
        head: &dyn RequestHead,
        client: &Client,
    ) -> Result<BegunFlow, Error> {
        let provider = self.0.providers.named(provider)?;
        self.count_network("sign_in", client, self.0.limits.sign_ins_per_network).await?;
        Ok(provider.flow.begin(head, return_to, "").await?)
    }

    /// Ends a flow by the request of its callback, for a handler of your own: signs the user in, or links the identity to the
    /// account of the caller.
    ///
    /// An identity that is linked signs its user in. Another one leads to the account with its address, if the provider has
    /// verified the address and the account has confirmed it. An account that has not confirmed it yet is the caller's from now
    /// on: its password and its sessions go, since a stranger may have set them. Where nobody has the address, and sign-up is
    /// open, there is a new account. The tokens of the provider are not kept.
    ///
    /// # Errors
    /// [`Error::NotLinkable`], [`Error::SignUpDisabled`], [`Error::Disabled`], [`Error::EmailUnconfirmed`],
    /// [`Error::Unapproved`], [`Error::NotEnabled`], [`Error::RateLimited`], [`Error::Store`], and those of
    /// [`BrowserFlow::finish`].
    pub async fn finish_sign_in(
        &self,
        provider: &str,
        head: &dyn RequestHead,
        caller: Option<&Principal>,
        client: &Client,
    ) -> Result<ProviderAnswer, Error> {
        let provider = self.0.providers.named(provider)?;
        self.count_network("sign_in", client, self.0.limits.sign_ins_per_network).await?;
        let finished = provider.flow.finish(head).await?;
        let (claims, return_to, cookie) = (&finished.identity.claims, finished.return_to, finished.cookie);
        let subject = subject(claims)?;
        if let Some(linking) = Linking::read(&finished.note)? {
            self.link_to_caller(provider, &subject, &linking, caller).await?;
            return Ok(ProviderAnswer { sign_in: None, return_to, cookie });
        }
        let user = match self.user_at(provider, &subject, claims, client).await {
            Err(error) if error.status() == 403 => return Err(self.sign_in_failed(error, None, client)),
            user => user?,
        };
        self.may_sign_in(&user).map_err(|error| self.sign_in_failed(error, Some(&user.id), client))?;
        let mut methods = claims.get::<Vec<String>>("amr").ok().flatten().unwrap_or_default();
        methods.retain(|method| is_word(method));
        methods.truncate(8);
        if methods.is_empty() {
            methods.push(provider.name.clone());
        }
        let sign_in = Some(self.complete(user, methods, client).await?);
        Ok(ProviderAnswer { sign_in, return_to, cookie })
    }

    /// The user whose identity this is from now on.
    async fn user_at(
        &self,
        provider: &KnownProvider,
        subject: &str,
        claims: &Claims,
        client: &Client,
    ) -> Result<User, Error> {
        let users = &self.0.stores.users;
        if let Some(user) = users.find(UserKey::Identity(provider.issuer(), subject)).await? {
            return Ok(user);
        }
        let email = verified_address(claims).filter(|_| provider.addresses_count);
        let email = email.ok_or(Error::NotLinkable("the provider has not verified an address that counts"))?;
        let user = match users.find(UserKey::Email(&email)).await? {
            Some(user) => user,
            None => match self.add_verified(&email, client).await? {
                AddOutcome::Added(user) => {
                    self.link_identity(provider, subject, &user.id).await?;
                    return Ok(user);
                }
                // Somebody was faster.
                AddOutcome::Taken => users.find(UserKey::Email(&email)).await?.ok_or(Error::InvalidCredentials)?,
            },
        };
        if user.disabled_at.is_some() {
            return Err(Error::Disabled);
        }
        if !self.0.options.confirmation {
            return Err(Error::NotLinkable("nobody has confirmed the address of the account"));
        }
        let user = self.prove_address(user, &address(&email)).await?;
        self.link_identity(provider, subject, &user.id).await?;
        self.mail(Mail::new(email, MailKind::IdentityLinked, None));
        Ok(user)
    }

    /// A new user with an address that a provider has verified.
    async fn add_verified(&self, email: &EmailAddress, client: &Client) -> Result<AddOutcome, Error> {
        if !self.0.options.sign_up {
            return Err(Error::SignUpDisabled);
        }
        self.count_network("sign_up", client, self.0.limits.sign_ups_per_network).await?;
        let new = self.new_user(email, None, Map::new())?;
        let new = NewUser { email_confirmed_at: Some(new.created_at), ..new };
        let outcome = self.0.stores.users.add(new).await?;
        if let AddOutcome::Added(user) = &outcome {
            self.event(Event::SignedUp { user: user.id.clone(), client: client.without_device() });
        }
        Ok(outcome)
    }

    pub(super) async fn link_identity(
        &self,
        provider: &KnownProvider,
        subject: &str,
        user: &UserId,
    ) -> Result<(), Error> {
        let issuer = provider.issuer().to_owned();
        let identity = LinkedIdentity { issuer: issuer.clone(), subject: subject.to_owned(), linked_at: self.now() };
        match self.0.stores.users.link(user, identity).await? {
            LinkOutcome::Linked => {}
            LinkOutcome::Taken => return Err(Error::NotLinkable("another account has the identity")),
            LinkOutcome::HasAnother => return Err(Error::NotLinkable("the account has another identity there")),
            LinkOutcome::Absent => return Err(Error::NotFound),
        }
        tracing::info!(target: "portcullis", user = %user, provider = provider.name, "an identity was linked");
        self.event(Event::IdentityLinked { user: user.clone(), issuer });
        Ok(())
    }
}

/// `sub` of an ID token (OpenID Connect Core, section 2): at most 255 ASCII characters. Databases cannot keep all others.
fn subject(claims: &Claims) -> Result<String, Error> {
    let is_sound =
        |subject: &Cow<'_, str>| subject.len() <= 255 && !subject.bytes().any(|byte| byte.is_ascii_control());
    claims
        .subject()
        .filter(is_sound)
        .map(Cow::into_owned)
        .ok_or(Error::NotLinkable("the provider gave no `sub` that can be kept"))
}

/// Stores keep methods with spaces between them.
fn is_word(method: &str) -> bool {
    (1..=32).contains(&method.len()) && method.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The address, if `email_verified` is `true`: no text, no number.
fn verified_address(claims: &Claims) -> Option<EmailAddress> {
    let is_verified = claims.get::<bool>("email_verified").ok().flatten() == Some(true);
    let email = claims.get::<String>("email").ok().flatten().filter(|_| is_verified)?;
    email.parse().ok()
}
