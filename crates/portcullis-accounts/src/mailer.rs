//! Mails, and where their links lead.

use crate::{email::EmailAddress, error::Error, secret::Token};
use std::fmt;

/// Sends mails. `portcullis-lettre` sends them by SMTP.
pub trait Mailer: fmt::Debug + Send + Sync {
    /// Takes a mail and returns at once. The mail is sent in the background.
    ///
    /// Requests to reset a password are answered alike, whether there is an account or not. If this method waited for a mail
    /// server, the time of the answer would tell.
    fn send(&self, mail: Mail);
}

/// A mail to send. `Debug` shows its kind only.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail {
    /// The recipient.
    pub to: EmailAddress,
    /// What it is about.
    pub kind: MailKind,
    /// The address of the page to open, with the token in it. `None` where the recipient has nothing to do.
    pub link: Option<String>,
}

impl Mail {
    /// A mail. Accounts make their own; tests of a [`Mailer`] need one.
    #[must_use]
    pub fn new(to: EmailAddress, kind: MailKind, link: Option<String>) -> Self {
        Self { to, kind, link }
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MailKind {
    /// Confirm the address of a new account. Page `confirm`.
    Confirm,
    /// Sign-up with an address that has an account already. No link.
    SignedUpAgain,
    /// Set a new password. Page `reset`.
    Reset,
    /// Sign in. Page `magic-link`.
    MagicLink,
    /// Confirm a new address; sent to the new one. Page `email-change`.
    EmailChange,
    /// The address was changed; sent to the old one. No link.
    EmailChanged,
    /// The password was changed. No link.
    PasswordChanged,
    /// Sign-ins ask for a second factor from now on. No link.
    FactorAdded,
    /// Sign-ins ask for no second factor any more. No link.
    FactorRemoved,
    /// A sign-in at a provider was linked to the account. No link.
    IdentityLinked,
    /// Approve an account; sent to an administrator. Page `approve`.
    Approve,
    /// Become a member of an organization. Page `invitation`.
    Invitation,
}

impl MailKind {
    const fn page(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reset => "reset",
            Self::MagicLink => "magic-link",
            Self::EmailChange => "email-change",
            Self::Approve => "approve",
            Self::Invitation => "invitation",
            Self::SignedUpAgain | Self::IdentityLinked | Self::EmailChanged | Self::PasswordChanged => "",
            Self::FactorAdded | Self::FactorRemoved => "",
        }
    }
}

/// Where the links in mails lead: to pages of the application.
///
/// A page shows a button, which sends the token with `POST`. Opening a link changes nothing, because scanners of mail servers
/// open links before the recipient does. The token is behind `#`, which browsers send to no server and in no `Referer`.
///
/// ```
/// use portcullis_accounts::{Links, MailKind};
///
/// // https://app.example.com/confirm#token=…
/// let links = Links::below("https://app.example.com");
/// // https://app.example.com/account/new-password#token=…
/// let links = links.page(MailKind::Reset, "account/new-password");
/// # let _ = links;
/// ```
#[derive(Debug, Clone)]
pub struct Links {
    base: String,
    pages: Vec<(MailKind, String)>,
    second_factor: String,
    in_query: bool,
}

impl Links {
    /// Pages below this address, under the names that [`MailKind`] lists.
    #[must_use]
    pub fn below(base: impl Into<String>) -> Self {
        Self { base: base.into(), pages: Vec::new(), second_factor: "second-factor".to_owned(), in_query: false }
    }

    /// Another page for mails of this kind: a path below the base, or a whole address.
    #[must_use]
    pub fn page(mut self, kind: MailKind, page: impl Into<String>) -> Self {
        self.pages.retain(|(known, _)| *known != kind);
        self.pages.push((kind, page.into()));
        self
    }

    /// The page that asks for the second factor after a sign-in at a provider: a path below the base, or a whole address. By
    /// default `second-factor`. It gets the token as the pages of mails do, and `return_to`, the path to go to afterwards.
    #[must_use]
    pub fn second_factor_page(self, page: impl Into<String>) -> Self {
        Self { second_factor: page.into(), ..self }
    }

    /// Sends the token as `?token=`, for pages that a server renders. Access logs then contain tokens, and the pages need
    /// `Referrer-Policy: no-referrer`.
    #[must_use]
    pub fn in_query(self) -> Self {
        Self { in_query: true, ..self }
    }

    /// # Errors
    /// [`Error::Core`] of kind `Misconfigured` for an address that is none, or that has a fragment.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_address = |text: &str| {
            let uri = text.parse::<http::Uri>().ok();
            uri.is_some_and(|uri| uri.scheme().is_some() && uri.host().is_some()) && !text.contains('#')
        };
        let pages = self.pages.iter().map(|(kind, _)| self.address(*kind));
        let mut pages = pages.chain([self.below_base(&self.second_factor)]);
        if is_address(&self.base) && !self.base.contains('?') && pages.all(|page| is_address(&page)) {
            return Ok(());
        }
        Err(Error::misconfigured(
            "the pages of links in mails need whole addresses without `#`, such as https://app.example.com",
        ))
    }

    /// The link of a mail of this kind.
    pub(crate) fn link(&self, kind: MailKind, token: &Token) -> String {
        self.with_token(&self.address(kind), token)
    }

    /// Where a browser goes that came back from a provider, if the user has a second factor.
    #[cfg(feature = "sign-in")]
    pub(crate) fn second_factor(&self, token: &Token, return_to: &str) -> String {
        let page = self.with_token(&self.below_base(&self.second_factor), token);
        let return_to = percent_encoding::utf8_percent_encode(return_to, percent_encoding::NON_ALPHANUMERIC);
        format!("{page}&return_to={return_to}")
    }

    fn with_token(&self, page: &str, token: &Token) -> String {
        let separator = match (self.in_query, page.contains('?')) {
            (false, _) => '#',
            (true, false) => '?',
            (true, true) => '&',
        };
        format!("{page}{separator}token={}", token.expose())
    }

    fn address(&self, kind: MailKind) -> String {
        let page = self.pages.iter().find(|(known, _)| *known == kind).map_or(kind.page(), |(_, page)| page);
        self.below_base(page)
    }

    fn below_base(&self, page: &str) -> String {
        if page.contains("://") {
            return page.to_owned();
        }
        format!("{}/{}", self.base.trim_end_matches('/'), page.trim_start_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(links: &Links, kind: MailKind) -> String {
        links.link(kind, &Token::new("t-1_2"))
    }

    #[test]
    fn links_lead_to_the_pages_of_their_kinds() {
        let links = Links::below("https://app.example.com/");
        for (kind, expected) in [
            (MailKind::Confirm, "https://app.example.com/confirm#token=t-1_2"),
            (MailKind::Reset, "https://app.example.com/reset#token=t-1_2"),
            (MailKind::MagicLink, "https://app.example.com/magic-link#token=t-1_2"),
            (MailKind::EmailChange, "https://app.example.com/email-change#token=t-1_2"),
            (MailKind::Approve, "https://app.example.com/approve#token=t-1_2"),
            (MailKind::Invitation, "https://app.example.com/invitation#token=t-1_2"),
        ] {
            assert_eq!(link(&links, kind), expected);
        }
    }

    #[test]
    fn each_kind_may_have_a_page_of_its_own() {
        let links = Links::below("https://app.example.com/de")
            .page(MailKind::Reset, "unused")
            .page(MailKind::Reset, "/account?tab=password")
            .page(MailKind::Approve, "https://admin.example.com/accounts");
        assert_eq!(link(&links, MailKind::Reset), "https://app.example.com/de/account?tab=password#token=t-1_2");
        assert_eq!(link(&links, MailKind::Approve), "https://admin.example.com/accounts#token=t-1_2");
        assert_eq!(link(&links, MailKind::Confirm), "https://app.example.com/de/confirm#token=t-1_2");
        let links = links.in_query();
        assert_eq!(link(&links, MailKind::Reset), "https://app.example.com/de/account?tab=password&token=t-1_2");
        assert_eq!(link(&links, MailKind::Confirm), "https://app.example.com/de/confirm?token=t-1_2");
    }

    #[test]
    fn addresses_that_are_none_are_refused() {
        for good in ["https://app.example.com", "http://127.0.0.1:3000/app/", "app://open"] {
            assert!(Links::below(good).check().is_ok(), "{good}");
        }
        for bad in
            ["", "app.example.com", "/app", "https://", "https://a.example/#/", "https://a.example/?x", "https://a b"]
        {
            assert!(Links::below(bad).check().is_err(), "{bad}");
        }
        let links = Links::below("https://app.example.com");
        assert!(links.clone().page(MailKind::Reset, "account?tab=password").check().is_ok());
        assert!(links.clone().page(MailKind::Reset, "#/reset").check().is_err());
        assert!(links.page(MailKind::Reset, "new password").check().is_err());
    }

    #[test]
    fn debug_shows_neither_recipient_nor_link() -> Result<(), Error> {
        let mail = Mail::new("alice@example.com".parse()?, MailKind::Reset, Some("https://a.example/#token=t".into()));
        assert_eq!(format!("{mail:?}"), "Mail { kind: Reset, .. }");
        Ok(())
    }
}
