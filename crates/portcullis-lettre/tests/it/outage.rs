//! Servers that do not take a mail, and mailers that come to their end.

use crate::{
    listener::Listener,
    peer::{LINK, Peer, Rules, mail},
};
use portcullis_accounts::{MailKind, Mailer};
use std::{
    thread,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

const SOON: Duration = Duration::from_millis(10);

/// Neither the recipient nor the link.
fn assert_discreet(listener: &Listener) {
    for line in listener.lines() {
        assert!(!line.contains("alice") && !line.contains("token") && !line.contains(LINK), "{line}");
    }
}

#[tokio::test]
async fn a_mail_is_sent_again_where_that_may_help() {
    let (listener, _guard) = Listener::start();
    for (at, answer) in [
        ("MAIL", "451 4.3.0 alice@example.com: later"),
        ("RCPT", "450 4.2.0 <alice@example.com>: greylisted"),
        ("content", "452 4.2.2 no room"),
        ("RCPT", "hang up"),
        ("EHLO", "nonsense"),
    ] {
        let script = move |nth, command: &str| (nth == 0 && command.starts_with(at)).then_some(answer);
        let mut peer = Peer::start(Rules::new(script)).await;
        peer.mailer().retries([SOON]).build().unwrap().send(mail(MailKind::Reset));
        peer.session().await;
        assert!(!peer.session().await.content.is_empty(), "{at} {answer}");
        listener.line("a mail was sent").await;
    }
    assert!(listener.lines().iter().all(|line| !line.contains("was not sent")));
    assert_discreet(&listener);
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_not_sent_again() {
    for (at, answer) in
        [("RCPT", "550 5.1.1 <alice@example.com>: nobody"), ("MAIL", "530 sign in"), ("content", "554 spam")]
    {
        let (listener, _guard) = Listener::start();
        let mut peer = Peer::start(Rules::new(move |_, command| command.starts_with(at).then_some(answer))).await;
        peer.mailer().retries([SOON, SOON]).build().unwrap().send(mail(MailKind::Reset));
        peer.session().await;
        let line = listener.line("was not sent").await;
        assert!(line.starts_with("ERROR") && line.contains("kind=Reset") && line.contains(&answer[..3]), "{line}");
        assert!(peer.is_quiet());
        assert_discreet(&listener);
    }
}

#[tokio::test]
async fn after_the_last_attempt_the_mail_is_given_up() {
    let (listener, _guard) = Listener::start();
    let mut peer =
        Peer::start(Rules::new(|_, command| command.starts_with("RCPT").then_some("450 alice@example.com"))).await;
    peer.mailer().retries([SOON, SOON]).build().unwrap().send(mail(MailKind::Confirm));
    for _ in 0..3 {
        peer.session().await;
    }
    let line = listener.line("was not sent").await;
    assert!(line.contains("the server answers 450"), "{line}");
    assert!(peer.is_quiet());
    assert_discreet(&listener);
}

#[tokio::test]
async fn a_server_that_is_down_is_told_by_its_kind_of_failure() {
    let (listener, _guard) = Listener::start();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("smtp://{closed}");
    let mailer = portcullis_lettre::SmtpMailer::builder(url, crate::peer::FROM).retries([]).build().unwrap();
    mailer.send(mail(MailKind::Confirm));
    let line = listener.line("was not sent").await;
    assert!(line.contains("the connection failed: connection refused"), "{line}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_and_no_longer() {
    let (listener, _guard) = Listener::start();
    let peer = Peer::start(Rules::new(|_, _| Some("say nothing"))).await;
    let start = Instant::now();
    peer.mailer().timeout(Duration::from_millis(200)).build().unwrap().send(mail(MailKind::Confirm));
    let line = listener.line("was not sent").await;
    assert!(line.contains("no answer in time"), "{line}");
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn beyond_the_queue_mails_are_dropped_and_nobody_waits() {
    let (listener, _guard) = Listener::start();
    let peer = Peer::start(Rules::new(|_, _| Some("say nothing"))).await;
    let mailer = peer.mailer().queue(2).timeout(Duration::from_secs(20)).build().unwrap();
    let start = Instant::now();
    for kind in [MailKind::Confirm, MailKind::Reset, MailKind::MagicLink] {
        mailer.send(mail(kind));
    }
    assert!(start.elapsed() < Duration::from_secs(2));
    let lines = listener.lines();
    assert!(
        matches!(&*lines, [line] if line.contains("too many mails are waiting") && line.contains("MagicLink")),
        "{lines:?}"
    );
    assert_discreet(&listener);
}

#[tokio::test]
async fn there_is_room_again_when_mails_were_sent() {
    let mut peer = Peer::usual().await;
    let (listener, _guard) = Listener::start();
    let mailer = peer.mailer().queue(1).build().unwrap();
    for nth in 1..=5 {
        mailer.send(mail(MailKind::Confirm));
        peer.session().await;
        while listener.lines().len() < nth {
            tokio::time::sleep(SOON).await;
        }
        // The place is given back after the event.
        tokio::time::sleep(SOON).await;
    }
    assert!(listener.lines().iter().all(|line| line.contains("a mail was sent")), "{:?}", listener.lines());
}

#[tokio::test]
async fn mails_are_sent_after_the_last_clone_was_dropped() {
    let mut peer = Peer::usual().await;
    let mailer = peer.mailer().build().unwrap();
    for _ in 0..20 {
        mailer.clone().send(mail(MailKind::Confirm));
    }
    drop(mailer);
    for _ in 0..20 {
        assert!(!peer.session().await.content.is_empty());
    }
}

#[tokio::test]
async fn a_mailer_needs_no_runtime() {
    let mut peer = Peer::usual().await;
    let builder = peer.mailer();
    thread::spawn(move || builder.build().unwrap().send(mail(MailKind::Confirm))).join().unwrap();
    assert!(!peer.session().await.content.is_empty());
}
