//! A mail as it is sent.

use crate::text::Text;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use portcullis_accounts::Mail;

/// `None` if the library refuses it, which is not expected: the recipient is an address already.
pub(crate) fn message(from: &Mailbox, mail: &Mail, text: Text) -> Option<Message> {
    let to: Address = mail.to.as_str().parse().ok()?;
    let text = text.cleaned();
    let (subject, plain) = (text.subject.clone(), text.plain.clone());
    let html = text.into_html(mail.link.as_deref());
    let id = format!("<{:032x}@{}>", fastrand::u128(..), from.email.domain());
    let mut message = Message::builder()
        .from(from.clone())
        .to(to.into())
        .subject(subject)
        .message_id(Some(id))
        .multipart(MultiPart::alternative_plain_html(plain, html))
        .ok()?;
    // So that nobody's absence is answered to us (RFC 3834, section 5).
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
    Some(message)
}
