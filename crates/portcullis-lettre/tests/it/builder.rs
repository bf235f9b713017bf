//! Settings.

use crate::peer::{FROM, Peer, mail};
use portcullis_accounts::{MailKind, Mailer};
use portcullis_core::ErrorKind;
use portcullis_lettre::SmtpMailer;

#[test]
fn what_cannot_be_used_is_an_error_without_the_password() {
    let good = "smtp://user:SENTINEL@mail.example.com";
    for (server, from) in [
        ("smtp://user:SENTINEL@", FROM),
        ("http://user:SENTINEL@mail.example.com", FROM),
        ("smtp://user:SENTINEL@mail.example.com/x", FROM),
        (good, ""),
        (good, "Orders"),
        (good, "Orders <no-reply>"),
        (good, "Orders <no-reply@example.com>\r\nBcc: eve@example.net"),
    ] {
        let error = SmtpMailer::builder(server, from).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{server} {from}");
        assert!(!format!("{error} {error:?}").contains("SENTINEL"));
    }
    for pem in ["", "not PEM", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        assert!(SmtpMailer::builder(good, FROM).root_certificates(pem).build().is_err(), "{pem}");
    }
    let builder = SmtpMailer::builder(good, FROM).credentials("SENTINEL", "SENTINEL");
    assert!(!format!("{builder:?}").contains("SENTINEL"));
    let mailer = builder.build().unwrap();
    assert_eq!(format!("{mailer:?}"), "SmtpMailer { host: \"mail.example.com\", .. }");
}

#[tokio::test]
async fn credentials_are_those_of_the_url_unless_set() {
    // AUTH PLAIN of `user`, `p:w` and of `other`, `secret`.
    const URL: &str = "AUTH PLAIN AHVzZXIAcDp3";
    const SET: &str = "AUTH PLAIN AG90aGVyAHNlY3JldA==";
    for (is_set, expected) in [(false, URL), (true, SET)] {
        let mut peer = Peer::usual().await;
        let builder = SmtpMailer::builder(format!("smtp://user:p%3Aw@127.0.0.1:{}", peer.port), FROM);
        let builder = if is_set { builder.credentials("other", "secret") } else { builder };
        builder.build().unwrap().send(mail(MailKind::Reset));
        let session = peer.session().await;
        assert!(session.commands.iter().any(|command| command == expected), "{session:?}");
    }
}
