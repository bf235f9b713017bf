//! A mailer for a developer's own machine.

use portcullis::accounts::{Mail, MailKind, Mailer};
use std::{error, net::SocketAddr};

/// Prints mails to the terminal instead of sending them. A service in use sends them, with `portcullis-lettre` or a mailer of
/// its own.
#[derive(Debug)]
pub struct PrintedMails(());

impl PrintedMails {
    /// # Errors
    /// If the service listens for other machines. Whoever reads its log could then reset the passwords of strangers.
    pub fn new(address: SocketAddr) -> Result<Self, Box<dyn error::Error>> {
        if address.ip().is_loopback() {
            return Ok(Self(()));
        }
        Err("mails are only printed, so listen on 127.0.0.1, or send them by a real mailer".into())
    }
}

impl Mailer for PrintedMails {
    fn send(&self, mail: Mail) {
        println!("{}", text(&mail));
    }
}

/// The link, and the token in it for the lines to paste.
fn text(mail: &Mail) -> String {
    let what = match mail.kind {
        MailKind::Confirm => "confirm your address",
        MailKind::SignedUpAgain => "you have an account already; sign in, or reset your password",
        MailKind::Reset => "choose a new password",
        MailKind::MagicLink => "sign in",
        MailKind::EmailChange => "confirm your new address",
        MailKind::EmailChanged => "your address was changed",
        MailKind::PasswordChanged => "your password was changed",
        MailKind::FactorAdded => "sign-in needs a code from now on",
        MailKind::FactorRemoved => "sign-in needs no code any more",
        _ => "a mail",
    };
    let link = mail.link.as_deref().map_or(String::new(), |link| {
        let token = link.rsplit_once("#token=").map_or("", |(_, token)| token);
        format!("\n  open   {link}\n  or     export TOKEN={token}")
    });
    format!("\nmail to {}: {what}{link}", mail.to.as_str())
}
