//! What is encrypted, and what is not sent otherwise.

use crate::{
    listener::Listener,
    peer::{FROM, Peer, Rules, mail},
};
use portcullis_accounts::{MailKind, Mailer};
use portcullis_lettre::SmtpMailer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::rustls::{ServerConfig, pki_types::PrivateKeyDer};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server whose certificate says this name.
fn rules(name: &str, by: &Authority, is_tls_from_the_start: bool) -> Rules {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, by).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    Rules { tls: Some(Arc::new(config)), is_tls_from_the_start, ..Rules::new(|_, _| None) }
}

#[tokio::test]
async fn both_ways_to_encrypt_hide_the_password_and_the_mail() {
    let ours = authority("ours");
    for (scheme, from_the_start) in [("smtp", false), ("smtps", true)] {
        let mut peer = Peer::start(rules("localhost", &ours, from_the_start)).await;
        let url = format!("{scheme}://user:pass@localhost:{}", peer.port);
        let mailer = SmtpMailer::builder(url, FROM).root_certificates(ours.pem()).retries([]).build().unwrap();
        mailer.send(mail(MailKind::Reset));
        let session = peer.session().await;
        assert!(session.is_encrypted && !session.content.is_empty(), "{scheme} {session:?}");
        let starttls = session.commands.iter().position(|command| command == "STARTTLS");
        let auth = session.commands.iter().position(|command| command.starts_with("AUTH")).unwrap();
        assert_eq!(starttls.is_some(), !from_the_start);
        assert!(starttls.is_none_or(|starttls| starttls < auth));
    }
}

#[tokio::test]
async fn a_certificate_of_somebody_else_gets_nothing() {
    let (ours, other) = (authority("ours"), authority("other"));
    for (scheme, from_the_start) in [("smtp", false), ("smtps", true)] {
        for (name, by) in [("localhost", &other), ("mail.example.com", &ours)] {
            let (listener, _guard) = Listener::start();
            let mut peer = Peer::start(rules(name, by, from_the_start)).await;
            let url = format!("{scheme}://user:pass@localhost:{}", peer.port);
            let mailer = SmtpMailer::builder(url, FROM).root_certificates(ours.pem()).retries([]).build().unwrap();
            mailer.send(mail(MailKind::Reset));
            let session = peer.session().await;
            assert!(!session.has("AUTH") && !session.has("MAIL"), "{scheme} {name} {session:?}");
            listener.line("was not sent").await;
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_gets_nothing() {
    let (listener, _guard) = Listener::start();
    let ours = authority("ours");
    let mut peer = Peer::usual().await;
    let mailer = peer.mailer().credentials("user", "pass").root_certificates(ours.pem()).build().unwrap();
    mailer.send(mail(MailKind::Reset));
    let session = peer.session().await;
    assert!(!session.has("AUTH") && !session.has("MAIL"), "{session:?}");
    let line = listener.line("was not sent").await;
    assert!(line.contains("does not offer what is needed"), "{line}");
}

/// This address leads here, and does not count as loopback.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_host_is_not_spoken_to_in_plain_text_unless_allowed() {
    for is_allowed in [false, true] {
        let mut peer = Peer::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), Rules::new(|_, _| None));
        let builder = SmtpMailer::builder(format!("smtp://user:pass@0.0.0.0:{}", peer.port), FROM).retries([]);
        let builder = if is_allowed { builder.dangerous_plaintext() } else { builder };
        builder.build().unwrap().send(mail(MailKind::Reset));
        let session = peer.session().await;
        assert_eq!((session.has("AUTH"), session.has("MAIL")), (is_allowed, is_allowed), "{session:?}");
    }
}
