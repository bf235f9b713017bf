//! The instance cannot be asked, or not so.

use crate::{
    asking::{NOW, enter, status},
    clients::{Counted, Relay},
    common::{Anyhow, variable},
    instance::Instance,
    service::{ME, Service},
};
use portcullis::{
    Credential, CredentialSource, ErrorKind, Gate, HttpClient, HttpRequest, Reply, Scheme,
    providers::directus::Directus,
};
use std::{
    io::Read,
    net::TcpListener,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes on loopback.
const WHILE: Duration = Duration::from_secs(30);

/// Cases 95 and 113. What the secret alone can tell goes on; the rest is 503, and over when the instance is back.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_stopped() -> Anyhow {
    let instance = Instance::new("");
    let mut relay = Relay::start(&instance.url)?;
    let hybrid = instance.local()?.hybrid(&relay.url(), Counted::new()?)?.remember(Duration::ZERO, Duration::ZERO);
    let introspect = Directus::introspect(&relay.url(), Counted::new()?)?.remember(Duration::ZERO, Duration::ZERO);
    let (by_both, by_asking) = (Service::start(hybrid).await?, Service::start(introspect).await?);
    let (json, session) = (instance.login("USER", "json")?, instance.login("USER", "session")?);
    let opaque = variable("DIRECTUS_STATIC_TOKEN");
    for _ in 0..2 {
        for token in [&json, &session, &opaque] {
            // A failing instance is left alone for a second, and for longer only if it fails again.
            let began = Instant::now();
            while by_both.status_by_bearer(ME, token)? != 200 || by_asking.status_by_bearer(ME, token)? != 200 {
                assert!(began.elapsed() < WHILE, "it is back");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            assert_eq!((by_both.statuses(token)?, by_asking.statuses(token)?), ([200, 403], [200, 403]));
        }
        relay.stop()?;
        for token in [&session, &opaque] {
            assert_eq!((by_both.statuses(token)?, by_asking.statuses(token)?), ([503, 503], [503, 503]));
        }
        assert_eq!((by_both.statuses(&json)?, by_asking.statuses(&json)?), ([200, 403], [503, 503]));
        assert_eq!(by_both.statuses(&format!("{session}x"))?, [401, 401], "nor is a forged one an outage");
        relay.resume()?;
    }
    println!("stopped: 503 for sessions and static tokens, 200 for a token without; all 200 once it is back");
    Ok(())
}

/// What is remembered outlives it, but not on a route that has to know.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_meanwhile() -> Anyhow {
    let instance = Instance::new("");
    let mut relay = Relay::start(&instance.url)?;
    let hybrid = instance.local()?.hybrid(&relay.url(), Counted::new()?)?;
    let hybrid = hybrid.remember(Duration::from_secs(3600), Duration::ZERO);
    let session = instance.login("USER", "session")?;
    assert!(enter(&hybrid, &session, None).await.is_ok());
    relay.stop()?;
    assert!(enter(&hybrid, &session, None).await.is_ok());
    assert_eq!(status(&hybrid, &session, NOW).await, 503);
    assert!(enter(&hybrid, &session, None).await.is_ok());
    Ok(())
}

/// Something else answers at the address.
#[tokio::test(flavor = "multi_thread")]
async fn no_directus_at_the_address() -> Anyhow {
    let instance = Instance::new("");
    let session = instance.login("USER", "session")?;
    let elsewhere = format!("{}/nowhere", instance.url);
    let refusing = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())?;
    for url in [elsewhere, format!("http://{refusing}")] {
        let hybrid = instance.local()?.hybrid(&url, Counted::new()?)?;
        assert_eq!(status(&hybrid, &session, None).await, 503, "{url}");
    }
    Ok(())
}

/// A credential that no source has read, such as the first message on a WebSocket, may have lines in it. They never become
/// headers of what Directus is asked.
#[tokio::test(flavor = "multi_thread")]
async fn lines_in_a_credential() -> Anyhow {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let (seen, heads) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n")
                && stream.by_ref().take(1).read_to_end(&mut head).is_ok_and(|read| read > 0)
            {}
            drop(seen.send(String::from_utf8_lossy(&head).into_owned()));
        }
    });
    let client = Counted::new()?;
    let way = Directus::introspect(&url, client.clone())?;
    let gate = Gate::builder().scheme(Scheme::new(way).bearer()).build()?;
    for text in ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\rx-evil: 1", "a\r\n\r\nGET /x-evil HTTP/1.1", "a\0x-evil"] {
        let who = gate.authenticate(Credential::new(text, CredentialSource::bearer())).await;
        assert_eq!(who.principal().map_or_else(|error| error.status(), |_| 200), 401, "{text:?}");
        assert_eq!(client.sent(), 0, "{text:?}");
    }
    // Nor does the client send them, whoever asks it to.
    for text in ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\0x-evil"] {
        let (told, answers) = mpsc::channel();
        let reply = Reply::new(move |answer| {
            let _ = told.send(answer.map(drop).map_err(|error| error.kind()));
        });
        client.send(HttpRequest::get(&url).with_header("authorization", format!("Bearer {text}")), reply);
        assert_eq!(answers.recv_timeout(WHILE)?, Err(ErrorKind::Misconfigured), "{text:?}");
    }
    let who = gate.authenticate(Credential::new("harmless", CredentialSource::bearer())).await;
    assert_eq!(who.principal().map_or_else(|error| error.status(), |_| 200), 503);
    let head = heads.recv_timeout(WHILE)?;
    assert!(head.contains("authorization: Bearer harmless\r\n"), "the first that anybody was asked about: {head}");
    assert!(heads.try_recv().is_err());
    Ok(())
}
