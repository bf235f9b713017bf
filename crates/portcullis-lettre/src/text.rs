//! What mails say.

use portcullis_accounts::{Mail, MailKind};
use std::fmt;

/// The texts of a mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    pub(crate) subject: String,
    pub(crate) plain: String,
    pub(crate) html: Option<String>,
}

impl Text {
    /// A subject and a plain text. The HTML alternative has the same paragraphs, and a link where the plain text has one.
    #[must_use]
    pub fn new(subject: impl Into<String>, plain: impl Into<String>) -> Self {
        Self { subject: subject.into(), plain: plain.into(), html: None }
    }

    /// With this document as the HTML alternative. Escape what you insert.
    #[must_use]
    pub fn html(self, document: impl Into<String>) -> Self {
        Self { html: Some(document.into()), ..self }
    }

    /// The text for a mail, about accounts of this service.
    pub(crate) fn of(mail: &Mail, service: Option<&str>) -> Self {
        let account = service.map_or_else(|| "your account".to_owned(), |name| format!("your {name} account"));
        let (subject, what, note) = match mail.kind {
            MailKind::Confirm => (
                "Confirm your email address",
                format!("To confirm your email address for {account}, open this link:"),
                "If you did not sign up, you can ignore this message.",
            ),
            MailKind::SignedUpAgain => (
                "You already have an account",
                format!(
                    "We received a sign-up with your email address. It already belongs to {account}, so nothing was \
                     changed. You can sign in as usual, or reset your password if you have forgotten it."
                ),
                "If you did not sign up, you can ignore this message.",
            ),
            MailKind::Reset => (
                "Reset your password",
                format!("To choose a new password for {account}, open this link:"),
                "If you did not ask for this, you can ignore this message. Your password stays the same.",
            ),
            MailKind::MagicLink => (
                "Your sign-in link",
                format!("To sign in to {account}, open this link:"),
                "If you did not ask for this, you can ignore this message. Do not forward it.",
            ),
            MailKind::EmailChange => (
                "Confirm your new email address",
                format!("To use this email address for {account}, open this link:"),
                "If you did not ask for this, you can ignore this message.",
            ),
            MailKind::EmailChanged => (
                "Your email address was changed",
                format!("The email address of {account} was changed. Messages will go to the new address from now on."),
                "If you did not do this, please contact us immediately.",
            ),
            MailKind::PasswordChanged => (
                "Your password was changed",
                format!("The password of {account} was changed."),
                "If you did not do this, please reset your password immediately.",
            ),
            MailKind::FactorAdded => (
                "Two-step sign-in is on",
                format!("From now on, signing in to {account} needs a code of your authenticator app."),
                "If you did not do this, please reset your password immediately.",
            ),
            MailKind::FactorRemoved => (
                "Two-step sign-in is off",
                format!("Signing in to {account} needs no code of an authenticator app any more."),
                "If you did not do this, please reset your password immediately.",
            ),
            MailKind::IdentityLinked => (
                "Another way to sign in was added",
                format!("From now on, an account at another service signs in to {account}."),
                "If you did not do this, please reset your password immediately, and remove it in your settings.",
            ),
            MailKind::Approve => (
                "A new account is waiting for approval",
                "To review the account and approve it, open this link:".to_owned(),
                "You receive this message because you approve new accounts.",
            ),
            MailKind::Invitation => (
                "You are invited",
                format!("You are invited to an organization. To become a member with {account}, open this link:"),
                "If you do not know who invited you, you can ignore this message.",
            ),
            _ => ("A message about your account", format!("This is a message about {account}."), ""),
        };
        let paragraphs = [&*what, mail.link.as_deref().unwrap_or_default(), note];
        let paragraphs: Vec<_> = paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()).collect();
        Self::new(subject, paragraphs.join("\n\n"))
    }

    /// A subject of one line, and texts in which a line ends with `\n` only: a line break in a subject would begin another
    /// header, and servers differ about the end of a mail where there is `\r` by itself.
    pub(crate) fn cleaned(self) -> Self {
        let lines = |text: String| text.replace("\r\n", "\n").replace('\r', "\n");
        Self {
            subject: self.subject.chars().map(|it| if it.is_control() { ' ' } else { it }).collect(),
            plain: lines(self.plain),
            html: self.html.map(lines),
        }
    }

    /// The HTML alternative, with this link in it.
    pub(crate) fn into_html(self, link: Option<&str>) -> String {
        let Self { subject, plain, html } = self;
        html.unwrap_or_else(|| {
            let paragraphs: String = plain.split("\n\n").map(|text| paragraph(text, link)).collect();
            format!(
                "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>{}</title></head><body>\n{paragraphs}</body></html>\n",
                escape(&subject)
            )
        })
    }
}

fn paragraph(text: &str, link: Option<&str>) -> String {
    let escaped = escape(text).replace('\n', "<br>\n");
    let escaped = match link.map(escape) {
        Some(link) if !link.is_empty() => escaped.replace(&link, &format!("<a href=\"{link}\">{link}</a>")),
        _ => escaped,
    };
    format!("<p>{escaped}</p>\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The texts may have the link in them.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}
