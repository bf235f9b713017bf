//! What a mail has in it.

use crate::peer::{LINK, Peer, mail};
use portcullis_accounts::{Mail, MailKind, Mailer};
use portcullis_lettre::{SmtpMailer, Text};

#[tokio::test]
async fn a_mail_has_its_headers_and_two_alternatives() {
    let mut peer = Peer::usual().await;
    peer.mailer().build().unwrap().send(mail(MailKind::Reset));
    let session = peer.session().await;
    assert_eq!(session.commands[0], "EHLO orders.example");
    assert_eq!(session.commands[1], "MAIL FROM:<no-reply@orders.example>");
    assert_eq!(session.commands[2], "RCPT TO:<alice@example.com>");
    assert!(!session.has("AUTH"));

    assert_eq!(session.header("From"), Some("Orders <no-reply@orders.example>"));
    assert_eq!(session.header("To"), Some("alice@example.com"));
    assert_eq!(session.header("Subject"), Some("Reset your password"));
    assert_eq!(session.header("Auto-Submitted"), Some("auto-generated"));
    assert!(session.header("Date").is_some());
    assert!(session.header("Message-ID").is_some_and(|id| id.starts_with('<') && id.ends_with("@orders.example>")));

    let text = session.text();
    let (plain, html) = text.split_once("Content-Type: text/html; charset=utf-8").unwrap();
    assert!(plain.contains("Content-Type: text/plain; charset=utf-8"), "{plain}");
    assert!(
        plain.contains(&format!("To choose a new password for your Orders account, open this link:\r\n\r\n{LINK}\r\n")),
        "{plain}"
    );
    assert!(html.contains(&format!("<p><a href=\"{LINK}\">{LINK}</a></p>")), "{html}");
}

#[tokio::test]
async fn each_kind_says_what_it_is_about() {
    let mut peer = Peer::usual().await;
    let mailer = peer.mailer().build().unwrap();
    for (kind, subject, part) in [
        (MailKind::Confirm, "Confirm your email address", "If you did not sign up"),
        (MailKind::SignedUpAgain, "You already have an account", "nothing was changed"),
        (MailKind::Reset, "Reset your password", "Your password stays the same"),
        (MailKind::MagicLink, "Your sign-in link", "Do not forward it"),
        (MailKind::EmailChange, "Confirm your new email address", "To use this email address"),
        (MailKind::EmailChanged, "Your email address was changed", "contact us"),
        (MailKind::PasswordChanged, "Your password was changed", "reset your password"),
        (MailKind::FactorAdded, "Two-step sign-in is on", "a code of your authenticator app"),
        (MailKind::FactorRemoved, "Two-step sign-in is off", "no code of an authenticator app"),
        (MailKind::Approve, "A new account is waiting for approval", "you approve new accounts"),
    ] {
        for link in [None, Some(LINK.to_owned())] {
            let has_link = link.is_some();
            mailer.send(Mail::new("alice@example.com".parse().unwrap(), kind, link));
            let session = peer.session().await;
            assert_eq!(session.header("Subject"), Some(subject));
            let text = session.text();
            assert_eq!(text.matches(part).count(), 2, "in both alternatives: {text}");
            assert_eq!(text.contains(LINK), has_link, "{text}");
            assert_eq!(text.contains("<a href"), has_link, "{text}");
        }
    }
}

#[tokio::test]
async fn a_sender_without_a_name_is_not_named() {
    let mut peer = Peer::usual().await;
    let mailer = SmtpMailer::builder(peer.url(), "no-reply@orders.example").build().unwrap();
    mailer.send(mail(MailKind::Confirm));
    let session = peer.session().await;
    assert_eq!(session.header("From"), Some("no-reply@orders.example"));
    assert!(session.text().contains("To confirm your email address for your account, open this link:"));
}

#[tokio::test]
async fn texts_of_the_application_replace_the_default_where_it_has_some() {
    let mut peer = Peer::usual().await;
    let mailer = peer
        .mailer()
        .texts(|mail| match mail.kind {
            MailKind::Reset => {
                let link = mail.link.clone().unwrap_or_default();
                Some(Text::new("Neues Kennwort für Müller & Söhne", format!("Hier <klicken>:\n\n{link}\n\nGrüße")))
            }
            MailKind::MagicLink => Some(Text::new("Anmeldung", "einfach").html("<b>eigenes</b>")),
            MailKind::Approve => panic!("a text of the application"),
            _ => None,
        })
        .build()
        .unwrap();

    mailer.send(mail(MailKind::Reset));
    let session = peer.session().await;
    assert!(
        session.header("Subject").unwrap().starts_with("Neues Kennwort =?utf-8?"),
        "{:?}",
        session.header("Subject")
    );
    let text = session.text();
    assert!(text.contains(&format!("Hier <klicken>:\r\n\r\n{LINK}\r\n\r\nGrüße")), "{text}");
    assert!(text.contains("<title>Neues Kennwort für Müller &amp; Söhne</title>"), "{text}");
    assert!(text.contains("<p>Hier &lt;klicken&gt;:</p>") && text.contains("<p>Grüße</p>"), "{text}");

    mailer.send(mail(MailKind::MagicLink));
    let text = peer.session().await.text();
    assert!(text.contains("einfach") && text.contains("<b>eigenes</b>") && !text.contains("<p>"), "{text}");

    for kind in [MailKind::Confirm, MailKind::Approve] {
        mailer.send(mail(kind));
        assert!(peer.session().await.text().contains(LINK), "the default text");
    }
}
