//! Mails through a real SMTP server that delivers nothing. `servers/smtp.sh up` starts it and prints the environment that
//! this reads. Others may use the same server, so each test has recipients of its own.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

#[path = "live/common.rs"]
mod common;

use common::{Anyhow, agent, variable};
use portcullis_accounts::{Mail, MailKind, Mailer};
use portcullis_lettre::{SmtpMailer, SmtpMailerBuilder, Text};
use serde_json::{Value, json};
use std::{
    fs, process, thread,
    time::{Duration, Instant},
};

const LINK: &str = "https://app.example.com/reset#token=tok_EN-123";

fn mailer(url: &str) -> SmtpMailerBuilder {
    SmtpMailer::builder(url, "Orders <no-reply@orders.example>")
}

fn mail(to: &str, kind: MailKind) -> Anyhow<Mail> {
    Ok(Mail::new(to.parse()?, kind, Some(LINK.to_owned())))
}

/// The mails to this recipient, once there are as many.
fn caught(to: &str, count: usize) -> Anyhow<Vec<Value>> {
    let start = Instant::now();
    loop {
        let mails: Vec<Value> =
            agent().get(format!("{}/mails", variable("MAILS_URL"))).call()?.body_mut().read_json()?;
        let mails: Vec<_> = mails.into_iter().filter(|mail| mail["to"] == json!([to])).collect();
        if mails.len() >= count {
            assert_eq!(mails.len(), count);
            return Ok(mails);
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{} of {count} mails to {to}", mails.len());
        thread::sleep(Duration::from_millis(50));
    }
}

fn recipient(name: &str) -> String {
    format!("{name}.{}@example.com", process::id())
}

#[test]
fn a_mail_arrives_as_plain_text_and_html() -> Anyhow {
    let to = recipient("plain");
    mailer(&variable("SMTP_URL")).build()?.send(mail(&to, MailKind::Reset)?);
    let mail = &caught(&to, 1)?[0];
    assert_eq!(mail["from"], "no-reply@orders.example");
    assert_eq!(mail["subject"], "Reset your password");
    assert_eq!(mail["headers"]["From"], json!(["Orders <no-reply@orders.example>"]));
    assert_eq!(mail["headers"]["Auto-Submitted"], json!(["auto-generated"]));
    assert_eq!(mail["tls"], false, "on loopback");
    for part in ["text", "html"] {
        assert!(
            mail[part].as_str().is_some_and(|text| text.contains(LINK) && text.contains("your Orders account")),
            "{mail}"
        );
    }
    Ok(())
}

#[test]
fn starttls_is_used_where_authorities_are_set() -> Anyhow {
    let to = recipient("tls");
    let authority = fs::read(variable("SMTP_CA"))?;
    let url = variable("SMTP_URL").replace("127.0.0.1", "localhost");
    mailer(&url).root_certificates(authority).build()?.send(mail(&to, MailKind::Confirm)?);
    assert_eq!(caught(&to, 1)?[0]["tls"], true);
    Ok(())
}

#[test]
fn texts_in_any_language_and_fifty_at_once_arrive() -> Anyhow {
    let to = recipient("many");
    let texts =
        |mail: &Mail| Some(Text::new("Neues Kennwort für Müller 🔑", format!("Grüße\n.\n{:?}\n{LINK}", mail.kind)));
    let mailer = mailer(&variable("SMTP_URL")).texts(texts).build()?;
    for _ in 0..50 {
        mailer.send(mail(&to, MailKind::MagicLink)?);
    }
    drop(mailer);
    for mail in caught(&to, 50)? {
        assert_eq!(mail["subject"], "Neues Kennwort für Müller 🔑");
        let lines: Vec<_> = mail["text"].as_str().unwrap_or_default().lines().collect();
        assert_eq!(lines, ["Grüße", ".", "MagicLink", LINK]);
    }
    Ok(())
}

#[test]
fn a_line_break_in_a_subject_adds_no_recipient() -> Anyhow {
    let (to, other) = (recipient("subject"), recipient("other"));
    let subject = format!("Hello\r\nBcc: {other}");
    let mailer = mailer(&variable("SMTP_URL")).texts(move |_| Some(Text::new(subject.clone(), "text"))).build()?;
    mailer.send(mail(&to, MailKind::Reset)?);
    let mail = &caught(&to, 1)?[0];
    assert!(mail["headers"].get("Bcc").is_none(), "{mail}");
    assert!(caught(&other, 0)?.is_empty());
    Ok(())
}
