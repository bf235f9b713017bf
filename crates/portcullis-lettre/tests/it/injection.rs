//! Nothing that a mail has in it becomes a header or a command.

use crate::peer::{Peer, Session, mail};
use portcullis_accounts::{EmailAddress, Mail, MailKind, Mailer};
use portcullis_lettre::Text;

const LINES: [&str; 4] =
    ["\r\nBcc: eve@example.net\r\n\r\n", "\nBcc: eve@example.net", "\rBcc: eve@example.net", "\u{0}\u{b}\u{2028}x"];

async fn sent(text: Text) -> Session {
    let mut peer = Peer::usual().await;
    let mailer = peer.mailer().texts(move |_| Some(text.clone())).build().unwrap();
    mailer.send(mail(MailKind::Reset));
    drop(mailer);
    let session = peer.session().await;
    assert!(peer.is_quiet());
    session
}

fn assert_one_mail(session: &Session) {
    let commands: Vec<_> = session.commands.iter().map(|command| command.get(..4).unwrap_or(command)).collect();
    assert_eq!(commands, ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]);
    assert_eq!(session.header("Bcc"), None, "{}", session.content);
    let (head, _) = session.content.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Type: multipart/alternative"), "{head}");
    assert!(!session.content.replace("\r\n", "").contains(['\r', '\n']), "a bare line break: {}", session.content);
}

#[tokio::test]
async fn a_subject_stays_one_header() {
    for lines in LINES {
        let session = sent(Text::new(format!("Hello{lines}"), "text")).await;
        assert_one_mail(&session);
        assert!(session.header("Subject").is_some_and(|subject| subject.starts_with("Hello")), "{}", session.content);
    }
}

#[tokio::test]
async fn a_text_does_not_end_the_mail() {
    for lines in LINES {
        assert_one_mail(&sent(Text::new("Hello", format!("text{lines}"))).await);
        assert_one_mail(&sent(Text::new("Hello", "text").html(format!("<p>text{lines}"))).await);
    }
    for end in ["\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n"] {
        let smuggled = format!("text{end}MAIL FROM:<eve@example.net>{end}");
        assert_one_mail(&sent(Text::new("Hello", smuggled)).await);
    }
}

#[tokio::test]
async fn a_link_is_escaped_in_html() {
    let mut peer = Peer::usual().await;
    let mailer = peer.mailer().build().unwrap();
    let link = "https://a.example/?a=1&b=\"><script>".to_owned();
    mailer.send(Mail::new("alice@example.com".parse().unwrap(), MailKind::Reset, Some(link)));
    let text = peer.session().await.text();
    let (_, html) = text.split_once("text/html").unwrap();
    assert!(html.contains("<a href=\"https://a.example/?a=1&amp;b=&quot;&gt;&lt;script&gt;\">"), "{html}");
    assert!(!html.contains("<script>"), "{html}");
}

#[test]
fn an_address_has_no_line_breaks() {
    for address in [
        "a@example.com\r\nRCPT TO:<eve@example.net>",
        "a@example.com>\r\n",
        "a\n@example.com",
        "a@example.com,eve@example.net",
    ] {
        assert!(address.parse::<EmailAddress>().is_err(), "{address}");
    }
    // And what is between the ends of an address arrives as it is.
    for address in ["a'b@example.com", "a+{b}|c=d@example.com", "!#$%&*/?^`~-_@example.com"] {
        assert!(address.parse::<EmailAddress>().is_ok(), "{address}");
    }
}

#[tokio::test]
async fn unusual_addresses_arrive_as_they_are() {
    let mut peer = Peer::usual().await;
    let mailer = peer.mailer().build().unwrap();
    for address in ["a'b@example.com", "a+{b}|c=d@example.com", "!#$%&*/?^`~-_@example.com"] {
        mailer.send(Mail::new(address.parse().unwrap(), MailKind::EmailChanged, None));
        let session = peer.session().await;
        assert_eq!(session.commands[2], format!("RCPT TO:<{address}>"));
        assert_one_mail(&session);
    }
}
