//! Mails through a real SMTP server that delivers nothing. `servers/smtp.sh up` starts it and prints the environment that
//! this reads. Others may use the same server, so each test has recipients of its own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

#[path = "live/common.rs"]
mod common;
#[path = "accounts/log.rs"]
mod log;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request},
};
use common::{Anyhow, agent, variable};
use portcullis::{
    Gate,
    accounts::{Accounts, Links, Mail, MailKind, Mailer, Secret, store::MemoryStore},
    axum::Routes,
    policy::anyone,
};
use portcullis_lettre::{SmtpMailer, SmtpMailerBuilder, Text};
use serde_json::{Value, json};
use std::{
    fs, process, thread,
    time::{Duration, Instant},
};
use tower::ServiceExt;

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

/// A service whose accounts send real mails, and whose pages take the links of them.
struct Service(Router);

impl Service {
    fn start() -> Anyhow<Self> {
        let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
        let accounts = Accounts::builder("https://orders.example", secret, MemoryStore::new())
            .mailer(mailer(&variable("SMTP_URL")).build()?, Links::below("https://orders.example"))
            .magic_links()
            .argon2(64, 1, 1)
            .build()?;
        let gate = Gate::builder().scheme(&accounts).revocations(accounts.revocations()).build()?;
        let routes = Routes::new(&gate).accounts("/auth", &accounts.endpoints());
        let pages = ["/confirm", "/reset", "/magic-link"];
        let routes = pages.into_iter().fold(routes, |routes, page| routes.get(page, anyone(), async || "a page"));
        Ok(Self(routes.into_router().with_state(gate)))
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Anyhow<(u16, Value)> {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = self.0.clone().oneshot(request.body(body)?).await?;
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 16).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn post(&self, path: &str, body: Value) -> Anyhow<u16> {
        Ok(self.send(Method::POST, &format!("/auth/{path}"), body).await?.0)
    }

    /// What a scanner of mails does with a link: it opens the page, and tries the token where it can.
    async fn scan(&self, page: &str, endpoint: &str, token: &str) -> Anyhow {
        assert_eq!(self.send(Method::GET, page, Value::Null).await?.0, 200);
        for method in [Method::GET, Method::HEAD] {
            for path in [format!("{page}?token={token}"), format!("/auth/{endpoint}?token={token}")] {
                let (status, body) = self.send(method.clone(), &path, Value::Null).await?;
                assert!(matches!(status, 200 | 405) && !body.to_string().contains("access_token"), "{path}: {status}");
            }
        }
        Ok(())
    }
}

/// The token of the link to this page, once there are so many mails. They may arrive in another order.
fn token_in(to: &str, count: usize, page: &str) -> Anyhow<String> {
    let link = format!("https://orders.example{page}#token=");
    let mails = caught(to, count)?;
    let mut texts = mails.iter().filter_map(|mail| mail["text"].as_str());
    let (_, token) = texts.find_map(|text| text.split_once(&link)).ok_or("a link")?;
    Ok(token.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter)).collect())
}

/// Each link works once, by POST. That scanners have opened it before changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn links_of_confirmation_reset_and_sign_in() -> Anyhow {
    let start = log::listen();
    let (service, to) = (Service::start()?, recipient("links"));
    let (old, new) = ("correct horse battery", "another horse battery");
    let with = |password: &str| json!({ "email": to, "password": password });

    assert_eq!(service.post("sign-up", with(old)).await?, 202);
    let token = token_in(&to, 1, "/confirm")?;
    service.scan("/confirm", "confirm", &token).await?;
    let confirm = json!({ "token": token, "password": old });
    assert_eq!(service.post("sign-in", with(old)).await?, 403, "not confirmed by opening the link");
    assert_eq!(service.post("confirm", confirm.clone()).await?, 200);
    assert_eq!(service.post("confirm", confirm.clone()).await?, 400);
    assert_eq!(service.post("sign-in", with(old)).await?, 200);

    assert_eq!(service.post("reset/request", json!({ "email": to })).await?, 202);
    let token = token_in(&to, 2, "/reset")?;
    service.scan("/reset", "reset", &token).await?;
    assert_eq!(service.post("sign-in", with(old)).await?, 200, "not reset by opening the link");
    let reset = json!({ "token": token, "password": new });
    assert_eq!(service.post("reset", reset.clone()).await?, 200);
    assert_eq!(service.post("reset", reset.clone()).await?, 400);
    assert_eq!((service.post("sign-in", with(old)).await?, service.post("sign-in", with(new)).await?), (401, 200));

    // The note that the password was changed is the third mail.
    assert_eq!(service.post("magic-link/request", json!({ "email": to })).await?, 202);
    let token = token_in(&to, 4, "/magic-link")?;
    service.scan("/magic-link", "magic-link", &token).await?;
    let link = json!({ "token": token });
    let (status, body) = service.send(Method::POST, "/auth/magic-link", link.clone()).await?;
    assert!(status == 200 && body["access_token"].is_string(), "{status} {body}");
    assert_eq!(service.post("magic-link", link.clone()).await?, 400);
    log::assert_silent(start, &[&to, old, new], &format!("{confirm} {reset} {link} {body}"));
    Ok(())
}
