//! A mailer that sends nothing.

use crate::{Mail, Mailer, Token};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// A [`Mailer`] that collects mails instead of sending them. Clones share their mails.
///
/// ```
/// use portcullis_accounts::{Mail, MailKind, Mailer, testing::Mailbox};
///
/// # fn main() -> Result<(), portcullis_accounts::Error> {
/// let mailbox = Mailbox::new();
/// let link = "https://app.example.com/reset#token=abc".to_owned();
/// mailbox.send(Mail::new("alice@example.com".parse()?, MailKind::Reset, Some(link)));
///
/// let mail = mailbox.last_to("alice@example.com");
/// let token = mail.as_ref().and_then(Mailbox::token_of);
/// assert_eq!(token.as_ref().map(|token| token.expose()), Some("abc"));
/// assert!(mailbox.last_to("bob@example.com").is_none());
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Mutex<Vec<Mail>>>);

impl Mailbox {
    /// An empty mailbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All mails, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The latest mail to this address.
    #[must_use]
    pub fn last_to(&self, address: &str) -> Option<Mail> {
        self.mails().into_iter().rfind(|mail| mail.to.as_str() == address)
    }

    /// The token in the link of a mail.
    #[must_use]
    pub fn token_of(mail: &Mail) -> Option<Token> {
        mail.link.as_ref()?.rsplit_once("token=").map(|(_, token)| Token::new(token))
    }

    /// Forgets all mails.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Mailer for Mailbox {
    fn send(&self, mail: Mail) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("mails", &self.mails().len()).finish()
    }
}
